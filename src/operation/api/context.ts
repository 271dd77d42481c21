// What the operations of the API act on, and how they find a function that may not be here.

import type { Functions } from '#networks/compose';
import { INSTANCE } from '#networks/compose';
import type { NetworkInProcess } from '../run-network.ts';
import type { Metrics } from './metrics.ts';
import { Problem } from './problem.ts';

export interface ApiContext {
  readonly running: NetworkInProcess;
  readonly metrics: Metrics;
  readonly version: string;
}

/** Throws the Problem 503 where the function runs in another process, or was stopped. */
export function needed<K extends keyof Functions>(
  { running }: ApiContext,
  name: K,
): NonNullable<Functions[K]> {
  const found = running.network.functions[name];
  if (found !== undefined) return found;
  const why = running.asked.includes(name)
    ? 'does not run at the moment'
    : 'runs in another process; ask the API there';
  throw new Problem(503, {
    type: 'function-absent',
    detail: `the ${INSTANCE[name]} ${why}`,
  });
}

export const iso = (time: number): string => new Date(time).toISOString();
