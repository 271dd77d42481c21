// The ring of recent events: what the console, the API and `carillon trace` look back on. It keeps
// references and is bounded in events and in octets, so that a busy network never runs out of memory
// for the sake of its memory.

import type { Recorder } from '#kernel/recorder';
import type { TraceEvent } from '#kernel/trace';

export interface RingLimits {
  /** Events kept. Default 50 000. */
  readonly events?: number;
  /** Octets kept, as estimated: messages say their size or are taken for a usual one. Default 128 MiB. */
  readonly octets?: number;
}

export type Subscriber = (event: TraceEvent) => void;

/** What a message of each protocol holds when it does not say: its octets and the objects around. */
const USUAL_SIZE = { sip: 2500, diameter: 1000, rtp: 300 } as const;
const EVENT_SIZE = 250;

export class Ring implements Recorder {
  readonly #limit: { readonly events: number; readonly octets: number };
  readonly #events: (TraceEvent | undefined)[] = [];
  readonly #sizes: number[] = [];
  readonly #subscribers = new Set<Subscriber>();
  /** Where the oldest event stands, and how many there are. */
  #first = 0;
  #count = 0;
  #octets = 0;
  #dropped = 0;
  #isRecording = true;

  constructor(limits: RingLimits = {}) {
    this.#limit = { events: limits.events ?? 50_000, octets: limits.octets ?? 128 * 1024 * 1024 };
  }

  /** Recording can be switched off; subscribers then hear nothing either. */
  get enabled(): boolean {
    return this.#isRecording;
  }

  set enabled(isRecording: boolean) {
    this.#isRecording = isRecording;
  }

  get count(): number {
    return this.#count;
  }

  /** Estimated. */
  get octets(): number {
    return this.#octets;
  }

  /** Events that were pushed out by later ones. */
  get dropped(): number {
    return this.#dropped;
  }

  record(event: TraceEvent): void {
    if (!this.#isRecording) return;
    const size = sizeOf(event);
    const { events, octets } = this.#limit;
    while (this.#count > 0 && (this.#count >= events || this.#octets + size > octets)) this.#drop();
    if (events > 0 && size <= octets) this.#keep(event, size);
    for (const subscriber of this.#subscribers) subscriber(event);
  }

  /** The events kept, the oldest first. */
  *[Symbol.iterator](): IterableIterator<TraceEvent> {
    const snapshot = Array.from({ length: this.#count }, (_, at) => this.#at(at));
    yield* snapshot;
  }

  /** Calls back for every event from now on, in the recorder's own call: be quick, never throw. */
  subscribe(subscriber: Subscriber): () => void {
    this.#subscribers.add(subscriber);
    return () => this.#subscribers.delete(subscriber);
  }

  clear(): void {
    while (this.#count > 0) this.#drop();
  }

  #keep(event: TraceEvent, size: number): void {
    const at = (this.#first + this.#count) % this.#limit.events;
    this.#events[at] = event;
    this.#sizes[at] = size;
    this.#count++;
    this.#octets += size;
  }

  #drop(): void {
    this.#octets -= this.#sizes[this.#first]!;
    this.#events[this.#first] = undefined;
    this.#first = (this.#first + 1) % this.#limit.events;
    this.#count--;
    this.#dropped++;
  }

  #at(offset: number): TraceEvent {
    return this.#events[(this.#first + offset) % this.#limit.events]!;
  }
}

function sizeOf(event: TraceEvent): number {
  if (event.kind === 'decision') return EVENT_SIZE + 2 * event.because.length;
  return EVENT_SIZE + (event.message.size?.() ?? USUAL_SIZE[event.protocol]);
}
