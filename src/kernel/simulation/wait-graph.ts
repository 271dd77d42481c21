// Finds procedures that wait for themselves: one has the turn for a key and waits for an answer, and
// what it caused, here or at a peer, waits for that same turn. Every wait has a deadline, so such a
// cycle would pass for slowness; here it is a failure.

import { AsyncLocalStorage } from 'node:async_hooks';
import type { Instant } from '../time.ts';
import type { WaitObserver } from '../waits.ts';

/** A procedure that has its turn, and the one that caused it while that still ran. */
interface Procedure {
  readonly key: string;
  readonly begun: Instant;
  cause: Procedure | undefined;
  isOver: boolean;
}

interface Wait {
  readonly holder: Procedure;
  readonly waiter: Procedure;
}

/** What an event is done for: handed from the event that scheduled it. */
const context = new AsyncLocalStorage<Procedure>();

/** What an event that is scheduled now happens for. */
export const presentCause = (): Procedure | undefined => running(context.getStore());

/** Does it for that cause. */
export function forCause(cause: object | undefined, act: () => void): void {
  const procedure = running(cause as Procedure | undefined);
  if (procedure === undefined) act();
  else context.run(procedure, act);
}

export class WaitGraph implements WaitObserver {
  readonly #now: () => Instant;
  readonly #holders = new WeakMap<object, Map<string, Procedure>>();
  readonly #waits = new Set<Wait>();

  constructor(now: () => Instant) {
    this.#now = now;
  }

  async holds<T>(queue: object, key: string, procedure: () => Promise<T>): Promise<T> {
    const own: Procedure = { key, begun: this.#now(), cause: presentCause(), isOver: false };
    let holders = this.#holders.get(queue);
    if (holders === undefined) {
      holders = new Map();
      this.#holders.set(queue, holders);
    }
    holders.set(key, own);
    try {
      return await context.run(own, procedure);
    } finally {
      own.isOver = true;
      own.cause = running(own.cause);
      if (holders.get(key) === own) holders.delete(key);
    }
  }

  waits(queue: object, key: string): () => void {
    const holder = this.#holders.get(queue)?.get(key);
    const waiter = presentCause();
    if (holder === undefined || waiter === undefined) return () => {};
    const wait: Wait = { holder, waiter };
    this.#waits.add(wait);
    return () => this.#waits.delete(wait);
  }

  /**
   * The keys of a cycle that began after `since`, from the procedure that waits for itself on. Each
   * is told once.
   */
  cycle(since: Instant): readonly string[] | undefined {
    for (const wait of this.#waits) {
      const { holder, waiter } = wait;
      if (holder.isOver || holder.begun <= since) continue;
      const keys: string[] = [];
      for (let one = running(waiter); one !== undefined; one = running(one.cause)) {
        keys.unshift(one.key);
        if (one !== holder) continue;
        this.#waits.delete(wait);
        return keys;
      }
    }
    return undefined;
  }
}

/** The nearest that still runs: what is over waits for nothing. */
function running(procedure: Procedure | undefined): Procedure | undefined {
  let one = procedure;
  while (one?.isOver) one = one.cause;
  return one;
}
