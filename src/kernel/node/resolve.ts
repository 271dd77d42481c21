// Where a name leads: first what the composition knows, then the DNS, for a bounded time.

import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Clock, Endpoint, Network } from '../host.ts';
import { type Duration, type Instant, seconds } from '../time.ts';
import { deadline } from '../wait.ts';

export type Service = Parameters<Network['resolve']>[1];

/** What the composition knows of a name; undefined asks the DNS. */
export type NameTable = (name: string, service: Service) => readonly Endpoint[] | undefined;

/** The addresses of a name; fails or is empty where there are none. */
export type Lookup = (name: string) => Promise<readonly string[]>;

/** Look-ups under way at once: names come from peers, and each look-up holds a thread. */
const MOST_LOOKUPS = 64;
const MOST_KNOWN = 1000;
/** The DNS's own lifetimes are not seen through the system's resolver. */
const KEEP_FOUND = seconds(30);
const KEEP_FAILED = seconds(5);

interface Known {
  readonly addresses: readonly string[];
  readonly until: Instant;
}

export class Resolver {
  readonly #clock: Clock;
  readonly #names: NameTable;
  readonly #lookup: Lookup;
  readonly #bound: Duration;
  readonly #known = new Map<string, Known>();
  readonly #asked = new Map<string, Promise<readonly string[]>>();

  constructor(clock: Clock, names: NameTable, look: Lookup | undefined, bound: Duration) {
    this.#clock = clock;
    this.#names = names;
    this.#lookup = look ?? systemLookup;
    this.#bound = bound;
  }

  /** Never fails: an unknown name leads nowhere. */
  async resolve(name: string, service: Service): Promise<readonly Endpoint[]> {
    if (isIP(name) !== 0) return [];
    const known = this.#names(name, service);
    if (known !== undefined) return known;
    if (!/^[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_.])?$/i.test(name)) return [];
    const protocol = service === 'sip' ? 'udp' : 'tcp';
    const port = service === 'sip' ? 5060 : 3868;
    const addresses = await this.#addresses(name.toLowerCase());
    return addresses.map(host => ({ protocol, address: { host, port } }));
  }

  async #addresses(name: string): Promise<readonly string[]> {
    const known = this.#known.get(name);
    if (known !== undefined && this.#clock.now() < known.until) return known.addresses;
    let asked = this.#asked.get(name);
    if (asked === undefined) {
      if (this.#asked.size >= MOST_LOOKUPS) return [];
      asked = this.#ask(name);
      this.#asked.set(name, asked);
    }
    return deadline(this.#clock, this.#bound, asked, () => []);
  }

  async #ask(name: string): Promise<readonly string[]> {
    let addresses: readonly string[] = [];
    try {
      addresses = (await this.#lookup(name)).filter(address => isIP(address) !== 0);
    } catch {
      // Unknown, or the DNS is away: the same to whoever asked.
    }
    this.#asked.delete(name);
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    const keep = addresses.length > 0 ? KEEP_FOUND : KEEP_FAILED;
    this.#known.set(name, { addresses, until: this.#clock.now() + keep });
    return addresses;
  }
}

/** The machine's own resolver, so that its hosts file counts. IPv4 first. */
async function systemLookup(name: string): Promise<readonly string[]> {
  const found = await lookup(name, { all: true, order: 'ipv4first' });
  return found.map(one => one.address);
}
