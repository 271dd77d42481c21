// What is still to happen, ordered by (time, sequence). A cancelled event stays in the heap, empty,
// until it comes up or until the empty ones are the majority.

import { Heap } from '../heap.ts';
import type { Timer } from '../host.ts';
import type { Instant } from '../time.ts';
import { forCause, presentCause } from './wait-graph.ts';

/** Whose event it is; when the owner dies, the event dies with it. */
export interface Owner {
  readonly alive: boolean;
}

export class SimulatedEvent implements Timer {
  readonly time: Instant;
  readonly sequence: number;
  /** Waits for its time and for nothing else; other events are on their way somewhere. */
  readonly isTimer: boolean;
  readonly #owner: Owner | undefined;
  readonly #cause = presentCause();
  readonly #queue: EventQueue;
  #fire: (() => void) | undefined;

  constructor(
    queue: EventQueue,
    time: Instant,
    sequence: number,
    fire: () => void,
    owner: Owner | undefined,
    isTimer: boolean,
  ) {
    this.isTimer = isTimer;
    this.#queue = queue;
    this.time = time;
    this.sequence = sequence;
    this.#fire = fire;
    this.#owner = owner;
  }

  get isCancelled(): boolean {
    return this.#fire === undefined;
  }

  /** Neither cancelled nor of an owner that died. */
  get isAlive(): boolean {
    return this.#fire !== undefined && this.#owner?.alive !== false;
  }

  /** Happens, once, for whatever scheduled it. */
  fire(): void {
    const fire = this.#fire;
    this.#fire = undefined;
    if (fire !== undefined) forCause(this.#cause, fire);
  }

  cancel(): void {
    if (this.#fire === undefined) return;
    this.#fire = undefined;
    this.#queue.noteCancelled(this.isTimer);
  }
}

/** Below this many events a sweep saves nothing. */
const SWEEP_FROM = 1024;

export class EventQueue {
  #heap = new Heap<SimulatedEvent>();
  #sequence = 0;
  #cancelled = 0;
  #inFlight = 0;

  /** Events that may still fire; those of dead owners count until they are met. */
  get size(): number {
    return this.#heap.size - this.#cancelled;
  }

  /** Something on its way: a datagram, a commit. Timers wait for nothing but their time. */
  get inFlight(): number {
    return this.#inFlight;
  }

  add(time: Instant, fire: () => void, owner?: Owner, isTimer = false): SimulatedEvent {
    const event = new SimulatedEvent(this, time, this.#sequence++, fire, owner, isTimer);
    this.#heap.push(event);
    if (!isTimer) this.#inFlight++;
    return event;
  }

  /** Takes the earliest event that is due at `limit` or before; undefined where there is none. */
  take(limit: Instant): SimulatedEvent | undefined {
    const first = this.#first();
    if (first === undefined || first.time > limit) return undefined;
    if (!first.isTimer) this.#inFlight--;
    return this.#heap.pop();
  }

  /** When the next event is due. */
  get next(): Instant | undefined {
    return this.#first()?.time;
  }

  noteCancelled(isTimer: boolean): void {
    this.#cancelled++;
    if (!isTimer) this.#inFlight--;
    if (this.#heap.size < SWEEP_FROM || this.#cancelled * 2 < this.#heap.size) return;
    const swept = new Heap<SimulatedEvent>();
    for (let event = this.#heap.pop(); event !== undefined; event = this.#heap.pop()) {
      if (event.isAlive) swept.push(event);
      else if (!event.isCancelled && !event.isTimer) this.#inFlight--;
    }
    this.#heap = swept;
    this.#cancelled = 0;
  }

  #first(): SimulatedEvent | undefined {
    for (let first = this.#heap.top; first !== undefined; first = this.#heap.top) {
      if (first.isAlive) return first;
      if (first.isCancelled) this.#cancelled--;
      else if (!first.isTimer) this.#inFlight--;
      this.#heap.pop();
    }
    return undefined;
  }
}
