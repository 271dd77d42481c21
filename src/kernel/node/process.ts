// A process of real hosts: what its instances share (clock, local links, trace, the data directory),
// and how each gets its host.

import { join } from 'node:path';
import { assert, Unavailable } from '../errors.ts';
import type { Address, Host, Store } from '../host.ts';
import { type LinkMode, LocalBus } from '../local-bus.ts';
import { MemoryStore } from '../memory-store.ts';
import { EventCounter, noRecorder, type Recorder, TraceDoor } from '../recorder.ts';
import { seconds } from '../time.ts';
import { AddressBook } from './address-book.ts';
import { SystemClock } from './clock.ts';
import type { SocketContext } from './context.ts';
import { type DirectoryLock, lockDirectory } from './directory-lock.ts';
import { CachedDns, type DnsSource } from './dns.ts';
import { nodeDns } from './dns-source.ts';
import { defaultLimits, type Limits } from './limits.ts';
import { createLog, type LogOptions } from './log.ts';
import type { Migration } from './migration.ts';
import { type NameTable, NodeNetwork } from './network.ts';
import { SystemRandom } from './random.ts';
import { SqliteStore, type SqliteStoreOptions } from './sqlite-store.ts';

export interface ProcessOptions {
  /** The directory of the databases; without one, stores last as long as the process. */
  readonly data?: string;
  /** How much a database survives; see SqliteStoreOptions. */
  readonly synchronous?: NonNullable<SqliteStoreOptions['synchronous']>;
  /** Whether local links are checked. Default 'local'. */
  readonly links?: LinkMode;
  /** What the composition knows of names, asked before the DNS. */
  readonly names?: NameTable;
  /** The addresses instances would have on the wire, for local links. */
  readonly addressOf?: (instance: string) => Address | undefined;
  readonly recorder?: Recorder;
  readonly log?: LogOptions;
  readonly limits?: Partial<Limits>;
  /**
   * Takes our own mistakes: what a callback threw, and at which instance where that is known. Default:
   * the log, at level error; the procedure has ended, the process goes on.
   */
  readonly onFault?: (error: unknown, instance: string | undefined) => void;
  /** Where DNS answers come from. Default the machine's resolver. */
  readonly dns?: DnsSource;
}

export interface HostOptions {
  /** Changes to what this instance's tables hold, oldest first. */
  readonly migrations?: readonly Migration[];
  /** 'memory' keeps this instance's state in memory even where there is a data directory. */
  readonly store?: 'memory';
}

export interface NodeHost extends Host {
  readonly clock: SystemClock;
  /** Closes what the instance left open: sockets, local names, its store. */
  close(): Promise<void>;
}

export interface HostProcess {
  readonly clock: SystemClock;
  /** The host of an instance; one at a time for each name. */
  host(name: string, options?: HostOptions): NodeHost;
  /** Closes every host, then gives the data directory back. Nothing of it keeps node running. */
  close(): Promise<void>;
}

/** What connections still have to say when their instance closes, they may say for so long. */
const GRACE = seconds(1);

/** @throws UsageError where another process holds the data directory. */
export function createProcess(options: ProcessOptions = {}): HostProcess {
  const lock: DirectoryLock | undefined =
    options.data === undefined ? undefined : lockDirectory(options.data);
  const clock: SystemClock = new SystemClock(error => fault(error, undefined));
  const ownLog = createLog('process', clock, options.log);
  const fault =
    options.onFault ??
    ((error, instance) => ownLog.error('internal error', { instance, error: stackOf(error) }));
  const random = new SystemRandom();
  const counter = new EventCounter();
  const book = new AddressBook();
  const recorder = options.recorder ?? noRecorder;
  const limits: Limits = { ...defaultLimits, ...options.limits };
  const { links = 'local', addressOf } = options;
  const bus = new LocalBus(clock, addressOf ? { mode: links, addressOf } : { mode: links });
  const names = options.names ?? (() => undefined);
  const dns = new CachedDns(clock, options.dns ?? nodeDns(), limits.lookup);
  const hosts = new Map<string, NodeHost>();

  const storeOf = (name: string, settings: HostOptions): ClosableStore => {
    if (options.data === undefined || settings.store === 'memory') return new MemoryStore();
    const { synchronous = 'NORMAL' } = options;
    const { migrations = [] } = settings;
    return new StoreOnDemand(join(options.data, `${name}.db`), { synchronous, migrations });
  };

  return {
    clock,
    host(name, settings = {}) {
      assert(/^[\w.-]+$/.test(name), `an instance named '${name}'`);
      assert(!hosts.has(name), `a second host for '${name}'`);
      const log = createLog(name, clock, options.log);
      const context: SocketContext = {
        instance: name,
        clock,
        log,
        book,
        limits,
        resources: new Set(),
        connections: new Set(),
        fault: error => fault(error, name),
      };
      const network = new NodeNetwork(context, bus, names, dns);
      const ownerOf: TraceOwner = (address, link) => book.ownerOf(address, link);
      const trace = new TraceDoor({ name, clock, recorder, counter, ownerOf });
      const store = storeOf(name, settings);
      const close = async () => {
        await network.close(GRACE);
        store.close?.();
        hosts.delete(name);
      };
      const host: NodeHost = { name, clock, network, random, store, trace, log, close };
      hosts.set(name, host);
      return host;
    },
    async close() {
      await Promise.all(Array.from(hosts.values(), host => host.close()));
      dns.close();
      clock.close();
      lock?.release();
    },
  };
}

const stackOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);

type TraceOwner = NodeNetwork['ownerOf'];
type ClosableStore = Store & { close?(): void };

/** Opens the database when it is first asked for: most instances of a lab keep nothing. */
class StoreOnDemand implements ClosableStore {
  readonly #path: string;
  readonly #options: SqliteStoreOptions;
  #store: SqliteStore | undefined;
  #isClosed = false;

  constructor(path: string, options: SqliteStoreOptions) {
    this.#path = path;
    this.#options = options;
  }

  async get(...asked: Parameters<Store['get']>): ReturnType<Store['get']> {
    return this.#open().get(...asked);
  }

  async scan(...asked: Parameters<Store['scan']>): ReturnType<Store['scan']> {
    return this.#open().scan(...asked);
  }

  async commit(...asked: Parameters<Store['commit']>): ReturnType<Store['commit']> {
    return this.#open().commit(...asked);
  }

  close(): void {
    this.#isClosed = true;
    this.#store?.close();
  }

  #open(): SqliteStore {
    if (this.#isClosed) throw new Unavailable(`database ${this.#path} is closed`);
    this.#store ??= new SqliteStore(this.#path, this.#options);
    return this.#store;
  }
}
