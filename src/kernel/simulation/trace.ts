// The trace of a simulated host: like any host's, and it also knows which datagrams the simulated
// link swallowed.

import type { Address } from '../host.ts';
import type { Recorder } from '../recorder.ts';
import type { Crossing, Decision, MessageEvent, Trace, TraceEvent } from '../trace.ts';
import type { Machine, World } from './world.ts';

/** Two addresses, compared by value. */
const isSame = (a: Address, b: Address): boolean => a.port === b.port && a.host === b.host;

/**
 * Numbers the events of all hosts of one simulation. A sender records its datagram just before or
 * just after it sends; so the last one is held back until the link has had the chance to lose it.
 */
export class TraceLine {
  readonly #recorder: Recorder;
  #sequence = 0;
  #held: MessageEvent | undefined;
  #dropped: { source: Address; destination: Address; reason: string } | undefined;

  constructor(recorder: Recorder) {
    this.#recorder = recorder;
  }

  get enabled(): boolean {
    return this.#recorder.enabled;
  }

  nextSequence(): number {
    return this.#sequence++;
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

export class SimulatedTrace implements Trace {
  readonly #world: World;
  readonly #machine: Machine;
  readonly #line: TraceLine;
  readonly #nameOf: (address: Address) => string | undefined;

  constructor(
    world: World,
    machine: Machine,
    line: TraceLine,
    nameOf: (address: Address) => string | undefined,
  ) {
    this.#world = world;
    this.#machine = machine;
    this.#line = line;
    this.#nameOf = nameOf;
  }

  get enabled(): boolean {
    return this.#line.enabled;
  }

  decide(decision: string, what: Decision): void {
    if (!this.#line.enabled || !this.#machine.alive) return;
    const keys = what.about === undefined ? what.keys : { ...what.about.keys(), ...what.keys };
    this.#line.record({
      kind: 'decision',
      sequence: this.#line.nextSequence(),
      time: this.#world.now,
      at: this.#machine.name,
      decision,
      chose: what.chose,
      because: what.because,
      ...(what.clause !== undefined && { clause: what.clause }),
      keys: keys ?? {},
    });
  }

  crossed(crossing: Crossing): void {
    if (!this.#line.enabled || !this.#machine.alive) return;
    const { from, to, source, destination, lost, point, protocol, link, message } = crossing;
    const own = this.#machine.name;
    this.#line.record({
      kind: 'message',
      sequence: this.#line.nextSequence(),
      time: this.#world.now,
      from: from ?? own,
      to: to ?? (from === undefined ? this.#peerName(destination) : own),
      point,
      protocol,
      link,
      source,
      destination,
      message,
      ...(lost !== undefined && { lost }),
    });
  }

  #peerName(address: Address): string {
    const name = this.#nameOf(address);
    if (name !== undefined) return name;
    const host = address.host.includes(':') ? `[${address.host}]` : address.host;
    return `${host}:${address.port}`;
  }
}
