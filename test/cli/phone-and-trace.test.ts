import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { K, OPC, place } from './carillon.ts';

test('a phone calls the echo and hears its own tone', async t => {
  const { up, run } = place(t);
  const { env } = await up();
  const words = ['ue', 'alice', 'call', 'echo', '--tone', '600', '--for', '2', '--json'];
  const { status, stdout, stderr } = await run(words, { env });
  assert.equal(status, 0, stderr);
  const report = JSON.parse(stdout);
  assert.equal(report.registration.kind, 'registered');
  const [call] = report.calls;
  assert.equal(call.heard.tone.hertz, 600);
  assert.ok(call.heard.tone.seconds > 0.4, JSON.stringify(call.heard));
  assert.equal(call.end.by, 'local');
});

test('two phones talk, send a message, and record what they hear', async t => {
  const { up, run, start, directory } = place(t);
  const { env } = await up();
  const bob = start(['ue', 'bob', 'answer', '--with', 'password', '--tone', '800'], { env });
  await bob.saying(/waiting for calls/);
  const words = ['--for', '2', '--record', 'heard.wav', '--digits', '12#', '--no-preconditions'];
  const alice = await run(['ue', 'alice', 'call', '+15550100002', ...words], { env });
  assert.equal(alice.status, 0, alice.stderr);
  assert.match(alice.stdout, /alice: heard .*800 Hz/);
  const wav = readFileSync(join(directory, 'heard.wav'));
  assert.equal(wav.toString('latin1', 0, 4), 'RIFF');
  assert.ok(wav.length > 16_000, `${wav.length} octets`);
  await bob.saying(/bob: digit #/);
  await bob.saying(/bob: heard .*440 Hz/);
  const played = await run(['ue', 'carol', 'call', 'bob', '--play', 'heard.wav'], { env });
  assert.equal(played.status, 0, played.stderr);
  const message = await run(['ue', 'alice', 'message', 'bob', 'see', 'you \u001b[2J'], { env });
  assert.equal(message.status, 0, message.stderr);
  await bob.saying(/bob: message from sip:\+15550100001@.*: see you ·\[2J/);
  bob.child.kill('SIGINT');
  const { status, stdout } = await bob.done;
  assert.equal(status, 0);
  assert.match(stdout, /bob: registered off/);
});

test('a phone that is refused says why', async t => {
  const { up, run, directory } = place(t);
  const { env } = await up();
  const ue = (...words: string[]) => run(['ue', ...words], { env });
  const wrong = await ue('alice', 'register', '--password', 'wrong', '--for', '1');
  assert.equal(wrong.status, 1);
  assert.match(wrong.stderr, /alice is not registered: 403/);
  const other = await ue(
    'alice',
    'register',
    '--k',
    `${K.slice(0, -1)}0`,
    '--opc',
    OPC,
    '--for',
    '1',
  );
  assert.equal(other.status, 1);
  assert.match(other.stderr, /alice is not registered: /);
  const away = await ue('alice', 'call', 'dave');
  assert.equal(away.status, 1);
  assert.match(away.stderr, /no conversation with dave: 480/);
  const nobody = await ue('alice', 'call', 'nobody');
  assert.match(nobody.stderr, /no conversation with nobody: 404/);
  const unknown = await ue('zoe', 'register');
  assert.equal(unknown.status, 1);
  assert.match(unknown.stderr, /neither the network nor its file knows zoe: give --password/);
  await run(
    ['subscriber', 'add', '--imsi', '001010000000009', '--name', 'erin', '--password', 'x'],
    { env },
  );
  const untold = await ue('erin', 'register');
  assert.match(untold.stderr, /the network knows erin, but tells nobody his secrets/);
  const told = await ue('erin', 'register', '--password', 'x', '--for', '0');
  assert.equal(told.status, 0, told.stderr);
  writeFileSync(join(directory, 'not.wav'), 'not a sound');
  const sound = await ue('alice', 'call', 'echo', '--play', 'not.wav');
  assert.equal(sound.status, 2);
  assert.match(sound.stderr, /--play not\.wav: not a WAV file/);
});

test('the trace tells what happened, as a ladder, as JSON, as a capture', async t => {
  const { up, run, directory } = place(t);
  const { env } = await up();
  assert.equal((await run(['ue', 'alice', 'register', '--for', '0'], { env })).status, 0);
  const ladder = await run(['trace', '--once', '--subscriber', 'alice'], { env });
  assert.equal(ladder.status, 0, ladder.stderr);
  for (const what of [
    /REGISTER/,
    /UAR/,
    /MAA SUCCESS|MAA DIAMETER_SUCCESS/,
    /401 Unauthorized/,
    /because/,
  ]) {
    assert.match(ladder.stdout, what);
  }
  const json = await run(['trace', '--once', '--json', '--pcap', 'all.pcapng'], { env });
  const events = json.stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line));
  assert.ok(events.some(one => one.kind === 'decision'));
  assert.ok(!json.stdout.includes(K));
  assert.equal(readFileSync(join(directory, 'all.pcapng')).readUInt32BE(0), 0x0a0d0d0a);
});

test('the trace follows a network and ends when it stops', async t => {
  const { up, run, start } = place(t);
  const network = await up();
  const live = start(['trace', '--ladder'], { env: network.env });
  const limited = start(['trace', '--json', '--for', '20'], { env: network.env });
  await new Promise(resolve => setTimeout(resolve, 700));
  await run(['ue', 'bob', 'register', '--for', '0'], { env: network.env });
  await live.saying(/REGISTER/);
  await limited.saying(/"summary":"REGISTER"/);
  limited.child.kill('SIGINT');
  assert.equal((await limited.done).status, 0);
  network.child.kill('SIGTERM');
  const { status, stderr } = await live.done;
  assert.equal(status, 1);
  assert.match(stderr, /the network at .* has stopped/);
});
