// The non-INVITE server transaction: RFC 3261 §17.2.2.

import type { Instant } from '#kernel/time';
import type { SipResponse } from '../message.ts';
import { type EndReason, nothing, type ServerEffect } from './effects.ts';
import { TimerTable } from './timer-table.ts';
import type { TransactionConfig } from './timers.ts';

/** `abandoned` ends what the user never answered. */
type Timer = 'abandoned' | 'J';

export class NonInviteServerTransaction {
  state: 'trying' | 'proceeding' | 'completed' | 'terminated' = 'trying';
  readonly timers = new TimerTable<Timer>();
  readonly #config: TransactionConfig;
  #last: SipResponse | undefined;

  constructor(config: TransactionConfig, now: Instant) {
    this.#config = config;
    // The client gave up after 64·T1 of its own (RFC 4320 §4.2); twice that is nobody's wait.
    this.timers.set('abandoned', now + 128 * config.t1);
  }

  /** A retransmitted request. */
  retransmitted(): readonly ServerEffect[] {
    return this.#last === undefined || this.state === 'terminated'
      ? nothing
      : [{ kind: 'send', message: this.#last }];
  }

  respond(answer: SipResponse, now: Instant): readonly ServerEffect[] {
    if (this.state === 'completed' || this.state === 'terminated') return nothing;
    this.#last = answer;
    const sent: ServerEffect = { kind: 'send', message: answer };
    if (answer.status < 200) {
      this.state = 'proceeding';
      return [sent];
    }
    this.state = 'completed';
    this.timers.clearAll();
    if (this.#config.reliable) return [sent, ...this.#terminate('done')];
    this.timers.set('J', now + 64 * this.#config.t1);
    return [sent];
  }

  /** The host calls this at `timers.next`; an early or repeated call does nothing. */
  expire(now: Instant): readonly ServerEffect[] {
    const timer = this.timers.take(now);
    if (timer === undefined) return nothing;
    return this.#terminate(timer === 'J' ? 'done' : 'timeout');
  }

  #terminate(reason: EndReason): readonly ServerEffect[] {
    this.state = 'terminated';
    this.timers.clearAll();
    return [{ kind: 'terminate', reason }];
  }
}
