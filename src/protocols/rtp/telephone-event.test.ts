import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventReceiver, EventSender } from './telephone-event.ts';

test('a digit is one event: growing durations, one marker, three ends, then a pause', () => {
  const sender = new EventSender(8000, 20);
  assert.ok(sender.queue('5', 60));
  const packets = Array.from({ length: 9 }, () => sender.next());
  assert.deepEqual(
    packets.map(p => p && [Buffer.from(p.payload).toString('hex'), p.marker, p.age]),
    [
      ['050a00a0', true, 0],
      ['050a0140', false, 160],
      ['058a01e0', false, 320],
      ['058a01e0', false, 480],
      ['058a01e0', false, 640],
      undefined,
      undefined,
      undefined,
      undefined,
    ],
  );
  assert.ok(sender.idle);
});

test('digits that follow one another are each heard once, though packets get lost or doubled', () => {
  const sender = new EventSender(8000, 20);
  const receiver = new EventReceiver();
  assert.ok(sender.queue('11#d'));
  let timestamp = 0xffffff00;
  let heard = '';
  for (let i = 0; i < 80; i++, timestamp = (timestamp + 160) >>> 0) {
    const packet = sender.next();
    if (packet === undefined || i % 3 === 1) continue;
    const start = (timestamp - packet.age) >>> 0;
    for (let copy = 0; copy < 2; copy++) {
      heard += receiver.receive(start, packet.payload, 0, 4) ?? '';
    }
  }
  assert.equal(heard, '11#D');
});

test('what is not a digit, too long a queue and other events are refused', () => {
  const sender = new EventSender(8000, 20);
  assert.ok(!sender.queue('1x'));
  assert.ok(!sender.queue('1'.repeat(65)));
  assert.ok(!sender.queue(''));
  const receiver = new EventReceiver();
  assert.equal(receiver.receive(1, Uint8Array.of(40, 0, 0, 160), 0, 4), undefined);
  assert.equal(receiver.receive(1, Uint8Array.of(1, 0), 0, 2), undefined);
});
