// What the tests of the machines share: messages that have a Via, and a run to the end.

import type { Instant } from '#kernel/time';
import { ms, seconds } from '#kernel/time';
import { Via } from '../headers.ts';
import { prepend, response, type SipRequest, type SipResponse, toTag } from '../message.ts';
import { someRequest } from '../testing/requests.ts';
import type { TransactionConfig } from './timers.ts';

export const unreliable: TransactionConfig = {
  t1: ms(500),
  t2: seconds(4),
  t4: seconds(5),
  reliable: false,
};
export const reliable: TransactionConfig = { ...unreliable, reliable: true };

export function sent(method: string): SipRequest {
  const params = new Map([['branch', 'z9hG4bKtest']]);
  const via = { protocol: 'SIP/2.0', transport: 'UDP', host: 'client.test', port: 5060, params };
  return someRequest(method, 'sip:bob@home.test', prepend(Via, via));
}

export const answer = (to: SipRequest, status: number): SipResponse =>
  response(to, status, ...(status > 100 ? [toTag('b1')] : []));

interface Machine<E> {
  readonly timers: { readonly next: Instant | undefined };
  expire(now: Instant): readonly E[];
}

/** Fires every deadline in turn, and says when each effect came. */
export function runOut<E>(machine: Machine<E>): { readonly at: Instant; readonly effect: E }[] {
  const seen: { at: Instant; effect: E }[] = [];
  for (let at = machine.timers.next; at !== undefined; at = machine.timers.next) {
    for (const effect of machine.expire(at)) seen.push({ at, effect });
    if (seen.length > 1000) throw new Error('the machine does not end');
  }
  return seen;
}
