// One host timer for a machine with several deadlines. It is moved only to come earlier: when it
// fires before the next deadline it is set again, which is cheaper than moving it each time.

import type { Clock, Timer } from '#kernel/host';
import type { Instant } from '#kernel/time';

export class Deadline {
  readonly #clock: Clock;
  readonly #fire: (now: Instant) => void;
  #timer: Timer | undefined;
  #at: Instant = 0;

  constructor(clock: Clock, fire: (now: Instant) => void) {
    this.#clock = clock;
    this.#fire = fire;
  }

  /** `next` is the machine's earliest deadline after each input. */
  follow(next: Instant | undefined, now: Instant): void {
    if (next === undefined) {
      this.cancel();
      return;
    }
    if (this.#timer !== undefined) {
      if (this.#at <= next) return;
      this.#timer.cancel();
    }
    this.#at = next;
    this.#timer = this.#clock.after(Math.max(0, next - now), () => {
      this.#timer = undefined;
      this.#fire(this.#clock.now());
    });
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
