// Secrets overwritten at equal length, so that what is shown still dissects: digest responses,
// CK and IK on their way to the P-CSCF, other schemes' credentials, SRTP keys in SDP.

import { isSpaceCode, isTokenCode, latin1, skipSpace } from './text.ts';

const STAR = 0x2a;
const AUTH_HEADERS = new Set([
  'authorization',
  'proxy-authorization',
  'www-authenticate',
  'proxy-authenticate',
  'authentication-info',
  'proxy-authentication-info',
]);
const SECRET_PARAMS = new Set(['response', 'rspauth', 'ck', 'ik']);

/** A span of octets, end not included. */
type Span = readonly [start: number, end: number];

/**
 * The secrets in the value of the header `key`, as spans of `text` between `from` and `to`. Text
 * that does not parse is masked from where it stops making sense.
 */
export function secretsOf(key: string, text: string, from: number, to: number): Span[] {
  if (!AUTH_HEADERS.has(key)) return [];
  let at = skipSpace(text, from);
  if (!key.endsWith('-info')) {
    const schemeAt = at;
    while (at < to && isTokenCode(text.charCodeAt(at))) at++;
    const scheme = text.slice(schemeAt, at).toLowerCase();
    at = skipSpace(text, at);
    const isAnswer = key.endsWith('authorization');
    if (isAnswer && scheme !== 'digest') return at < to ? [[at, to]] : []; // Basic, Bearer …
  }
  const spans: Span[] = [];
  while (at < to) {
    const code = text.charCodeAt(at);
    if (code === 0x2c || isSpaceCode(code)) {
      at++;
      continue;
    }
    const nameAt = at;
    while (at < to && isTokenCode(text.charCodeAt(at))) at++;
    const name = text.slice(nameAt, at).toLowerCase();
    at = skipSpace(text, at);
    if (at === nameAt || at >= to || text.charCodeAt(at) !== 0x3d) return [...spans, [nameAt, to]];
    at = skipSpace(text, at + 1);
    let valueAt = at;
    let end: number;
    if (text.charCodeAt(at) === 0x22) {
      valueAt = ++at;
      while (at < to && text.charCodeAt(at) !== 0x22) at += text.charCodeAt(at) === 0x5c ? 2 : 1;
      end = Math.min(at, to);
      at = end + 1;
    } else {
      while (at < to && text.charCodeAt(at) !== 0x2c && !isSpaceCode(text.charCodeAt(at))) at++;
      end = at;
    }
    if (SECRET_PARAMS.has(name) && end > valueAt) spans.push([valueAt, end]);
  }
  return spans;
}

/** Overwrites `octets` in place. */
export function overwrite(octets: Uint8Array, spans: Iterable<Span>, offset = 0): void {
  for (const [start, end] of spans) octets.fill(STAR, offset + start, offset + end);
}

/** Masks SDES keys (RFC 4568 §9.1) and `k=` lines of an SDP body that begins at `from`. */
export function maskSdp(octets: Uint8Array, from: number): void {
  const text = latin1(Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength), from);
  for (let at = 0; at >= 0 && at < text.length; ) {
    const lineEnd = text.indexOf('\n', at);
    const end = lineEnd < 0 ? text.length : lineEnd;
    if (text.startsWith('k=', at)) mask(octets, from, text, at + 2, end);
    else if (text.startsWith('a=crypto:', at)) {
      for (
        let key = text.indexOf('inline:', at);
        key >= 0 && key < end;
        key = text.indexOf('inline:', key + 7)
      ) {
        let stop = key + 7;
        while (stop < end && !endsKey(text.charCodeAt(stop))) stop++;
        octets.fill(STAR, from + key + 7, from + stop);
      }
    }
    at = lineEnd < 0 ? -1 : lineEnd + 1;
  }
}

const endsKey = (code: number): boolean => code === 0x7c || code === 0x3b || code <= 0x20;

function mask(octets: Uint8Array, from: number, text: string, start: number, end: number): void {
  const stop = end > start && text.charCodeAt(end - 1) === 0x0d ? end - 1 : end;
  octets.fill(STAR, from + start, from + stop);
}
