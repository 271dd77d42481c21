import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Unavailable } from './errors.ts';
import type { Clock } from './host.ts';
import { seconds } from './time.ts';
import { TimerWheel } from './timer-wheel.ts';
import { deadline, Queue, sleep } from './wait.ts';

function fakeClock() {
  let now = 0;
  const wheel = new TimerWheel(0);
  const clock: Clock = {
    now: () => now,
    after: (delay, fire) => wheel.insert(now + delay, fire),
    soon: fire => queueMicrotask(fire),
  };
  const settle = () => new Promise<void>(resolve => setImmediate(resolve));
  return {
    clock,
    wheel,
    async pass(delay: number) {
      now += delay;
      for (const timer of wheel.advance(now)) timer.run();
      await settle();
    },
  };
}

test('sleep ends when its time has passed, not before', async () => {
  const { clock, pass } = fakeClock();
  let awake = false;
  void sleep(clock, seconds(2)).then(() => {
    awake = true;
  });
  await pass(1999);
  assert.equal(awake, false);
  await pass(1);
  assert.equal(awake, true);
});

test('an answer in time leaves no timer behind', async () => {
  const { clock, wheel } = fakeClock();
  const answer = deadline(clock, seconds(5), Promise.resolve('answer'), () => 'late');
  assert.equal(await answer, 'answer');
  assert.equal(wheel.size, 0);
  const failure = deadline(clock, seconds(5), Promise.reject(new Error('no')), () => 'late');
  await assert.rejects(failure, /no/);
  assert.equal(wheel.size, 0);
});

test('when the deadline passes first its value or its error stands', async () => {
  const { clock, pass } = fakeClock();
  let answer: (value: string) => void = () => {};
  const slow = new Promise<string>(resolve => {
    answer = resolve;
  });
  const value = deadline(clock, seconds(5), slow, () => 'DIAMETER_UNABLE_TO_DELIVER');
  const error = deadline(clock, seconds(5), slow, () => {
    throw new Unavailable('no answer');
  });
  const failed = assert.rejects(error, Unavailable);
  await pass(seconds(5));
  answer('too late');
  assert.equal(await value, 'DIAMETER_UNABLE_TO_DELIVER');
  await failed;
});

test('procedures of one key run one after another, of two keys beside each other', async () => {
  const { clock, pass } = fakeClock();
  const queue = new Queue();
  const log: string[] = [];
  const procedure = (name: string) => async () => {
    log.push(`${name} starts`);
    await sleep(clock, seconds(1));
    log.push(`${name} ends`);
    return name;
  };
  const all = Promise.all([
    queue.run('alice', procedure('a1')),
    queue.run('alice', procedure('a2')),
    queue.run('bob', procedure('b1')),
  ]);
  assert.deepEqual(log, ['a1 starts', 'b1 starts']);
  await pass(seconds(1));
  assert.deepEqual(log, ['a1 starts', 'b1 starts', 'a1 ends', 'b1 ends', 'a2 starts']);
  await pass(seconds(1));
  assert.deepEqual(await all, ['a1', 'a2', 'b1']);
  assert.equal(queue.busy, 0);
  assert.equal(queue.waiting, 0);
});

test('a procedure that fails fails its caller alone; the next one runs', async () => {
  const queue = new Queue();
  const first = queue.run('alice', async () => {
    throw new Error('broken');
  });
  const second = queue.run('alice', async () => 'fine');
  await assert.rejects(first, /broken/);
  assert.equal(await second, 'fine');
});

test('at its bounds the queue refuses, and takes again once there is room', async () => {
  const { clock, pass } = fakeClock();
  const queue = new Queue({ perKey: 1, total: 2 });
  const wait = () => sleep(clock, seconds(1));
  const taken = [queue.run('a', wait), queue.run('a', wait), queue.run('b', wait)];
  await assert.rejects(queue.run('a', wait), Unavailable);
  taken.push(queue.run('b', wait));
  taken.push(queue.run('c', wait)); // its key is free
  await assert.rejects(queue.run('c', wait), Unavailable); // two wait in all
  await pass(seconds(1));
  await pass(seconds(1));
  await Promise.all(taken);
  assert.equal(await queue.run('a', async () => 'room'), 'room');
});
