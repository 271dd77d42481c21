import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '#kernel/errors';
import { alice, aliceLogin, Bench, home, k } from './hss.fixture.ts';
import { RecordError, type SubscriberInput } from './hss.ts';

const bob: SubscriberInput = {
  imsi: '001010000000002',
  msisdn: '15550100002',
  name: 'bob',
  password: 'bob-secret',
};

const problemsOf = async (doing: Promise<unknown>): Promise<string[]> => {
  try {
    await doing;
  } catch (error) {
    assert.ok(error instanceof RecordError, String(error));
    return error.problems.map(({ field, message }) => `${field}: ${message}`);
  }
  return assert.fail('accepted');
};

test('a new database has the subscribers of the settings, and only once', async () => {
  const bench = new Bench();
  await bench.settle(() => bench.hss.open());
  assert.equal(await bench.settle(() => bench.hss.count()), 1);
  await bench.settle(() => bench.hss.remove(alice.imsi));
  const again = bench.make();
  await bench.settle(() => again.open());
  assert.equal(await bench.settle(() => again.count()), 0, 'he was removed and stays so');
});

test('a subscriber of the settings that cannot be names its place', async () => {
  const bench = new Bench({ subscribers: [alice, { ...bob, msisdn: '+1' }] });
  await assert.rejects(
    bench.settle(() => bench.hss.open()),
    (error: unknown) =>
      error instanceof UsageError && /^subscribers\[1\]\.msisdn: "\+1" is not/.test(error.message),
  );
});

test('two subscribers of the settings may not share a number', async () => {
  const bench = new Bench({ subscribers: [alice, { ...bob, msisdn: alice.msisdn! }] });
  await assert.rejects(
    bench.settle(() => bench.hss.open()),
    /^UsageError: subscribers\[1\]\.msisdn: sip:\+15550100001@.* belongs to the subscriber 001010000000001/,
  );
});

test('what is shown of a record has its identities and no secret', async () => {
  const bench = new Bench();
  await bench.settle(() => bench.hss.open());
  const view = await bench.settle(() => bench.hss.get(alice.imsi));
  assert.deepEqual(view?.secrets, ['k', 'opc', 'password']);
  assert.equal(view?.identities.impus[0]?.impu, `sip:+15550100001@${home}`);
  assert.deepEqual(view?.registration, { state: 'not registered', impis: [] });
  assert.doesNotMatch(JSON.stringify(view), /465b5c|cd63cb|alice-secret/);
});

test('a subscriber is found by whatever a person calls him', async () => {
  const bench = new Bench();
  await bench.settle(() => bench.hss.open());
  const names = [
    alice.imsi,
    '15550100001',
    '+15550100001',
    'alice',
    aliceLogin,
    `sip:alice@${home}`,
    'tel:+1-555-010-0001',
    `${alice.imsi}@${home}`,
  ];
  for (const name of names) {
    const found = await bench.settle(() => bench.hss.find(name));
    assert.equal(found?.imsi, alice.imsi, name);
  }
  assert.equal(await bench.settle(() => bench.hss.find('zoe')), undefined);
});

test('an identity that belongs to another is refused and named', async () => {
  const bench = new Bench();
  await bench.settle(() => bench.hss.open());
  const add = (changes: object) =>
    problemsOf(bench.settle(() => bench.hss.add({ ...bob, ...changes })));
  assert.deepEqual(await add({ imsi: alice.imsi }), [
    `imsi: ${alice.imsi} is a subscriber already`,
  ]);
  assert.match(
    (await add({ msisdn: '15550100001' })).join(),
    /^msisdn: .* belongs to the subscriber 001010000000001 already$/,
  );
  assert.match(
    (await add({ name: 'alice' })).join(),
    /^name: alice@.* belongs to the subscriber 001010000000001/,
  );
  assert.match((await add({ name: alice.imsi })).join(), /^name: /);
  assert.match(
    (await add({ impus: ['tel:+15550100001'] })).join(),
    /^impus: tel:\+15550100001 belongs/,
  );
  assert.match((await add({ impi: aliceLogin })).join(), /^impi: alice@.* belongs/);
  assert.equal(await bench.settle(() => bench.hss.count()), 1, 'nothing of it was stored');
});

test('an identity that was given up may be taken by another', async () => {
  const bench = new Bench();
  await bench.settle(() => bench.hss.open());
  await bench.settle(() => bench.hss.patch(alice.imsi, { name: 'alison' }));
  await bench.settle(() => bench.hss.add({ ...bob, name: 'alice' }));
  assert.equal((await bench.settle(() => bench.hss.find('alice')))?.imsi, bob.imsi);
  assert.equal((await bench.settle(() => bench.hss.find('alison')))?.imsi, alice.imsi);
  await bench.settle(() => bench.hss.remove(bob.imsi));
  assert.equal(await bench.settle(() => bench.hss.find('alice')), undefined);
});

test('two who claim one name at the same time do not both get it', async () => {
  const bench = new Bench();
  bench.sim.store('hss').delay = 5;
  const claims = await bench.settle(() =>
    Promise.allSettled([
      bench.hss.add({ ...bob, name: 'sam' }),
      bench.hss.add({ ...bob, imsi: '001010000000003', msisdn: '15550100003', name: 'sam' }),
    ]),
  );
  assert.deepEqual(
    claims.map(({ status }) => status),
    ['fulfilled', 'rejected'],
  );
});

test('a changed record is what a restarted HSS finds', async () => {
  const bench = new Bench();
  await bench.settle(() => bench.hss.open());
  await bench.settle(() =>
    bench.hss.patch(alice.imsi, { services: ['sms'], msisdn: '15550100009' }),
  );
  const again = bench.make();
  await bench.settle(() => again.open());
  const view = await bench.settle(() => again.get(alice.imsi));
  assert.deepEqual([view?.services, view?.msisdn], [['sms'], '15550100009']);
  assert.equal((await bench.settle(() => again.find('+15550100009')))?.imsi, alice.imsi);
  assert.equal(await bench.settle(() => again.find('+15550100001')), undefined);
});

test('records of another home domain are indexed anew', async () => {
  const bench = new Bench();
  await bench.settle(() => bench.hss.open());
  const moved = bench.make({ home: 'ims.example' });
  await bench.settle(() => moved.open());
  assert.equal((await bench.settle(() => moved.find('sip:alice@ims.example')))?.imsi, alice.imsi);
  assert.equal(await bench.settle(() => moved.find(`sip:alice@${home}`)), undefined);
});

test('a change the store did not take has not happened', async () => {
  const bench = new Bench();
  await bench.settle(() => bench.hss.open());
  bench.sim.store('hss').failure = 1;
  await assert.rejects(bench.settle(() => bench.hss.patch(alice.imsi, { name: 'alison' })));
  await assert.rejects(bench.settle(() => bench.hss.add(bob)));
  bench.sim.store('hss').failure = 0;
  assert.equal((await bench.settle(() => bench.hss.get(alice.imsi)))?.name, 'alice');
  assert.equal(await bench.settle(() => bench.hss.find('bob')), undefined);
  assert.equal(await bench.settle(() => bench.hss.count()), 1);
});

test('records are listed in the order of their IMSI, page by page', async () => {
  const bench = new Bench({ subscribers: [] });
  for (const n of [3, 1, 2]) {
    await bench.settle(() =>
      bench.hss.add({
        ...bob,
        imsi: `00101000000000${n}`,
        msisdn: `1555010000${n}`,
        name: `user${n}`,
      }),
    );
  }
  const first = await bench.settle(() => bench.hss.list({ limit: 2 }));
  const rest = await bench.settle(() => bench.hss.list({ limit: 2, after: first.at(-1)!.imsi }));
  assert.deepEqual(
    [...first, ...rest].map(({ name }) => name),
    ['user1', 'user2', 'user3'],
  );
});

test('nothing becomes of changes to somebody who is not there', async () => {
  const bench = new Bench({ subscribers: [] });
  assert.equal(await bench.settle(() => bench.hss.patch(alice.imsi, { k })), undefined);
  assert.equal(await bench.settle(() => bench.hss.remove(alice.imsi)), undefined);
  assert.equal(await bench.settle(() => bench.hss.deregister('alice')), undefined);
});
