// Reads a network file: YAML, validated against the schema, every error with file, line, key, value
// and what is allowed. Settings given on the command line (`--set path.to.key=value`) come last.

import { Ajv, type ErrorObject } from 'ajv';
import { LineCounter, parseDocument, parse as parseYaml } from 'yaml';
import { UsageError } from '#kernel/errors';
import { NetworkSchema, type NetworkSettings } from './schema.ts';

export interface NetworkFileInput {
  /** As a person would name it; appears in errors. */
  readonly name: string;
  readonly text: string;
  /** `path.to.key=value` each; the value is read as YAML. */
  readonly settings?: readonly string[];
}

const ajv = new Ajv({ allErrors: true, useDefaults: true, verbose: true, strict: false });
const validate = ajv.compile<NetworkSettings>(NetworkSchema);

/** Parses, applies settings, fills defaults. Throws one UsageError that lists every mistake. */
export function readNetworkFile(input: NetworkFileInput): NetworkSettings {
  const lines = new LineCounter();
  const { document, data } = readYaml(input, lines);
  if (!isRecord(data)) {
    throw new UsageError(
      `${input.name}:1: a network file is a mapping of settings, such as "network: lab"`,
    );
  }
  const fromCommandLine = new Map<string, string>();
  for (const setting of input.settings ?? []) applySetting(data, setting, fromCommandLine);

  if (!validate(data)) {
    const whereIs = (path: readonly string[]): string => {
      const setting = [...fromCommandLine].find(([key]) => path.join('.').startsWith(key));
      if (setting) return `--set ${setting[1]}`;
      // The nearest node that is in the file: a missing key has no line of its own.
      for (let depth = path.length; depth >= 0; depth--) {
        const node = document.getIn(path.slice(0, depth), true) as { range?: [number] } | undefined;
        if (node?.range) return `${input.name}:${lines.linePos(node.range[0]).line}`;
      }
      return `${input.name}:1`;
    };
    const errors = (validate.errors ?? []).filter(error => error.keyword !== 'anyOf');
    throw new UsageError([...new Set(errors.map(error => describe(error, whereIs)))].join('\n'));
  }
  return data;
}

function readYaml(input: NetworkFileInput, lines: LineCounter) {
  const wrong = (line: number, message: string): string =>
    `${input.name}:${line}: not YAML: ${firstLine(message)}`;
  try {
    const document = parseDocument(input.text, { lineCounter: lines, logLevel: 'error' });
    const { errors } = document;
    if (errors.length > 0) {
      const all = errors.map(({ linePos, message }) => wrong(linePos?.[0].line ?? 1, message));
      throw new UsageError(all.join('\n'));
    }
    return { document, data: (document.toJS() ?? {}) as unknown };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    // an alias without its anchor or too many of them; nesting beyond the stack
    throw new UsageError(wrong(1, (error as Error).message));
  }
}

/** The home domain: given, or derived from the PLMN (TS 23.003 §13.2). */
export function homeDomain(settings: NetworkSettings): string {
  const { mcc, mnc } = settings.plmn;
  return settings.home ?? `ims.mnc${mnc.padStart(3, '0')}.mcc${mcc}.3gppnetwork.org`;
}

function applySetting(
  data: Record<string, unknown>,
  setting: string,
  applied: Map<string, string>,
): void {
  const equals = setting.indexOf('=');
  if (equals < 1) {
    throw new UsageError(`--set ${setting}: write path.to.key=value, such as scscf.listen=true`);
  }
  const path = setting.slice(0, equals).split('.');
  let at = data;
  for (const key of path.slice(0, -1)) {
    if (isRecord(at) && at[key] === undefined) Object.defineProperty(at, key, entry({}));
    const next = Object.hasOwn(at, key) ? at[key] : undefined;
    if (!isRecord(next)) {
      throw new UsageError(`--set ${setting}: ${key} is a single value and has no keys below it`);
    }
    at = next;
  }
  const last = path.at(-1) ?? '';
  let value: unknown;
  try {
    value = parseYaml(setting.slice(equals + 1));
  } catch (error) {
    throw new UsageError(`--set ${setting}: not YAML: ${firstLine((error as Error).message)}`);
  }
  Object.defineProperty(at, last, entry(value));
  applied.set(path.join('.'), setting);
}

/** An own property even where the key is `__proto__`, so that the schema refuses it by name. */
const entry = (value: unknown) => ({ value, writable: true, enumerable: true, configurable: true });

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The parser repeats the place, which is told already. */
const firstLine = (message: string): string =>
  (message.split('\n')[0] ?? message).replace(/ at line \d+, column \d+:$/, '');

function describe(error: ErrorObject, whereIs: (path: readonly string[]) => string): string {
  const path = error.instancePath.split('/').slice(1).map(unescapePointer);
  const shown = JSON.stringify(error.data);
  switch (error.keyword) {
    case 'additionalProperties': {
      const key = String(error.params.additionalProperty);
      const allowed = Object.keys((error.parentSchema?.properties as object) ?? {});
      const near = nearest(key, allowed);
      const hint = near ? `did you mean ${near}? ` : '';
      return `${whereIs([...path, key])}: ${[...path, key].join('.')}: unknown setting; ${hint}allowed here: ${allowed.join(', ')}`;
    }
    case 'required':
      return `${whereIs(path)}: ${[...path, String(error.params.missingProperty)].join('.')}: missing, and it has no default`;
    case 'enum':
      return `${whereIs(path)}: ${path.join('.')}: ${shown} is not allowed; write one of ${(error.params.allowedValues as unknown[]).join(', ')}`;
    case 'pattern':
      return `${whereIs(path)}: ${path.join('.')}: ${shown} does not fit; it is ${String(error.parentSchema?.description ?? error.params.pattern)}`;
    default:
      return `${whereIs(path)}: ${path.join('.') || 'the file'}: ${shown} ${error.message ?? 'is not allowed'}${about(error)}`;
  }
}

function about(error: ErrorObject): string {
  const description = error.parentSchema?.description;
  return typeof description === 'string' ? ` (${description})` : '';
}

const unescapePointer = (part: string): string => part.replaceAll('~1', '/').replaceAll('~0', '~');

/** The allowed key a person most likely meant: at most two letters off. */
function nearest(key: string, allowed: readonly string[]): string | undefined {
  const scored = allowed
    .map(candidate => ({
      candidate,
      distance: editDistance(key.toLowerCase(), candidate.toLowerCase()),
    }))
    .sort((a, b) => a.distance - b.distance);
  return scored[0] && scored[0].distance <= 2 ? scored[0].candidate : undefined;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(substituted, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1);
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
}
