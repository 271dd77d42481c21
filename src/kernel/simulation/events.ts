// What is still to happen, ordered by (time, sequence). A cancelled event stays in the heap, empty,
// until it comes up or until the empty ones are the majority.

import { Heap } from '../heap.ts';
import type { Timer } from '../host.ts';
import type { Instant } from '../time.ts';

/** Whose event it is; when the owner dies, the event dies with it. */
export interface Owner {
  readonly alive: boolean;
}

export class SimulatedEvent implements Timer {
  readonly time: Instant;
  readonly sequence: number;
  readonly #owner: Owner | undefined;
  readonly #queue: EventQueue;
  #fire: (() => void) | undefined;

  constructor(
    queue: EventQueue,
    time: Instant,
    sequence: number,
    fire: () => void,
    owner: Owner | undefined,
  ) {
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

  /** Happens, once. */
  fire(): void {
    const fire = this.#fire;
    this.#fire = undefined;
    fire?.();
  }

  cancel(): void {
    if (this.#fire === undefined) return;
    this.#fire = undefined;
    this.#queue.noteCancelled();
  }
}

/** Below this many events a sweep saves nothing. */
const SWEEP_FROM = 1024;

export class EventQueue {
  #heap = new Heap<SimulatedEvent>();
  #sequence = 0;
  #cancelled = 0;

  /** Events that may still fire; those of dead owners count until they are met. */
  get size(): number {
    return this.#heap.size - this.#cancelled;
  }

  add(time: Instant, fire: () => void, owner?: Owner): SimulatedEvent {
    const event = new SimulatedEvent(this, time, this.#sequence++, fire, owner);
    this.#heap.push(event);
    return event;
  }

  /** Takes the earliest event that is due at `limit` or before; undefined where there is none. */
  take(limit: Instant): SimulatedEvent | undefined {
    const first = this.#first();
    return first === undefined || first.time > limit ? undefined : this.#heap.pop();
  }

  /** When the next event is due. */
  get next(): Instant | undefined {
    return this.#first()?.time;
  }

  noteCancelled(): void {
    this.#cancelled++;
    if (this.#heap.size < SWEEP_FROM || this.#cancelled * 2 < this.#heap.size) return;
    const swept = new Heap<SimulatedEvent>();
    for (let event = this.#heap.pop(); event !== undefined; event = this.#heap.pop()) {
      if (event.isAlive) swept.push(event);
    }
    this.#heap = swept;
    this.#cancelled = 0;
  }

  #first(): SimulatedEvent | undefined {
    for (let first = this.#heap.top; first !== undefined; first = this.#heap.top) {
      if (first.isAlive) return first;
      if (first.isCancelled) this.#cancelled--;
      this.#heap.pop();
    }
    return undefined;
  }
}
