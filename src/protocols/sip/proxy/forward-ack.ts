// An ACK to a 2xx passes a proxy outside any transaction: RFC 3261 §16.11.

import type { SipEndpoint } from '../endpoint.ts';
import type { Target } from '../flow.ts';
import { MaxForwards, Via } from '../headers.ts';
import { type SipRequest, set } from '../message.ts';
import type { ServerTransaction } from '../server-transaction.ts';
import { magicCookie } from '../transaction/key.ts';
import { hash } from './hash.ts';
import { forStrictRouter } from './route.ts';

/** Sends an ACK on; `request` is `tx.request` as the next hop shall see it. */
export function forwardAck(
  endpoint: SipEndpoint,
  tx: ServerTransaction,
  request: SipRequest,
  target: Target,
): void {
  const hops = request.get(MaxForwards) ?? 70;
  if (hops === 0) return; // nobody can be told
  const strict = 'uri' in target ? forStrictRouter(request) : [];
  endpoint.sendAck(
    request,
    target,
    [set(MaxForwards, hops - 1), ...strict],
    branchOf(endpoint, tx),
  );
}

/** The same for every copy of an ACK, without a transaction to remember it in. */
function branchOf(endpoint: SipEndpoint, tx: ServerTransaction): string {
  const seen = `${tx.request.get(Via)?.params.get('branch') ?? ''}|${endpoint.name}`;
  const high = hash(seen).toString(16).padStart(8, '0');
  return `${magicCookie}${high}${hash(seen, 0x9747b28c).toString(16).padStart(8, '0')}`;
}
