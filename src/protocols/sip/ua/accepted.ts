// A 2xx to an INVITE is repeated by the UA core until its ACK comes: RFC 3261 §13.3.1.4. A machine.

import type { Duration, Instant } from '#kernel/time';
import type { SipResponse } from '../message.ts';
import { TimerTable } from '../transaction/timer-table.ts';
import type { TimerValues } from '../transaction/timers.ts';

export type AcceptedEffect =
  | { readonly kind: 'send'; readonly response: SipResponse }
  /** No ACK in 64·T1: the dialog stands and deserves a BYE. */
  | { readonly kind: 'failed' };

export class AcceptedInvite {
  readonly timers = new TimerTable<'repeat' | 'give up'>();
  /** The INVITE's CSeq number, which its ACK has too. */
  readonly sequence: number;
  readonly #response: SipResponse;
  readonly #t2: Duration;
  #interval: Duration;

  constructor(response: SipResponse, sequence: number, config: TimerValues, now: Instant) {
    this.#response = response;
    this.sequence = sequence;
    this.#t2 = config.t2;
    this.#interval = config.t1;
    this.timers.set('repeat', now + this.#interval);
    this.timers.set('give up', now + 64 * config.t1);
  }

  acknowledged(): void {
    this.timers.clearAll();
  }

  expire(now: Instant): readonly AcceptedEffect[] {
    switch (this.timers.take(now)) {
      case undefined:
        return [];
      case 'repeat':
        this.#interval = Math.min(2 * this.#interval, this.#t2);
        this.timers.set('repeat', now + this.#interval);
        return [{ kind: 'send', response: this.#response }];
      case 'give up':
        this.timers.clearAll();
        return [{ kind: 'failed' }];
    }
  }
}
