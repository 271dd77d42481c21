// The durable store of one instance: a database file of its own, so that processes never share a
// writer. Commits made in one turn of the loop become one transaction, whose cost they share.

import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { Unavailable, UsageError } from '../errors.ts';
import type { Json, Store, Write } from '../host.ts';
import { compareKeys, type EncodedWrite, encodeWrite, type ScanOptions } from '../memory-store.ts';
import { type Migration, migrate } from './migration.ts';

export interface SqliteStoreOptions {
  /**
   * NORMAL survives the end of the process at any moment, FULL that of the machine too, OFF only an
   * orderly stop. Default NORMAL.
   */
  readonly synchronous?: 'OFF' | 'NORMAL' | 'FULL';
  /** Changes to what the tables hold, oldest first; those a file has not seen run when it opens. */
  readonly migrations?: readonly Migration[];
}

/** 'Cari', so that a file of another program is not taken for ours. */
const APPLICATION = 0x43617269;
/** Files up to this many octets are checked whole when they are opened; that takes milliseconds. */
const CHECKED_WHOLE = 8 * 1024 * 1024;

interface Table {
  readonly put: StatementSync;
  readonly remove: StatementSync;
  readonly get: StatementSync;
  readonly scan: StatementSync;
}

interface Commit {
  readonly writes: readonly EncodedWrite[];
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class SqliteStore implements Store {
  readonly path: string;
  readonly #database: DatabaseSync;
  readonly #tables = new Map<string, Table>();
  #batch: Commit[] = [];
  #isClosed = false;

  /** @throws UsageError where the file is damaged, not ours, or of a newer version. */
  constructor(path: string, options: SqliteStoreOptions = {}) {
    this.path = path;
    this.#database = this.#guard(() => open(path, options));
  }

  async get(table: string, key: string): Promise<Json | undefined> {
    await this.#settled();
    const row = this.#read(table, ({ get }) => get.get(key)) as { value: string } | undefined;
    return row === undefined ? undefined : JSON.parse(row.value);
  }

  async scan(
    table: string,
    options: ScanOptions = {},
  ): Promise<readonly (readonly [string, Json])[]> {
    await this.#settled();
    const { prefix = '', after, limit = Number.POSITIVE_INFINITY } = options;
    const found: (readonly [string, Json])[] = [];
    this.#read(table, ({ scan }) => {
      if (limit <= 0) return;
      const from = after !== undefined && compareKeys(after, prefix) > 0 ? after : prefix;
      for (const row of scan.iterate(from, after ?? null)) {
        const { key, value } = row as { key: string; value: string };
        if (!key.startsWith(prefix)) break; // keys with one prefix stand together
        found.push([key, JSON.parse(value)]);
        if (found.length >= limit) break;
      }
    });
    return found;
  }

  async commit(writes: readonly Write[]): Promise<void> {
    const encoded = writes.map(encodeWrite);
    if (this.#isClosed) throw new Unavailable(`database ${this.path} is closed`);
    return new Promise((resolve, reject) => {
      if (this.#batch.push({ writes: encoded, resolve, reject }) === 1) {
        setImmediate(() => this.#flush());
      }
    });
  }

  /** Writes what was committed, then gives the file back. */
  close(): void {
    if (this.#isClosed) return;
    this.#flush();
    this.#isClosed = true;
    this.#database.close();
  }

  /** One transaction for all that was committed in this turn. */
  #flush(): void {
    const batch = this.#batch;
    if (batch.length === 0) return;
    this.#batch = [];
    try {
      this.#guard(() => this.#write(batch));
    } catch (error) {
      const failed = new Unavailable(`database ${this.path}: ${(error as Error).message}`);
      for (const commit of batch) commit.reject(failed);
      return;
    }
    for (const commit of batch) commit.resolve();
  }

  #write(batch: readonly Commit[]): void {
    const database = this.#database;
    database.exec('BEGIN IMMEDIATE');
    try {
      for (const { writes } of batch) {
        for (const { table, key, text } of writes) {
          if (text === undefined) this.#table(table)?.remove.run(key);
          else this.#tableFor(table).put.run(key, text);
        }
      }
      database.exec('COMMIT');
    } catch (error) {
      this.#tables.clear(); // one of them may have been made in this transaction
      if (database.isTransaction) database.exec('ROLLBACK');
      throw error;
    }
  }

  /** What is read holds what was committed before, in the order asked for. */
  #settled(): Promise<void> | undefined {
    if (this.#isClosed) throw new Unavailable(`database ${this.path} is closed`);
    const last = this.#batch.at(-1);
    if (last === undefined) return undefined;
    return new Promise(resolve => setImmediate(resolve));
  }

  #read<T>(name: string, read: (table: Table) => T): T | undefined {
    try {
      return this.#guard(() => {
        const table = this.#table(name);
        return table === undefined ? undefined : read(table);
      });
    } catch (error) {
      if (error instanceof UsageError) throw error;
      throw new Unavailable(`database ${this.path}: ${(error as Error).message}`);
    }
  }

  #table(name: string): Table | undefined {
    const known = this.#tables.get(name);
    if (known !== undefined) return known;
    const exists = this.#database
      .prepare(`SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?`)
      .get(name);
    return exists === undefined ? undefined : this.#prepare(name);
  }

  #tableFor(name: string): Table {
    const known = this.#table(name);
    if (known !== undefined) return known;
    // With a rowid: profiles of a kilobyte and more make WITHOUT ROWID tables several times slower.
    this.#database.exec(`CREATE TABLE "${name}" (key TEXT NOT NULL UNIQUE, value TEXT NOT NULL)`);
    return this.#prepare(name);
  }

  #prepare(name: string): Table {
    const prepare = (sql: string) => this.#database.prepare(sql.replace('TABLE', `"${name}"`));
    const table: Table = {
      put: prepare(
        `INSERT INTO TABLE (key, value) VALUES (?, ?)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
      ),
      remove: prepare('DELETE FROM TABLE WHERE key = ?'),
      get: prepare('SELECT value FROM TABLE WHERE key = ?'),
      scan: prepare(
        `SELECT key, value FROM TABLE
         WHERE key >= ? AND key IS NOT ? ORDER BY key`,
      ),
    };
    this.#tables.set(name, table);
    return table;
  }

  /** A damaged file is the person's to deal with, so the error says what to do. */
  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      const { errcode } = error as { errcode?: number };
      const code = (errcode ?? 0) & 0xff;
      if (code === SQLITE_CORRUPT || code === SQLITE_NOTADB) throw damaged(this.path, error);
      throw error;
    }
  }
}

const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

function damaged(path: string, error: unknown): UsageError {
  const said = error instanceof Error ? error.message : String(error);
  const why = said.split('\n').join(' ');
  return new UsageError(
    `database ${path} is damaged (${why}): put back a copy of it, or move it and its -wal and -shm files away to start with an empty one`,
  );
}

function open(path: string, options: SqliteStoreOptions): DatabaseSync {
  let database: DatabaseSync;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    database = new DatabaseSync(path, { timeout: 1000 });
  } catch (error) {
    throw new UsageError(`database ${path} cannot be opened: ${(error as Error).message}`);
  }
  try {
    const application = numberOf(database, 'application_id');
    const isNew = numberOf(database, 'schema_version') === 0;
    if (application !== APPLICATION && !isNew) {
      throw new UsageError(`database ${path} belongs to another program: give another --data`);
    }
    if (isNew)
      chmodSync(path, 0o600); // keys of subscribers are in it
    else if (statSync(path).size <= CHECKED_WHOLE) check(database, path);
    database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = ${options.synchronous ?? 'NORMAL'};
      PRAGMA application_id = ${APPLICATION};
    `);
    migrate(database, path, isNew, options.migrations ?? []);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function check(database: DatabaseSync, path: string): void {
  const row = database.prepare('PRAGMA quick_check(1)').get() as { quick_check: string };
  if (row.quick_check !== 'ok') throw damaged(path, row.quick_check);
}

function numberOf(database: DatabaseSync, pragma: string): number {
  const row = database.prepare(`PRAGMA ${pragma}`).get() as Record<string, number>;
  return row[pragma] ?? 0;
}
