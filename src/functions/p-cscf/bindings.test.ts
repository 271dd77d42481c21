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
  await bindings.sweep(1000);
  const again = new Bindings(store);
  await again.restore();
  assert.equal(again.size, 0);
});

test('bindings outlive the process', async () => {
  const store = new MemoryStore();
  await new Bindings(store).put(binding('alice'));
  const again = new Bindings(store);
  await again.restore();
  assert.equal(again.speaker(flow, [], 0)?.contact, 'sip:alice@127.0.0.1:27000');
});
