import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { LAUNCHER, place } from './carillon.ts';

const COMMANDS = ['up', 'test', 'flow', 'subscriber', 'ue', 'trace', 'doctor'];

test('the launcher starts the command line and hands on its exit status', async t => {
  const { run } = place(t);
  const help = await run(['help'], { program: LAUNCHER });
  assert.equal(help.status, 0, help.stderr);
  for (const name of COMMANDS) assert.match(help.stdout, new RegExp(`^  ${name} `, 'm'));
  assert.equal((await run(['frobnicate'], { program: LAUNCHER })).status, 2);
});

test('every command has help with examples', async t => {
  const { run } = place(t);
  const subcommands = ['list', 'show', 'add', 'set', 'remove', 'import', 'export', 'generate'];
  const asked = [...COMMANDS.map(name => [name]), ...subcommands.map(name => ['subscriber', name])];
  for (const words of asked) {
    const { status, stdout, stderr } = await run([...words, '--help']);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /Examples?:\n +carillon /, words.join(' '));
  }
  assert.equal((await run(['help', 'up'])).stdout, (await run(['up', '--help'])).stdout);
});

test('a wrong call is 2, and the message names what is wrong', async t => {
  const { run, directory } = place(t);
  writeFileSync(join(directory, 'wrong.yaml'), 'pcscf:\n  udp: 70000\n');
  const wrong: readonly (readonly [words: string[], message: RegExp])[] = [
    [['frobnicate'], /unknown command 'frobnicate'/],
    [['subscriber', 'frob'], /unknown command 'frob'/],
    [['subscriber'], /Usage: carillon subscriber/],
    [['up', '--frob'], /unknown option '--frob'/],
    [['up', 'none.yaml'], /none\.yaml: there is no such file/],
    [['up', 'wrong.yaml'], /wrong\.yaml:2: pcscf\.udp: 70000 must be <= 65535/],
    [
      ['up', '--set', 'pcscf.upd=1'],
      /--set pcscf\.upd=1: pcscf\.upd: unknown setting; did you mean udp\?/,
    ],
    [['up', '--only', 'hss,mme'], /--only mme: there is no such function; write hss, /],
    [['up', '--log', 'xml'], /--log xml: write text or json/],
    [
      ['up', '--set', 'console.bind=0.0.0.0'],
      /console\.bind 0\.0\.0\.0 .*console\.token=.*console\.tls=/,
    ],
    [['flow', 'nothing'], /flow nothing: there is no such flow/],
    [['subscriber', 'list', '--limit', 'x'], /--limit x: write a number/],
    [['subscriber', 'list', '--api', 'nowhere'], /--api nowhere: write a URL/],
    [['subscriber', 'add', '--name', 'x'], /--imsi/],
    [['subscriber', 'set', 'alice'], /name what to change: --msisdn/],
    [['subscriber', 'import', 'none.csv'], /none\.csv: there is no such file/],
    [['subscriber', 'generate', '--count', '0', '--imsi', '1'], /--count 0/],
    [['ue', 'alice', 'dance'], /dance is nothing a phone does; write register, call/],
    [['ue', 'alice', 'call'], /ue call: whom\?/],
    [['ue', 'alice', 'call', 'bob', '--tone', 'la'], /--tone la: write a frequency/],
    [['ue', 'alice', 'call', 'bob', '--play', 'none.wav'], /--play .*none\.wav/],
    [['ue', 'alice', 'register', '--proxy', '::'], /--proxy ::: write HOST:PORT/],
    [['trace', '--since', 'ever'], /--since ever: write 30s/],
    [['trace', '--hep', 'collector'], /--hep collector: write HOST:PORT/],
    [['trace', '--protocol', 'http'], /--protocol http: write one of sip/],
    [['test', 'nothing'], /there is no part named nothing/],
  ];
  for (const [words, message] of wrong) {
    const { status, stdout, stderr } = await run(words);
    assert.equal(status, 2, `${words.join(' ')}: ${stderr}`);
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, /^ {4}at /m, 'no stack');
    assert.equal(stdout, '');
  }
});

test('a broken network file changes nothing', async t => {
  const { run, directory } = place(t);
  writeFileSync(join(directory, 'wrong.yaml'), 'subscribers:\n  - { imsi: "1" }\n');
  assert.equal((await run(['up', 'wrong.yaml'])).status, 2);
  assert.equal((await run(['up', '--set', 'console.bind=0.0.0.0'])).status, 2);
  assert.match((await run(['subscriber', 'list'])).stderr, /there is no \.\/carillon-data/);
});

test('where no network answers, a command that needs one fails and says what to do', async t => {
  const { run } = place(t);
  for (const words of [
    ['trace', '--json'],
    ['ue', 'alice', 'register'],
    ['subscriber', 'list'],
  ]) {
    const { status, stderr } = await run(words);
    assert.equal(status, 1, words.join(' '));
    assert.match(stderr, /^carillon: nothing answers at http:\/\/127\.0\.0\.1:1 \(refused\)/);
  }
});
