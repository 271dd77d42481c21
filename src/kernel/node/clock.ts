// The machine's time. One system timer serves every timer of the process, through the wheel.

import type { Clock, Timer } from '../host.ts';
import type { Duration, Instant } from '../time.ts';
import { TimerWheel } from '../timer-wheel.ts';

/** The longest delay that setTimeout takes. */
const LONGEST = 2 ** 31 - 1;

export class SystemClock implements Clock {
  readonly #wheel: TimerWheel;
  #system: NodeJS.Timeout | undefined;
  /** When the system timer fires; infinite while it is not set. */
  #armed: Instant = Number.POSITIVE_INFINITY;
  #firing = false;
  #closed = false;
  readonly #fault: (error: unknown) => void;

  /** `fault` takes what a callback throws, so that it takes no other along. */
  constructor(fault: (error: unknown) => void = raise) {
    this.#fault = fault;
    this.#wheel = new TimerWheel(this.now(), () => this.#disarm());
  }

  /** Starts from the wall clock and never goes back, whatever is done to the wall clock. */
  now(): Instant {
    return performance.timeOrigin + performance.now();
  }

  after(delay: Duration, fire: () => void): Timer {
    const timer = this.#wheel.insert(this.now() + Math.max(0, delay), fire);
    if (this.#closed) timer.cancel();
    else if (timer.time < this.#armed && !this.#firing) this.#arm(timer.time);
    return timer;
  }

  /**
   * One immediate each: node runs all that wait in one phase of the loop, in order, and lets the
   * promises that one has moved settle before the next.
   */
  soon(fire: () => void): void {
    setImmediate(this.#run, fire);
  }

  loadMeter(): () => number {
    let last = performance.eventLoopUtilization();
    return () => {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, last);
      last = now;
      return utilization;
    };
  }

  /** Timers that wait. */
  get pending(): number {
    return this.#wheel.size;
  }

  /** Forgets every timer, so that the process can end. */
  close(): void {
    this.#closed = true;
    this.#disarm();
  }

  #arm(time: Instant): void {
    clearTimeout(this.#system);
    this.#armed = time;
    const delay = Math.min(LONGEST, Math.max(1, Math.ceil(time - this.now())));
    this.#system = setTimeout(this.#expire, delay);
  }

  #disarm(): void {
    clearTimeout(this.#system);
    this.#system = undefined;
    this.#armed = Number.POSITIVE_INFINITY;
  }

  readonly #run = (fire: () => void): void => {
    try {
      fire();
    } catch (error) {
      this.#fault(error);
    }
  };

  readonly #expire = (): void => {
    this.#armed = Number.POSITIVE_INFINITY;
    this.#firing = true;
    try {
      for (const timer of this.#wheel.advance(this.now())) this.#run(() => timer.run());
    } finally {
      this.#firing = false;
      const next = this.#wheel.next;
      if (next !== undefined && !this.#closed) this.#arm(next);
    }
  };
}

/** Ends the process, in a turn of its own. */
function raise(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}
