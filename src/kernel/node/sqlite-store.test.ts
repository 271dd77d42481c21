import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { Unavailable, UsageError } from '../errors.ts';
import type { Json } from '../host.ts';
import type { Migration } from './migration.ts';
import { SqliteStore, type SqliteStoreOptions } from './sqlite-store.ts';

function directory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'carillon-store-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

function open(t: TestContext, path: string, options?: SqliteStoreOptions): SqliteStore {
  const store = new SqliteStore(path, options);
  t.after(() => store.close());
  return store;
}

const put = (key: string, value: Json | undefined, table = 'things') => ({ table, key, value });

test('what was committed is there when the file is opened again', async t => {
  const path = join(directory(t), 'deep', 'hss.db');
  const store = open(t, path);
  await store.commit([put('a', { b: [1, 2] }), put('c', 'x', 'other-table')]);
  store.close();
  const again = open(t, path);
  assert.deepEqual(await again.get('things', 'a'), { b: [1, 2] });
  assert.deepEqual(await again.scan('other-table'), [['c', 'x']]);
});

test('nobody else on the machine can read the database', async t => {
  const folder = directory(t);
  const store = open(t, join(folder, 'hss.db'));
  await store.commit([put('a', 1)]);
  const files = readdirSync(folder);
  assert.ok(files.length > 1, `${files}`);
  for (const file of files) assert.equal(statSync(join(folder, file)).mode & 0o077, 0, file);
});

test('a process killed at once after a commit has lost nothing of it', async t => {
  const path = join(directory(t), 'hss.db');
  const script = `
    const { SqliteStore } = await import(${JSON.stringify(new URL('./sqlite-store.ts', import.meta.url).href)});
    const store = new SqliteStore(${JSON.stringify(path)});
    for (let i = 0; i < 20; i++) await store.commit([{ table: 't', key: 'k' + i, value: i }]);
    process.kill(process.pid, 'SIGKILL');
  `;
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', script]);
  assert.equal(child.signal, 'SIGKILL', child.stderr.toString());
  assert.equal((await open(t, path).scan('t')).length, 20);
});

test('commits of one turn are one transaction, and each is awaited alone', async t => {
  const path = join(directory(t), 'hss.db');
  const store = open(t, path);
  await store.commit([put('warm', 0)]);
  const other = new DatabaseSync(path, { readOnly: true });
  t.after(() => other.close());
  const changes = () => other.prepare('PRAGMA data_version').get() as { data_version: number };
  const first = changes().data_version;
  const commits = Array.from({ length: 10 }, (_, i) => store.commit([put(`${i}`, i)]));
  await commits[0];
  const count = other.prepare('SELECT count(*) AS n FROM things').get() as { n: number };
  assert.equal(count.n, 11);
  assert.notEqual(changes().data_version, first);
  await Promise.all(commits);
});

test('a read sees the commits asked for before it, awaited or not', async t => {
  const store = open(t, join(directory(t), 'hss.db'));
  void store.commit([put('a', 1)]);
  assert.equal(await store.get('things', 'a'), 1);
  void store.commit([put('a', undefined), put('b', 2)]);
  assert.deepEqual(await store.scan('things'), [['b', 2]]);
});

test('a commit with a write that cannot be taken is refused whole; its neighbours hold', async t => {
  const store = open(t, join(directory(t), 'hss.db'));
  const good = store.commit([put('a', 1)]);
  const bad = store.commit([put('b', 1), put('c', 1, 'no such; table')]);
  await assert.rejects(bad, /no such; table/);
  await good;
  assert.deepEqual(await store.scan('things'), [['a', 1]]);
});

test('closing writes what was committed; after that everything is refused', async t => {
  const path = join(directory(t), 'hss.db');
  const store = open(t, path);
  const commit = store.commit([put('a', 1)]);
  store.close();
  await commit;
  await assert.rejects(store.commit([put('b', 1)]), Unavailable);
  await assert.rejects(store.get('things', 'a'), Unavailable);
  await assert.rejects(store.scan('things'), Unavailable);
  assert.equal(await open(t, path).get('things', 'a'), 1);
});

test('when the database cannot be written the commit fails as unavailable, and later ones work', async t => {
  const path = join(directory(t), 'hss.db');
  const store = open(t, path);
  await store.commit([put('a', 1)]);
  const other = new DatabaseSync(path);
  t.after(() => other.close());
  other.exec('BEGIN IMMEDIATE');
  await assert.rejects(store.commit([put('b', 2, 'new-table')]), error => {
    assert.ok(error instanceof Unavailable);
    assert.ok(error.message.includes(path));
    return true;
  });
  other.exec('ROLLBACK');
  await store.commit([put('b', 2, 'new-table')]);
  assert.equal(await store.get('new-table', 'b'), 2);
});

test('a damaged database is one clear error that names the file and what to do', async t => {
  const folder = directory(t);
  const path = join(folder, 'hss.db');
  const fill = async () => {
    for (const file of readdirSync(folder)) rmSync(join(folder, file));
    const store = new SqliteStore(path);
    const many = Array.from({ length: 2000 }, (_, i) => put(`key ${i}`, 'x'.repeat(100)));
    await store.commit(many);
    store.close();
  };
  const isClear = (error: unknown) => {
    assert.ok(error instanceof UsageError, String(error));
    assert.ok(error.message.includes(path));
    assert.match(error.message, /damaged.*put back a copy/);
    return true;
  };

  writeFileSync(path, 'this is not a database, whatever its name says'.repeat(100));
  assert.throws(() => new SqliteStore(path), isClear);

  await fill();
  truncateSync(path, 100_000);
  assert.throws(() => new SqliteStore(path), isClear);

  await fill();
  const octets = readFileSync(path);
  octets.fill(0xa5, 8192, 60_000);
  writeFileSync(path, octets);
  assert.throws(() => new SqliteStore(path), isClear);
});

test('a database of another program is not touched', t => {
  const path = join(directory(t), 'hss.db');
  const other = new DatabaseSync(path);
  other.exec('CREATE TABLE theirs (x)');
  other.close();
  assert.throws(
    () => new SqliteStore(path),
    error => error instanceof UsageError && /belongs to another program/.test(error.message),
  );
});

test('a directory that cannot be made is a clear error', t => {
  const file = join(directory(t), 'file');
  writeFileSync(file, '');
  assert.throws(
    () => new SqliteStore(join(file, 'hss.db')),
    error => error instanceof UsageError && error.message.includes(file),
  );
});

test('migrations run once, in order, on files that lack them, and not on new ones', async t => {
  const path = join(directory(t), 'hss.db');
  const ran: string[] = [];
  const double: Migration = tables => {
    ran.push('double');
    for (const [key, value] of tables.entries('things')) {
      tables.put('things', key, (value as number) * 2);
    }
  };
  const move: Migration = tables => {
    ran.push('move');
    tables.rename('things', 'subscribers');
    tables.put('subscribers', 'added', 0);
    tables.remove('subscribers', 'b');
    tables.drop('gone');
  };
  const old = new SqliteStore(path);
  await old.commit([put('a', 1), put('b', 2), put('x', 1, 'gone')]);
  old.close();

  const migrated = new SqliteStore(path, { migrations: [double, move] });
  assert.deepEqual(await migrated.scan('subscribers'), [
    ['a', 2],
    ['added', 0],
  ]);
  assert.deepEqual(await migrated.scan('gone'), []);
  migrated.close();
  new SqliteStore(path, { migrations: [double, move] }).close();
  assert.deepEqual(ran, ['double', 'move']);

  new SqliteStore(join(directory(t), 'new.db'), { migrations: [double] }).close();
  assert.deepEqual(ran, ['double', 'move']);

  assert.throws(
    () => new SqliteStore(path, { migrations: [double] }),
    error => error instanceof UsageError && /newer version/.test(error.message),
  );
});

test('a migration that fails changes nothing', async t => {
  const path = join(directory(t), 'hss.db');
  const old = new SqliteStore(path);
  await old.commit([put('a', 1)]);
  old.close();
  const half: Migration = tables => {
    tables.put('things', 'a', 2);
    throw new Error('half way');
  };
  assert.throws(() => new SqliteStore(path, { migrations: [half] }), /half way/);
  assert.equal(await open(t, path).get('things', 'a'), 1);
});
