// SIP messages: immutable, lazily parsed, sharing every untouched field with the message they were
// made from. RFC 3261 §7.

import type { Keys, Traced } from '#kernel/trace';
import type { Draft, Edit } from './edit.ts';
import { SipError } from './error.ts';
import { fieldOf, type HeaderDef, type HeaderField, headerKey } from './header.ts';
import { ContentLength } from './headers/content.ts';
import { keysOf } from './keys.ts';
import { maskSdp, overwrite, secretsOf } from './mask.ts';
import { reasonPhraseOf } from './status.ts';
import { displayText, latin1 } from './text.ts';
import { type Uri, uriText } from './uri.ts';

export * from './edit.ts';
export { HeaderField } from './header.ts';

const NO_OCTETS = new Uint8Array(0);

/** What the parser knows beyond the fields. */
export interface Received {
  /** The octets, where `encode` would give exactly these. */
  readonly octets: Uint8Array | undefined;
  /** The text that begins with the start line, which ends at `startEnd`. */
  readonly text: string;
  readonly startEnd: number;
  /** A line ended with LF alone. */
  readonly bareLf: boolean;
}

export abstract class SipMessage implements Traced {
  abstract readonly kind: 'request' | 'response';
  readonly headers: readonly HeaderField[];
  readonly body: Uint8Array;
  readonly #received: Received | undefined;
  #octets: Uint8Array | undefined;
  #keys: Keys | undefined;

  constructor(headers: readonly HeaderField[], body: Uint8Array, received: Received | undefined) {
    this.headers = headers;
    this.body = body;
    this.#received = received;
    this.#octets = received?.octets;
    this.#keys = undefined;
  }

  /** The first value. Throws SipError 400 naming the header where it is malformed. */
  get<T>(def: HeaderDef<T>): T | undefined {
    const { headers } = this;
    const { key } = def;
    for (let i = 0; i < headers.length; i++) {
      const field = headers[i]!;
      if (field.key !== key) continue;
      const values = field.values(def);
      if (values.length > 0) return values[0];
    }
    return undefined;
  }

  /** Every value over all lines of the header. Throws SipError 400 as `get` does. */
  all<T>(def: HeaderDef<T>): readonly T[] {
    const { headers } = this;
    const { key } = def;
    let found: readonly T[] | undefined;
    let together: T[] | undefined;
    for (let i = 0; i < headers.length; i++) {
      const field = headers[i]!;
      if (field.key !== key) continue;
      const values = field.values(def);
      if (found === undefined) found = values;
      else {
        together ??= [...found];
        together.push(...values);
      }
    }
    return together ?? found ?? [];
  }

  /** Whether any line of the header is there, in whatever spelling. */
  has(header: HeaderDef<unknown> | string): boolean {
    const key = typeof header === 'string' ? headerKey(header) : header.key;
    return this.headers.some(field => field.key === key);
  }

  /** The values as on the wire, one per line, unfolded; by any spelling of the name. */
  raw(name: string): readonly string[] {
    const key = headerKey(name);
    const values: string[] = [];
    for (const field of this.headers) if (field.key === key) values.push(field.value);
    return values;
  }

  /** The fields of a header as they are: for `fields()` in another message. */
  lines(header: HeaderDef<unknown>): readonly HeaderField[] {
    return this.headers.filter(field => field.key === header.key);
  }

  abstract summary(): string;

  /** The start line as on the wire. */
  get startLine(): string {
    const received = this.#received;
    return received === undefined ? this.formatStart() : received.text.slice(0, received.startEnd);
  }

  protected abstract formatStart(): string;
  /** The Request-URI, where there is one. */
  protected abstract target(): Uri | undefined;

  /** The octets as received where nothing was changed. The same array every time: do not write. */
  encode(): Uint8Array {
    this.#octets ??= this.#assemble();
    return this.#octets;
  }

  #assemble(): Uint8Array {
    const { headers, body } = this;
    const received = this.#received;
    // Neighbouring lines of one text are written in one piece.
    let text: string;
    let from: number;
    let to: number;
    if (received === undefined) {
      text = this.formatStart();
      from = 0;
      to = text.length;
    } else {
      text = received.text;
      from = 0;
      to = received.startEnd;
    }
    let out = '';
    let hasLength = false;
    for (let i = 0; i < headers.length; i++) {
      const field = headers[i]!;
      if (field.key === 'content-length') hasLength = true;
      if (field.start === to + 2 && field.text === text) {
        to = field.end;
        continue;
      }
      out += `${text.slice(from, to)}\r\n`;
      text = field.text;
      from = field.start;
      to = field.end;
    }
    out += text.slice(from, to);
    out += hasLength ? '\r\n\r\n' : `\r\nContent-Length: ${body.length}\r\n\r\n`;
    const octets = Buffer.allocUnsafe(out.length + body.length);
    octets.write(out, 0, 'latin1');
    octets.set(body, out.length);
    return octets;
  }

  /** The octets with every secret overwritten at equal length. */
  masked(): Uint8Array {
    const octets = this.encode();
    const head = latin1(
      Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength - this.body.length),
    );
    let copy: Uint8Array | undefined;
    // Walked in the octets themselves, whose lines may be folded: the fields in order, each found
    // behind the one before it.
    let at = head.indexOf('\n') + 1;
    for (const field of this.headers) {
      const length = field.end - field.start;
      const spans = secretsOf(field.key, head, at + field.valueAt - field.start, at + length);
      if (spans.length > 0) {
        copy ??= Uint8Array.from(octets);
        overwrite(copy, spans);
      }
      at = head.indexOf('\n', at + length) + 1;
    }
    if (this.body.length > 0 && isSdp(this.raw('content-type')[0])) {
      copy ??= Uint8Array.from(octets);
      maskSdp(copy, octets.length - this.body.length);
    }
    return copy ?? octets;
  }

  keys(): Keys {
    this.#keys ??= keysOf(this, this.target());
    return this.#keys;
  }

  /** What the parser saw, for `normalise`. */
  received(): Received | undefined {
    return this.#received;
  }
}

const isSdp = (type: string | undefined): boolean =>
  type !== undefined && /sdp|multipart/i.test(type);

export class SipRequest extends SipMessage {
  override readonly kind = 'request';
  readonly method: string;
  readonly uri: Uri;

  constructor(
    method: string,
    uri: Uri,
    headers: readonly HeaderField[],
    body: Uint8Array,
    received?: Received,
  ) {
    super(headers, body, received);
    this.method = method;
    this.uri = uri;
  }

  summary(): string {
    return this.method;
  }

  /** A new request; this one stays as it is. */
  with(...edits: readonly Edit[]): SipRequest {
    const draft: Draft = {
      headers: this.headers.slice(),
      body: this.body,
      uri: this.uri,
      reason: undefined,
    };
    apply(draft, edits);
    const sameStart = draft.uri === this.uri ? startOf(this.received()) : undefined;
    return new SipRequest(this.method, draft.uri!, draft.headers, draft.body, sameStart);
  }

  protected override formatStart(): string {
    return checkedStart(`${this.method} ${uriText(this.uri)} SIP/2.0`);
  }

  protected override target(): Uri {
    return this.uri;
  }
}

export class SipResponse extends SipMessage {
  override readonly kind = 'response';
  readonly status: number;
  /** As on the wire: `displayText` for people. */
  readonly reason: string;

  constructor(
    status: number,
    reason: string,
    headers: readonly HeaderField[],
    body: Uint8Array,
    received?: Received,
  ) {
    super(headers, body, received);
    this.status = status;
    this.reason = reason;
  }

  summary(): string {
    return this.reason === '' ? String(this.status) : `${this.status} ${displayText(this.reason)}`;
  }

  /** A new response; this one stays as it is. */
  with(...edits: readonly Edit[]): SipResponse {
    const draft: Draft = {
      headers: this.headers.slice(),
      body: this.body,
      uri: undefined,
      reason: this.reason,
    };
    apply(draft, edits);
    const sameStart = draft.reason === this.reason ? startOf(this.received()) : undefined;
    return new SipResponse(this.status, draft.reason!, draft.headers, draft.body, sameStart);
  }

  protected override formatStart(): string {
    return checkedStart(`SIP/2.0 ${this.status} ${this.reason}`);
  }

  protected override target(): undefined {
    return undefined;
  }
}

/** The start line goes on as received; the octets of the whole do not. */
function startOf(received: Received | undefined): Received | undefined {
  return received === undefined ? undefined : { ...received, octets: undefined };
}

function checkedStart(line: string): string {
  if (/[\r\n\u0100-\uffff]/.test(line))
    throw new SipError(500, 'the start line holds what no line may');
  return line;
}

function apply(draft: Draft, edits: readonly Edit[]): void {
  for (const edit of edits) edit(draft);
  const index = draft.headers.findIndex(field => field.key === 'content-length');
  if (index < 0) return;
  const length = String(draft.body.length);
  if (draft.headers[index]!.value !== length) {
    // the body decides, whatever an edit said
    draft.headers[index] = fieldOf(ContentLength.name, length, ContentLength as HeaderDef<unknown>);
  }
}

/** A request with the headers and body that the edits give it, in their order. */
export function request(method: string, uri: Uri, ...edits: readonly Edit[]): SipRequest {
  const draft: Draft = { headers: [], body: NO_OCTETS, uri, reason: undefined };
  apply(draft, edits);
  return new SipRequest(method, draft.uri!, draft.headers, draft.body);
}

/**
 * The response to a request: Via, From, To, Call-ID and CSeq as they came (RFC 3261 §8.2.6.2), in a
 * 100 also Timestamp (§8.2.6.1). To gets its tag by `toTag`.
 */
export function response(to: SipRequest, status: number, ...edits: readonly Edit[]): SipResponse {
  const headers = to.headers.filter(
    ({ key }) =>
      key === 'via' ||
      key === 'from' ||
      key === 'to' ||
      key === 'call-id' ||
      key === 'cseq' ||
      (status === 100 && key === 'timestamp'),
  );
  const draft: Draft = { headers, body: NO_OCTETS, uri: undefined, reason: reasonPhraseOf(status) };
  apply(draft, edits);
  return new SipResponse(status, draft.reason!, draft.headers, draft.body);
}
