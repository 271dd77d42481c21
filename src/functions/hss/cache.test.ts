import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cache } from './cache.ts';

test('values in use stay, those unused for long go, and the bound holds', async () => {
  const cache = new Cache<number>(10);
  for (let n = 0; n < 100; n++) {
    cache.put(`${n}`, n);
    assert.equal(cache.get('0'), 0, 'in use all the time');
  }
  const kept = Array.from({ length: 100 }, (_, n) => cache.get(`${n}`)).filter(
    n => n !== undefined,
  );
  assert.ok(kept.length >= 5 && kept.length <= 10, `${kept.length} are kept`);
});

test('several who ask for one value at once share one fetch', async () => {
  const cache = new Cache<string>(10);
  let fetches = 0;
  const fetch = async () => {
    fetches++;
    return 'value';
  };
  assert.deepEqual(await Promise.all([cache.read('a', fetch), cache.read('a', fetch)]), [
    'value',
    'value',
  ]);
  assert.equal(await cache.read('a', fetch), 'value');
  assert.equal(fetches, 1);
});

test('what was fetched before a write does not hide the write', async () => {
  const cache = new Cache<string>(10);
  let finish = (_: string): void => {};
  const slow = cache.read(
    'a',
    () =>
      new Promise(resolve => {
        finish = resolve;
      }),
  );
  cache.put('a', 'written');
  finish('read before');
  assert.equal(await slow, 'read before');
  assert.equal(cache.get('a'), 'written');
  const slower = cache.read(
    'b',
    () =>
      new Promise(resolve => {
        finish = resolve;
      }),
  );
  cache.drop('b');
  finish('gone');
  await slower;
  assert.equal(cache.get('b'), undefined);
});

test('a fetch that fails is tried again', async () => {
  const cache = new Cache<string>(10);
  await assert.rejects(
    cache.read('a', () => Promise.reject(new Error('away'))),
    /away/,
  );
  assert.equal(await cache.read('a', async () => 'back'), 'back');
});
