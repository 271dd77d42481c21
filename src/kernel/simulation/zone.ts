// The DNS of a simulation: what a test has written into it, how long it takes to answer, and whether
// it is there at all. Nothing is cached, so that a change is seen at once.

import type { Dns, NaptrRecord, SrvRecord } from '../host.ts';
import { type Duration, ms, seconds } from '../time.ts';
import type { Machine, World } from './world.ts';

interface Records {
  readonly addresses: string[];
  readonly srv: SrvRecord[];
  readonly naptr: NaptrRecord[];
}

const NONE: Records = { addresses: [], srv: [], naptr: [] };
/** After this, whoever asked takes it that nobody answers. */
const GIVE_UP = seconds(3);

export class Zone {
  /** Until an answer comes. */
  delay: Duration = ms(0);
  /** Nobody answers any more. */
  away = false;
  /** What was asked, oldest first: 'SRV _sip._udp.example.test'. */
  readonly asked: string[] = [];
  readonly #names = new Map<string, Records>();

  /** A and AAAA records. */
  address(name: string, ...addresses: string[]): this {
    this.#records(name).addresses.push(...addresses);
    return this;
  }

  srv(name: string, priority: number, weight: number, port: number, target: string): this {
    this.#records(name).srv.push({ priority, weight, port, target });
    return this;
  }

  naptr(name: string, record: NaptrRecord): this {
    this.#records(name).naptr.push(record);
    return this;
  }

  /** Takes all records of a name away. */
  remove(name: string): void {
    this.#names.delete(name.toLowerCase());
  }

  /** The DNS as one machine sees it; a dead one gets no answers. */
  askedBy(world: World, machine: Machine): Dns {
    const ask = <T>(type: string, name: string, of: (records: Records) => readonly T[]) => {
      this.asked.push(`${type} ${name}`);
      const { away, delay } = this;
      return new Promise<readonly T[]>(resolve => {
        const answer = (): void => {
          if (!machine.alive) return;
          resolve(away ? [] : [...of(this.#names.get(name.toLowerCase()) ?? NONE)]);
        };
        if (!away && delay === 0) answer();
        else world.at(world.now + (away ? GIVE_UP : delay), answer, machine);
      });
    };
    return {
      addresses: name => ask('A', name, records => records.addresses),
      srv: name => ask('SRV', name, records => records.srv),
      naptr: name => ask('NAPTR', name, records => records.naptr),
    };
  }

  #records(name: string): Records {
    const key = name.toLowerCase();
    let records = this.#names.get(key);
    if (records === undefined) {
      records = { addresses: [], srv: [], naptr: [] };
      this.#names.set(key, records);
    }
    return records;
  }
}
