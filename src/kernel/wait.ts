// Waiting, always bounded: for time to pass, for an answer but not for ever, for one's turn.

import { Unavailable } from './errors.ts';
import type { Clock } from './host.ts';
import type { Duration } from './time.ts';
import { waitObserver } from './waits.ts';

/** Resolves when `delay` has passed. */
export function sleep(clock: Clock, delay: Duration): Promise<void> {
  return new Promise(resolve => clock.after(delay, resolve));
}

/**
 * What `promise` comes to, or what `onTimeout` returns or throws when `delay` passes first. What the
 * promise does after that is nobody's concern.
 */
export function deadline<T, U = T>(
  clock: Clock,
  delay: Duration,
  promise: Promise<T>,
  onTimeout: () => U,
): Promise<T | U> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(delay, () => {
      try {
        resolve(onTimeout());
      } catch (error) {
        reject(error);
      }
    });
    promise.then(
      value => {
        timer.cancel();
        resolve(value);
      },
      error => {
        timer.cancel();
        reject(error);
      },
    );
  });
}

export interface QueueOptions {
  /** Procedures that may wait behind the one that runs, per key. Default 16. */
  readonly perKey?: number;
  /** Procedures that may wait over all keys. Default 10 000. */
  readonly total?: number;
}

/**
 * Runs procedures one after another per key, those of different keys beside each other. A procedure
 * whose key is free starts at once. At either bound it is refused with `Unavailable`, which the caller
 * turns into its protocol's answer for being busy.
 */
export class Queue {
  readonly #perKey: number;
  readonly #total: number;
  /** What waits behind the procedure that runs for a key. */
  readonly #waiting = new Map<string, (() => void)[]>();
  #count = 0;

  constructor(options: QueueOptions = {}) {
    this.#perKey = options.perKey ?? 16;
    this.#total = options.total ?? 10_000;
  }

  /** Keys for which a procedure runs. */
  get busy(): number {
    return this.#waiting.size;
  }

  /** Procedures that wait for their turn. */
  get waiting(): number {
    return this.#count;
  }

  async run<T>(key: string, procedure: () => Promise<T>): Promise<T> {
    const observer = waitObserver();
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) this.#waiting.set(key, []);
    else {
      if (waiting.length >= this.#perKey || this.#count >= this.#total) {
        throw new Unavailable(`too many procedures wait for ${key}`);
      }
      this.#count++;
      const turnCame = observer?.waits(this, key);
      await new Promise<void>(resolve => waiting.push(resolve));
      turnCame?.();
      this.#count--;
    }
    try {
      return await (observer === undefined ? procedure() : observer.holds(this, key, procedure));
    } finally {
      this.#finish(key);
    }
  }

  #finish(key: string): void {
    const next = this.#waiting.get(key)!.shift();
    if (next === undefined) this.#waiting.delete(key);
    else next();
  }
}
