// One story per call: every message that crossed a reference point and every decision, with its
// reason. An event holds references only; octets and strings are made when somebody looks.

import type { Address, LinkProtocol } from './host.ts';
import type { Instant } from './time.ts';

/** What joins events into a story; each is what the wire already carries. */
export interface Keys {
  readonly imsi?: string;
  readonly impi?: string;
  /** Public identities, without parameters: 'sip:+15550100001@…'. */
  readonly impus?: readonly string[];
  readonly callId?: string;
  readonly icid?: string;
  /** Diameter Session-Id. */
  readonly sessionId?: string;
}

/** A message as the trace keeps it: protocols give their message classes these four methods. */
export interface Traced {
  /** One line for the ladder: 'REGISTER', '401 Unauthorized', 'MAA DIAMETER_SUCCESS'. */
  summary(): string;
  /** The octets as they crossed, or would have crossed, the wire. */
  encode(): Uint8Array;
  /** The same octets with every secret overwritten at equal length: what every sink shows. */
  masked(): Uint8Array;
  keys(): Keys;
  /** About how many octets it holds in memory, where that is cheap to say: the ring's bound. */
  size?(): number;
  /** The message field by field for a person to read, every secret masked; text protocols need none. */
  dissect?(): readonly string[];
}

/** The reference point a message crossed: 'Gm', 'Mw', 'ISC', 'Cx', 'Mb'. */
export type Point = string;

export interface MessageEvent {
  readonly kind: 'message';
  readonly sequence: number;
  readonly time: Instant;
  /** Function instances, or `host:port` of a peer that is not ours. */
  readonly from: string;
  readonly to: string;
  readonly point: Point;
  readonly protocol: 'sip' | 'diameter' | 'rtp';
  readonly link: LinkProtocol;
  readonly source: Address;
  readonly destination: Address;
  readonly message: Traced;
  /** Why it never arrived, where the simulated link says so. */
  readonly lost?: string;
}

export interface DecisionEvent {
  readonly kind: 'decision';
  readonly sequence: number;
  readonly time: Instant;
  /** The instance that decided. */
  readonly at: string;
  /** What was decided, as `function.subject`: 'i-cscf.select', 's-cscf.ifc', 'p-cscf.identity'. */
  readonly decision: string;
  readonly chose: string;
  readonly because: string;
  readonly clause?: string;
  readonly keys: Keys;
}

export type TraceEvent = MessageEvent | DecisionEvent;

export interface Decision {
  readonly chose: string;
  readonly because: string;
  /** 'TS 24.229 §5.4.1.2.1' */
  readonly clause?: string;
  /** The message it was taken on; its keys join the decision to the story. */
  readonly about?: Traced;
  readonly keys?: Keys;
}

export interface Crossing {
  readonly to?: string;
  readonly from?: string;
  readonly point: Point;
  readonly protocol: MessageEvent['protocol'];
  readonly link: LinkProtocol;
  readonly source: Address;
  readonly destination: Address;
  readonly message: Traced;
  readonly lost?: string;
}

/** An instance's door to the trace. */
export interface Trace {
  /** True while anybody records; callers may skip making a reason when nobody does. */
  readonly enabled: boolean;
  decide(decision: string, what: Decision): void;
  /**
   * A message crossed. The sender records it; the receiver only where the sender is not of this
   * process (`network.ownerOf`), so that each crossing is recorded once.
   */
  crossed(crossing: Crossing): void;
}
