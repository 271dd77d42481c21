// Behind the instances' doors to the trace stands one recorder for the process: it keeps the events
// and feeds the sinks. The door fills in who, when and in which order.

import type { Address, Clock, LinkProtocol } from './host.ts';
import type { Instant } from './time.ts';
import type {
  Crossing,
  Decision,
  DecisionEvent,
  Keys,
  MessageEvent,
  Trace,
  Traced,
  TraceEvent,
} from './trace.ts';

export interface Recorder {
  /** False while nobody keeps or looks; then nothing is recorded. */
  readonly enabled: boolean;
  record(event: TraceEvent): void;
}

/** Records nothing. */
export const noRecorder: Recorder = { enabled: false, record() {} };

/** Numbers the events of all instances of a process, from 1. */
export class EventCounter {
  #last = 0;

  next(): number {
    return ++this.#last;
  }
}

export interface TraceDoorOptions {
  /** The instance whose door it is. */
  readonly name: string;
  readonly clock: Clock;
  readonly recorder: Recorder;
  /** One for all the instances whose events are read together. */
  readonly counter: EventCounter;
  readonly ownerOf: (address: Address, link: LinkProtocol) => string | undefined;
}

export class TraceDoor implements Trace {
  readonly #options: TraceDoorOptions;

  constructor(options: TraceDoorOptions) {
    this.#options = options;
  }

  get enabled(): boolean {
    return this.#options.recorder.enabled;
  }

  decide(decision: string, what: Decision): void {
    const { recorder, counter, clock, name } = this.#options;
    if (!recorder.enabled) return;
    recorder.record(new Decided(counter.next(), clock.now(), name, decision, what));
  }

  crossed(crossing: Crossing): void {
    const { recorder, counter, clock } = this.#options;
    if (!recorder.enabled) return;
    const { point, protocol, link, source, destination, message } = crossing;
    const event: MessageEvent = {
      kind: 'message',
      sequence: counter.next(),
      time: clock.now(),
      ...this.#ends(crossing),
      point,
      protocol,
      link,
      source,
      destination,
      message,
      ...(crossing.lost === undefined ? {} : { lost: crossing.lost }),
    };
    recorder.record(event);
  }

  /** Who sent and who received: one of them is this instance, whatever its address says. */
  #ends(crossing: Crossing): { from: string; to: string } {
    const { name, ownerOf } = this.#options;
    const { source, destination, link } = crossing;
    let from = crossing.from ?? ownerOf(source, link);
    let to = crossing.to ?? ownerOf(destination, link);
    if (from !== name && to !== name) {
      if (from === undefined) from = name;
      else to ??= name;
    }
    return { from: from ?? addressText(source), to: to ?? addressText(destination) };
  }
}

/** A decision's keys are asked of its message when somebody looks, not when it is taken. */
class Decided implements DecisionEvent {
  readonly kind = 'decision';
  readonly sequence: number;
  readonly time: Instant;
  readonly at: string;
  readonly decision: string;
  readonly chose: string;
  readonly because: string;
  declare readonly clause?: string;
  readonly #keys: Keys | undefined;
  readonly #about: Traced | undefined;

  constructor(sequence: number, time: Instant, at: string, decision: string, what: Decision) {
    this.sequence = sequence;
    this.time = time;
    this.at = at;
    this.decision = decision;
    this.chose = what.chose;
    this.because = what.because;
    if (what.clause !== undefined) this.clause = what.clause;
    this.#keys = what.keys;
    this.#about = what.about;
  }

  get keys(): Keys {
    return { ...this.#about?.keys(), ...this.#keys };
  }

  toJSON(): object {
    return { ...this, keys: this.keys };
  }
}

/** `host:port`, with brackets around an IPv6 address. */
export function addressText(address: Address): string {
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return `${host}:${address.port}`;
}
