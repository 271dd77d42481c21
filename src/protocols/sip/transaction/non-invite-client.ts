// The non-INVITE client transaction: RFC 3261 §17.1.2.

import type { Duration, Instant } from '#kernel/time';
import type { SipRequest, SipResponse } from '../message.ts';
import { type ClientEffect, type EndReason, nothing } from './effects.ts';
import { TimerTable } from './timer-table.ts';
import type { TransactionConfig } from './timers.ts';

type Timer = 'E' | 'F' | 'K';

export class NonInviteClientTransaction {
  state: 'trying' | 'proceeding' | 'completed' | 'terminated' = 'trying';
  readonly timers = new TimerTable<Timer>();
  readonly #request: SipRequest;
  readonly #config: TransactionConfig;
  #interval: Duration;

  constructor(request: SipRequest, config: TransactionConfig) {
    this.#request = request;
    this.#config = config;
    this.#interval = config.t1;
  }

  start(now: Instant): readonly ClientEffect[] {
    this.timers.set('F', now + 64 * this.#config.t1);
    if (!this.#config.reliable) this.timers.set('E', now + this.#interval);
    return [{ kind: 'send', message: this.#request }];
  }

  receive(response: SipResponse, now: Instant): readonly ClientEffect[] {
    if (this.state === 'completed' || this.state === 'terminated') return nothing; // a copy
    if (response.status < 200) {
      this.state = 'proceeding';
      return [{ kind: 'deliver', response }];
    }
    this.state = 'completed';
    this.timers.clearAll();
    if (this.#config.reliable) return [{ kind: 'deliver', response }, ...this.#terminate('done')];
    this.timers.set('K', now + this.#config.t4);
    return [{ kind: 'deliver', response }];
  }

  /** The link is gone or refused the request. §17.1.4 */
  fail(): readonly ClientEffect[] {
    return this.state === 'terminated' ? nothing : this.#terminate('transport');
  }

  /** The host calls this at `timers.next`; an early or repeated call does nothing. */
  expire(now: Instant): readonly ClientEffect[] {
    const timer = this.timers.take(now);
    switch (timer) {
      case undefined:
        return nothing;
      case 'E':
        this.#interval =
          this.state === 'proceeding'
            ? this.#config.t2
            : Math.min(2 * this.#interval, this.#config.t2);
        this.timers.set('E', now + this.#interval);
        return [{ kind: 'send', message: this.#request }];
      case 'F':
        return this.#terminate('timeout');
      case 'K':
        return this.#terminate('done');
    }
  }

  #terminate(reason: EndReason): readonly ClientEffect[] {
    this.state = 'terminated';
    this.timers.clearAll();
    return [{ kind: 'terminate', reason }];
  }
}
