// The INVITE client transaction: RFC 3261 §17.1.1 with the Accepted state of RFC 6026 §7.2.

import type { Duration, Instant } from '#kernel/time';
import type { SipRequest, SipResponse } from '../message.ts';
import { type ClientEffect, type EndReason, nothing } from './effects.ts';
import { ackFor } from './follow-up.ts';
import { TimerTable } from './timer-table.ts';
import type { TransactionConfig } from './timers.ts';

type Timer = 'A' | 'B' | 'D' | 'M';

export class InviteClientTransaction {
  state: 'calling' | 'proceeding' | 'accepted' | 'completed' | 'terminated' = 'calling';
  readonly timers = new TimerTable<Timer>();
  readonly #invite: SipRequest;
  readonly #config: TransactionConfig;
  #interval: Duration;
  #ack: SipRequest | undefined;

  constructor(invite: SipRequest, config: TransactionConfig) {
    this.#invite = invite;
    this.#config = config;
    this.#interval = config.t1;
  }

  start(now: Instant): readonly ClientEffect[] {
    this.timers.set('B', now + 64 * this.#config.t1);
    if (!this.#config.reliable) this.timers.set('A', now + this.#interval);
    return [{ kind: 'send', message: this.#invite }];
  }

  receive(response: SipResponse, now: Instant): readonly ClientEffect[] {
    switch (this.state) {
      case 'calling':
      case 'proceeding':
        if (response.status < 200) return this.#provisional(response);
        return response.status < 300 ? this.#accept(response, now) : this.#complete(response, now);
      case 'accepted': // further 2xx, of this or of another fork, each wants its own ACK
        if (response.status < 200 || response.status > 299) return nothing;
        return [{ kind: 'deliver', response }];
      case 'completed': // the ACK was lost
        if (response.status < 300) return nothing;
        return this.#ack === undefined ? nothing : [{ kind: 'send', message: this.#ack }];
      case 'terminated':
        return nothing;
    }
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
      case 'A': // retransmit, and wait twice as long next time
        this.#interval *= 2;
        this.timers.set('A', now + this.#interval);
        return [{ kind: 'send', message: this.#invite }];
      case 'B':
        return this.#terminate('timeout');
      case 'D':
      case 'M':
        return this.#terminate('done');
    }
  }

  #provisional(response: SipResponse): readonly ClientEffect[] {
    this.state = 'proceeding';
    this.timers.clearAll(); // how long it may ring is the transaction user's question
    return [{ kind: 'deliver', response }];
  }

  #accept(response: SipResponse, now: Instant): readonly ClientEffect[] {
    this.state = 'accepted';
    this.timers.clearAll();
    this.timers.set('M', now + 64 * this.#config.t1);
    return [{ kind: 'deliver', response }];
  }

  #complete(response: SipResponse, now: Instant): readonly ClientEffect[] {
    this.state = 'completed';
    this.timers.clearAll();
    this.#ack = ackFor(this.#invite, response);
    const effects: ClientEffect[] = [
      { kind: 'send', message: this.#ack },
      { kind: 'deliver', response },
    ];
    if (this.#config.reliable) effects.push(...this.#terminate('done'));
    else this.timers.set('D', now + 64 * this.#config.t1); // at least 32 s with the default T1
    return effects;
  }

  #terminate(reason: EndReason): readonly ClientEffect[] {
    this.state = 'terminated';
    this.timers.clearAll();
    return [{ kind: 'terminate', reason }];
  }
}
