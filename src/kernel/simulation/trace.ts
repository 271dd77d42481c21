// Between the doors of the simulated hosts and whoever records: marks the datagrams that a simulated
// link swallowed, and is deaf to the dead.

import type { Address } from '../host.ts';
import type { Recorder } from '../recorder.ts';
import type { MessageEvent, TraceEvent } from '../trace.ts';
import type { Owner } from './events.ts';

/** Two addresses, compared by value. */
const isSame = (a: Address, b: Address): boolean => a.port === b.port && a.host === b.host;

/**
 * A sender records its datagram just before or just after it sends; so the last one is held back
 * until the link has had the chance to lose it.
 */
export class TraceLine implements Recorder {
  readonly #recorder: Recorder;
  #held: MessageEvent | undefined;
  #dropped: { source: Address; destination: Address; reason: string } | undefined;

  constructor(recorder: Recorder) {
    this.#recorder = recorder;
  }

  get enabled(): boolean {
    return this.#recorder.enabled;
  }

  /** For one life of one host. */
  of(owner: Owner): Recorder {
    const isHeard = () => owner.alive && this.enabled;
    return {
      get enabled() {
        return isHeard();
      },
      record: event => this.record(event),
    };
  }

  record(event: TraceEvent): void {
    this.flush();
    if (event.kind === 'message' && event.link === 'udp') {
      const dropped = this.#dropped;
      this.#dropped = undefined;
      if (dropped !== undefined && isBetween(event, dropped.source, dropped.destination)) {
        this.#recorder.record({ ...event, lost: dropped.reason });
      } else this.#held = event;
      return;
    }
    this.#recorder.record(event);
  }

  dropped(source: Address, destination: Address, reason: string): void {
    const held = this.#held;
    if (held !== undefined && isBetween(held, source, destination)) {
      this.#held = undefined;
      this.#recorder.record({ ...held, lost: reason });
      return;
    }
    this.#dropped = { source, destination, reason };
  }

  /** What is held back arrives after all. Called before each event of the simulation. */
  flush(): void {
    const held = this.#held;
    if (held === undefined) return;
    this.#held = undefined;
    this.#recorder.record(held);
  }

  /** A new event begins: what was dropped before has nothing to do with it. */
  settle(): void {
    this.flush();
    this.#dropped = undefined;
  }
}

/** Source ports tell apart two sockets of one machine; a wildcard source matches by port alone. */
const isBetween = (event: MessageEvent, source: Address, destination: Address): boolean =>
  event.source.port === source.port && isSame(event.destination, destination);
