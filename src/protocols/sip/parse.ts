// Octets to messages. Lines are found and named; values stay unparsed until asked for. RFC 3261 §7.

import { SipError } from './error.ts';
import { type HeaderDef, HeaderField, headerNamed } from './header.ts';
import './headers.ts';
import { limits } from './limits.ts';
import { type Received, type SipMessage, SipRequest, SipResponse } from './message.ts';
import { isToken, latin1, trimmed, unfolded } from './text.ts';
import { type OtherUri, parseUri, type Uri } from './uri.ts';

export { normalise } from './normalise.ts';

/** Start line and headers of one message, before its body is known. */
export interface Head {
  readonly text: string;
  readonly startEnd: number;
  readonly headers: readonly HeaderField[];
  /** Where the body begins: behind the empty line. */
  readonly end: number;
  readonly bareLf: boolean;
  /** The lines that say Content-Length. */
  readonly lengths: readonly HeaderField[];
}

/**
 * Reads one message as a datagram or a WebSocket message carries it: what follows the body that
 * Content-Length announces is ignored (RFC 3261 §18.3). Keeps `octets`: they must not change later.
 * Throws SipError with the status it deserves, and with `request` where it can be answered.
 */
export function parseMessage(octets: Uint8Array): SipMessage {
  return parsePrefix(octets).message;
}

/** The same, and how many octets the message took. */
export function parsePrefix(octets: Uint8Array): { message: SipMessage; length: number } {
  const buffer = bufferOf(octets);
  let from = 0; // empty lines before the start line are passed over: RFC 3261 §7.5
  while (buffer[from] === 0x0d || buffer[from] === 0x0a) from++;
  let headEnd = buffer.indexOf('\r\n\r\n', from, 'latin1');
  headEnd = headEnd < 0 ? buffer.length : headEnd + 4;
  if (headEnd - from > limits.head) throw new SipError(513, 'the headers are too long');
  const head = parseHead(latin1(buffer, from, headEnd));
  const length = contentLength(head);
  const end = length === undefined ? buffer.length : from + head.end + length;
  if (end > buffer.length) {
    throw refusal(
      head,
      new SipError(400, 'the body is shorter than Content-Length', { clause: 'RFC 3261 §18.3' }),
    );
  }
  return { message: assemble(head, buffer, from, end), length: end };
}

export function bufferOf(octets: Uint8Array): Buffer {
  return Buffer.isBuffer(octets)
    ? octets
    : Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
}

/** `text` begins with the start line. */
export function parseHead(text: string): Head {
  let at = 0;
  let newline = text.indexOf('\n');
  if (newline < 0) throw new SipError(400, 'no start line', { clause: 'RFC 3261 §7' });
  let bareLf = text.charCodeAt(newline - 1) !== 0x0d;
  const startEnd = bareLf ? newline : newline - 1;
  at = newline + 1;

  const headers: HeaderField[] = [];
  const lengths: HeaderField[] = [];
  for (;;) {
    newline = text.indexOf('\n', at);
    if (newline < 0) break; // no empty line: refused below
    let end = newline - 1;
    if (text.charCodeAt(end) !== 0x0d) {
      bareLf = true;
      end = newline;
    }
    if (end === at) return { text, startEnd, headers, end: newline + 1, bareLf, lengths };
    // a line that begins with white space continues the one before: §7.3.1
    let next = text.charCodeAt(newline + 1);
    while (next === 0x20 || next === 0x09) {
      newline = text.indexOf('\n', newline + 1);
      if (newline < 0) break;
      end = newline - 1;
      if (text.charCodeAt(end) !== 0x0d) {
        bareLf = true;
        end = newline;
      }
      next = text.charCodeAt(newline + 1);
    }
    if (newline < 0) break;
    const field = parseField(text, at, end);
    if (field.key === 'content-length') lengths.push(field);
    headers.push(field);
    if (headers.length > limits.headers)
      throw new SipError(400, 'too many headers', { offset: at });
    at = newline + 1;
  }
  const head = { text, startEnd, headers, end: text.length, bareLf, lengths };
  throw refusal(
    head,
    new SipError(400, 'no empty line after the headers', { clause: 'RFC 3261 §7' }),
  );
}

function parseField(text: string, at: number, end: number): HeaderField {
  const colon = text.indexOf(':', at);
  if (colon < 0 || colon >= end)
    throw new SipError(400, 'a header line has no colon', { offset: at });
  const name = text.slice(at, colon);
  let def: HeaderDef<unknown> | undefined = headerNamed(name);
  let key = def?.key;
  if (key === undefined) {
    // HCOLON allows SP and HTAB before the colon; links that are not trusted do not (normalise)
    const bare = trimmed(name);
    // white space in front would continue the start line: written elsewhere, another header
    if (!isToken(bare) || !name.startsWith(bare))
      throw new SipError(400, 'a header name is no token', { offset: at });
    if (bare !== name) def = headerNamed(bare);
    key = def?.key ?? bare.toLowerCase();
  }
  return new HeaderField(key, def, text, at, colon + 1, end);
}

/** Undefined where absent. Throws SipError 400 where malformed, or where two lines differ. */
export function contentLength(head: Head): number | undefined {
  const { lengths } = head;
  if (lengths.length === 0) return undefined;
  const text = lengths[0]!.value;
  const clause = 'RFC 3261 §20.14';
  if (!/^\d{1,10}$/.test(text)) {
    throw refusal(
      head,
      new SipError(400, 'Content-Length: not a number', { header: 'Content-Length', clause }),
    );
  }
  for (let i = 1; i < lengths.length; i++) {
    if (lengths[i]!.value !== text) {
      throw refusal(
        head,
        new SipError(400, 'Content-Length: two that differ', { header: 'Content-Length', clause }),
      );
    }
  }
  return Number(text);
}

/**
 * The message whose head was read from `buffer` at `from`, and whose body goes up to `end`.
 */
export function assemble(head: Head, buffer: Buffer, from: number, end: number): SipMessage {
  const body = buffer.subarray(from + head.end, end);
  const isAsWritten = !head.bareLf && head.lengths.length > 0;
  return messageOf(head, body, isAsWritten ? whole(buffer, from, end) : undefined);
}

function whole(buffer: Buffer, from: number, end: number): Uint8Array {
  return from === 0 && end === buffer.length ? buffer : buffer.subarray(from, end);
}

function messageOf(head: Head, body: Uint8Array, octets: Uint8Array | undefined): SipMessage {
  const { text, startEnd, headers, bareLf } = head;
  const received: Received = { octets, text, startEnd, bareLf };
  if (isStatusLine(text)) {
    const { status, reason } = parseStatusLine(text, startEnd);
    return new SipResponse(status, reason, headers, body, received);
  }
  const { method, target } = parseRequestLine(head);
  let uri: Uri;
  try {
    uri = parseUri(target);
  } catch (error) {
    if (error instanceof SipError) throw refusal(head, error);
    throw error;
  }
  return new SipRequest(method, uri, headers, body, received);
}

const isStatusLine = (text: string): boolean => text.startsWith('SIP/') || /^sip\//i.test(text);

function parseStatusLine(text: string, end: number): { status: number; reason: string } {
  const line = text.slice(0, end);
  const match = /^SIP\/(\d+\.\d+) ([1-6]\d\d)(?: ([^\r]*))?$/i.exec(line);
  if (match === null)
    throw new SipError(400, 'the status line is malformed', { clause: 'RFC 3261 §7.2' });
  if (match[1] !== '2.0')
    throw new SipError(505, 'another version of SIP', { clause: 'RFC 3261 §7.2' });
  return { status: Number(match[2]), reason: match[3] ?? '' };
}

function parseRequestLine(head: Head): { method: string; target: string } {
  const { text, startEnd } = head;
  const malformed = (message: string, status = 400): SipError =>
    refusal(head, new SipError(status, message, { offset: 0, clause: 'RFC 3261 §7.1' }));
  const first = text.indexOf(' ');
  const second = text.indexOf(' ', first + 1);
  if (first < 0 || second < 0 || second >= startEnd)
    throw malformed('the request line is malformed');
  const method = text.slice(0, first);
  if (!isToken(method)) throw malformed('the method is no token');
  const version = text.slice(second + 1, startEnd);
  if (version !== 'SIP/2.0') {
    if (!/^SIP\/\d{1,10}\.\d{1,10}$/i.test(version))
      throw malformed('the request line is malformed');
    if (version.toUpperCase() !== 'SIP/2.0') throw malformed('another version of SIP', 505);
  }
  return { method, target: text.slice(first + 1, second) };
}

const NEEDED_TO_ANSWER = ['via', 'from', 'to', 'call-id', 'cseq'];
const NO_OCTETS = new Uint8Array(0);

/** The error with what could be read of the request, where that is enough to answer it. */
export function refusal(head: Head, error: SipError): SipError {
  if (isStatusLine(head.text)) return error;
  if (!NEEDED_TO_ANSWER.every(key => head.headers.some(field => field.key === key))) return error;
  const method = /^\S+/.exec(head.text.slice(0, head.startEnd))?.[0];
  if (method === undefined || !isToken(method)) return error;
  const target = head.text.slice(0 + method.length, head.startEnd);
  const uri: OtherUri = { scheme: 'unreadable', text: unfolded(target) };
  return error.with({ request: new SipRequest(method, uri, head.headers, NO_OCTETS) });
}
