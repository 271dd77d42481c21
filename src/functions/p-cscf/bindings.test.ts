import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryStore } from '#kernel/memory-store';
import { type Binding, Bindings } from './bindings.ts';

const flow = 'udp|127.0.0.1:5060|127.0.0.1:27000';

const binding = (name: string, expires = 1000): Binding => ({
  impi: `${name}@home`,
  contact: `sip:${name}@127.0.0.1:27000`,
  flow,
  associated: [`<sip:${name}@home>`],
  impus: [`sip:${name}@home`],
  serviceRoute: [],
  expires,
});

test('the only binding of a flow speaks, whatever identity it claims', async () => {
  const bindings = new Bindings(new MemoryStore());
  await bindings.put(binding('alice'));
  assert.equal(bindings.speaker(flow, ['sip:bob@home'], 0)?.impi, 'alice@home');
});

test('of several on one flow, the one that holds the identity claimed speaks; no claim, nobody', async () => {
  const bindings = new Bindings(new MemoryStore());
  await bindings.put(binding('alice'));
  await bindings.put(binding('bob'));
  assert.equal(bindings.speaker(flow, ['sip:bob@home'], 0)?.impi, 'bob@home');
  assert.equal(bindings.speaker(flow, ['sip:carol@home'], 0), undefined);
});

test('a lapsed binding speaks no more, and a swept one is forgotten by the store too', async () => {
  const store = new MemoryStore();
  const bindings = new Bindings(store);
  await bindings.put(binding('alice', 1000));
  assert.equal(bindings.speaker(flow, [], 1000), undefined);
  assert.equal(bindings.known(flow, 1000), false);
  await bindings.sweep(1000, 10);
  assert.equal(bindings.size, 0);
  assert.deepEqual(await store.scan('binding'), []);
});

test('sweeping a few at a time comes to everybody, whoever registers meanwhile', async () => {
  const bindings = new Bindings(new MemoryStore());
  for (let n = 0; n < 25; n++) await bindings.put(binding(`user${n}`, n % 2 === 0 ? 1000 : 9000));
  for (let n = 0; n < 4; n++) {
    await bindings.sweep(1000, 10);
    await bindings.put(binding(`late${n}`, 9000));
  }
  await bindings.sweep(1000, 10);
  assert.deepEqual(
    [...bindings.all()].filter(({ expires }) => expires <= 1000),
    [],
  );
  assert.equal(bindings.size, 12 + 4);
});

test('bindings outlive the process, but for those of connections and those that lapsed', async () => {
  const store = new MemoryStore();
  const former = new Bindings(store);
  await former.put(binding('alice'));
  await former.put({ ...binding('bob'), flow: 'tcp|7|127.0.0.1:27001' });
  await former.put(binding('carol', 400));
  const again = new Bindings(store);
  await again.restore(500);
  assert.equal(again.speaker(flow, [], 500)?.contact, 'sip:alice@127.0.0.1:27000');
  assert.equal(again.size, 1);
  assert.equal((await store.scan('binding')).length, 1);
});

test('a contact registered again from elsewhere has moved: its old flow speaks no more', async () => {
  const bindings = new Bindings(new MemoryStore());
  const elsewhere = 'udp|127.0.0.1:5060|127.0.0.1:27777';
  await bindings.put(binding('alice'));
  await bindings.put({ ...binding('alice'), flow: elsewhere });
  assert.equal(bindings.known(flow, 0), false);
  assert.equal(bindings.speaker(elsewhere, [], 0)?.impi, 'alice@home');
  assert.equal(bindings.size, 1);
});

test('two flows of one contact stand beside each other, told apart by reg-id', async () => {
  const bindings = new Bindings(new MemoryStore());
  const second = 'udp|127.0.0.1:5060|127.0.0.1:27777';
  await bindings.put({ ...binding('alice'), regId: '1' });
  await bindings.put({ ...binding('alice'), regId: '2', flow: second });
  assert.equal(bindings.size, 2);
  await bindings.remove({ ...binding('alice'), regId: '1' });
  assert.equal(bindings.known(flow, 0), false);
  assert.equal(bindings.known(second, 0), true);
});

test('a second contact of one user keeps his identity on the flow when the first goes', async () => {
  const bindings = new Bindings(new MemoryStore());
  await bindings.put(binding('alice'));
  await bindings.put(binding('bob'));
  await bindings.put({ ...binding('alice'), contact: 'sip:alice@127.0.0.1:9' });
  await bindings.remove({ ...binding('alice'), contact: 'sip:alice@127.0.0.1:9' });
  assert.equal(bindings.speaker(flow, ['sip:alice@home'], 0)?.impi, 'alice@home');
});

test('a store that fails leaves memory as it was', async () => {
  class Failing extends MemoryStore {
    down = false;
    override commit(writes: Parameters<MemoryStore['commit']>[0]): Promise<void> {
      return this.down ? Promise.reject(new Error('disk full')) : super.commit(writes);
    }
  }
  const store = new Failing();
  const bindings = new Bindings(store);
  await bindings.put(binding('alice', 1000));
  store.down = true;
  await assert.rejects(bindings.put(binding('alice', 5000)), /disk full/);
  await assert.rejects(bindings.put(binding('bob', 5000)), /disk full/);
  assert.deepEqual(
    [...bindings.all()].map(({ impi, expires }) => [impi, expires]),
    [['alice@home', 1000]],
  );
});
