// What an S-CSCF was to be told while it could not be reached. It may come back with registrations
// that ended here meanwhile; then it is told, before it serves them for another hour.

import type { Host, Json, Write } from '#kernel/host';
import type { Termination } from './effects.ts';
import type { Holder } from './registrations.ts';

/** What one S-CSCF is owed about one subscription. */
export interface Owed {
  /** Of the registrations table. */
  readonly key: string;
  readonly holder: Holder;
  /** Registrations that ended. */
  readonly ended: readonly Termination[];
  /** The profile has changed. */
  readonly profile: boolean;
}

export interface Settled {
  readonly writes: readonly Write[];
  committed(): void;
}

const TABLE = 'undelivered';

/** Subscriptions, at most: an S-CSCF away for longer than that many changes is told no more. */
const MAX_OWED = 10_000;

export class Undelivered {
  readonly #host: Host;
  /** By row key, oldest first. Few: it is all in memory. */
  readonly #rows = new Map<string, Owed>();

  constructor(host: Host) {
    this.#host = host;
  }

  async load(): Promise<void> {
    this.#rows.clear();
    for (const [row, json] of await this.#host.store.scan(TABLE, { limit: MAX_OWED })) {
      this.#rows.set(row, json as unknown as Owed);
    }
  }

  get size(): number {
    return this.#rows.size;
  }

  async add(owed: Owed): Promise<void> {
    const row = rowOf(owed.key, owed.holder.host);
    const known = this.#rows.get(row);
    const merged: Owed =
      known === undefined
        ? owed
        : {
            ...owed,
            ended: [...known.ended, ...owed.ended],
            profile: known.profile || owed.profile,
          };
    if (known === undefined && this.#rows.size >= MAX_OWED) {
      this.#host.log.warn('hss forgets what an S-CSCF is owed', { scscf: owed.holder.host });
      return;
    }
    this.#rows.set(row, merged);
    await this.#host.store.commit([{ table: TABLE, key: row, value: merged as unknown as Json }]);
  }

  /** What this S-CSCF is owed now, oldest first. */
  of(host: string): readonly Owed[] {
    return [...this.#rows.values()].filter(({ holder }) => holder.host === host);
  }

  /**
   * The IMPI registers there anew: S-CSCF and HSS agree about it again. Gives what is to be committed
   * with the registration, and what is true only once that is done.
   */
  settled(key: string, host: string, impi: string, set: string): Settled {
    const row = rowOf(key, host);
    const owed = this.#rows.get(row);
    if (owed === undefined) return { writes: [], committed: () => {} };
    const ended = owed.ended
      .map(one =>
        (one.set ?? set) === set
          ? { ...one, impis: one.impis.filter(other => other !== impi) }
          : one,
      )
      .filter(({ impis }) => impis.length > 0);
    const left: Owed | undefined = ended.length === 0 ? undefined : { ...owed, ended };
    return {
      writes: [{ table: TABLE, key: row, value: left as unknown as Json | undefined }],
      committed: () => {
        if (this.#rows.get(row) !== owed) return; // more is owed since
        if (left === undefined) this.#rows.delete(row);
        else this.#rows.set(row, left);
      },
    };
  }

  /** It has been told. */
  async done(owed: Owed): Promise<void> {
    const row = rowOf(owed.key, owed.holder.host);
    if (this.#rows.get(row) !== owed) return;
    this.#rows.delete(row);
    await this.#host.store.commit([{ table: TABLE, key: row, value: undefined }]);
  }
}

const rowOf = (key: string, host: string): string => `${host} ${key}`;
