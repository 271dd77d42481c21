// UDP between simulated machines.

import type { Address, DatagramSocket } from '../host.ts';
import { isIpv6, isWildcard } from './addresses.ts';
import type { Fate } from './link.ts';
import type { Bound, Machine, World } from './world.ts';

/** 65535 octets of IPv4 packet less its headers. */
const LARGEST_DATAGRAM = 65_507;

type Receive = (datagram: Uint8Array, from: Address) => void;

export class SimulatedDatagramSocket implements DatagramSocket, Bound {
  readonly machine: Machine;
  readonly owner: string;
  readonly local: Address;
  readonly receive: Receive;
  readonly #world: World;
  #open = true;

  constructor(world: World, machine: Machine, asked: Address, receive: Receive) {
    this.#world = world;
    this.machine = machine;
    this.owner = machine.name;
    this.local = world.addresses.place(machine.name, 'udp', asked);
    this.receive = receive;
    world.addresses.bind('udp', this);
  }

  send(datagram: Uint8Array, to: Address): void {
    if (!this.#open || !this.machine.alive) return;
    const world = this.#world;
    const source = this.#sourceTowards(to);
    const fate = this.#fate(datagram, to);
    if ('lost' in fate) {
      world.dropped(source, to, fate.lost);
      return;
    }
    for (const arrival of fate) {
      const copy = new Uint8Array(datagram); // the sender's buffer is the sender's
      world.at(arrival, () => deliver(world, copy, source, to));
    }
  }

  #fate(datagram: Uint8Array, to: Address): Fate {
    const { addresses, links, now } = this.#world;
    if (datagram.length > LARGEST_DATAGRAM) return { lost: 'too large for a datagram' };
    if (isIpv6(to.host) !== isIpv6(this.local.host)) return { lost: 'other address family' };
    const receiver = addresses.find('udp', to)?.owner ?? addresses.machineOf(to.host);
    if (receiver === undefined) return { lost: 'no such address' };
    return receiver === this.owner ? [now] : links.direction(this.owner, receiver).datagram(now);
  }

  close(): void {
    this.#open = false;
    this.#world.addresses.release('udp', this);
  }

  #sourceTowards(to: Address): Address {
    if (!isWildcard(this.local.host)) return this.local;
    return { host: this.machine.addressTowards(to.host), port: this.local.port };
  }
}

/** Whoever is bound when the datagram arrives gets it; where nobody is, it is gone. */
function deliver(world: World, datagram: Uint8Array, from: Address, to: Address): void {
  const receiver = world.addresses.find('udp', to);
  if (receiver?.machine.alive) receiver.receive?.(datagram, from);
}
