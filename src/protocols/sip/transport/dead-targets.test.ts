import assert from 'node:assert/strict';
import { test } from 'node:test';
import { minutes, seconds } from '#kernel/time';
import { DeadTargets } from './dead-targets.ts';
import type { Candidate } from './resolve.ts';

const to = (host: string): Candidate => ({
  protocol: 'udp',
  address: { host, port: 5060 },
  server: host,
  asked: false,
});
const [a, b, c] = ['192.0.2.1', '192.0.2.2', '192.0.2.3'].map(to) as [
  Candidate,
  Candidate,
  Candidate,
];

function memory() {
  const clock = { time: 0, now: () => clock.time };
  return { clock, dead: new DeadTargets(clock as never) };
}

test('a target that failed is tried after the others, for half a minute', () => {
  const { clock, dead } = memory();
  dead.note(a);
  assert.deepEqual(dead.inOrder([a, b, c]), [b, c, a]);
  clock.time = seconds(29);
  assert.deepEqual(dead.inOrder([a, b, c]), [b, c, a]);
  clock.time = seconds(30);
  assert.deepEqual(dead.inOrder([a, b, c]), [a, b, c]);
  assert.equal(dead.size, 0);
});

test('one that answers again is tried in its turn at once', () => {
  const { dead } = memory();
  dead.note(a);
  dead.forget(a);
  assert.deepEqual(dead.inOrder([a, b]), [a, b]);
});

test('a peer keeps traffic away for five minutes at most', () => {
  const { clock, dead } = memory();
  dead.note(a, minutes(10_000));
  clock.time = minutes(5) + 1;
  assert.deepEqual(dead.inOrder([a, b]), [a, b]);
});

test('the memory is bounded, and a local link is never in it', () => {
  const { dead } = memory();
  for (let i = 0; i < 3000; i++) dead.note(to(`10.0.${i >> 8}.${i & 255}`));
  dead.note({ protocol: 'local', name: 'scscf.home' });
  assert.equal(dead.size, 1000);
});
