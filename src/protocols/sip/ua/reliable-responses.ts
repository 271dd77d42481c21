// Provisional responses that have to arrive: the server's part of RFC 3262 §3. A machine: one is
// under way at a time, repeated until its PRACK comes, and the next waits for it.

import type { Duration, Instant } from '#kernel/time';
import { Require, RSeq } from '../headers.ts';
import { add, type SipResponse, set } from '../message.ts';
import { TimerTable } from '../transaction/timer-table.ts';

export type ReliableEffect =
  | { readonly kind: 'send'; readonly response: SipResponse }
  /** No PRACK in 64·T1: the INVITE deserves a 5xx. */
  | { readonly kind: 'failed' };

interface UnderWay {
  readonly rseq: number;
  readonly response: SipResponse;
}

export class ReliableResponses {
  readonly timers = new TimerTable<'repeat' | 'give up'>();
  readonly #t1: Duration;
  readonly #queue: SipResponse[] = [];
  #rseq: number;
  #interval: Duration = 0;
  #current: UnderWay | undefined;

  /** `firstRseq`: 1 to 2**31 - 1, by chance. */
  constructor(t1: Duration, firstRseq: number) {
    this.#t1 = t1;
    this.#rseq = firstRseq;
  }

  /** True while something waits for its PRACK. */
  get busy(): boolean {
    return this.#current !== undefined;
  }

  send(response: SipResponse, now: Instant): readonly ReliableEffect[] {
    this.#queue.push(response);
    return this.#current === undefined ? this.#next(now) : [];
  }

  /** A PRACK came; false where its RAck names nothing that is under way. `next` goes on. */
  acknowledge(rseq: number): boolean {
    if (this.#current?.rseq !== rseq) return false;
    this.#current = undefined;
    this.timers.clearAll();
    return true;
  }

  /** The next that waits, after the PRACK is answered. */
  next(now: Instant): readonly ReliableEffect[] {
    return this.#current === undefined ? this.#next(now) : [];
  }

  expire(now: Instant): readonly ReliableEffect[] {
    switch (this.timers.take(now)) {
      case undefined:
        return [];
      case 'repeat':
        this.#interval *= 2;
        this.timers.set('repeat', now + this.#interval);
        return this.#current === undefined
          ? []
          : [{ kind: 'send', response: this.#current.response }];
      case 'give up':
        this.stop();
        return [{ kind: 'failed' }];
    }
  }

  /** The final response is out, or nobody waits any more. */
  stop(): void {
    this.timers.clearAll();
    this.#queue.length = 0;
    this.#current = undefined;
  }

  #next(now: Instant): readonly ReliableEffect[] {
    const next = this.#queue.shift();
    if (next === undefined) return [];
    const rseq = this.#rseq++;
    const response = next.with(add(Require, '100rel'), set(RSeq, rseq));
    this.#current = { rseq, response };
    this.#interval = this.#t1;
    this.timers.set('repeat', now + this.#interval);
    this.timers.set('give up', now + 64 * this.#t1);
    return [{ kind: 'send', response }];
  }
}
