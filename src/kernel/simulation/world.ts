// What the parts of one simulation share: its time, its addresses, its links.

import type { Address, StreamOptions, StreamProtocol } from '../host.ts';
import type { Duration, Instant } from '../time.ts';
import type { AddressTable, Binding } from './addresses.ts';
import type { Owner, SimulatedEvent } from './events.ts';
import type { Links } from './link.ts';

/** One life of a simulated host: after a crash nothing of it happens any more. */
export interface Machine extends Owner {
  readonly name: string;
  /** Its own address of the family that `other` is of. */
  addressTowards(other: string): string;
}

/** Somebody who can be reached at a bound address. */
export interface Bound extends Binding {
  readonly machine: Machine;
  /** UDP: takes a datagram. */
  readonly receive?: (datagram: Uint8Array, from: Address) => void;
  /** TCP and what runs over it: takes connections. */
  readonly listening?: Listening;
}

export interface Listening {
  readonly protocol: StreamProtocol;
  readonly options: StreamOptions | undefined;
  /** `end` is a SimulatedStream, made by streams.ts. */
  readonly accept: (end: never) => void;
}

export interface World {
  readonly now: Instant;
  readonly links: Links;
  readonly addresses: AddressTable<Bound>;
  /** How long a connection's octets may stay unacknowledged before it breaks. */
  readonly streamTimeout: Duration;
  at(time: Instant, fire: () => void, owner?: Owner, isTimer?: boolean): SimulatedEvent;
  /** Told of every datagram that will not arrive, at the time it is sent. */
  dropped(source: Address, destination: Address, reason: string): void;
  /** Something was made to fail: a connection broke, a store refused. */
  failed(): void;
}
