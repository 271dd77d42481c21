import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually, K, OPC, testNetwork } from './testing/network.ts';

const erin = { imsi: '001010000000009', name: 'erin', password: 'erin-secret', k: K, opc: OPC };

test('a record is added, read, changed and removed', async t => {
  const { ask, running } = await testNetwork(t);
  const { home } = running.network;
  const added = await ask('POST', '/api/v1/subscribers', { ...erin, msisdn: '15550100009' });
  assert.equal(added.status, 201);
  assert.equal(added.headers.get('location'), '/api/v1/subscribers/001010000000009');
  assert.deepEqual(added.body.secrets, ['k', 'opc', 'password']);
  assert.equal(added.body.identities.impus[0].impu, `sip:+15550100009@${home}`);

  const read = await ask('GET', '/api/v1/subscribers/001010000000009');
  assert.deepEqual(read.body, added.body);

  const changed = await ask('PATCH', '/api/v1/subscribers/001010000000009', {
    msisdn: null,
    services: ['sms'],
  });
  assert.equal(changed.status, 200);
  assert.equal(changed.body.msisdn, undefined);
  assert.deepEqual(changed.body.services, ['sms']);
  assert.deepEqual(changed.body.pushed, []);

  assert.equal((await ask('DELETE', '/api/v1/subscribers/001010000000009')).status, 200);
  assert.equal((await ask('GET', '/api/v1/subscribers/001010000000009')).status, 404);
  assert.equal((await ask('DELETE', '/api/v1/subscribers/001010000000009')).status, 404);
  assert.equal((await ask('PATCH', '/api/v1/subscribers/001010000000009', {})).status, 404);
});

test('the list comes in pages, and finds one by whatever names him', async t => {
  const { ask } = await testNetwork(t);
  const first = await ask('GET', '/api/v1/subscribers?limit=3');
  assert.equal(first.body.total, 4);
  const names = (page: typeof first) =>
    page.body.subscribers.map((one: { name: string }) => one.name);
  assert.deepEqual(names(first), ['alice', 'bob', 'carol']);
  const second = await ask('GET', `/api/v1/subscribers?limit=3&after=${first.body.next}`);
  assert.deepEqual(names(second), ['dave']);
  assert.equal(second.body.next, undefined);
  for (const text of [
    'bob',
    '001010000000002',
    '%2B15550100002',
    '15550100002',
    'tel:%2B15550100002',
  ]) {
    assert.deepEqual(names(await ask('GET', `/api/v1/subscribers?find=${text}`)), ['bob'], text);
  }
  assert.deepEqual(names(await ask('GET', '/api/v1/subscribers?find=nobody')), []);
});

test('a secret never leaves, neither in an answer nor in an error', async t => {
  const { ask } = await testNetwork(t);
  const secret = 'f00dfeedf00dfeedf00dfeedf00dfeed';
  const answers = [
    await ask('POST', '/api/v1/subscribers', { ...erin, k: secret, password: 'very-secret' }),
    await ask('GET', '/api/v1/subscribers'),
    await ask('GET', '/api/v1/subscribers/001010000000009'),
    await ask('PATCH', '/api/v1/subscribers/001010000000009', { opc: secret }),
    await ask('GET', '/api/v1/subscribers.csv'),
    await ask('POST', '/api/v1/subscribers', { ...erin, k: `${secret}ff` }),
    await ask('POST', '/api/v1/subscribers', { ...erin, k: [secret] }),
    await ask('PATCH', '/api/v1/subscribers/001010000000009', { password: { secret } }),
  ];
  assert.deepEqual(
    answers.map(({ status }) => status),
    [201, 200, 200, 200, 200, 422, 400, 400],
  );
  for (const { text } of answers) {
    assert.ok(!text.includes(secret), text);
    assert.ok(!text.includes('very-secret') && !text.includes('alice-secret'), text);
    assert.ok(!text.includes(K), text);
  }
});

test('every field that the HSS shows is described, and so shown', async t => {
  const { ask, running } = await testNetwork(t);
  const full = {
    ...erin,
    msisdn: '15550100009',
    digest: ['SHA-256'],
    algorithm: 'milenage',
    capabilities: ['7'],
    impis: ['desk@ims.example;password=desk-secret'],
    impus: ['derived', 'sip:desk@ims.example;set=desk;display=Desk;alias=a;contacts=2'],
  };
  const { status, text, body } = await ask('POST', '/api/v1/subscribers', full);
  assert.equal(status, 201, text);
  assert.ok(!text.includes('desk-secret'));
  const seen = await running.network.functions.hss!.get(erin.imsi);
  assert.deepEqual(body, JSON.parse(JSON.stringify(seen)));
});

test('what cannot be is refused, naming every field, its value and what would be right', async t => {
  const { ask } = await testNetwork(t);
  const wrong = await ask('POST', '/api/v1/subscribers', {
    imsi: '12',
    name: 'a b',
    password: 'x',
  });
  assert.equal(wrong.status, 422);
  assert.match(wrong.headers.get('content-type')!, /^application\/problem\+json/);
  assert.equal(wrong.body.type, 'urn:carillon:problem:invalid-record');
  assert.deepEqual(
    wrong.body.errors.map(({ field, value }: { field: string; value: string }) => [field, value]),
    [
      ['imsi', '12'],
      ['name', 'a b'],
    ],
  );
  assert.match(wrong.body.errors[0].message, /6 to 15 digits/);

  const taken = await ask('POST', '/api/v1/subscribers', { ...erin, name: 'alice' });
  assert.equal(taken.status, 409);
  assert.equal(taken.body.errors[0].field, 'name');
  const again = await ask('POST', '/api/v1/subscribers', { ...erin, imsi: '001010000000001' });
  assert.equal(again.status, 409);

  const unknown = await ask('POST', '/api/v1/subscribers', { ...erin, nmae: 'erin' });
  assert.equal(unknown.status, 400);
  assert.match(unknown.body.detail, /nmae: unknown; allowed here: imsi, msisdn, name/);
  const imsi = await ask('GET', '/api/v1/subscribers/alice');
  assert.equal(imsi.status, 400);
  assert.equal(imsi.body.errors[0].in, 'path');
  const limit = await ask('GET', '/api/v1/subscribers?limit=5000&page=2');
  assert.deepEqual(limit.body.errors.map(({ field }: { field: string }) => field).sort(), [
    'limit',
    'page',
  ]);
});

test('a change reaches the S-CSCF at once: a new profile by PPR, a new card by RTR', async t => {
  const { ask, phone, running } = await testNetwork(t);
  await phone('alice');
  const services = await ask('PATCH', '/api/v1/subscribers/001010000000001', {
    services: ['mmtel', 'sms', 'screening'],
  });
  assert.deepEqual(
    services.body.pushed.map((one: { command: string; outcome: string }) => [
      one.command,
      one.outcome,
    ]),
    [['PPR', 'done']],
  );
  assert.equal(services.body.registration.state, 'registered');
  const removed = await ask('DELETE', '/api/v1/subscribers/001010000000001');
  assert.equal(removed.body.pushed[0].command, 'RTR');
  const scscf = running.network.functions.scscf!;
  await eventually('the S-CSCF forgets her', () => scscf.registrations().length === 0);
});

test('without the HSS in this process records cannot be had, and the answer says so', async t => {
  const { ask, running } = await testNetwork(t);
  await running.network.stopFunction('hss');
  const refused = await ask('GET', '/api/v1/subscribers');
  assert.equal(refused.status, 503);
  assert.equal(refused.body.type, 'urn:carillon:problem:function-absent');
  assert.match(refused.body.detail, /hss does not run/);
});
