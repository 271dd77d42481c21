import assert from 'node:assert/strict';
import type { Check } from './tools.ts';

export function storeChecks(check: Check): void {
  const put = (key: string, value: string | number | undefined, table = 'things') => ({
    table,
    key,
    value,
  });

  check('the store keeps what was committed, replaces and removes it', async world => {
    const { store } = world.host('a');
    assert.equal(await store.get('things', 'k'), undefined);
    assert.deepEqual(await store.scan('things'), []);
    const value = { list: [1, 'zwei', null, true], nested: { ü: '\u0000😀' } };
    await store.commit([{ table: 'things', key: 'k', value }, put('l', 1)]);
    assert.deepEqual(await store.get('things', 'k'), value);
    await store.commit([put('k', 'new'), put('l', undefined), put('nothing', undefined)]);
    assert.equal(await store.get('things', 'k'), 'new');
    assert.equal(await store.get('things', 'l'), undefined);
    assert.equal(await store.get('others', 'k'), undefined);
    await store.commit([put('same', 1), put('same', 2)]);
    assert.equal(await store.get('things', 'same'), 2);
  });

  check('scan gives entries in key order, by prefix, after a key, so many', async world => {
    const { store } = world.host('a');
    const keys = ['b', 'a/2', 'a/10', 'a', 'a/', 'é', '\uffff', '😀', 'A'];
    await store.commit(keys.map((key, i) => put(key, i)));
    const scanned = async (options?: Parameters<typeof store.scan>[1]) =>
      (await store.scan('things', options)).map(([key]) => key);
    assert.deepEqual(await scanned(), ['A', 'a', 'a/', 'a/10', 'a/2', 'b', 'é', '\uffff', '😀']);
    assert.deepEqual(await scanned({ prefix: 'a/' }), ['a/', 'a/10', 'a/2']);
    assert.deepEqual(await scanned({ prefix: 'a/', after: 'a/' }), ['a/10', 'a/2']);
    assert.deepEqual(await scanned({ prefix: 'a/', after: 'A', limit: 1 }), ['a/']);
    assert.deepEqual(await scanned({ after: 'a/1', limit: 2 }), ['a/10', 'a/2']);
    assert.deepEqual(await scanned({ prefix: 'a', after: 'b' }), []);
    assert.deepEqual(await scanned({ limit: 0 }), []);
    assert.equal((await store.scan('things', { prefix: 'b' }))[0]![1], 0);
  });

  check('commits of one key hold in the order asked for, whoever awaits them', async world => {
    const { store } = world.host('a');
    const commits = Array.from({ length: 50 }, (_, i) => store.commit([put('k', i)]));
    await Promise.all(commits);
    assert.equal(await store.get('things', 'k'), 49);
  });

  check('each instance has tables of its own', async world => {
    await world.host('a').store.commit([put('k', 'of a')]);
    assert.equal(await world.host('b').store.get('things', 'k'), undefined);
  });
}
