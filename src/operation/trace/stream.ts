// Events as they happen, for readers that take their time: a browser, a terminal, a file. A reader
// that falls behind misses the oldest and is told how many.

import type { TraceEvent } from '#kernel/trace';
import type { Subscriber } from './ring.ts';

export interface Subscribable {
  subscribe(subscriber: Subscriber): () => void;
}

/** Instead of events that were missed. */
export interface Missed {
  readonly kind: 'missed';
  readonly count: number;
}

export interface StreamOptions {
  readonly isWanted?: (event: TraceEvent) => boolean;
  /** Events that may wait for the reader. Default 10 000. */
  readonly bound?: number;
  readonly signal?: AbortSignal;
}

/** Ends when the signal is aborted or the reader leaves its loop. */
export async function* eventStream(
  source: Subscribable,
  options: StreamOptions = {},
): AsyncGenerator<TraceEvent | Missed, void, void> {
  const { isWanted = () => true, bound = 10_000, signal } = options;
  let waiting: TraceEvent[] = [];
  let missed = 0;
  let wake: () => void = () => {};
  const unsubscribe = source.subscribe(event => {
    if (!isWanted(event)) return;
    if (waiting.length >= bound) {
      waiting.shift();
      missed++;
    }
    waiting.push(event);
    wake();
  });
  const stop = () => wake();
  signal?.addEventListener('abort', stop);
  const isOver = () => signal?.aborted === true;
  try {
    while (!isOver()) {
      if (waiting.length === 0) {
        await new Promise<void>(resolve => {
          wake = resolve;
        });
        continue;
      }
      if (missed > 0) {
        yield { kind: 'missed', count: missed };
        missed = 0;
      }
      const batch = waiting;
      waiting = [];
      for (const event of batch) {
        if (isOver()) return;
        yield event;
      }
    }
  } finally {
    unsubscribe();
    signal?.removeEventListener('abort', stop);
  }
}
