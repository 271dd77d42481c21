import assert from 'node:assert/strict';
import test from 'node:test';
import type { TraceEvent } from '#kernel/trace';
import { Ring } from './ring.ts';
import { eventStream } from './stream.ts';
import { call, registration } from './testing/scenario.ts';

const { events } = call(registration());
const numbers = (kept: Iterable<TraceEvent>) => Array.from(kept, event => event.sequence);

test('the ring keeps the latest events, in order', () => {
  const ring = new Ring({ events: 5 });
  for (const event of events) ring.record(event);
  assert.deepEqual(numbers(ring), numbers(events.slice(-5)));
  assert.equal(ring.count, 5);
  assert.equal(ring.dropped, events.length - 5);
  ring.clear();
  assert.deepEqual(numbers(ring), []);
  assert.equal(ring.octets, 0);
});

test('the ring keeps no more octets than it may, by what messages say they hold', () => {
  const ring = new Ring({ octets: 100_000 });
  const [first] = events;
  assert.ok(first?.kind === 'message');
  const large = (sequence: number, size: number): TraceEvent => ({
    ...first,
    sequence,
    message: { ...first.message, size: () => size } as never,
  });
  for (let sequence = 1; sequence <= 30; sequence++) ring.record(large(sequence, 20_000));
  assert.deepEqual(numbers(ring), [27, 28, 29, 30]);
  assert.ok(ring.octets <= 100_000);
  ring.record(large(31, 200_000)); // more than all: kept by nobody
  assert.deepEqual(numbers(ring), []);
});

test('subscribers hear every event until they leave; a ring switched off records nothing', () => {
  const ring = new Ring({ events: 0 });
  const heard: TraceEvent[] = [];
  const leave = ring.subscribe(event => heard.push(event));
  ring.record(events[0]!);
  ring.enabled = false;
  ring.record(events[1]!);
  ring.enabled = true;
  leave();
  ring.record(events[2]!);
  assert.deepEqual(numbers(heard), [1]);
});

test('a reader that is slow misses the oldest and is told how many', async () => {
  const ring = new Ring();
  const end = new AbortController();
  const read: string[] = [];
  const stream = eventStream(ring, {
    bound: 3,
    signal: end.signal,
    isWanted: event => event.kind === 'message',
  });
  const reading = (async () => {
    for await (const event of stream) {
      read.push(event.kind === 'missed' ? `missed ${event.count}` : `${event.sequence}`);
      if (read.length === 5) end.abort();
    }
  })();
  await Promise.resolve();
  for (const event of events.slice(0, 6)) ring.record(event); // the sixth is a decision
  await new Promise(resolve => setImmediate(resolve));
  assert.deepEqual(read, ['missed 2', '3', '4', '5']);
  ring.record(events[6]!);
  await reading;
  assert.deepEqual(read.slice(4), ['7']);
});
