import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SystemClock } from './clock.ts';

test('the clock tells the wall time and does not go back', () => {
  const clock = new SystemClock();
  assert.ok(Math.abs(clock.now() - Date.now()) < 1000);
  const first = clock.now();
  assert.ok(clock.now() >= first);
});

test('timers fire in order of their time, none before its time', async () => {
  const clock = new SystemClock();
  const fired: string[] = [];
  const early: string[] = [];
  await new Promise<void>(resolve => {
    const start = clock.now();
    const note = (name: string, delay: number) => () => {
      fired.push(name);
      if (clock.now() < start + delay) early.push(name);
      if (fired.length === 4) resolve();
    };
    clock.after(12, note('12', 12));
    clock.after(3, note('3', 3));
    clock.after(3, note('3 again', 3));
    clock.after(-5, note('past', 0));
  });
  assert.deepEqual(fired, ['past', '3', '3 again', '12']);
  assert.deepEqual(early, []);
});

test('what is asked for soon runs later, in order, each after the promises of the one before', async () => {
  const clock = new SystemClock();
  const log: string[] = [];
  await new Promise<void>(resolve => {
    clock.soon(() => {
      log.push('first');
      void Promise.resolve()
        .then(() => {})
        .then(() => log.push('settled'));
    });
    clock.soon(() => {
      log.push('second');
      resolve();
    });
    log.push('asked');
  });
  assert.deepEqual(log, ['asked', 'first', 'settled', 'second']);
});

test('timers that are all cancelled hold the process no longer', () => {
  const clock = new SystemClock();
  const timers = Array.from({ length: 5 }, () => clock.after(3_600_000, () => {}));
  const system = () => process.getActiveResourcesInfo().filter(kind => kind === 'Timeout').length;
  const before = system();
  assert.ok(before > 0);
  for (const timer of timers) timer.cancel();
  assert.equal(system(), before - 1);
  assert.equal(clock.pending, 0);
});
