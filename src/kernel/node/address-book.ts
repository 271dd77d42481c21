// Which instance of this process has which address: listeners, datagram sockets, and the near ends
// of connections that were opened. The trace names both ends of what crossed by it.

import { networkInterfaces } from 'node:os';
import type { Address, LinkProtocol } from '../host.ts';

export type Transport = 'udp' | 'tcp';

export class AddressBook {
  /** Instances by `transport host port`; sockets may share an address, the first one names it. */
  readonly #owners = new Map<string, string[]>();
  #wildcards = 0;
  #machine = new Set<string>();

  /** Returns how to give the address back. */
  claim(instance: string, transport: Transport, address: Address): () => void {
    const key = keyOf(transport, address.host, address.port);
    const owners = this.#owners.get(key) ?? [];
    owners.push(instance);
    this.#owners.set(key, owners);
    const isWildcard = isUnspecified(address.host);
    if (isWildcard) {
      this.#wildcards++;
      this.#machine = addressesOfMachine();
    }
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      if (isWildcard) this.#wildcards--;
      owners.splice(owners.indexOf(instance), 1);
      if (owners.length === 0) this.#owners.delete(key);
    };
  }

  ownerOf(address: Address, link?: LinkProtocol): string | undefined {
    if (link !== undefined) return this.#find(link === 'udp' ? 'udp' : 'tcp', address);
    return this.#find('udp', address) ?? this.#find('tcp', address);
  }

  #find(transport: Transport, { host, port }: Address): string | undefined {
    const exact = this.#owners.get(keyOf(transport, host, port))?.[0];
    if (exact !== undefined || this.#wildcards === 0) return exact;
    if (!host.startsWith('127.') && !this.#machine.has(host)) return undefined;
    const wildcard = host.includes(':') ? '::' : '0.0.0.0';
    return this.#owners.get(keyOf(transport, wildcard, port))?.[0];
  }
}

const keyOf = (transport: Transport, host: string, port: number) => `${transport} ${host} ${port}`;

export const isUnspecified = (host: string): boolean => host === '0.0.0.0' || host === '::';

function addressesOfMachine(): Set<string> {
  const all = Object.values(networkInterfaces()).flatMap(list => list ?? []);
  return new Set(all.map(one => one.address));
}
