// What a peer sent cannot be taken, and the SIP status it deserves. RFC 3261 §21.

import { ProtocolError } from '#kernel/errors';
import type { SipRequest } from './message.ts';

export interface SipErrorWhere {
  readonly offset?: number;
  readonly clause?: string;
  /** The header at fault, by its canonical name. */
  readonly header?: string;
  /** What could be read of the request: enough for `response()` to answer it. */
  readonly request?: SipRequest;
}

/** Thrown by the whole SIP message layer, and by it alone. */
export class SipError extends ProtocolError {
  override readonly name: string = 'SipError';
  /** The status an answer would carry: 400, 413, 416, 420, 483, 505, 513 … */
  readonly status: number;
  readonly header: string | undefined;
  /** Present where Via, From, To, Call-ID and CSeq were readable, so that it can be answered. */
  readonly request: SipRequest | undefined;

  constructor(status: number, message: string, where: SipErrorWhere = {}) {
    super(message, where);
    this.status = status;
    this.header = where.header;
    this.request = where.request;
  }

  /** The same error with what the catcher knows in addition. */
  with(where: SipErrorWhere): SipError {
    const known: { -readonly [K in keyof SipErrorWhere]: SipErrorWhere[K] } = { ...where };
    if (this.offset !== undefined) known.offset = this.offset;
    if (this.clause !== undefined) known.clause = this.clause;
    if (this.header !== undefined) known.header = this.header;
    if (this.request !== undefined) known.request = this.request;
    return new SipError(this.status, this.message, known);
  }
}
