// What the DNS says, remembered for a while, for a bounded time and for a bounded number of names:
// names come from peers.

import { isIP } from 'node:net';
import type { Clock, Dns, NaptrRecord, SrvRecord } from '../host.ts';
import { type Duration, type Instant, minutes, seconds } from '../time.ts';
import { deadline } from '../wait.ts';

/** Where answers come from. Fails, or is empty, where there are none. */
export interface DnsSource {
  addresses(name: string): Promise<DnsAnswer<string>>;
  srv(name: string): Promise<DnsAnswer<SrvRecord>>;
  naptr(name: string): Promise<DnsAnswer<NaptrRecord>>;
  /** Gives up what is still asked. */
  close?(): void;
}

export interface DnsAnswer<T> {
  readonly records: readonly T[];
  /** How long they hold, where the source knows. */
  readonly lifetime?: Duration;
}

/** Look-ups under way at once: each may hold a thread or a socket. */
const MOST_LOOKUPS = 64;
const MOST_KNOWN = 2000;
/** Of one answer; more are not looked at. */
const MOST_RECORDS = 32;
/** Where the source does not know the lifetime, and the bounds where it does. */
const KEEP_FOUND = seconds(30);
const KEEP_SHORTEST = seconds(1);
const KEEP_LONGEST = minutes(60);
const KEEP_FAILED = seconds(5);

interface Known {
  readonly records: readonly unknown[];
  readonly until: Instant;
}

export class CachedDns implements Dns {
  readonly #clock: Clock;
  readonly #source: DnsSource;
  readonly #bound: Duration;
  readonly #known = new Map<string, Known>();
  readonly #asked = new Map<string, Promise<readonly unknown[]>>();

  /** `bound`: how long one look-up may take. */
  constructor(clock: Clock, source: DnsSource, bound: Duration) {
    this.#clock = clock;
    this.#source = source;
    this.#bound = bound;
  }

  async addresses(name: string): Promise<readonly string[]> {
    if (isIP(name) !== 0) return [];
    const found = await this.#ask('A', name, () => this.#source.addresses(name));
    return found.filter(address => isIP(address) !== 0);
  }

  async srv(name: string): Promise<readonly SrvRecord[]> {
    const found = await this.#ask('SRV', name, () => this.#source.srv(name));
    return found.filter(({ target }) => target === '' || isName(target));
  }

  naptr(name: string): Promise<readonly NaptrRecord[]> {
    return this.#ask('NAPTR', name, () => this.#source.naptr(name));
  }

  close(): void {
    this.#source.close?.();
  }

  async #ask<T>(
    type: string,
    name: string,
    ask: () => Promise<DnsAnswer<T>>,
  ): Promise<readonly T[]> {
    if (!isName(name)) return [];
    const key = `${type} ${name.toLowerCase()}`;
    const known = this.#known.get(key);
    if (known !== undefined && this.#clock.now() < known.until) return known.records as T[];
    let asked = this.#asked.get(key) as Promise<readonly T[]> | undefined;
    if (asked === undefined) {
      if (this.#asked.size >= MOST_LOOKUPS) return [];
      asked = this.#fetch(key, ask);
      this.#asked.set(key, asked);
    }
    return deadline(this.#clock, this.#bound, asked, () => []);
  }

  async #fetch<T>(key: string, ask: () => Promise<DnsAnswer<T>>): Promise<readonly T[]> {
    let records: readonly T[] = [];
    let keep: Duration = KEEP_FAILED;
    try {
      const answer = await ask();
      records = answer.records.slice(0, MOST_RECORDS);
      if (records.length > 0) {
        const lifetime = answer.lifetime ?? KEEP_FOUND;
        keep = Math.min(Math.max(lifetime, KEEP_SHORTEST), KEEP_LONGEST);
      }
    } catch {
      // Unknown, or the DNS is away: the same to whoever asked.
    }
    this.#asked.delete(key);
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    this.#known.set(key, { records, until: this.#clock.now() + keep });
    return records;
  }
}

/** A domain name that may be asked for: RFC 1035 §2.3.4, with the underscores of RFC 2782. */
const isName = (name: string): boolean =>
  isIP(name) === 0 && /^[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_.])?$/i.test(name);
