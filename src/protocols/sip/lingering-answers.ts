// Final responses to requests other than INVITE, kept for copies of their requests: the Completed
// state of RFC 3261 §17.2.2 with nothing in it but octets. On UDP it lasts 64·T1, so that a busy
// network has far more of these than of transactions at work.

import type { Clock, Timer } from '#kernel/host';
import type { Duration, Instant } from '#kernel/time';
import { parseMessage } from './parse.ts';
import type { Link } from './transport/link.ts';

interface Answer {
  readonly octets: Uint8Array;
  readonly link: Link;
  readonly until: Instant;
}

export class LingeringAnswers {
  readonly #clock: Clock;
  /** Timer J. One for all, so that they end in the order they came. */
  readonly #lifetime: Duration;
  readonly #answers = new Map<string, Answer>();
  #timer: Timer | undefined;

  constructor(clock: Clock, lifetime: Duration) {
    this.#clock = clock;
    this.#lifetime = lifetime;
  }

  get size(): number {
    return this.#answers.size;
  }

  add(key: string, octets: Uint8Array, link: Link): void {
    const until = this.#clock.now() + this.#lifetime;
    this.#answers.set(key, { octets, link, until });
    if (this.#timer === undefined) this.#wait(this.#lifetime);
  }

  /** Answers a copy; false where the request is none. */
  repeat(key: string): boolean {
    const answer = this.#answers.get(key);
    if (answer === undefined) return false;
    answer.link.send(parseMessage(answer.octets));
    return true;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#answers.clear();
  }

  #wait(delay: Duration): void {
    this.#timer = this.#clock.after(delay, () => {
      this.#timer = undefined;
      const now = this.#clock.now();
      for (const [key, { until }] of this.#answers) {
        if (until > now) {
          this.#wait(until - now);
          return;
        }
        this.#answers.delete(key);
      }
    });
  }
}
