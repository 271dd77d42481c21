// One event in full, for a terminal: a SIP message as its text, others field by field or in
// hexadecimal, a decision as what it was and why. Secrets are masked as everywhere.

import type { TraceEvent } from '#kernel/trace';
import type { Paint } from './paint.ts';
import { plain, wrapped } from './plain-text.ts';

export interface ShownLine {
  readonly text: string;
  readonly paint: Paint;
}

/** A message of more is cut: nobody reads on. */
const MOST_LINES = 5000;

export function messageLines(event: TraceEvent, width: number): ShownLine[] {
  const line = (text: string, paint: Paint = 'none') =>
    broken(plain(text), width).map(part => ({ text: part, paint }));
  if (event.kind === 'decision') {
    const { decision, at, chose, because, clause, keys } = event;
    const lines = [
      ...line(decision, 'bold'),
      ...line(''),
      ...line(`at       ${at}`),
      ...line(`chose    ${chose}`),
      ...line(`because  ${because}`),
      ...(clause === undefined ? [] : line(`clause   ${clause}`)),
    ];
    for (const [key, value] of Object.entries(keys))
      lines.push(...line(`${key.padEnd(9)}${value}`, 'dim'));
    return lines;
  }
  const { message, protocol, lost } = event;
  const heading = [
    ...line(message.summary(), 'bold'),
    ...(lost === undefined ? [] : line(`never arrived: ${lost}`, 'lost')),
    ...line(''),
  ];
  const body =
    protocol === 'sip'
      ? Buffer.from(message.masked()).toString('utf8').split(/\r?\n/)
      : (nonEmpty(message.dissect?.()) ?? hexLines(message.masked()));
  return [...heading, ...body.slice(0, MOST_LINES).flatMap(text => line(text))];
}

const nonEmpty = (lines: readonly string[] | undefined): readonly string[] | undefined =>
  lines === undefined || lines.length === 0 ? undefined : lines;

/** Indentation stays; what is too long goes on in the next line. */
function broken(text: string, width: number): string[] {
  return text.length <= width ? [text] : wrapped(text, width);
}

/** '0010  48 65 6c 6c 6f …  Hello' */
function hexLines(octets: Uint8Array): string[] {
  const lines: string[] = [];
  for (let at = 0; at < octets.length; at += 16) {
    const part = Buffer.from(octets.subarray(at, at + 16));
    const hex = Array.from(part, octet => octet.toString(16).padStart(2, '0')).join(' ');
    const text = part.toString('latin1').replace(/[^ -~]/g, '.');
    lines.push(`${at.toString(16).padStart(4, '0')}  ${hex.padEnd(47)}  ${text}`);
  }
  return lines;
}
