// What an answer of the HSS to the I-CSCF's query means for the request that waits for it.
// TS 24.229 §5.3.1.3, §5.3.2.1; TS 29.228 §6.1.1, §6.1.4.

import type { ServerTransaction } from '#sip/endpoint';
import { RetryAfter } from '#sip/headers';
import { set } from '#sip/message';
import { NO_PARAMS } from '#sip/params';
import type { ICscf } from './i-cscf.ts';

export interface Refusal {
  readonly status: number;
  readonly because: string;
}

/**
 * Where an HSS could not answer: the same for every query. TS 24.229 leaves the I-CSCF 480 for a
 * query that was never answered; 504 tells whoever waits that it was the network, and not the user.
 */
export function unanswered(result: string): Refusal {
  switch (result) {
    case 'DIAMETER_TOO_BUSY':
      return { status: 503, because: 'the HSS is overloaded' };
    case 'DIAMETER_UNABLE_TO_DELIVER':
      return { status: 504, because: 'no HSS answered on Cx' };
    default:
      return { status: 480, because: `the HSS answered ${result}` };
  }
}

export function refuse(
  icscf: ICscf,
  tx: ServerTransaction,
  decision: string,
  clause: string,
  { status, because }: Refusal,
): void {
  icscf.decide(decision, tx.request, { chose: String(status), because, clause });
  tx.reply(status, ...(status === 503 ? [RETRY_LATER] : []));
}

const RETRY_LATER = set(RetryAfter, { seconds: 5, params: NO_PARAMS });
