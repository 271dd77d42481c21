// The store of a simulated host: what is committed becomes durable after a delay, commits of
// different keys may overtake each other, and a crash loses what was not yet durable.

import { Unavailable } from '../errors.ts';
import type { Json, Store, Write } from '../host.ts';
import { type EncodedWrite, encodeWrite, MemoryStore, type ScanOptions } from '../memory-store.ts';
import type { Duration, Instant } from '../time.ts';
import { ms } from '../time.ts';
import type { SeededRandom } from './random.ts';
import type { Machine, World } from './world.ts';

export interface StoreSettings {
  /** Until a commit is durable, and until a read is answered. Default 1 ms. */
  delay: Duration;
  /** Uniform, added to the delay of each commit and read. Default 0. */
  jitter: Duration;
  /** Commits of different keys may become durable in another order than asked. Default false. */
  reordering: boolean;
  /** Probability that a commit or a read fails. Default 0. */
  failure: number;
  /** Everything fails. Default false. */
  down: boolean;
}

/** The disk of one host: it outlives the host's crashes. */
export class SimulatedDisk extends MemoryStore {
  readonly settings: StoreSettings;

  constructor(settings: Partial<StoreSettings> = {}) {
    super();
    const usual = { delay: ms(1), jitter: 0, reordering: false, failure: 0, down: false };
    this.settings = { ...usual, ...settings };
  }

  override apply(writes: readonly EncodedWrite[]): void {
    super.apply(writes);
  }
}

/** A running host's door to its disk. */
export class SimulatedStore implements Store {
  readonly #world: World;
  readonly #machine: Machine;
  readonly #disk: SimulatedDisk;
  readonly #random: SeededRandom;
  /** When the last commit of each key becomes durable: the next one of it not before. */
  readonly #dueOf = new Map<string, Instant>();
  #lastDue: Instant = 0;

  constructor(world: World, machine: Machine, disk: SimulatedDisk, random: SeededRandom) {
    this.#world = world;
    this.#machine = machine;
    this.#disk = disk;
    this.#random = random;
  }

  get(table: string, key: string): Promise<Json | undefined> {
    return this.#read(() => this.#disk.get(table, key));
  }

  scan(
    table: string,
    options?: ScanOptions,
  ): Promise<readonly (readonly [key: string, value: Json])[]> {
    return this.#read(() => this.#disk.scan(table, options));
  }

  commit(writes: readonly Write[]): Promise<void> {
    const fails = this.#fails();
    const durable = writes.map(encodeWrite);
    let due = this.#world.now + this.#wait();
    if (!this.#disk.settings.reordering) due = Math.max(due, this.#lastDue);
    const keys = durable.map(write => `${write.table}\n${write.key}`);
    for (const key of keys) due = Math.max(due, this.#dueOf.get(key) ?? 0);
    for (const key of keys) this.#dueOf.set(key, due);
    this.#lastDue = Math.max(this.#lastDue, due);

    return new Promise((resolve, reject) => {
      const finish = () => {
        for (const key of keys) if (this.#dueOf.get(key) === due) this.#dueOf.delete(key);
        if (fails) return reject(new Unavailable('the store refused a commit'));
        this.#disk.apply(durable);
        resolve();
      };
      this.#world.at(due, finish, this.#machine);
    });
  }

  #read<T>(read: () => Promise<T>): Promise<T> {
    const fails = this.#fails();
    return new Promise((resolve, reject) => {
      const finish = () =>
        fails ? reject(new Unavailable('the store refused a read')) : resolve(read());
      this.#world.at(this.#world.now + this.#wait(), finish, this.#machine);
    });
  }

  #fails(): boolean {
    const { down, failure } = this.#disk.settings;
    const draw = this.#random.fraction();
    const fails = down || draw < failure;
    if (fails) this.#world.failed();
    return fails;
  }

  #wait(): Duration {
    const { delay, jitter } = this.#disk.settings;
    return delay + Math.round(this.#random.fraction() * jitter * 1024) / 1024;
  }
}
