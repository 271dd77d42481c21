// One line per event: for people by default, JSON for machines. A level below the threshold is a
// function that does nothing.

import type { Clock, Fields, Log } from '../host.ts';

export const levels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type Level = (typeof levels)[number];

export interface LogOptions {
  /** The lowest level that is written. Default 'info'. */
  readonly level?: Level;
  /** Default 'text'. */
  readonly format?: 'text' | 'json';
  /** Colours in text lines. Default: where the error output is a terminal. */
  readonly colour?: boolean;
  /** Where lines go, without their line end. Default: the error output. */
  readonly write?: (line: string) => void;
}

/** Fields that are never written, whoever passes them. */
const SECRET = /^(k|op|opc|ck|ik|ha1|xres|res|kasme|password|secret|token|authorization)$/i;
/** Characters of one value; the rest of what a peer sent is of no use in a line. */
const MOST_CHARACTERS = 500;

const COLOURS = { debug: '\x1b[2m', info: '\x1b[32m', warn: '\x1b[33m', error: '\x1b[31m' };
const PLAIN = '\x1b[0m';

export function createLog(instance: string, clock: Clock, options: LogOptions = {}): Log {
  const write = options.write ?? (line => void process.stderr.write(`${line}\n`));
  const colour = options.colour ?? process.stderr.isTTY === true;
  const threshold = levels.indexOf(options.level ?? 'info');
  const line = options.format === 'json' ? jsonLine : textLine;

  const at = (level: Exclude<Level, 'silent'>): Log[typeof level] => {
    if (levels.indexOf(level) < threshold) return () => {};
    return (event, fields = {}) => write(line(clock.now(), level, instance, event, fields, colour));
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

type Line = (
  time: number,
  level: Exclude<Level, 'silent'>,
  instance: string,
  event: string,
  fields: Fields,
  colour: boolean,
) => string;

const jsonLine: Line = (time, level, instance, event, fields) => {
  const shown: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined) shown[key] = SECRET.test(key) ? '***' : jsonValue(value);
  }
  const at = new Date(time).toISOString();
  // The line's own names win over a field of the same name.
  return JSON.stringify({ time: at, level, instance, event, ...prefixed(shown) });
};

const OWN = new Set(['time', 'level', 'instance', 'event']);

function prefixed(fields: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(fields);
  return Object.fromEntries(entries.map(([key, value]) => [OWN.has(key) ? `_${key}` : key, value]));
}

const textLine: Line = (time, level, instance, event, fields, colour) => {
  const words: string[] = [];
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined) words.push(`${key}=${SECRET.test(key) ? '***' : textValue(value)}`);
  }
  const clockTime = new Date(time).toISOString().slice(11, 23);
  const name = level.padEnd(5);
  const shown = colour ? `${COLOURS[level]}${name}${PLAIN}` : name;
  return [clockTime, shown, instance, event, ...words].join(' ');
};

function jsonValue(value: unknown): unknown {
  if (typeof value === 'string') return shortened(value);
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value;
  return shortened(plain(value));
}

/** A word stays bare; anything else is quoted, so that nothing a peer sent moves the terminal. */
function textValue(value: unknown): string {
  const text = shortened(typeof value === 'string' ? value : plain(value));
  return /^[\x21\x23-\x7e]+$/.test(text) ? text : quoted(text);
}

const quoted = (text: string): string =>
  JSON.stringify(text).replace(/[\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g, escaped);

const escaped = (character: string): string =>
  `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

function plain(value: unknown): string {
  if (value instanceof Error) return value.message;
  if (value instanceof Uint8Array) return `<${value.length} octets>`;
  if (typeof value !== 'object' || value === null) return String(value);
  const hidden = (key: string, inner: unknown): unknown => {
    if (SECRET.test(key)) return '***';
    if (inner instanceof Uint8Array) return `<${inner.length} octets>`;
    return typeof inner === 'bigint' ? String(inner) : inner;
  };
  try {
    return JSON.stringify(value, hidden);
  } catch {
    return '<not printable>';
  }
}

function shortened(text: string): string {
  return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text;
}
