import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { place } from './carillon.ts';

async function takenPort(t: TestContext): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  t.after(() => server.close());
  await new Promise(resolve => server.once('listening', resolve));
  return (server.address() as { port: number }).port;
}

test('up prints what listens where, who can log in and the console; SIGTERM ends it at once', async t => {
  const { up } = place(t);
  const network = await up();
  const said = network.said();
  for (const protocol of ['udp', 'tcp', 'tls', 'ws', 'wss']) {
    assert.match(said, new RegExp(`^  p-cscf +Gm +${protocol} +127\\.0\\.0\\.1:\\d+$`, 'm'));
  }
  assert.match(said, /^ {2}console +HTTP +http:\/\/127\.0\.0\.1:\d+/m);
  assert.match(said, /in this process only: hss, s-cscf, i-cscf, as/);
  for (const name of ['alice', 'bob', 'carol', 'dave']) {
    assert.match(said, new RegExp(`sip:${name}@ims\\..*password ${name}-secret or SIM 0010100000`));
  }
  const { status } = await fetch(`${network.url}/health`);
  assert.equal(status, 200);
  const asked = performance.now();
  network.child.kill('SIGTERM');
  assert.equal((await network.done).status, 0);
  assert.ok(performance.now() - asked < 5000);
});

test('with --log json each line on the error output is a document', async t => {
  const { up } = place(t);
  const network = await up(['--log', 'json', '--set', 'log.level=debug']);
  await network.saying(/"event":"diameter peer open"/);
  network.child.kill('SIGINT');
  const { stderr, status } = await network.done;
  assert.equal(status, 0);
  const lines = stderr
    .trim()
    .split('\n')
    .map(line => JSON.parse(line));
  assert.ok(lines.length > 0);
  assert.ok(lines.every(line => typeof line.event === 'string' && typeof line.level === 'string'));
});

test('a port in use names the port, the setting and the process', async t => {
  const { run } = place(t);
  const port = await takenPort(t);
  const words = ['udp', 'tls', 'ws', 'wss'].flatMap(name => ['--set', `pcscf.${name}=0`]);
  const gm = await run(['up', ...words, '--set', `pcscf.tcp=${port}`]);
  assert.equal(gm.status, 1);
  assert.match(
    gm.stderr,
    new RegExp(`port ${port} is in use: held by process ${process.pid} .*setting pcscf\\.tcp`),
  );
  assert.match(gm.stderr, /carillon up --set pcscf\.tcp=\d+/);
  const console = await run([
    'up',
    ...words,
    '--set',
    'pcscf.tcp=0',
    '--set',
    `console.port=${port}`,
  ]);
  assert.equal(console.status, 1);
  assert.match(
    console.stderr,
    new RegExp(`port ${port} is in use: held by process ${process.pid} .*setting console\\.port`),
  );
});

test('an address that is not of this machine names the setting', async t => {
  const { run } = place(t);
  const { status, stderr } = await run(['up', '--set', 'pcscf.bind=192.0.2.1']);
  assert.equal(status, 1);
  assert.match(stderr, /192\.0\.2\.1 .*no such address.*setting pcscf\.bind/);
});

test('two networks cannot have one data directory, and the second changes nothing', async t => {
  const { up, run } = place(t);
  const network = await up();
  const second = await run(['up', '--set', 'pcscf.udp=0']);
  assert.equal(second.status, 1);
  assert.match(
    second.stderr,
    new RegExp(`data directory .* is in use by process ${network.child.pid}`),
  );
  assert.equal((await fetch(`${network.url}/health`)).status, 200);
});

test('a damaged database is told, and left as it is', async t => {
  const { up, run, directory } = place(t);
  const network = await up();
  network.child.kill('SIGTERM');
  await network.done;
  const path = join(directory, 'carillon-data/hss.db');
  assert.ok(existsSync(path));
  const garbage = Buffer.concat([readFileSync(path).subarray(0, 100), Buffer.alloc(9000, 0x5a)]);
  writeFileSync(path, garbage);
  for (const words of [
    ['up', '--set', 'pcscf.udp=0'],
    ['subscriber', 'list'],
  ]) {
    const { status, stderr } = await run(words);
    assert.equal(status, 1, words[0]);
    const told = stderr.split('\n').filter(line => line.startsWith('carillon: database'));
    assert.equal(told.length, 1, stderr);
    assert.match(told[0]!, /hss\.db is damaged \(.*\): put back a copy of it, or move it/);
    assert.doesNotMatch(stderr, /^ {4}at /m);
    assert.ok(readFileSync(path).equals(garbage));
  }
});

test('what was added survives kill -9', async t => {
  const { up, run } = place(t);
  const network = await up();
  const words = [
    'subscriber',
    'add',
    '--imsi',
    '001010000000009',
    '--name',
    'erin',
    '--password',
    'x',
  ];
  assert.equal((await run(words, { env: network.env })).status, 0);
  network.child.kill('SIGKILL');
  await network.done;
  const listed = await run(['subscriber', 'show', 'erin']);
  assert.equal(listed.status, 0, listed.stderr);
  assert.match(listed.stderr, /using the data directory \.\/carillon-data/);
});

test('with the HSS away the CSCFs start, say so, and go on trying', async t => {
  const { up, run } = place(t);
  const port = await takenPort(t);
  const network = await up([
    '--only',
    'scscf,icscf,as,pcscf',
    '--set',
    `hss.address=127.0.0.1:${port + 1}`,
    '--set',
    'pcscf.mw=0',
    '--set',
    'icscf.port=0',
    '--set',
    'scscf.port=0',
    '--set',
    'as.port=0',
  ]);
  const health = await fetch(`${network.url}/health`);
  assert.equal(health.status, 503);
  const { functions } = (await health.json()) as {
    functions: { name: string; because?: string }[];
  };
  assert.match(functions.find(({ name }) => name === 's-cscf')!.because!, /no HSS answers/);
  const listed = await run(['subscriber', 'list'], { env: network.env });
  assert.equal(listed.status, 1);
  assert.match(listed.stderr, /the hss runs in another process/);
  const doctor = await run(['doctor', '--set', 'pcscf.udp=0'], { env: network.env });
  assert.equal(doctor.status, 1);
  assert.match(doctor.stdout, /✖ network +the s-cscf does not serve: no HSS answers/);
});
