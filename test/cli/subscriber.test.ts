import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { K, OPC, type Place, place } from './carillon.ts';

const erin = ['--imsi', '001010000000009', '--name', 'erin', '--password', 'erin-secret'];
const bad = 'imsi,name,password\n001010000000031,y1,pw\n0010,a b,\n001010000000032,y1,pw\n';

/** Runs all of it twice: on a running network, and on the directory of a stopped one. */
function both(
  name: string,
  work: (in_: Place, env: Record<string, string>) => Promise<void>,
): void {
  test(`${name}, of a running network`, async t => {
    const here = place(t);
    const { env } = await here.up();
    await work(here, env);
  });
  test(`${name}, of a data directory`, async t => {
    const here = place(t);
    const made = await here.run([
      'subscriber',
      'add',
      '--data',
      './carillon-data',
      '--imsi',
      '001010000000100',
      '--name',
      'first',
      '--password',
      'x',
    ]);
    assert.equal(made.status, 0, made.stderr);
    assert.equal((await here.run(['subscriber', 'remove', 'first'])).status, 0);
    await work(here, {});
  });
}

both('records are added, shown, changed, listed and removed', async ({ run }, env) => {
  const subscriber = (...words: string[]) => run(['subscriber', ...words], { env });
  const added = await subscriber('add', ...erin);
  assert.equal(added.status, 0, added.stderr);
  assert.match(added.stderr, /^carillon: using the (network at|data directory) /);
  assert.ok(!added.stdout.includes('erin-secret'));
  const changed = await subscriber(
    'set',
    'erin',
    '--msisdn',
    '15550100009',
    '--k',
    K,
    '--opc',
    OPC,
  );
  assert.equal(changed.status, 0, changed.stderr);
  for (const who of ['erin', '001010000000009', '+15550100009']) {
    const shown = JSON.parse((await subscriber('show', who, '--json')).stdout);
    assert.equal(shown.imsi, '001010000000009', who);
    assert.deepEqual(shown.secrets, ['k', 'opc', 'password']);
  }
  assert.equal((await subscriber('set', 'erin', '--msisdn', '')).status, 0);
  const { stdout } = await subscriber('list', '--json');
  const { subscribers, total } = JSON.parse(stdout);
  assert.equal(total, 5);
  assert.equal(subscribers.length, 5);
  assert.equal(subscribers[4].msisdn, undefined);
  assert.match((await subscriber('list', '--limit', '2')).stdout, /^2 of 5 subscribers$/m);
  assert.match(
    (await subscriber('remove', 'erin', 'dave')).stdout,
    /removed erin .*\nremoved dave /,
  );
  const gone = await subscriber('show', 'erin');
  assert.equal(gone.status, 1);
  assert.match(gone.stderr, /has no subscriber erin/);
});

both('a record that cannot be names the option', async ({ run }, env) => {
  const add = (...words: string[]) => run(['subscriber', 'add', ...words], { env });
  const wrong = await add('--imsi', '12', '--name', 'a b', '--k', `${K}0`);
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /--imsi: "12" is not 6 to 15 digits/);
  assert.match(wrong.stderr, /--name: "a b" is not/);
  assert.match(wrong.stderr, /--k: a text of 33 characters is not 32 hexadecimal digits/);
  const taken = await add('--imsi', '001010000000009', '--name', 'alice', '--password', 'x');
  assert.equal(taken.status, 1);
  assert.match(taken.stderr, /--name: .*belongs to the subscriber 001010000000001 already/);
});

both(
  'a bad file is told line by line, and nothing of it is applied',
  async ({ run, directory }, env) => {
    const subscriber = (...words: string[]) => run(['subscriber', ...words], { env });
    writeFileSync(join(directory, 'people.csv'), bad);
    const refused = await subscriber('import', 'people.csv');
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /^people\.csv:3: imsi: "0010" is not 6 to 15 digits/m);
    assert.match(refused.stderr, /^people\.csv:3: name: "a b" is not/m);
    assert.match(refused.stderr, /^people\.csv:4: name: .*stands on line 2 already/m);
    assert.match(refused.stderr, /nothing was applied \(--skip-bad/);
    assert.equal((await subscriber('show', 'y1')).status, 1);
    const skipped = await subscriber('import', 'people.csv', '--skip-bad');
    assert.equal(skipped.status, 0, skipped.stderr);
    assert.match(skipped.stdout, /^1 added of 3 lines/);
    assert.equal((await subscriber('show', 'y1')).status, 0);
    writeFileSync(join(directory, 'columns.csv'), 'imsi,nmae,plan\n1,2,3\n');
    const columns = await subscriber('import', 'columns.csv');
    assert.equal(columns.status, 1);
    assert.match(columns.stderr, /columns\.csv:1: nmae: unknown column; the columns are imsi, /);
    assert.match(columns.stderr, /columns\.csv:1: plan: unknown column/);
  },
);

both('many are generated, and come in again as they were exported', async ({ run }, env) => {
  const subscriber = (words: string[], input?: string) =>
    run(['subscriber', ...words], { env, ...(input === undefined ? {} : { input }) });
  const words = [
    'generate',
    '--count',
    '1200',
    '--imsi',
    '001019000000000',
    '--msisdn',
    '15559000000',
  ];
  const made = await subscriber([...words, '--password', 'load']);
  assert.equal(made.status, 0, made.stderr);
  assert.match(made.stdout, /^1200 added of 1200 lines/);
  const exported = await subscriber(['export']);
  assert.equal(exported.stdout.split('\n').length, 1 + 1204 + 1);
  assert.ok(!exported.stdout.includes('load'));
  assert.match(exported.stdout, /^001019000001199,15559001199,/m);
  const list = await subscriber(['list']);
  assert.match(list.stdout, /^1204 subscribers$/m);
  const update = await subscriber(['import', '-', '--update', '--json'], exported.stdout);
  assert.equal(update.status, 0, update.stderr);
  assert.equal(JSON.parse(update.stdout).updated, 1204);
});

test('secrets are exported only from the directory of a stopped network', async t => {
  const { up, run, directory } = place(t);
  const network = await up();
  const refused = await run(['subscriber', 'export', '--with-secrets'], { env: network.env });
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /only from the data directory of a stopped one/);
  assert.equal(refused.stdout, '');
  // and none may be had below it
  const locked = await run(['subscriber', 'export', '--with-secrets', '--data', './carillon-data']);
  assert.equal(locked.status, 1);
  assert.match(locked.stderr, new RegExp(`in use by process ${network.child.pid}`));
  network.child.kill('SIGTERM');
  await network.done;
  const backup = ['subscriber', 'export', '--with-secrets', '--output', 'backup.csv'];
  assert.equal((await run(backup)).status, 0);
  const text = readFileSync(join(directory, 'backup.csv'), 'utf8');
  assert.match(text, new RegExp(`^001010000000001,15550100001,alice,${K},${OPC},`, 'm'));
  assert.equal(statSync(join(directory, 'backup.csv')).mode & 0o077, 0);
});

test('a directory is made by what adds, never by what reads', async t => {
  const { run, directory } = place(t);
  for (const words of [['list'], ['show', 'alice'], ['export'], ['remove', 'alice']]) {
    const { status, stderr } = await run(['subscriber', ...words, '--data', 'other']);
    assert.equal(status, 1, words[0]);
    assert.match(stderr, /there are no subscribers in other: carillon up --data other makes them/);
    assert.ok(!existsSync(join(directory, 'other')));
  }
  const added = await run(['subscriber', 'add', ...erin, '--data', 'other']);
  assert.equal(added.status, 0, added.stderr);
  assert.match((await run(['subscriber', 'list', '--data', 'other'])).stdout, /^5 subscribers$/m);
});

test('records in a directory keep the domain they were made for', async t => {
  const { run, directory } = place(t);
  writeFileSync(
    join(directory, 'other.yaml'),
    'home: ims.example\nsubscribers: [{ imsi: "001010000000001", name: zoe, password: x }]\n',
  );
  const made = await run(['subscriber', 'add', ...erin, '--data', 'd', '--file', 'other.yaml']);
  assert.equal(made.status, 0, made.stderr);
  const shown = await run(['subscriber', 'show', 'zoe', '--data', 'd']);
  assert.match(shown.stdout, /sip:zoe@ims\.example/);
});
