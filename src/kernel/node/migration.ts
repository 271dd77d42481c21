// Databases written by an older version are brought up to date when they are opened, by themselves
// and all or nothing.

import type { DatabaseSync } from 'node:sqlite';
import { UsageError } from '../errors.ts';
import type { Json } from '../host.ts';

/** One change to what the tables hold. Once released it never changes; a further change is another. */
export type Migration = (tables: MigrationTables) => void;

export interface MigrationTables {
  /** Names of the tables there are. */
  names(): readonly string[];
  /** Entries of a table, in key order; none where there is no such table. */
  entries(table: string): readonly (readonly [key: string, value: Json])[];
  put(table: string, key: string, value: Json): void;
  remove(table: string, key: string): void;
  rename(table: string, to: string): void;
  drop(table: string): void;
}

/** @throws UsageError where a newer version wrote the file. */
export function migrate(
  database: DatabaseSync,
  path: string,
  isNew: boolean,
  migrations: readonly Migration[],
): void {
  const row = database.prepare('PRAGMA user_version').get() as { user_version: number };
  const version = isNew ? migrations.length : row.user_version;
  if (version > migrations.length) {
    throw new UsageError(
      `database ${path} was written by a newer version of Carillon: run that one, or give another --data`,
    );
  }
  if (!isNew && version === migrations.length) return;
  database.exec('BEGIN IMMEDIATE');
  try {
    const tables = tablesOf(database);
    for (const migration of migrations.slice(version)) migration(tables);
    database.exec(`PRAGMA user_version = ${migrations.length}`);
    database.exec('COMMIT');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

function tablesOf(database: DatabaseSync): MigrationTables {
  const names = () => {
    const rows = database.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table'`).all();
    return rows.map(row => String(row.name));
  };
  const has = (table: string) => names().includes(table);
  const create = (table: string) =>
    database.exec(`CREATE TABLE "${table}" (key TEXT NOT NULL UNIQUE, value TEXT NOT NULL)`);
  return {
    names,
    entries(table) {
      if (!has(table)) return [];
      const rows = database.prepare(`SELECT key, value FROM "${table}" ORDER BY key`).all();
      return rows.map(row => [String(row.key), JSON.parse(String(row.value))] as const);
    },
    put(table, key, value) {
      if (!has(table)) create(table);
      database
        .prepare(`INSERT OR REPLACE INTO "${table}" (key, value) VALUES (?, ?)`)
        .run(key, JSON.stringify(value));
    },
    remove(table, key) {
      if (has(table)) database.prepare(`DELETE FROM "${table}" WHERE key = ?`).run(key);
    },
    rename: (table, to) => database.exec(`ALTER TABLE "${table}" RENAME TO "${to}"`),
    drop: table => database.exec(`DROP TABLE IF EXISTS "${table}"`),
  };
}
