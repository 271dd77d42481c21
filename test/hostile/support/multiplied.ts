// Makes many registrations of one: every row of the databases that names a subscriber of the lab is
// copied, under other identities, as often as asked.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** What names alice, and what names her copies. */
const NAMES: readonly (readonly [RegExp, (n: number) => string])[] = [
  [/001010000000001/g, n => `00101${String(1_000_000_000 + n)}`],
  [/15550100001/g, n => `1666${String(n).padStart(7, '0')}`],
  [/\balice\b/g, n => `u${n}`],
  [/\breg-([0-9a-f]{8})[0-9a-f]{8}/g, n => `reg-$1${n.toString(16).padStart(8, '0')}`],
];

/** Copies whatever `directory` holds of alice `count` times; nobody may be using it. */
export function multiply(directory: string, count: number): void {
  for (const file of readdirSync(directory).filter(name => name.endsWith('.db'))) {
    const database = new DatabaseSync(join(directory, file));
    database.exec('PRAGMA synchronous = OFF; BEGIN');
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
    for (const { name } of tables as { name: string }[]) {
      const rows = database.prepare(`SELECT key, value FROM "${name}"`).all() as unknown as Row[];
      const put = database.prepare(`INSERT OR REPLACE INTO "${name}" (key, value) VALUES (?, ?)`);
      const hers = rows.filter(({ key, value }) => /001010000000001|15550100001/.test(key + value));
      for (let n = 0; n < count; n++) {
        for (const { key, value } of hers) put.run(renamed(key, n), renamed(value, n));
      }
    }
    database.exec('COMMIT');
    database.close();
  }
}

interface Row {
  readonly key: string;
  readonly value: string;
}

const renamed = (text: string, n: number): string =>
  NAMES.reduce((whole, [name, copy]) => whole.replace(name, copy(n)), text);
