import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AddressError } from '#kernel/errors';
import { simulate } from '#kernel/simulation';
import { ms, seconds } from '#kernel/time';
import { EchoSource, soundSource, toneSource } from './audio-source.ts';
import { type AudioParameters, AudioStream } from './audio-stream.ts';
import { Listener } from './tone.ts';

const receive = new Map([
  [8, 'PCMA'],
  [0, 'PCMU'],
  [101, 'telephone-event'],
] as const);

const open = (sim: ReturnType<typeof simulate>, name: string, ports = { from: 30000, to: 39999 }) =>
  sim.settle(() =>
    AudioStream.open(sim.host(name), {
      address: sim.addressOf(name),
      ports,
      cname: `${name}@example`,
      playoutDelay: ms(60),
    }),
  );

function towards(peer: AudioStream, changes: Partial<AudioParameters> = {}): AudioParameters {
  const { host, port, rtcpPort } = peer.local;
  return {
    remote: { host, port },
    remoteRtcp: { host, port: rtcpPort },
    sends: true,
    receives: true,
    codec: 'PCMA',
    payloadType: 8,
    events: 101,
    receive,
    packetTime: ms(20),
    rtcp: true,
    ...changes,
  };
}

function hearing(stream: AudioStream): Listener {
  const listener = new Listener(8000);
  stream.onSamples = (samples, count) => listener.hear(samples, count);
  return listener;
}

test('two streams hear each other over a lossy, jittery link, and report it', async () => {
  const sim = simulate({ seed: 5 });
  const a = await open(sim, 'a');
  const b = await open(sim, 'b');
  sim.link('a', 'b').loss = 0.05;
  sim.link('a', 'b').delay = ms(20);
  sim.link('a', 'b').jitter = ms(30);
  const heardByA = hearing(a);
  const heardByB = hearing(b);
  a.source = toneSource([440]);
  b.source = toneSource([1000]);
  a.start(towards(b));
  b.start(towards(a, { codec: 'PCMU', payloadType: 0, packetTime: ms(30) }));
  await sim.run(seconds(30));

  assert.ok(heardByB.heardTone(440) > 22, `${heardByB.heardTone(440)}`);
  assert.ok(heardByA.heardTone(1000) > 22, `${heardByA.heardTone(1000)}`);
  const statistics = b.statistics();
  assert.ok(Math.abs(a.statistics().sent.packets - 1500) <= 1);
  assert.ok(statistics.received!.lost > 20 && statistics.received!.lost < 150);
  assert.ok(statistics.received!.jitter > 1);
  assert.ok(statistics.roundTrip! >= 40 && statistics.roundTrip! <= 101);
  assert.ok(b.statistics().remoteLost! > 0);
  a.stop();
  b.stop();
  await sim.runUntilIdle(seconds(1));
});

test('digits arrive once each, in order, while sound goes on', async () => {
  const sim = simulate({ seed: 6 });
  const a = await open(sim, 'a', { from: 0, to: 0 });
  const b = await open(sim, 'b', { from: 0, to: 0 });
  let digits = '';
  b.onDigit = digit => {
    digits += digit;
  };
  a.start(towards(b));
  b.start(towards(a));
  assert.ok(a.sendDigits('159#'));
  assert.ok(a.sendingDigits);
  await sim.run(seconds(2));
  assert.equal(digits, '159#');
  assert.ok(!a.sendingDigits);
  a.start(towards(b, { events: undefined }));
  assert.ok(!a.sendDigits('1'));
});

test('a held stream sends nothing, and goes on with the next sequence number', async () => {
  const sim = simulate({ seed: 7 });
  const a = await open(sim, 'a');
  const b = await open(sim, 'b');
  a.start(towards(b));
  b.start(towards(a, { sends: false }));
  await sim.run(seconds(1));
  a.start(towards(b, { sends: false }));
  const before = a.statistics().sent.packets;
  await sim.run(seconds(10));
  assert.equal(a.statistics().sent.packets, before);
  a.start(towards(b));
  await sim.run(seconds(1));
  a.start(towards(b, { sends: false }));
  await sim.run(ms(100));
  const { received } = b.statistics();
  assert.equal(received!.lost, 0);
  assert.equal(received!.packets, a.statistics().sent.packets);
});

test('a recording is played once, and an echo comes back', async () => {
  const sim = simulate({ seed: 8 });
  const a = await open(sim, 'a');
  const b = await open(sim, 'b');
  const samples = new Int16Array(16000);
  toneSource([600]).read(samples, samples.length);
  a.source = soundSource({ sampleRate: 8000, samples });
  const heard = hearing(a);
  const echo = new EchoSource();
  b.onSamples = (s, count) => echo.hear(s, count);
  b.source = echo;
  a.start(towards(b));
  b.start(towards(a));
  await sim.run(seconds(5));
  assert.ok(Math.abs(heard.heardTone(600) - 2) < 0.1, `${heard.heardTone(600)}`);
});

test('packets from elsewhere, of unknown types or not RTP change nothing', async () => {
  const sim = simulate({ seed: 9 });
  const a = await open(sim, 'a');
  const b = await open(sim, 'b');
  a.start(towards(b));
  const mallory = sim.host('mallory');
  const socket = await sim.settle(() =>
    mallory.network.bindDatagram({ host: sim.addressOf('mallory'), port: 0 }, () => {}),
  );
  const packet = new Uint8Array(172);
  packet[0] = 0x80;
  packet[1] = 8;
  socket.send(packet, { host: a.local.host, port: a.local.port });
  b.start(towards(a, { payloadType: 77 }));
  await sim.run(seconds(1));
  assert.equal(a.statistics().received, undefined);
});

test('where every port of the range is taken the stream does not open', async () => {
  const sim = simulate({ seed: 10 });
  await open(sim, 'a', { from: 30000, to: 30001 });
  await assert.rejects(open(sim, 'a', { from: 30000, to: 30001 }), AddressError);
  const second = await open(sim, 'a', { from: 30000, to: 30003 });
  assert.deepEqual([second.local.port, second.local.rtcpPort], [30002, 30003]);
});

test('packets are traced once each, and only where asked for', async () => {
  const sim = simulate({ seed: 12 });
  const a = await open(sim, 'a');
  const b = await open(sim, 'b');
  a.traceKeys = { callId: 'x' };
  a.start(towards(b));
  b.start(towards(a));
  await sim.run(seconds(10));
  const lines = sim.ladder('a', 'b');
  assert.equal(
    lines.filter(line => /^a → b {2}RTP 8 #\d+/.test(line)).length,
    a.statistics().sent.packets,
  );
  assert.ok(lines.some(line => line === 'a → b  RTCP SR'));
  assert.ok(!lines.some(line => line.startsWith('b')));
  const [first] = sim.events;
  assert.ok(
    first?.kind === 'message' && first.point === 'Mb' && first.message.keys().callId === 'x',
  );
});
