// A whole network in one process and in virtual time. The loop: let every promise settle, take the
// earliest event by (time, sequence), move the clock to it, fire it. The same seed gives the same
// trace, byte for byte.

import type { Address, Endpoint, Host, LinkProtocol } from '../host.ts';
import { type LadderOptions, ladderOf } from '../ladder-of.ts';
import { LocalBus } from '../local-bus.ts';
import { EventCounter, type Recorder, TraceDoor } from '../recorder.ts';
import { type Duration, type Instant, minutes, seconds } from '../time.ts';
import type { TraceEvent } from '../trace.ts';
import { AddressTable, isLoopback } from './addresses.ts';
import { Driver } from './driver.ts';
import { EventQueue } from './events.ts';
import { type Circumstances, type LogEntry, SimulationFailure } from './failure.ts';
import * as parts from './host.ts';
import { type Link, type LinkSettings, Links } from './link.ts';
import type { Factory, SimulatedHostOptions, SimulationOptions } from './options.ts';
import { SeededRandom } from './random.ts';
import { SimulatedDisk, SimulatedStore, type StoreSettings } from './store.ts';
import { TraceLine } from './trace.ts';
import { WaitGraph } from './wait-graph.ts';
import type { Bound, World } from './world.ts';
import { Zone } from './zone.ts';

/** 2026-01-01T00:00Z */
const START: Instant = 1_767_225_600_000;
const EVENTS_KEPT = 100_000;
const LOGS_KEPT = 1000;
const REPORTED = 12;

interface Inhabitant {
  readonly name: string;
  readonly addresses: parts.HostAddresses;
  readonly disk: SimulatedDisk;
  lives: number;
  machine: parts.SimulatedMachine;
  host: Host;
  factory: Factory | undefined;
}

export function simulate(options: SimulationOptions): Simulation {
  return new Simulation(options);
}

export class Simulation {
  readonly seed: number | string;
  readonly started: Instant;
  /** Changes all links that do not set the same thing themselves. */
  readonly everyLink: LinkSettings;
  /** The trace: at least its last 100 000 events. */
  readonly events: TraceEvent[] = [];
  readonly logs: LogEntry[] = [];
  /** What the DNS says in this world. */
  readonly zone = new Zone();
  readonly #options: SimulationOptions;
  readonly #queue = new EventQueue();
  readonly #driver: Driver;
  readonly #links: Links;
  readonly #addresses = new AddressTable<Bound>();
  readonly #inhabitants = new Map<string, Inhabitant>();
  readonly #names = new Map<string, readonly Endpoint[]>();
  readonly #line: TraceLine;
  readonly #counter = new EventCounter();
  readonly #waits = new WaitGraph(() => this.#now);
  readonly #surroundings: parts.Surroundings;
  #now: Instant;
  #lastFault: Instant = Number.NEGATIVE_INFINITY;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.seed = options.seed;
    this.started = this.#now = options.start ?? START;
    this.#links = new Links(options.seed, options.links);
    this.everyLink = this.#links.everywhere;
    this.#line = new TraceLine(this.#keeper(options.recorder));
    const { localLinks, wireAddress } = options;
    const bus = new LocalBus(this.#clock(), {
      ...(localLinks !== undefined && { mode: localLinks }),
      addressOf: wireAddress ?? (name => ({ host: this.addressOf(name), port: 0 })),
    });
    this.#surroundings = {
      world: this.#world(),
      bus,
      zone: this.zone,
      resolve: (name, service, asker) => this.#resolve(name, service, asker),
      ownerOf: (address, link) => this.ownerOf(address, link),
      log: entry => this.#log(entry),
    };
    this.#driver = new Driver(this.#queue, this.#waits, {
      problemAtRest: () => this.#cycleOfWaits(),
      advance: now => {
        this.#now = now;
      },
      betweenEvents: () => this.#line.settle(),
      fail: (what, cause) => this.failure(what, cause),
    });
  }

  now(): Instant {
    return this.#now;
  }

  /** Virtual time since the start. */
  get elapsed(): Duration {
    return this.#now - this.started;
  }

  // ------------------------------------------------------------------------------------ hosts

  /** The host of that name in its present life; made, with addresses of its own, when first asked. */
  host(name: string, options: SimulatedHostOptions = {}): Host {
    return this.#inhabitant(name, options).host;
  }

  addressOf(name: string, family: 4 | 6 = 4): string {
    const { ipv4, ipv6 } = this.#inhabitant(name).addresses;
    return family === 4 ? ipv4 : ipv6;
  }

  ownerOf(address: Address, link?: LinkProtocol): string | undefined {
    const table = this.#addresses;
    const udp = link === undefined || link === 'udp' ? table.find('udp', address) : undefined;
    const bound = udp ?? (link === 'udp' ? undefined : table.find('stream', address));
    return bound?.owner ?? (isLoopback(address.host) ? undefined : table.machineOf(address.host));
  }

  /** The settings of a host's store; they may be changed at any time. */
  store(name: string): StoreSettings {
    return this.#inhabitant(name).disk.settings;
  }

  /**
   * Has `factory` make the instance `name` as the next thing to happen, and again after each crash.
   * A factory that throws or rejects fails the run.
   */
  install(name: string, factory: Factory): void {
    const inhabitant = this.#inhabitant(name);
    inhabitant.factory = factory;
    this.#begin(inhabitant);
  }

  /** The process dies: timers, sockets, pending work and unflushed commits are gone. */
  crash(name: string): void {
    this.#lastFault = this.#now;
    this.#inhabitant(name).machine.die();
  }

  /** A new life on the same disk and addresses; the installed factory is called again. */
  restart(name: string): Host {
    const inhabitant = this.#inhabitant(name);
    if (inhabitant.machine.alive) this.crash(name);
    this.#live(inhabitant);
    this.#begin(inhabitant);
    return inhabitant.host;
  }

  // ---------------------------------------------------------------------------------- network

  /** The network between two hosts, both ways; `.towards(name)` is one way. */
  link(a: string, b: string): Link {
    return this.#links.link(a, b);
  }

  /** Cuts every link between the two groups, or joins them again. */
  partition(some: readonly string[], others: readonly string[], partitioned = true): void {
    for (const a of some) for (const b of others) this.link(a, b).partitioned = partitioned;
  }

  /** Where a name leads; the composition decides. */
  setName(name: string, service: 'sip' | 'diameter', endpoints: readonly Endpoint[]): void {
    this.#names.set(`${service} ${name}`, endpoints);
  }

  // ------------------------------------------------------------------------------------- time

  /** Has a test act in the middle of a run: `sim.after(minutes(5), () => sim.crash('s-cscf'))`. */
  after(delay: Duration, act: () => void): void {
    this.#queue.add(this.#now + Math.max(delay, 0), act, undefined, true);
  }

  /** Lets virtual time pass. Where nothing is left to happen the clock just moves on. */
  async run(duration: Duration): Promise<void> {
    this.#checkLinks();
    const end = this.#now + duration;
    await this.#driver.drive(end, () => false);
    this.#now = end;
  }

  /**
   * Runs until the condition holds after some event. Fails when it does not hold after `limit`, or
   * when nothing is left that could make it hold.
   */
  async runUntil(
    condition: () => boolean,
    limit: Duration = minutes(10),
    what = 'the condition',
  ): Promise<void> {
    this.#checkLinks();
    const end = this.#now + limit;
    const outcome = await this.#driver.drive(end, condition);
    if (outcome === 'stopped') return;
    if (outcome === 'idle')
      throw this.failure(`nothing is left to happen, and ${what} does not hold`);
    this.#now = end;
    throw this.failure(`after ${limit / 1000} s ${what} still does not hold`);
  }

  /** Runs until nothing is left to happen. Fails where there is something still after `limit`. */
  async runUntilIdle(limit: Duration = minutes(10)): Promise<void> {
    this.#checkLinks();
    const end = this.#now + limit;
    const outcome = await this.#driver.drive(end, () => false);
    if (outcome === 'idle') return;
    this.#now = end;
    throw this.failure(`after ${limit / 1000} s there is still something to happen`);
  }

  /**
   * Runs `begin` as an event and then until what it returns has settled: the value, or the error.
   * Fails like `runUntil` when it never settles.
   */
  async settle<T>(begin: () => T | Promise<T>, limit: Duration = minutes(10)): Promise<T> {
    let outcome: { readonly value: T } | { readonly error: unknown } | undefined;
    this.after(0, () => {
      const begun = (async () => begin())();
      begun.then(
        value => {
          outcome = { value };
        },
        error => {
          outcome = { error };
        },
      );
    });
    await this.runUntil(
      () => outcome !== undefined,
      limit,
      'what was begun has not settled: that it has',
    );
    if ('error' in outcome!) throw outcome.error;
    return outcome!.value;
  }

  /** Events that may still happen. */
  get pending(): number {
    return this.#queue.size;
  }

  // ------------------------------------------------------------------------------------ report

  /** The messages between two functions, both ways, as a reader would draw them. */
  ladder(a?: string, b?: string, options?: LadderOptions): string[] {
    this.#line.flush();
    return ladderOf(this.events, a, b, options);
  }

  /** An error that names the seed and what happened last. */
  failure(what: string, cause?: unknown): SimulationFailure {
    this.#line.flush();
    const circumstances: Circumstances = {
      seed: this.seed,
      started: this.started,
      now: this.#now,
      ladder: ladderOf(this.events.slice(-REPORTED), undefined, undefined, { lost: true }),
      logs: this.logs.slice(-REPORTED),
    };
    return new SimulationFailure(what, circumstances, cause);
  }

  // ---------------------------------------------------------------------------------- internals

  #inhabitant(name: string, options: SimulatedHostOptions = {}): Inhabitant {
    const known = this.#inhabitants.get(name);
    if (known !== undefined) return known;
    const ordinal = this.#inhabitants.size + 1;
    const ipv4 = options.ipv4 ?? `10.${ordinal >> 16}.${(ordinal >> 8) & 255}.${ordinal & 255}`;
    const ipv6 = options.ipv6 ?? `fd00::${ordinal.toString(16)}`;
    this.#addresses.assign(name, ipv4);
    this.#addresses.assign(name, ipv6);
    const disk = new SimulatedDisk({ ...this.#options.store, ...options.store });
    const inhabitant = { name, addresses: { ipv4, ipv6 }, disk, lives: 0, factory: undefined };
    const living = this.#live(inhabitant);
    this.#inhabitants.set(name, living);
    return living;
  }

  #live(inhabitant: Omit<Inhabitant, 'machine' | 'host'>): Inhabitant {
    const { name, addresses, disk } = inhabitant;
    const life = ++inhabitant.lives;
    const stream = (label: string) => new SeededRandom(this.seed, `${label} ${name} ${life}`);
    const machine = new parts.SimulatedMachine(name, addresses);
    const { world, ownerOf } = this.#surroundings;
    const clock = new parts.SimulatedClock(world, machine);
    const counter = this.#counter;
    const host: parts.SimulatedHost = {
      name,
      clock,
      network: new parts.SimulatedNetwork(this.#surroundings, machine),
      random: stream('host'),
      store: new SimulatedStore(world, machine, disk, stream('store')),
      trace: new TraceDoor({ name, clock, recorder: this.#line.of(machine), counter, ownerOf }),
      log: new parts.SimulatedLog(this.#surroundings, machine),
    };
    return Object.assign(inhabitant, { machine, host });
  }

  #begin({ factory, machine, host, name }: Inhabitant): void {
    if (factory === undefined) return;
    const start = () => {
      const begun = (async () => factory(host))();
      begun.catch((error: unknown) => {
        if (machine.alive) this.#driver.abort(this.failure(`${name} did not start`, error));
      });
    };
    this.#queue.add(this.#now, start, machine);
  }

  #resolve(name: string, service: 'sip' | 'diameter', asker: string) {
    const known = this.#names.get(`${service} ${name}`);
    return known ?? this.#options.resolve?.(name, service, asker);
  }

  #log(entry: LogEntry): void {
    this.#options.log?.(entry);
    this.logs.push(entry);
    if (this.logs.length >= 2 * LOGS_KEPT) this.logs.splice(0, LOGS_KEPT);
  }

  #keeper(other: Recorder | undefined): Recorder {
    const { events } = this;
    return {
      get enabled() {
        return other?.enabled ?? true;
      },
      record(event) {
        events.push(event);
        if (events.length >= 2 * EVENTS_KEPT) events.splice(0, EVENTS_KEPT);
        other?.record(event);
      },
    };
  }

  #clock() {
    const fireAt = (time: Instant, fire: () => void) => this.#queue.add(time, fire);
    return {
      now: () => this.#now,
      after: (delay: Duration, fire: () => void) => fireAt(this.#now + delay, fire),
      soon: (fire: () => void) => {
        fireAt(this.#now, fire);
      },
    };
  }

  #world(): World {
    const now = () => this.#now;
    return {
      get now() {
        return now();
      },
      links: this.#links,
      addresses: this.#addresses,
      streamTimeout: this.#options.streamTimeout ?? seconds(30),
      at: (time, fire, owner, isTimer) => this.#queue.add(time, fire, owner, isTimer),
      dropped: (source, destination, reason) => {
        this.#lastFault = this.#now;
        this.#line.dropped(source, destination, reason);
      },
      failed: () => {
        this.#lastFault = this.#now;
      },
    };
  }

  /** Looked for while nothing is on its way; where something was lost, waiting is no wonder. */
  #cycleOfWaits(): string | undefined {
    const keys = this.#waits.cycle(this.#lastFault);
    if (keys === undefined) return undefined;
    const chain = [...keys, keys[0]].map(key => `'${key}'`).join(' waits for ');
    return `a cycle of waits: the procedure for ${chain}`;
  }

  /** A link between names that nobody has would silently do nothing. */
  #checkLinks(): void {
    for (const name of this.#links.names()) {
      if (!this.#inhabitants.has(name))
        throw new Error(`a link names ${name}, which is no host here`);
    }
  }
}
