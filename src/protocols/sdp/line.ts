// The lines of a session description, RFC 8866 §5: one letter, '=', a value. Text is kept as
// octets, one character each, and every line keeps the ending it came with, so that what nobody
// changed is written as it was read.

import { SdpError } from './sdp-error.ts';

export interface SdpLine {
  /** The letter: 'v', 'o', 'm', 'a'. */
  readonly type: string;
  readonly value: string;
  /** As received: CRLF, or LF alone (RFC 8866 §5 asks parsers to take it), or nothing at the end. */
  readonly end: '\r\n' | '\n' | '';
}

/** Bounds on what a peer may send; beyond them the body is refused, not cut. */
export const sdpLimits = {
  octets: 32_768,
  lineOctets: 4096,
  lines: 1024,
  media: 32,
  /** Payload types in one m= line. */
  formats: 128,
} as const;

/** RFC 8866 §5: an unknown letter makes the whole description unusable. */
const letters = 'vosiuepcbtrzkam';

export function line(type: string, value: string): SdpLine {
  return { type, value, end: '\r\n' };
}

/** Splits a body into its lines; throws an SdpError on anything that is not `letter=value`. */
export function splitLines(text: string): SdpLine[] {
  if (text.length > sdpLimits.octets) {
    throw new SdpError(`description longer than ${sdpLimits.octets} octets`);
  }
  const lines: SdpLine[] = [];
  let at = 0;
  while (at < text.length) {
    const feed = text.indexOf('\n', at);
    const stop = feed < 0 ? text.length : feed;
    const hasReturn = feed > at && text.charCodeAt(feed - 1) === 0x0d;
    lines.push(
      readLine(text, at, hasReturn ? stop - 1 : stop, feed < 0 ? '' : hasReturn ? '\r\n' : '\n'),
    );
    if (lines.length > sdpLimits.lines) throw new SdpError(`more than ${sdpLimits.lines} lines`);
    at = stop + 1;
  }
  return lines;
}

function readLine(text: string, from: number, to: number, end: SdpLine['end']): SdpLine {
  if (to - from > sdpLimits.lineOctets) {
    throw new SdpError(`line longer than ${sdpLimits.lineOctets} octets`, { offset: from });
  }
  const type = text.charAt(from);
  if (to - from < 2 || text.charAt(from + 1) !== '=') {
    throw new SdpError('not a line of the form letter=value', {
      offset: from,
      clause: 'RFC 8866 §5',
    });
  }
  if (!letters.includes(type)) {
    throw new SdpError(`unknown type letter '${type}'`, { offset: from, clause: 'RFC 8866 §5' });
  }
  const value = text.slice(from + 2, to);
  if (/[\0\r]/.test(value)) {
    throw new SdpError('NUL or a bare CR inside a line', { offset: from, clause: 'RFC 8866 §9' });
  }
  return { type, value, end };
}

export function lineText({ type, value, end }: SdpLine): string {
  return `${type}=${value}${end}`;
}
