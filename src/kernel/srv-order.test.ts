import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SrvRecord } from './host.ts';
import { inSrvOrder } from './srv-order.ts';

const srv = (target: string, priority: number, weight: number): SrvRecord => ({
  priority,
  weight,
  port: 5060,
  target,
});
const targets = (records: readonly SrvRecord[]) => records.map(record => record.target).join(' ');

test('a lower priority is always before a higher one', () => {
  const records = [srv('backup', 20, 65_535), srv('first', 0, 0), srv('second', 10, 1)];
  for (const fraction of [0, 0.3, 0.999_999]) {
    const order = inSrvOrder(records, { fraction: () => fraction });
    assert.equal(targets(order), 'first second backup');
  }
});

test('within a priority each is first in proportion to its weight', () => {
  const records = [srv('a', 1, 60), srv('b', 1, 20), srv('c', 1, 20)];
  const first = new Map<string, number>();
  for (let i = 0; i < 1000; i++) {
    const [{ target }] = inSrvOrder(records, { fraction: () => (i + 0.5) / 1000 }) as [SrvRecord];
    first.set(target, (first.get(target) ?? 0) + 1);
  }
  assert.ok(Math.abs(first.get('a')! - 600) <= 10, `a ${first.get('a')}`);
  assert.ok(Math.abs(first.get('b')! - 200) <= 10, `b ${first.get('b')}`);
  assert.ok(Math.abs(first.get('c')! - 200) <= 10, `c ${first.get('c')}`);
});

test('a weight of 0 has a small chance beside others, and none is lost', () => {
  const records = [srv('big', 1, 99), srv('zero', 1, 0)];
  assert.equal(targets(inSrvOrder(records, { fraction: () => 0 })), 'zero big');
  assert.equal(targets(inSrvOrder(records, { fraction: () => 0.02 })), 'big zero');
  const zeros = [srv('x', 1, 0), srv('y', 1, 0), srv('z', 1, 0)];
  assert.equal(inSrvOrder(zeros, { fraction: () => 0.9 }).length, 3);
  assert.deepEqual(inSrvOrder([], { fraction: () => 0 }), []);
});
