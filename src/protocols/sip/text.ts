// Text as octets: one character per octet (ISO 8859-1), so that whatever came in goes out byte for
// byte. UTF-8 gets its meaning only where a person reads. RFC 3261 §25.1 for the character classes.

import { SipError } from './error.ts';

const TOKEN = 1;
const SPACE = 2;
const DIGIT = 4;
const HEX = 8;
const UPPER = 16;
const HOST = 32;
const NO_URI = 64;

const classes = new Uint8Array(256);
const mark = (characters: string, bit: number): void => {
  for (let i = 0; i < characters.length; i++) classes[characters.charCodeAt(i)]! |= bit;
};
mark('0123456789', TOKEN | DIGIT | HEX);
mark('abcdefABCDEF', TOKEN | HEX);
mark('ghijklmnopqrstuvwxyzGHIJKLMNOPQRSTUVWXYZ', TOKEN);
mark("-.!%*_+`'~", TOKEN);
mark('ABCDEFGHIJKLMNOPQRSTUVWXYZ', UPPER | HOST);
mark('abcdefghijklmnopqrstuvwxyz0123456789.-_', HOST); // names of real networks have '_'
mark(' \t\r\n', SPACE);
mark('"<>\x7f', NO_URI);
for (let code = 0; code <= 0x20; code++) classes[code]! |= NO_URI;

const classOf = (code: number): number => (code < 256 ? classes[code]! : 0);

export const isTokenCode = (code: number): boolean => (classOf(code) & TOKEN) !== 0;
export const isSpaceCode = (code: number): boolean => (classOf(code) & SPACE) !== 0;
export const isDigitCode = (code: number): boolean => (classOf(code) & DIGIT) !== 0;
export const isUpperCode = (code: number): boolean => (classOf(code) & UPPER) !== 0;
/** Letters, digits, '-', '.', '_': host names and IPv4 addresses. */
export const isHostCode = (code: number): boolean => (classOf(code) & HOST) !== 0;
/** White space, controls and the delimiters of RFC 3261 §25 that no URI may hold. */
export const isNoUriCode = (code: number): boolean => (classOf(code) & NO_URI) !== 0;
export const isHexCode = (code: number): boolean => (classOf(code) & HEX) !== 0;

/** `token` of RFC 3261 §25.1: never empty. */
export function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (!isTokenCode(text.charCodeAt(i))) return false;
  return text.length > 0;
}

/** The first position from `at` that is no white space; `end` where all of it is. */
export function skipSpace(text: string, at: number, end: number = text.length): number {
  while (at < end && isSpaceCode(text.charCodeAt(at))) at++;
  return at;
}

/** The position of the quote that closes the one at `open`. Throws SipError 400 where none does. */
export function closingQuote(text: string, open: number, end: number = text.length): number {
  for (let i = open + 1; i < end; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x22) return i;
    if (code === 0x5c) i++;
  }
  throw new SipError(400, 'a quoted string has no end', { clause: 'RFC 3261 §25.1' });
}

/** A quoted string around `text`, whose escapes are already those of the wire. */
export function quoted(text: string): string {
  if (!text.includes('"') && !text.includes('\\')) return `"${text}"`;
  let out = '';
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    if (character === '"') out += '\\"';
    else if (character !== '\\') out += character;
    else if (i + 1 < text.length) out += character + text[++i];
    else out += '\\\\';
  }
  return `"${out}"`;
}

/** Undoes the quoted-pair escapes that `displayName` and parameter values keep. */
export function unescaped(text: string): string {
  return text.includes('\\') ? text.replace(/\\([\s\S])/g, '$1') : text;
}

/** Octets of a message as a person reads them: UTF-8, without control characters. */
export function displayText(octets: string): string {
  const text = /[\x80-\xff]/.test(octets) ? Buffer.from(octets, 'latin1').toString('utf8') : octets;
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, '\ufffd');
}

/** A person's text as the octets a message carries: the way back from `displayText`. */
export function octetText(text: string): string {
  return /[^\x00-\x7f]/.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text;
}

/**
 * A copy that does not hold on to the message it was cut from. What outlives a transaction
 * (bindings, dialogs) keeps copies: a slice pins the whole message.
 */
export function copied(text: string): string {
  return latin1(Buffer.from(text, 'latin1'));
}

interface FastBuffer {
  latin1Slice(start?: number, end?: number): string;
}

/** Octets from `start` to `end` as text, one character each. */
export function latin1(octets: Buffer, start = 0, end = octets.length): string {
  return (octets as unknown as FastBuffer).latin1Slice(start, end); // toString without its checks
}

/** `text.slice(from, to).indexOf(needle)` as a position in `text`; -1 where it is not there. */
export function indexWithin(text: string, needle: string, from: number, to: number): number {
  const found = text.slice(from, to).indexOf(needle);
  return found < 0 ? -1 : from + found;
}

/** `text.slice(from, to)` in lower case. */
export function lowerSlice(text: string, from: number, to: number): string {
  for (let i = from; i < to; i++) {
    if (isUpperCode(text.charCodeAt(i))) return text.slice(from, to).toLowerCase();
  }
  return text.slice(from, to);
}

/** Folding undone (RFC 3261 §7.3.1) and the ends trimmed. */
export function unfolded(text: string): string {
  if (!text.includes('\n')) return trimmed(text);
  const lines = text.split('\n');
  return trimmed(lines.map(line => trimmed(line)).join(' '));
}

/** Without SP, HTAB, CR and LF at either end. */
export function trimmed(text: string): string {
  return trimmedSlice(text, 0, text.length);
}

/** `trimmed(text.slice(start, end))` with one slice. */
export function trimmedSlice(text: string, start: number, end: number): string {
  while (start < end && isSpaceCode(text.charCodeAt(start))) start++;
  while (end > start && isSpaceCode(text.charCodeAt(end - 1))) end--;
  return start === 0 && end === text.length ? text : text.slice(start, end);
}

/** The position of the parenthesis that closes the one at `open`; they nest. RFC 3261 §25.1 */
export function closingParenthesis(text: string, open: number): number {
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x5c) i++;
    else if (code === 0x28) depth++;
    else if (code === 0x29 && --depth === 0) return i;
  }
  throw new SipError(400, 'a comment has no end', { clause: 'RFC 3261 §25.1' });
}
