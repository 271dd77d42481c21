import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TimerWheel, type WheelTimer } from './timer-wheel.ts';

interface Expected {
  readonly time: number;
  readonly order: number;
}

const byTime = (a: Expected, b: Expected) => a.time - b.time || a.order - b.order;

// Delays of every size a network knows, from the same millisecond to years.
const delay = fc.oneof(
  fc.double({ min: 0, max: 3, noNaN: true }),
  fc.integer({ min: 0, max: 100 }),
  fc.integer({ min: 0, max: 70_000 }),
  fc.integer({ min: 0, max: 3 * 2 ** 30 }),
  fc.constantFrom(31, 32, 1023, 1024, 32_767, 32_768, 2 ** 30 - 1, 2 ** 30, 2 ** 31),
);
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('insert' as const), delay }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cancel' as const), which: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('advance' as const), delay }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('jump to next' as const) }) },
);

test('the wheel hands out the same timers in the same order as a sorted list', () => {
  const start = fc.double({ min: 0, max: 2e12, noNaN: true });
  fc.assert(
    fc.property(start, fc.array(step, { maxLength: 400, size: 'max' }), (begin, steps) => {
      let now = begin;
      let order = 0;
      const wheel = new TimerWheel(begin);
      const list: Expected[] = [];
      const timers = new Map<number, WheelTimer>();
      const fired: number[] = [];

      const advance = () => {
        fired.length = 0;
        for (const timer of wheel.advance(now)) timer.run();
        const due = list.filter(entry => entry.time <= now).sort(byTime);
        assert.deepEqual(
          fired,
          due.map(entry => entry.order),
        );
        for (const entry of due) list.splice(list.indexOf(entry), 1);
      };

      for (const step of steps) {
        if (step.do === 'insert') {
          const mine = order++;
          const time = now + step.delay;
          timers.set(
            mine,
            wheel.insert(time, () => fired.push(mine)),
          );
          list.push({ time, order: mine });
        } else if (step.do === 'cancel') {
          const which = order === 0 ? 0 : step.which % order;
          timers.get(which)?.cancel();
          const at = list.findIndex(entry => entry.order === which);
          if (at >= 0) list.splice(at, 1);
        } else if (step.do === 'advance') {
          now += step.delay;
          advance();
        } else {
          now = Math.max(now, wheel.next ?? now);
          advance();
        }
        assert.equal(wheel.size, list.length);
        assert.equal(wheel.next, list.toSorted(byTime)[0]?.time);
      }
      now += 2 ** 33;
      advance();
      assert.equal(wheel.size, 0);
    }),
    { numRuns: 300 },
  );
});

test('a timer cancelled by one that fires before it in the same batch does not fire', () => {
  const wheel = new TimerWheel(0);
  const fired: string[] = [];
  wheel.insert(5, () => {
    fired.push('first');
    second.cancel();
  });
  const second = wheel.insert(5, () => fired.push('second'));
  for (const timer of wheel.advance(10)) timer.run();
  assert.deepEqual(fired, ['first']);
  assert.equal(wheel.size, 0);
});

test('a timer set while others fire waits for the next advance, even when it is due', () => {
  const wheel = new TimerWheel(0);
  const fired: string[] = [];
  wheel.insert(1, () => {
    fired.push('outer');
    wheel.insert(1, () => fired.push('inner'));
  });
  for (const timer of wheel.advance(1)) timer.run();
  assert.deepEqual(fired, ['outer']);
  for (const timer of wheel.advance(1)) timer.run();
  assert.deepEqual(fired, ['outer', 'inner']);
});

test('whoever drives the wheel hears that the last timer was cancelled', () => {
  let empty = 0;
  const wheel = new TimerWheel(0, () => empty++);
  const a = wheel.insert(10, () => {});
  const b = wheel.insert(100_000, () => {});
  a.cancel();
  assert.equal(empty, 0);
  b.cancel();
  b.cancel();
  assert.equal(empty, 1);
});
