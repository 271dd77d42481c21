import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import test from 'node:test';
import type { MessageEvent } from '#kernel/trace';
import { HepEncoder, hepSink } from './hep.ts';
import { registration, Scenario, sipRequest } from './testing/scenario.ts';

const { events } = registration();
const messages = events.filter(event => event.kind === 'message');

/** Chunk type to value, as a collector would read them. */
function decoded(datagram: Buffer): Map<number, Buffer> {
  assert.equal(datagram.toString('latin1', 0, 4), 'HEP3');
  assert.equal(datagram.readUInt16BE(4), datagram.length);
  const chunks = new Map<number, Buffer>();
  for (let at = 6; at < datagram.length; ) {
    assert.equal(datagram.readUInt16BE(at), 0);
    const length = datagram.readUInt16BE(at + 4);
    chunks.set(datagram.readUInt16BE(at + 2), datagram.subarray(at + 6, at + length));
    at += length;
  }
  return chunks;
}

const encoded = (event: MessageEvent, options = {}) =>
  decoded(new HepEncoder(options).encode(event)!);

test('a SIP message is sent with its addresses, time, Call-ID and octets', () => {
  const register = messages[0]!;
  const chunks = encoded(register, { captureId: 7, authenticateKey: 'key' });
  const number = (type: number) => chunks.get(type)!.readUIntBE(0, chunks.get(type)!.length);
  assert.equal(number(1), 2);
  assert.equal(number(2), 17);
  assert.deepEqual([...chunks.get(3)!], [10, 0, 0, 101]);
  assert.deepEqual([...chunks.get(4)!], [10, 0, 0, 11]);
  assert.deepEqual([number(7), number(8)], [5060, 5060]);
  assert.equal(number(9) * 1000 + number(10) / 1000, register.time);
  assert.equal(number(11), 1);
  assert.equal(number(12), 7);
  assert.equal(chunks.get(14)!.toString(), 'key');
  assert.equal(chunks.get(17)!.toString(), 'reg-alice');
  assert.deepEqual(chunks.get(15), Buffer.from(register.message.masked()));
});

test('Diameter goes as JSON, without secrets', () => {
  const maa = messages.find(event => event.message.summary().startsWith('MAA'))!;
  const chunks = encoded(maa);
  assert.equal(chunks.get(11)!.readUInt8(), 56);
  const json = JSON.parse(chunks.get(15)!.toString());
  assert.equal(json.summary, 'MAA DIAMETER_SUCCESS');
  assert.ok(!json.octets.includes('cdcdcdcd'));
});

test('IPv6 has its own chunks; what is too long for a datagram is left out', () => {
  const sockets = { alice: { host: '::1', port: 1 }, 'p-cscf': { host: '::1', port: 2 } };
  const scenario = new Scenario(sockets);
  const gm = { from: 'alice', to: 'p-cscf', point: 'Gm', link: 'tcp' } as const;
  const chunks = encoded(scenario.sip(gm, sipRequest('OPTIONS')));
  assert.equal(chunks.get(1)!.readUInt8(), 10);
  assert.equal(chunks.get(2)!.readUInt8(), 6);
  assert.equal(chunks.get(5)!.length, 16);
  const large = { ...messages[0]!.message, masked: () => Buffer.alloc(65_500), keys: () => ({}) };
  const long = scenario.message(gm, 'sip', large as never);
  assert.equal(new HepEncoder().encode(long), undefined);
});

test('the sink sends messages to the collector and no decisions', async () => {
  const collector = createSocket('udp4');
  collector.bind(0, '127.0.0.1');
  await once(collector, 'listening');
  const sink = hepSink({ host: '127.0.0.1', port: collector.address().port });
  for (const event of events.slice(5, 7)) sink.add(event); // a decision, a REGISTER
  const [datagram] = await once(collector, 'message');
  assert.match(decoded(datagram).get(15)!.toString(), /^REGISTER/);
  sink.close();
  collector.close();
});
