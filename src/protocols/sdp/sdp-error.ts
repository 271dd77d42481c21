// What is wrong with a session description: the answer is 400 to an unreadable one, 488 to one
// that reads well and cannot be taken.

import { ProtocolError } from '#kernel/errors';

/** A session description cannot be read (400) or cannot be accepted (488). */
export class SdpError extends ProtocolError {
  override readonly name = 'SdpError';
  /** The SIP status it deserves. */
  readonly status: 400 | 488;

  constructor(
    message: string,
    where: { offset?: number; clause?: string; status?: 400 | 488 } = {},
  ) {
    super(message, where);
    this.status = where.status ?? 400;
  }
}
