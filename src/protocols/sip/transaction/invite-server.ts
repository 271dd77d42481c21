// The INVITE server transaction: RFC 3261 §17.2.1 with the Accepted state of RFC 6026 §7.1.
// Retransmitting a 2xx until its ACK is the UA core's work (§13.3.1.4), not this machine's.

import { type Duration, type Instant, minutes, ms } from '#kernel/time';
import { response, type SipRequest, type SipResponse } from '../message.ts';
import { type EndReason, nothing, type ServerEffect } from './effects.ts';
import { TimerTable } from './timer-table.ts';
import type { TransactionConfig } from './timers.ts';

/** `trying` sends the 100 that the user did not; `abandoned` ends what the user forgot. */
type Timer = 'trying' | 'abandoned' | 'G' | 'H' | 'I' | 'L';

const tryingDelay = ms(200);
/** No RFC bounds Proceeding; whoever sends nothing for so long has lost the transaction. */
const abandonDelay: Duration = minutes(10);

export class InviteServerTransaction {
  state: 'proceeding' | 'accepted' | 'completed' | 'confirmed' | 'terminated' = 'proceeding';
  readonly timers = new TimerTable<Timer>();
  readonly #config: TransactionConfig;
  #invite: SipRequest | undefined;
  #interval: Duration;
  #last: SipResponse | undefined;

  constructor(invite: SipRequest, config: TransactionConfig, now: Instant) {
    this.#invite = invite;
    this.#config = config;
    this.#interval = config.t1;
    this.timers.set('trying', now + tryingDelay);
    this.timers.set('abandoned', now + abandonDelay);
  }

  /** A retransmitted INVITE. */
  retransmitted(): readonly ServerEffect[] {
    if (this.#last === undefined) return nothing;
    if (this.state !== 'proceeding' && this.state !== 'completed') return nothing;
    return [{ kind: 'send', message: this.#last }];
  }

  /** An ACK with this transaction's branch. */
  acknowledged(ack: SipRequest, now: Instant): readonly ServerEffect[] {
    switch (this.state) {
      case 'completed': {
        this.state = 'confirmed';
        this.timers.clearAll();
        const seen: ServerEffect = { kind: 'deliver', request: ack };
        if (this.#config.reliable) return [seen, ...this.#terminate('done')];
        this.timers.set('I', now + this.#config.t4);
        return [seen];
      }
      case 'accepted': // of a caller that keeps the INVITE's branch; the user knows the dialog
        return [{ kind: 'deliver', request: ack }];
      default:
        return nothing;
    }
  }

  respond(answer: SipResponse, now: Instant): readonly ServerEffect[] {
    const sent: ServerEffect = { kind: 'send', message: answer };
    if (this.state === 'accepted') {
      return answer.status >= 200 && answer.status < 300 ? [sent] : nothing; // forks answer too
    }
    if (this.state !== 'proceeding') return nothing;
    if (answer.status === 100 && this.#last !== undefined) return nothing; // said already
    this.timers.clearAll();
    this.#last = answer;
    if (answer.status < 200) {
      this.timers.set('abandoned', now + abandonDelay);
      return [sent];
    }
    this.#invite = undefined; // nothing is asked of it any more, and Timer H is long
    if (answer.status < 300) {
      this.state = 'accepted';
      this.#last = undefined;
      this.timers.set('L', now + 64 * this.#config.t1);
      return [sent];
    }
    this.state = 'completed';
    if (!this.#config.reliable) this.timers.set('G', now + this.#interval);
    this.timers.set('H', now + 64 * this.#config.t1);
    return [sent];
  }

  /** The host calls this at `timers.next`; an early or repeated call does nothing. */
  expire(now: Instant): readonly ServerEffect[] {
    const timer = this.timers.take(now);
    switch (timer) {
      case undefined:
        return nothing;
      case 'trying':
        this.#last = response(this.#invite!, 100);
        return [{ kind: 'send', message: this.#last }];
      case 'G':
        this.#interval = Math.min(2 * this.#interval, this.#config.t2);
        this.timers.set('G', now + this.#interval);
        return [{ kind: 'send', message: this.#last! }];
      case 'H': // never acknowledged
      case 'abandoned':
        return this.#terminate('timeout');
      case 'I':
      case 'L':
        return this.#terminate('done');
    }
  }

  #terminate(reason: EndReason): readonly ServerEffect[] {
    this.state = 'terminated';
    this.timers.clearAll();
    return [{ kind: 'terminate', reason }];
  }
}
