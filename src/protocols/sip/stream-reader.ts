// Messages out of a TCP or TLS stream, whatever the sizes it comes in. RFC 3261 §18.3; keep-alives
// of RFC 5626 §3.5.1.

import { SipError } from './error.ts';
import { limits } from './limits.ts';
import type { SipMessage } from './message.ts';
import { assemble, bufferOf, contentLength, type Head, parseHead, refusal } from './parse.ts';
import { latin1 } from './text.ts';

export type StreamItem =
  | { readonly kind: 'message'; readonly message: SipMessage }
  /** A double CRLF from whoever opened the connection: answered with a CRLF. */
  | { readonly kind: 'ping' }
  /** The CRLF that answers a ping. */
  | { readonly kind: 'pong' }
  /** After a fatal error the stream has no more boundaries: answer, where possible, and close it. */
  | { readonly kind: 'error'; readonly error: SipError; readonly fatal: boolean };

export interface StreamReaderOptions {
  /** Who opened the connection decides what a lone CRLF means. Default: the peer did. */
  readonly opened?: 'by peer' | 'by us';
  /** Octets of start line and headers. */
  readonly maxHead?: number;
  readonly maxBody?: number;
}

const CR = 0x0d;
const LF = 0x0a;
const EMPTY = Buffer.alloc(0);
const SMALLEST_BUFFER = 4096;

export class SipStreamReader {
  readonly #openedByUs: boolean;
  readonly #maxHead: number;
  readonly #maxBody: number;
  /** Octets not yet given out stand from #start to #end. */
  #buffer: Buffer = EMPTY;
  #start = 0;
  #end = 0;
  /** The buffer was made here, so its tail may be written. */
  #isOwn = false;
  /** Up to here no head ends. */
  #searched = 0;
  /** Read already, while its body is still to come; it begins at #start. */
  #head: Head | undefined;
  #bodyLength = 0;
  /** CRLFs seen since the last message, where they come in pairs. */
  #crlfs = 0;
  #failed = false;

  constructor(options: StreamReaderOptions = {}) {
    this.#openedByUs = options.opened === 'by us';
    this.#maxHead = options.maxHead ?? limits.head;
    this.#maxBody = options.maxBody ?? limits.body;
  }

  /** Octets held back until the rest of their message comes. */
  get buffered(): number {
    return this.#end - this.#start;
  }

  /** Takes the next octets, which must not change afterwards, and returns what they complete. */
  push(octets: Uint8Array): StreamItem[] {
    const items: StreamItem[] = [];
    if (this.#failed || octets.length === 0) return items;
    this.#append(bufferOf(octets));
    while (!this.#failed && this.#next(items));
    return items;
  }

  #append(octets: Buffer): void {
    const kept = this.#end - this.#start;
    if (kept === 0) {
      this.#take(octets, octets.length, false);
      return;
    }
    if (!this.#isOwn || this.#buffer.length - this.#end < octets.length) {
      // What was given out keeps its memory, so the rest moves and grows by doubling.
      const grown = Buffer.allocUnsafeSlow(Math.max(2 * (kept + octets.length), SMALLEST_BUFFER));
      this.#buffer.copy(grown, 0, this.#start, this.#end);
      const searched = this.#searched - this.#start;
      this.#take(grown, kept, true);
      this.#searched = searched;
    }
    octets.copy(this.#buffer, this.#end);
    this.#end += octets.length;
  }

  #take(buffer: Buffer, end: number, isOwn: boolean): void {
    this.#buffer = buffer;
    this.#start = 0;
    this.#end = end;
    this.#searched = 0;
    this.#isOwn = isOwn;
  }

  /** Gives out the next item; false where more octets are needed. */
  #next(items: StreamItem[]): boolean {
    if (this.#head === undefined && !(this.#keepAlives(items) && this.#readHead(items)))
      return false;
    const head = this.#head!;
    const from = this.#start;
    const end = from + head.end + this.#bodyLength;
    if (end > this.#end) return false;
    this.#head = undefined;
    this.#start = end;
    this.#searched = end;
    try {
      items.push({ kind: 'message', message: assemble(head, this.#buffer, from, end) });
    } catch (error) {
      // where Content-Length told its end, the stream goes on behind it
      this.#report(items, error, head.lengths.length === 0);
    }
    return this.#start < this.#end;
  }

  /** Passes over CRLFs between messages. False where nothing else is there yet. */
  #keepAlives(items: StreamItem[]): boolean {
    while (this.#start < this.#end) {
      const code = this.#buffer[this.#start];
      let length = 1; // a bare LF counts as CRLF
      if (code === CR) {
        if (this.#start + 1 === this.#end) return false; // the LF is still to come
        if (this.#buffer[this.#start + 1] === LF) length = 2;
      } else if (code !== LF) {
        this.#crlfs = 0;
        return true;
      }
      this.#start += length;
      this.#searched = this.#start;
      if (this.#openedByUs) items.push({ kind: 'pong' });
      else if (++this.#crlfs % 2 === 0) items.push({ kind: 'ping' });
    }
    return false;
  }

  /** Reads a whole head into #head; false where it is not whole, or refused. */
  #readHead(items: StreamItem[]): boolean {
    const end = this.#endOfHead();
    const length = (end < 0 ? this.#end : end) - this.#start;
    if (length > this.#maxHead) {
      this.#report(items, new SipError(513, 'the headers are too long'), true);
      return false;
    }
    if (end < 0) return false;
    try {
      const head = parseHead(latin1(this.#buffer, this.#start, end));
      // RFC 3261 §18.3 wants a Content-Length here; senders leave it out where there is no body, and
      // a body would come out as a malformed message, which is fatal.
      const body = contentLength(head) ?? 0;
      if (body > this.#maxBody) throw refusal(head, new SipError(513, 'the body is too long'));
      this.#head = head;
      this.#bodyLength = body;
      return true;
    } catch (error) {
      this.#report(items, error, true);
      return false;
    }
  }

  /** Behind the first empty line; -1 where none has come. No octet is searched twice. */
  #endOfHead(): number {
    const from = Math.max(this.#start, this.#searched - 2);
    const buffer =
      this.#end === this.#buffer.length ? this.#buffer : this.#buffer.subarray(0, this.#end);
    let at = buffer.indexOf('\n\r\n', from, 'latin1');
    if (at >= 0) return at + 3;
    at = buffer.indexOf('\n\n', from, 'latin1');
    this.#searched = this.#end;
    return at < 0 ? -1 : at + 2;
  }

  #report(items: StreamItem[], error: unknown, fatal: boolean): void {
    if (!(error instanceof SipError)) throw error;
    items.push({ kind: 'error', error, fatal });
    if (!fatal) return;
    this.#failed = true;
    this.#take(EMPTY, 0, false);
    this.#head = undefined;
  }
}
