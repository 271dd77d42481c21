// One life of one simulated host. When it crashes everything it began is forgotten; the next life
// finds the same addresses and the same disk.

import type {
  Address,
  Clock,
  Codec,
  DatagramSocket,
  Dns,
  Endpoint,
  Fields,
  Host,
  LinkProtocol,
  Listener,
  Log,
  Network,
  Stream,
  StreamOptions,
  StreamProtocol,
  Timer,
} from '../host.ts';
import type { LocalBus } from '../local-bus.ts';
import type { Pipe } from '../pipe.ts';
import type { Duration, Instant } from '../time.ts';
import { isIpv6, isLoopback } from './addresses.ts';
import { SimulatedDatagramSocket } from './datagrams.ts';
import type { LogEntry } from './failure.ts';
import type { SeededRandom } from './random.ts';
import type { SimulatedStore } from './store.ts';
import { SimulatedListener, SimulatedStream, streamsOf } from './streams.ts';
import type { Machine, World } from './world.ts';
import type { Zone } from './zone.ts';

/** What all hosts of a simulation share beyond the wire. */
export interface Surroundings {
  readonly world: World;
  readonly bus: LocalBus;
  readonly zone: Zone;
  resolve(
    name: string,
    service: 'sip' | 'diameter',
    asker: string,
  ): readonly Endpoint[] | undefined;
  ownerOf(address: Address, link?: LinkProtocol): string | undefined;
  log(entry: LogEntry): void;
}

export interface HostAddresses {
  readonly ipv4: string;
  readonly ipv6: string;
}

const DEAD_TIMER: Timer = { cancel() {} };

export class SimulatedMachine implements Machine {
  readonly name: string;
  readonly #addresses: HostAddresses;
  readonly #atDeath: (() => void)[] = [];
  #alive = true;

  constructor(name: string, addresses: HostAddresses) {
    this.name = name;
    this.#addresses = addresses;
  }

  get alive(): boolean {
    return this.#alive;
  }

  addressTowards(other: string): string {
    if (isLoopback(other)) return isIpv6(other) ? '::1' : '127.0.0.1';
    return isIpv6(other) ? this.#addresses.ipv6 : this.#addresses.ipv4;
  }

  /** `end` happens when the process dies. */
  atDeath(end: () => void): void {
    this.#atDeath.push(end);
  }

  die(): void {
    for (const stream of [...streamsOf(this)]) stream.abort();
    this.#alive = false;
    for (const end of this.#atDeath.splice(0)) end();
  }
}

export class SimulatedClock implements Clock {
  readonly #world: World;
  readonly #machine: Machine;

  constructor(world: World, machine: Machine) {
    this.#world = world;
    this.#machine = machine;
  }

  now(): Instant {
    return this.#world.now;
  }

  after(delay: Duration, fire: () => void): Timer {
    if (!this.#machine.alive) return DEAD_TIMER;
    if (Number.isNaN(delay)) throw new RangeError('a delay is not a number');
    return this.#world.at(this.#world.now + Math.max(delay, 0), fire, this.#machine, true);
  }

  soon(fire: () => void): void {
    if (this.#machine.alive) this.#world.at(this.#world.now, fire, this.#machine);
  }
}

export class SimulatedNetwork implements Network {
  readonly dns: Dns;
  readonly #surroundings: Surroundings;
  readonly #machine: SimulatedMachine;

  constructor(surroundings: Surroundings, machine: SimulatedMachine) {
    this.#surroundings = surroundings;
    this.#machine = machine;
    this.dns = surroundings.zone.askedBy(surroundings.world, machine);
  }

  async bindDatagram(
    local: Address,
    receive: (datagram: Uint8Array, from: Address) => void,
  ): Promise<DatagramSocket> {
    await this.#life();
    const { world } = this.#surroundings;
    const socket = new SimulatedDatagramSocket(world, this.#machine, local, receive);
    this.#machine.atDeath(() => socket.close());
    return socket;
  }

  async listen(
    protocol: StreamProtocol,
    local: Address,
    accept: (stream: Stream) => void,
    options?: StreamOptions,
  ): Promise<Listener> {
    await this.#life();
    const { world } = this.#surroundings;
    const listener = new SimulatedListener(world, this.#machine, protocol, local, accept, options);
    this.#machine.atDeath(() => listener.close());
    return listener;
  }

  connect(protocol: StreamProtocol, remote: Address, options?: StreamOptions): Stream {
    const { world } = this.#surroundings;
    const machine = this.#machine;
    const asked = { host: machine.addressTowards(remote.host), port: 0 };
    const local = machine.alive ? world.addresses.place(machine.name, 'stream', asked) : asked;
    const stream = new SimulatedStream(world, machine, protocol, local, remote);
    if (machine.alive) stream.connect(options);
    return stream;
  }

  serveLocal<M extends object>(name: string, accept: (pipe: Pipe<M>) => void): Listener {
    const listener = this.#surroundings.bus.serve<M>(this.#machine.name, name, pipe => {
      this.#machine.atDeath(() => silence(pipe));
      accept(pipe);
    });
    this.#machine.atDeath(() => listener.close());
    return listener;
  }

  dialLocal<M extends object>(name: string, codec: Codec<M>): Pipe<M> {
    const pipe = this.#surroundings.bus.dial(this.#machine.name, name, codec);
    this.#machine.atDeath(() => silence(pipe));
    if (!this.#machine.alive) silence(pipe);
    return pipe;
  }

  async resolve(name: string, service: 'sip' | 'diameter') {
    await this.#life();
    return this.#surroundings.resolve(name, service, this.#machine.name);
  }

  ownerOf(address: Address, link?: LinkProtocol): string | undefined {
    return this.#surroundings.ownerOf(address, link);
  }

  /** What a dead process still waits for never comes. */
  #life(): Promise<void> {
    return this.#machine.alive ? Promise.resolve() : new Promise(() => {});
  }
}

/** The other end sees the link closed; this end sees nothing any more. */
function silence(pipe: Pipe<never>): void {
  pipe.onMessage = () => {};
  pipe.onOpen = () => {};
  pipe.onClosed = () => {};
  pipe.close('reset');
}

export class SimulatedLog implements Log {
  readonly #surroundings: Surroundings;
  readonly #machine: Machine;

  constructor(surroundings: Surroundings, machine: Machine) {
    this.#surroundings = surroundings;
    this.#machine = machine;
  }

  debug(event: string, fields?: Fields): void {
    this.#write('debug', event, fields);
  }

  info(event: string, fields?: Fields): void {
    this.#write('info', event, fields);
  }

  warn(event: string, fields?: Fields): void {
    this.#write('warn', event, fields);
  }

  error(event: string, fields?: Fields): void {
    this.#write('error', event, fields);
  }

  #write(level: LogEntry['level'], event: string, fields: Fields = {}): void {
    if (!this.#machine.alive) return;
    const time = this.#surroundings.world.now;
    this.#surroundings.log({ time, host: this.#machine.name, level, event, fields });
  }
}

/** The whole of it. */
export interface SimulatedHost extends Host {
  readonly clock: SimulatedClock;
  readonly network: SimulatedNetwork;
  readonly random: SeededRandom;
  readonly store: SimulatedStore;
  readonly log: SimulatedLog;
}
