import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PlayoutBuffer } from './playout-buffer.ts';
import { Reception } from './reception.ts';

const packet = (value: number, count = 4) => new Int16Array(count).fill(value);
const take = (buffer: PlayoutBuffer, count: number) => {
  const samples = new Int16Array(count);
  return buffer.read(samples, count) ? [...samples] : undefined;
};

test('packets out of order come out in order, one delay later', () => {
  const buffer = new PlayoutBuffer(4, 64);
  assert.equal(take(buffer, 4), undefined);
  buffer.write(1000, packet(1), 4);
  assert.deepEqual(take(buffer, 4), [0, 0, 0, 0]);
  buffer.write(1008, packet(3), 4);
  buffer.write(1004, packet(2), 4);
  assert.deepEqual(take(buffer, 6), [1, 1, 1, 1, 2, 2]);
  assert.deepEqual(take(buffer, 6), [2, 2, 3, 3, 3, 3]);
});

test('a gap is silence, a packet after its time is late', () => {
  const buffer = new PlayoutBuffer(0, 64);
  buffer.write(0xfffffffc, packet(1), 4);
  buffer.write(4, packet(3), 4);
  assert.deepEqual(take(buffer, 12), [1, 1, 1, 1, 0, 0, 0, 0, 3, 3, 3, 3]);
  buffer.write(0, packet(2), 4);
  assert.deepEqual(buffer.counters, { late: 4, missing: 0, resets: 0 });
});

test('a sender that jumps, or comes back after long silence, starts over', () => {
  const buffer = new PlayoutBuffer(0, 64);
  buffer.write(0, packet(1), 4);
  assert.deepEqual(take(buffer, 4), [1, 1, 1, 1]);
  buffer.write(1_000_000, packet(2), 4);
  assert.deepEqual(take(buffer, 4), [2, 2, 2, 2]);
  assert.equal(buffer.counters.resets, 1);
  for (let i = 0; i < 100; i++) take(buffer, 4);
  buffer.write(1_000_100, packet(3), 4);
  assert.deepEqual(take(buffer, 4), [3, 3, 3, 3]);
});

test('reports count loss, wrapped sequence numbers and jitter (RFC 3550 A.3, A.8)', () => {
  const reception = new Reception(7, 8000);
  let now = 0;
  for (let i = 0; i < 100; i++, now += 20) {
    if (i % 10 === 5) continue;
    reception.receive((65500 + i) & 0xffff, i * 160, 160, now + (i % 2 === 0 ? 0 : 5));
  }
  const report = reception.report();
  assert.equal(report.lost, 10);
  assert.equal(report.highestSequence, 0x10000 + ((65500 + 99) & 0xffff));
  assert.equal(report.fractionLost, Math.floor((10 * 256) / 100));
  assert.ok(report.jitter > 20 && report.jitter <= 40, `${report.jitter}`);
  assert.equal(reception.report().fractionLost, 0, 'nothing since');
  const { jitter, ...counted } = reception.statistics();
  assert.deepEqual(counted, {
    ssrc: 7,
    packets: 90,
    octets: 14400,
    lost: 10,
    highestSequence: 65599,
  });
  assert.ok(jitter > 2.5 && jitter <= 5);
});

test('a sender that starts over is not a loss of thousands', () => {
  const reception = new Reception(7, 8000);
  for (let i = 0; i < 10; i++) reception.receive(i, i * 160, 160, i * 20);
  for (let i = 0; i < 10; i++) reception.receive(30000 + i, i * 160, 160, 200 + i * 20);
  assert.equal(reception.statistics().lost, 0);
});
