import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { UsageError } from '../errors.ts';
import { directoryHolder, lockDirectory } from './directory-lock.ts';

function directory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'carillon-lock-'));
  t.after(() => rmSync(path, { recursive: true }));
  return join(path, 'data');
}

test('a directory is held until it is released, also against the same process', t => {
  const path = directory(t);
  const lock = lockDirectory(path);
  assert.equal(directoryHolder(path), process.pid);
  assert.throws(
    () => lockDirectory(path),
    error => error instanceof UsageError && error.message.includes(`process ${process.pid}`),
  );
  lock.release();
  lock.release();
  assert.equal(directoryHolder(path), undefined);
  assert.ok(!existsSync(join(path, 'lock')));
  lockDirectory(path).release();
});

test('a second process is refused by the pid of the first, and takes over when that is killed', async t => {
  const path = directory(t);
  const module = new URL('./directory-lock.ts', import.meta.url).href;
  const script = `
    const { lockDirectory } = await import(${JSON.stringify(module)});
    lockDirectory(${JSON.stringify(path)});
    console.log('held');
    process.stdin.resume();
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  assert.throws(
    () => lockDirectory(path),
    error => error instanceof UsageError && error.message.includes(`process ${child.pid}:`),
  );
  child.kill('SIGKILL');
  await once(child, 'exit');
  lockDirectory(path).release();
});

test('a lock of a past life with our own pid, of a reused pid, or that makes no sense is taken over', t => {
  const path = directory(t);
  lockDirectory(path).release();
  const stale = [`${process.pid} 1\n`, '1 99999999999\n', '4194305 1\n', 'rubbish\n', ''];
  for (const text of stale) {
    writeFileSync(join(path, 'lock'), text);
    const lock = lockDirectory(path);
    assert.match(readFileSync(join(path, 'lock'), 'utf8'), new RegExp(`^${process.pid} `));
    lock.release();
  }
});

test('a path that cannot be a directory is a clear error', t => {
  const path = directory(t);
  lockDirectory(path).release();
  writeFileSync(join(path, 'file'), '');
  assert.throws(() => lockDirectory(join(path, 'file')), UsageError);
});
