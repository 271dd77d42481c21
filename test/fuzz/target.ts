// How a parser is fuzzed: mutated inputs from a seed, its laws on each, and for every parser alike:
// nothing is thrown but its own error, no input takes 50 ms, memory does not grow.

import assert from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { generator, type Random } from './mutations.ts';

export interface Target {
  readonly name: string;
  /** Milliseconds that an input may take; default what the event loop may be tied up for. */
  readonly longest?: number;
  /** Makes an input and returns the check of it: throws where a law is broken. */
  readonly prepare: (random: Random) => { readonly input: unknown; readonly check: () => unknown };
}

export interface TargetReport {
  readonly inputs: number;
  readonly slowest: number;
  /** Octets by which the heap is larger at the end than after a quarter of the time. */
  readonly growth: number;
}

const LONGEST_MS = 50;
/** What the heap of a bounded parser may differ by between two collections. */
const MOST_GROWTH = 24 * 1024 * 1024;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function heap(): number {
  collect();
  return process.memoryUsage().heapUsed;
}

/** Runs a target for so many seconds, or one number again. Throws naming seed, number and input. */
export async function fuzz(
  target: Target,
  options: { seed: number; seconds: number; number?: number },
): Promise<TargetReport> {
  const { seed } = options;
  const { longest = LONGEST_MS } = target;
  const start = performance.now();
  const end = start + options.seconds * 1000;
  let slowest = 0;
  let settled: number | undefined;
  let number = options.number ?? 0;
  for (; performance.now() < end; number++) {
    const { input, check } = target.prepare(generator(seed, number));
    const took = async (): Promise<number> => {
      const before = performance.now();
      const checked = check();
      if (checked instanceof Promise) await checked;
      return performance.now() - before;
    };
    try {
      let ms = await took();
      // the machine may have been busy elsewhere, or collecting: an input is slow if it always is
      for (let again = 0; ms > longest && again < 3; again++) ms = Math.min(ms, await took());
      assert.ok(ms <= longest, `took ${ms.toFixed(1)} ms`);
      slowest = Math.max(slowest, ms);
    } catch (error) {
      const where = `${target.name}: seed ${seed}, number ${number}`;
      const text = typeof input === 'string' ? JSON.stringify(input) : String(input);
      throw new Error(`${where}: ${(error as Error).message}\ninput ${text.slice(0, 4000)}`, {
        cause: error,
      });
    }
    if (settled === undefined && performance.now() > start + options.seconds * 250) {
      settled = heap();
    }
    if (options.number !== undefined) break;
  }
  const growth = settled === undefined ? 0 : heap() - settled;
  assert.ok(
    growth < MOST_GROWTH,
    `${target.name}: seed ${seed}: ${number} inputs left ${growth} octets behind`,
  );
  return { inputs: number - (options.number ?? 0), slowest, growth };
}

/** What `make` gives, or undefined where it throws the parser's own error. */
export function unless<T>(own: new (...args: never[]) => Error, make: () => T): T | undefined {
  try {
    return make();
  } catch (error) {
    if (error instanceof own) return undefined;
    throw error;
  }
}
