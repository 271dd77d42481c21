// What a peer sent cannot be taken, with the answer it deserves.

import { ProtocolError } from '#kernel/errors';
import type { Avp } from './avp.ts';
import type { BaseResult } from './results.ts';

/** Becomes an answer of `result` with the Failed-AVP. RFC 6733 §7 */
export class DiameterError extends ProtocolError {
  override readonly name: string = 'DiameterError';
  readonly result: BaseResult;
  readonly failedAvp: Avp | undefined;

  constructor(
    result: BaseResult,
    message: string,
    where: {
      readonly offset?: number | undefined;
      readonly clause?: string | undefined;
      readonly failedAvp?: Avp | undefined;
    } = {},
  ) {
    super(message, {
      ...(where.offset === undefined ? {} : { offset: where.offset }),
      ...(where.clause === undefined ? {} : { clause: where.clause }),
    });
    this.result = result;
    this.failedAvp = where.failedAvp;
  }
}

/** The same fault, with the AVP that it lies in. */
export function inAvp(error: DiameterError, failedAvp: Avp): DiameterError {
  const { offset, clause } = error;
  return new DiameterError(error.result, error.message, { offset, clause, failedAvp });
}
