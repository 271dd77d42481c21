import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareKeys, MemoryStore } from './memory-store.ts';

test('keys compare as their UTF-8 does', () => {
  const text = fc.string({ unit: 'grapheme-composite' });
  const nearby = fc.constantFrom(
    '',
    'a',
    'ab',
    '\ud7ff',
    '\ue000',
    '\uffff',
    '\u{10000}',
    '\u{10ffff}',
  );
  const key = fc.oneof(
    text,
    nearby,
    fc.tuple(nearby, nearby).map(parts => parts.join('')),
  );
  fc.assert(
    fc.property(key, key, (a, b) => {
      const byOctets = Buffer.compare(Buffer.from(a), Buffer.from(b));
      assert.equal(Math.sign(compareKeys(a, b)), byOctets);
    }),
  );
});

test('a value changed after the commit, or after a read, is not changed in the store', async () => {
  const store = new MemoryStore();
  const value = { list: [1] };
  await store.commit([{ table: 't', key: 'k', value }]);
  value.list.push(2);
  const read = (await store.get('t', 'k')) as { list: number[] };
  assert.deepEqual(read, { list: [1] });
  read.list.push(3);
  assert.deepEqual(await store.get('t', 'k'), { list: [1] });
});

test('a commit with a bad write is refused whole', async () => {
  const store = new MemoryStore();
  const good = { table: 't', key: 'k', value: 1 };
  await assert.rejects(store.commit([good, { table: 'Not A Table', key: 'k', value: 1 }]));
  await assert.rejects(store.commit([good, { table: 't', key: 'nul\0', value: 1 }]));
  assert.equal(await store.get('t', 'k'), undefined);
});
