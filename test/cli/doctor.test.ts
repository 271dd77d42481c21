import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { place } from './carillon.ts';

const FREE = ['udp', 'tcp', 'tls', 'ws', 'wss'].flatMap(name => ['--set', `pcscf.${name}=0`]);

interface Report {
  readonly problems: number;
  readonly findings: readonly { check: string; level: string; found: string; remedy?: string }[];
}

test('a machine on which nothing is wrong has no problem', async t => {
  const { run } = place(t);
  const { status, stdout, stderr } = await run([
    'doctor',
    ...FREE,
    '--set',
    'console.port=0',
    '--json',
  ]);
  assert.equal(status, 0, stdout + stderr);
  const report = JSON.parse(stdout) as Report;
  assert.equal(report.problems, 0);
  for (const check of ['runtime', 'memory', 'clock', 'file', 'data', 'disk', 'network']) {
    assert.ok(
      report.findings.some(one => one.check === check),
      check,
    );
  }
});

test('each thing that is wrong comes with what to do', async t => {
  const { run, directory } = place(t);
  const server = createServer().listen(0, '127.0.0.1');
  t.after(() => server.close());
  await new Promise(resolve => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  mkdirSync(join(directory, 'carillon-data'));
  writeFileSync(
    join(directory, 'carillon-data/hss.db'),
    'no database at all, but long enough to be taken for one',
  );
  const { status, stdout } = await run([
    'doctor',
    ...FREE,
    '--set',
    `console.port=${port}`,
    '--json',
  ]);
  assert.equal(status, 1);
  const { findings } = JSON.parse(stdout) as Report;
  const wrong = findings.filter(one => one.level === 'problem');
  assert.deepEqual(wrong.map(one => one.check).sort(), ['data', 'ports']);
  assert.ok(wrong.every(one => one.remedy !== undefined));
  assert.match(
    wrong.find(one => one.check === 'ports')!.found,
    new RegExp(`console\\.port\\) is held by process ${process.pid}`),
  );
});

test('a wrong network file is a finding with its line', async t => {
  const { run, directory } = place(t);
  writeFileSync(join(directory, 'wrong.yaml'), 'network: x\npcscf:\n  upd: 1\n');
  const { status, stdout } = await run(['doctor', 'wrong.yaml']);
  assert.equal(status, 1);
  assert.match(stdout, /✖ file +wrong\.yaml:3: pcscf\.upd: unknown setting; did you mean udp\?/);
});

test('a running network is looked at, and its ports are its own', async t => {
  const { up, run } = place(t);
  const network = await up();
  const { port } = new URL(network.url);
  const { status, stdout } = await run(['doctor', ...FREE, '--set', `console.port=${port}`], {
    env: network.env,
  });
  assert.equal(status, 0, stdout);
  assert.match(stdout, /✔ network +lab at http/);
  assert.match(stdout, /✔ peers +4 of 4 peers are open/);
  assert.match(stdout, /✔ ports +1 of 1 ports are held by the running network/);
  assert.match(stdout, /✔ data +.* is in use by the running network/);
});
