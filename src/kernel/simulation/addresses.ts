// IP literals and ports of the simulated machines. Any host may also bind the loopback addresses,
// which all of them share as if they lived on one machine: a configuration made for one laptop
// works unchanged.

import { AddressError } from '../errors.ts';
import type { Address } from '../host.ts';

const canonicalForms = new Map<string, string>();
const CANONICAL_FORMS_LIMIT = 10_000;

/** One spelling per IPv6 address; IPv4 literals are returned as they are. */
export function canonical(host: string): string {
  if (!host.includes(':')) return host;
  const known = canonicalForms.get(host);
  if (known !== undefined) return known;
  const bare = host.startsWith('[') ? host.slice(1, -1) : host;
  const spelled = URL.parse(`http://[${bare}]/`)?.hostname.slice(1, -1) ?? host;
  if (canonicalForms.size >= CANONICAL_FORMS_LIMIT) canonicalForms.clear();
  canonicalForms.set(host, spelled);
  return spelled;
}

export const isIpv6 = (host: string): boolean => host.includes(':');
export const isWildcard = (host: string): boolean => host === '0.0.0.0' || host === '::';
export const isLoopback = (host: string): boolean => host === '::1' || host.startsWith('127.');
export const wildcardOf = (host: string): string => (isIpv6(host) ? '::' : '0.0.0.0');

/** UDP ports and TCP ports are apart; TCP, TLS and WebSocket listeners share theirs. */
export type PortSpace = 'udp' | 'stream';

/** What is bound, and whose it is. */
export interface Binding {
  readonly owner: string;
  readonly local: Address;
}

const FIRST_EPHEMERAL_PORT = 49_152;
const LAST_PORT = 65_535;

/** All that is bound on all machines of one simulation. */
export class AddressTable<B extends Binding> {
  readonly #bound = new Map<string, B>();
  /** Wildcard bindings by port space and port, in the order bound. */
  readonly #wildcards = new Map<string, B[]>();
  readonly #machineOf = new Map<string, string>();
  readonly #ephemeral = new Map<string, number>();

  /** Gives `host` an address of its own. */
  assign(owner: string, host: string): void {
    const taken = this.#machineOf.get(canonical(host));
    if (taken !== undefined && taken !== owner) throw new Error(`${host} belongs to ${taken}`);
    this.#machineOf.set(canonical(host), owner);
  }

  /** The address to bind for `asked`: spelled one way, its port chosen where it is 0. */
  place(owner: string, space: PortSpace, asked: Address): Address {
    const host = canonical(asked.host);
    const mayBind = isWildcard(host) || isLoopback(host) || this.#machineOf.get(host) === owner;
    if (!mayBind) throw new AddressError('unavailable', asked, `not an address of ${owner}`);
    if (asked.port !== 0) {
      const taken = this.#conflict(owner, space, { host, port: asked.port });
      if (taken !== undefined) throw new AddressError('in use', asked, `bound by ${taken.owner}`);
      return { host, port: asked.port };
    }
    return { host, port: this.#freePort(owner, space, host) };
  }

  bind(space: PortSpace, binding: B): void {
    const { host, port } = binding.local;
    this.#bound.set(keyOf(space, host, port, binding.owner), binding);
    if (!isWildcard(host)) return;
    const key = `${space} ${wildcardOf(host)} ${port}`;
    this.#wildcards.set(key, [...(this.#wildcards.get(key) ?? []), binding]);
  }

  release(space: PortSpace, binding: B): void {
    const { host, port } = binding.local;
    const key = keyOf(space, host, port, binding.owner);
    if (this.#bound.get(key) === binding) this.#bound.delete(key);
    if (!isWildcard(host)) return;
    const wildcardKey = `${space} ${wildcardOf(host)} ${port}`;
    const left = (this.#wildcards.get(wildcardKey) ?? []).filter(other => other !== binding);
    if (left.length === 0) this.#wildcards.delete(wildcardKey);
    else this.#wildcards.set(wildcardKey, left);
  }

  /** Who receives what is sent to `address`. */
  find(space: PortSpace, address: Address): B | undefined {
    const host = canonical(address.host);
    const exact = this.#bound.get(keyOf(space, host, address.port, ''));
    if (exact !== undefined) return exact;
    const machine = this.#machineOf.get(host);
    const anywhere = this.#wildcards.get(`${space} ${wildcardOf(host)} ${address.port}`);
    if (isLoopback(host)) return anywhere?.[0];
    return anywhere?.find(binding => binding.owner === machine);
  }

  /** The machine that has the address, whether or not anything is bound there. */
  machineOf(host: string): string | undefined {
    return this.#machineOf.get(canonical(host));
  }

  #conflict(owner: string, space: PortSpace, local: Address): B | undefined {
    const exact = this.#bound.get(keyOf(space, local.host, local.port, owner));
    if (exact !== undefined) return exact;
    const family = wildcardOf(local.host);
    if (!isWildcard(local.host)) {
      return this.#bound.get(keyOf(space, family, local.port, owner));
    }
    for (const [key, binding] of this.#bound) {
      if (binding.owner !== owner || binding.local.port !== local.port) continue;
      if (key.startsWith(space) && wildcardOf(binding.local.host) === family) return binding;
    }
    return undefined;
  }

  #freePort(owner: string, space: PortSpace, host: string): number {
    const counter = `${owner} ${space}`;
    let port = this.#ephemeral.get(counter) ?? FIRST_EPHEMERAL_PORT;
    for (let tries = FIRST_EPHEMERAL_PORT; tries <= LAST_PORT; tries++) {
      const candidate = port;
      port = port === LAST_PORT ? FIRST_EPHEMERAL_PORT : port + 1;
      if (this.#conflict(owner, space, { host, port: candidate }) === undefined) {
        this.#ephemeral.set(counter, port);
        return candidate;
      }
    }
    throw new AddressError('in use', { host, port: 0 }, `${owner} has no free port left`);
  }
}

/** A wildcard binding is one machine's; every other address is one in the whole simulation. */
const keyOf = (space: PortSpace, host: string, port: number, owner: string): string =>
  isWildcard(host) ? `${space} ${host} ${port} ${owner}` : `${space} ${host} ${port}`;
