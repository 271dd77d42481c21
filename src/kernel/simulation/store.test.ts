import assert from 'node:assert/strict';
import test from 'node:test';
import type { Json, Write } from '../host.ts';
import { ms, seconds } from '../time.ts';
import { simulate } from './simulation.ts';

const write = (key: string, value: Json | undefined): Write[] => [{ table: 't', key, value }];

test('a commit is durable after its delay, all of it at once', async () => {
  const sim = simulate({ seed: 1, store: { delay: ms(5) } });
  const { store } = sim.host('a');
  const done: number[] = [];
  void store
    .commit([...write('b', { deep: [1] }), ...write('a', 'x')])
    .then(() => done.push(sim.elapsed));
  await sim.run(ms(4));
  assert.deepEqual(done, []);
  await sim.run(ms(1));
  assert.deepEqual(done, [5]);
  assert.deepEqual(await sim.settle(() => store.scan('t')), [
    ['a', 'x'],
    ['b', { deep: [1] }],
  ]);
});

test('what was read or written is a copy', async () => {
  const sim = simulate({ seed: 1 });
  const { store } = sim.host('a');
  const value = { list: [1] };
  void store.commit(write('k', value));
  value.list.push(2);
  await sim.run(ms(1));
  const read = (await sim.settle(() => store.get('t', 'k'))) as { list: number[] };
  assert.deepEqual(read, { list: [1] });
  read.list.push(3);
  assert.deepEqual(await sim.settle(() => store.get('t', 'k')), { list: [1] });
});

test('scan gives a range in key order', async () => {
  const sim = simulate({ seed: 1 });
  const { store } = sim.host('a');
  const keys = ['b2', 'a', 'b10', 'b1', '\u{1f600}', '\uffee'];
  await sim.settle(() => store.commit(keys.flatMap(key => write(key, key))));
  await sim.settle(() => store.commit(write('a', undefined)));
  const scan = async (options?: object) =>
    (await sim.settle(() => store.scan('t', options))).map(([key]) => key);
  assert.deepEqual(await scan(), ['b1', 'b10', 'b2', '\uffee', '\u{1f600}']);
  assert.deepEqual(await scan({ prefix: 'b', after: 'b1', limit: 1 }), ['b10']);
  assert.deepEqual(await scan({ limit: 0 }), []);
});

test('commits of different keys may overtake each other, those of one key never', async () => {
  const sim = simulate({ seed: 1, store: { jitter: ms(50), reordering: true } });
  const { store } = sim.host('a');
  const done: string[] = [];
  for (let at = 0; at < 20; at++) {
    void store.commit(write('same', at)).then(() => done.push(`same ${at}`));
    void store.commit(write(`own ${at}`, at)).then(() => done.push(`own ${at}`));
  }
  await sim.run(seconds(10));
  const order = (kind: string) =>
    done.filter(line => line.startsWith(kind)).map(line => line.split(' ')[1]);
  assert.deepEqual(
    order('same'),
    Array.from({ length: 20 }, (_, at) => String(at)),
  );
  assert.notDeepEqual(order('own'), order('same'));
  assert.equal(done.length, 40);
});

test('a store that fails rejects with Unavailable and changes nothing', async () => {
  const sim = simulate({ seed: 1 });
  const { store } = sim.host('a');
  await sim.settle(() => store.commit(write('k', 1)));
  sim.store('a').down = true;
  await assert.rejects(
    sim.settle(() => store.commit(write('k', 2))),
    { name: 'Unavailable' },
  );
  await assert.rejects(
    sim.settle(() => store.get('t', 'k')),
    { name: 'Unavailable' },
  );
  sim.store('a').down = false;
  assert.equal(await sim.settle(() => store.get('t', 'k')), 1);
});

test('a crash loses what was not durable and keeps what was, in the order committed', async () => {
  const sim = simulate({ seed: 1, store: { jitter: ms(20) } });
  const { store } = sim.host('a');
  const done: number[] = [];
  for (let at = 0; at < 20; at++) void store.commit(write('k', at)).then(() => done.push(at));
  await sim.run(ms(12));
  sim.crash('a');
  sim.restart('a');
  const kept = await sim.settle(() => sim.host('a').store.get('t', 'k'));
  assert.equal(kept, done.at(-1));
  assert.ok(done.length > 0 && done.length < 20);
});
