import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually, K, OPC, testNetwork } from './testing/network.ts';

test('who is registered is listed with his devices, SIM phone and softphone together', async t => {
  const { ask, phone, running } = await testNetwork(t);
  const { home } = running.network;
  assert.deepEqual((await ask('GET', '/api/v1/registrations')).body.registrations, []);
  const sim = await phone('alice', {
    credentials: {
      kind: 'sim',
      imsi: '001010000000001',
      k: Buffer.from(K, 'hex'),
      opc: Buffer.from(OPC, 'hex'),
    },
  });
  await phone('alice');
  const { registrations } = (await ask('GET', '/api/v1/registrations')).body;
  assert.equal(registrations.length, 1);
  const [one] = registrations;
  assert.equal(one.imsi, '001010000000001');
  assert.equal(one.state, 'registered');
  assert.equal(one.impus[0], `sip:+15550100001@${home}`);
  assert.ok(!one.impus.includes(`sip:001010000000001@${home}`), 'the barred identity is not shown');
  assert.deepEqual(one.contacts.map(({ impi }: { impi: string }) => impi).sort(), [
    `001010000000001@${home}`,
    `alice@${home}`,
  ]);
  assert.ok(Date.parse(one.contacts[0].expires) > Date.parse(one.contacts[0].since));
  await sim.deregister();
});

test('registrations come in pages', async t => {
  const { ask, phone } = await testNetwork(t);
  for (const name of ['alice', 'bob', 'carol']) await phone(name);
  const first = (await ask('GET', '/api/v1/registrations?limit=2')).body;
  assert.equal(first.registrations.length, 2);
  const rest = (await ask('GET', `/api/v1/registrations?limit=2&after=${first.next}`)).body;
  assert.equal(rest.registrations.length, 1);
  assert.equal(rest.next, undefined);
});

test('the network ends a registration, and the phone learns of it', async t => {
  const { ask, phone, running } = await testNetwork(t);
  const alice = await phone('alice');
  let because = '';
  alice.onRegistration = state => {
    if (state.kind === 'not registered') because = state.because;
  };
  await eventually(
    'the phone watches its registration',
    () => running.network.functions.scscf!.sip.counts.servers >= 0 && alice.registered,
  );
  const impu = encodeURIComponent(`sip:alice@${running.network.home}`);
  await eventually('the subscription stands', async () => {
    const { events } = (await ask('GET', '/api/v1/trace?protocol=sip')).body;
    return events.some(
      (one: { summary?: string; to?: string }) => one.summary === 'NOTIFY' && one.to === 'p-cscf',
    );
  });
  const ended = await ask('DELETE', `/api/v1/registrations/${impu}`);
  assert.equal(ended.status, 200);
  assert.equal(ended.body.pushed[0].command, 'RTR');
  assert.equal(ended.body.pushed[0].outcome, 'done');
  await eventually('the phone is told', () => because !== '');
  assert.deepEqual((await ask('GET', '/api/v1/registrations')).body.registrations, []);
  const again = await ask('DELETE', `/api/v1/registrations/${impu}`);
  assert.equal(again.status, 404);
});

test('without the HSS here, the S-CSCF tells who is registered', async t => {
  const { ask, phone, running } = await testNetwork(t);
  await phone('bob');
  await running.network.stopFunction('hss');
  const { registrations } = (await ask('GET', '/api/v1/registrations')).body;
  assert.equal(registrations[0].contacts.length, 1);
});
