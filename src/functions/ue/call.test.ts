import assert from 'node:assert/strict';
import { test } from 'node:test';
import { minutes, ms, seconds } from '#kernel/time';
import { parseWav, writeWav } from '#rtp/wav';
import type { Call } from './call.ts';
import type { IncomingCall } from './incoming-call.ts';
import type { OutgoingCall } from './outgoing-call.ts';
import { type Pair, type PairOptions, pair } from './testing/pair.ts';

/** Alice calls Bob, who answers after a second; both say their tone. */
async function talking(
  options: PairOptions = {},
): Promise<Pair & { outgoing: OutgoingCall; incoming: IncomingCall }> {
  const both = await pair(options);
  const { sim, alice, bob } = both;
  let incoming: IncomingCall | undefined;
  bob.onIncoming = call => {
    incoming = call;
    call.say({ tone: 1000 });
    bob.host.clock.after(seconds(1), () => void call.answer());
  };
  const outgoing = await alice.call('bob', { say: { tone: 440 } });
  assert.deepEqual(await sim.settle(() => outgoing.answered), { kind: 'answered' });
  return { ...both, outgoing, incoming: incoming! };
}

const messages = (both: Pair): string[] => both.sim.ladder('alice', 'bob');

function assertHears(call: Call, hertz: number, least: number): void {
  const heard = call.heard();
  assert.ok(call.heardTone(hertz) >= least, `heard ${JSON.stringify(heard)}`);
  assert.ok(Math.abs(heard.tone!.hertz - hertz) <= 10);
}

test('a call without preconditions rings, is answered, carries sound both ways and ends', async () => {
  const both = await talking({ alice: { preconditions: false } });
  const { sim, outgoing, incoming } = both;
  assert.equal(incoming.peer.uri, 'sip:alice@ims.example');
  await sim.run(seconds(10));
  assertHears(outgoing, 1000, 9.5);
  assertHears(incoming, 440, 9.5);
  const end = await sim.settle(() => outgoing.hangup());
  assert.equal(end.by, 'local');
  assert.equal((await sim.settle(() => incoming.ended)).by, 'remote');
  assert.deepEqual(messages(both), [
    'alice → bob  INVITE',
    'bob → alice  100 Trying',
    'bob → alice  180 Ringing',
    'bob → alice  200 OK',
    'alice → bob  ACK',
    'alice → bob  BYE',
    'bob → alice  200 OK',
  ]);
  assert.deepEqual(both.alice.calls, []);
  assert.deepEqual(both.bob.calls, []);
  await sim.runUntilIdle(minutes(2));
});

test('with preconditions the callee rings only after both have told of their resources', async () => {
  const both = await talking();
  const { sim, outgoing, incoming } = both;
  await sim.run(seconds(5));
  assertHears(outgoing, 1000, 4.5);
  assertHears(incoming, 440, 4.5);
  await sim.settle(() => incoming.hangup());
  await sim.run(seconds(1));
  assert.deepEqual(messages(both), [
    'alice → bob  INVITE',
    'bob → alice  100 Trying',
    'bob → alice  183 Session Progress',
    'alice → bob  PRACK',
    'bob → alice  200 OK',
    'alice → bob  UPDATE',
    'bob → alice  200 OK',
    'bob → alice  180 Ringing',
    'bob → alice  200 OK',
    'alice → bob  ACK',
    'bob → alice  BYE',
    'alice → bob  200 OK',
  ]);
});

test('slow resources on either side delay the ringing, and nothing else', async () => {
  for (const options of [
    { alice: { reservation: seconds(2) } },
    { bob: { reservation: seconds(2) } },
    { alice: { reservation: 0 } },
    { bob: { reservation: 0 } },
    { alice: { reservation: 0 }, bob: { reservation: 0 } },
    { alice: { reservation: 0 }, bob: { reservation: seconds(2) } },
  ]) {
    const both = await talking(options);
    await both.sim.run(seconds(3));
    assertHears(both.outgoing, 1000, 2.5);
    assertHears(both.incoming, 440, 2.5);
  }
});

test('one side without preconditions makes a call without them', async () => {
  const both = await talking({ bob: { preconditions: false } });
  assert.ok(!messages(both).some(line => /UPDATE|183/.test(line)));
  await both.sim.run(seconds(2));
  assertHears(both.incoming, 440, 1.5);
});

for (const preconditions of [false, true]) {
  const kind = preconditions ? 'with' : 'without';
  test(`calls ${kind} preconditions hold on a link that loses a fifth of everything`, async () => {
    const { sim, alice, bob } = await pair({ seed: 5, alice: { preconditions } });
    sim.link('alice', 'bob').loss = 0.2;
    bob.onIncoming = call => void call.answer();
    for (let i = 0; i < 10; i++) {
      const call = await alice.call('bob', { say: { tone: 440 } });
      assert.deepEqual(await sim.settle(() => call.answered), { kind: 'answered' });
      await sim.run(seconds(2));
      await sim.settle(() => call.hangup());
    }
    await sim.runUntilIdle(minutes(5));
    assert.equal(bob.calls.length, 0);
  });
}

test('over TCP and IPv6 too', async () => {
  for (const options of [{ transport: 'tcp' }, { family: 6 }] as const) {
    const { sim, outgoing, incoming } = await talking(options);
    await sim.run(seconds(2));
    assertHears(outgoing, 1000, 1.5);
    assertHears(incoming, 440, 1.5);
    await sim.settle(() => incoming.hangup());
  }
});

test('hold silences the held side and not the holder, and resume brings all back', async () => {
  const { sim, outgoing, incoming } = await talking();
  const held: boolean[] = [];
  incoming.onHeld = value => held.push(value);
  assert.deepEqual(await sim.settle(() => outgoing.hold()), { kind: 'done' });
  assert.ok(outgoing.holding && incoming.held);
  const before = { a: outgoing.heard().seconds, b: incoming.heard().seconds };
  await sim.run(seconds(5));
  assert.ok(outgoing.heard().seconds - before.a < 0.2, 'the holder hears nothing');
  assert.ok(incoming.heard().seconds - before.b > 4.5, 'the held hears on');

  assert.deepEqual(await sim.settle(() => incoming.hold()), { kind: 'done' });
  const both = { a: outgoing.heard().seconds, b: incoming.heard().seconds };
  await sim.run(seconds(5));
  assert.ok(incoming.heard().seconds - both.b < 0.2);
  assert.deepEqual(await sim.settle(() => outgoing.resume()), { kind: 'done' });
  assert.deepEqual(await sim.settle(() => incoming.resume()), { kind: 'done' });
  const after = { a: outgoing.heard().seconds, b: incoming.heard().seconds };
  await sim.run(seconds(5));
  assert.ok(outgoing.heard().seconds - after.a > 4.5);
  assert.ok(incoming.heard().seconds - after.b > 4.5);
  assert.deepEqual(held, [true, false]);
});

test('two who hold at once both get what they want', async () => {
  const { sim, outgoing, incoming } = await talking();
  const [a, b] = await sim.settle(() => Promise.all([outgoing.hold(), incoming.hold()]));
  assert.deepEqual([a, b], [{ kind: 'done' }, { kind: 'done' }]);
  await sim.run(seconds(1));
  assert.ok(outgoing.held && incoming.held && outgoing.holding && incoming.holding);
  assert.deepEqual(await sim.settle(() => Promise.all([outgoing.resume(), incoming.resume()])), [
    { kind: 'done' },
    { kind: 'done' },
  ]);
  const before = incoming.heard().seconds;
  await sim.run(seconds(3));
  assert.ok(incoming.heard().seconds - before > 2.5);
});

test('digits go both ways', async () => {
  const { sim, outgoing, incoming } = await talking();
  assert.ok(outgoing.sendDigits('12#'));
  assert.ok(incoming.sendDigits('9'));
  assert.ok(!outgoing.sendDigits('no'));
  await sim.run(seconds(2));
  assert.equal(incoming.digits, '12#');
  assert.equal(outgoing.digits, '9');
});

test('a recording is heard as it was played', async () => {
  const { sim, outgoing, incoming } = await talking();
  const samples = new Int16Array(16000 * 2);
  for (let i = 0; i < samples.length; i++)
    samples[i] = 8000 * Math.sin((2 * Math.PI * 600 * i) / 16000);
  incoming.record();
  outgoing.say({ wav: writeWav({ sampleRate: 16000, samples }) });
  await sim.run(seconds(4));
  assert.ok(Math.abs(incoming.heardTone(600) - 2) < 0.2);
  const kept = parseWav(writeWav(incoming.recording()));
  assert.ok(Math.abs(kept.samples.length / 8000 - 4) < 0.2);
  assert.throws(() => outgoing.say({ wav: Buffer.from('nothing') }), { name: 'WavError' });
});

test('refusals, busy, no answer and giving up are outcomes', async () => {
  const { sim, alice, bob } = await pair({
    alice: { noAnswer: seconds(20) },
    bob: { atOnce: 1 },
  });
  bob.onIncoming = call => void call.reject(603);
  const declined = await alice.call('bob');
  assert.deepEqual(await sim.settle(() => declined.answered), {
    kind: 'refused',
    status: 603,
    reason: 'Decline',
    retryAfter: undefined,
  });

  let ringing: IncomingCall | undefined;
  bob.onIncoming = call => {
    ringing = call;
  };
  const waiting = await alice.call('bob');
  await sim.run(seconds(1));
  assert.equal(waiting.state, 'ringing');
  const busy = await alice.call('bob');
  const outcome = await sim.settle(() => busy.answered);
  assert.equal(outcome.kind === 'refused' && outcome.status, 486);

  assert.deepEqual(await sim.settle(() => waiting.answered), { kind: 'unanswered' });
  assert.deepEqual(await sim.settle(() => ringing!.answered), { kind: 'cancelled', by: 'remote' });

  const given = await alice.call('bob');
  await sim.run(ms(500));
  await sim.settle(() => given.hangup());
  assert.deepEqual(await given.answered, { kind: 'cancelled', by: 'local' });
  await sim.run(seconds(1));
  assert.deepEqual(bob.calls, []);

  sim.link('alice', 'bob').partitioned = true;
  const dark = await alice.call('bob');
  assert.deepEqual(await sim.settle(() => dark.answered), { kind: 'unanswered' });
  const patient = await pair();
  patient.sim.link('alice', 'bob').partitioned = true;
  const silence = await patient.alice.call('bob');
  assert.deepEqual(await patient.sim.settle(() => silence.answered), {
    kind: 'no answer',
    because: 'timeout',
  });
});

test('a callee that shares no codec answers 488', async () => {
  const { sim, alice } = await pair({ alice: { codecs: ['PCMA'] }, bob: { codecs: ['PCMU'] } });
  const call = await alice.call('bob');
  const outcome = await sim.settle(() => call.answered);
  assert.equal(outcome.kind === 'refused' && outcome.status, 488);
});

test('the UE answers by itself where it is told to', async () => {
  const { sim, alice } = await pair({ bob: { answering: 'automatic', ringing: seconds(3) } });
  const call = await alice.call('bob');
  const before = sim.now();
  assert.deepEqual(await sim.settle(() => call.answered), { kind: 'answered' });
  assert.ok(sim.now() - before >= seconds(3));
});

test('messages arrive with their text', async () => {
  const { sim, alice, bob } = await pair();
  const got: string[] = [];
  bob.onMessage = message => got.push(`${message.from.uri} ${message.contentType} ${message.text}`);
  assert.deepEqual(await sim.settle(() => alice.message('bob', 'grüß dich')), {
    kind: 'delivered',
    status: 200,
  });
  assert.deepEqual(got, ['sip:alice@ims.example text/plain grüß dich']);
  sim.link('alice', 'bob').partitioned = true;
  assert.deepEqual(await sim.settle(() => alice.message('bob', 'x')), {
    kind: 'no answer',
    because: 'timeout',
  });
});

test('what people dial becomes the URI they mean', async () => {
  const { alice } = await pair();
  for (const [dialled, scheme, rest] of [
    ['bob', 'sip', 'bob'],
    ['+1 (555) 010-0002', 'tel', '+15550100002'],
    ['911', 'tel', '911'],
    ['sip:echo@ims.example', 'sip', 'echo'],
    ['echo@ims.example', 'sip', 'echo'],
    ['tel:+15550100002', 'tel', '+15550100002'],
  ] as const) {
    const uri = alice.uriOf(dialled) as { scheme: string; user?: string; number?: string };
    assert.deepEqual([uri.scheme, uri.user ?? uri.number], [scheme, rest], dialled);
  }
});

test('a call that ends while a change of it waits for another try cannot be changed', async () => {
  const { sim, outgoing, incoming } = await talking({});
  sim.after(500, () => void incoming.hangup());
  // the second finds the dialog taken by the first, and waits for a second or more
  const outcomes = await sim.settle(() => Promise.all([outgoing.hold(), outgoing.resume()]));
  assert.deepEqual(outcomes, [
    { kind: 'done' },
    { kind: 'impossible', because: 'the call ended meanwhile' },
  ]);
});
