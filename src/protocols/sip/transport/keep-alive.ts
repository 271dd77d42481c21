// The client's keep-alive over a connection: RFC 5626 §4.4.1, a double CRLF answered by a single one.

import type { Clock, Timer } from '#kernel/host';
import { type Duration, seconds } from '#kernel/time';
import type { Link } from './link.ts';

/** RFC 5626 §4.4.1: no pong for so long means that the flow failed. */
const pongTimeout = seconds(10);

export class KeepAlive {
  readonly #clock: Clock;
  readonly #link: Link;
  readonly #interval: Duration;
  #timer: Timer | undefined;

  constructor(clock: Clock, link: Link, interval: Duration) {
    this.#clock = clock;
    this.#link = link;
    this.#interval = interval;
    if (link.canPing) this.#wait();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #wait(): void {
    this.#timer = this.#clock.after(this.#interval, () => this.#ping());
  }

  #ping(): void {
    if (this.#link.closed) return;
    const sent = this.#clock.now();
    this.#link.ping();
    this.#timer = this.#clock.after(pongTimeout, () => {
      if (this.#link.closed) return;
      if (this.#link.heardAt < sent) this.#link.close('no answer to keep-alive');
      else this.#wait();
    });
  }
}
