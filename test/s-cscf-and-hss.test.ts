// The S-CSCF and the HSS together over checked local links: what an operator changes in a record
// reaches a registered user.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Usim } from '#aka/usim';
import { Hss, type HssSettings } from '#functions/hss/hss';
import { sharedSets } from '#functions/hss/service-profiles';
import { Bench } from '#functions/s-cscf/testing/bench';
import { alice, bob, echo, home, key } from '#functions/s-cscf/testing/scripted-hss';
import { minutes, seconds } from '#kernel/time';

const as = `sip:as.${home}:5090`;

const settings: HssSettings = {
  home,
  services: ['mmtel', 'sms', 'screening'],
  filterCriteria: [
    { priority: 10, service: 'screening', server: as, all: [[{ method: 'INVITE' }]] },
  ],
  psis: [{ identity: echo, server: as }],
  subscribers: [
    {
      imsi: '001010000000001',
      msisdn: '15550100001',
      name: 'alice',
      k: key.k.toString('hex'),
      opc: key.opc.toString('hex'),
      password: 'alice-secret',
    },
    { imsi: '001010000000002', msisdn: '15550100002', name: 'bob', password: 'bob-secret' },
  ],
};

async function network(
  hssSettings = settings,
  scscfSettings: ConstructorParameters<typeof Bench>[0] = {},
): Promise<{ bench: Bench; hss: Hss }> {
  const bench = new Bench(scscfSettings);
  const hss = new Hss(hssSettings, bench.sim.host('hss'));
  await bench.sim.settle(() => hss.start());
  await bench.start({ hss: false });
  await bench.sim.runUntil(() => bench.scscf.peers()[0]?.state === 'open', minutes(1));
  return { bench, hss };
}

test('card and password register, in either spelling, and the HSS knows both', async () => {
  const { bench, hss } = await network();
  assert.equal((await bench.registerByCard(alice)).status, 200);
  const contact = 'sip:alice@192.0.2.7';
  for (const username of [alice.login, alice.name]) {
    assert.equal((await bench.registerByPassword(alice, { contact, username })).status, 200);
  }
  const [registration] = await bench.sim.settle(() => hss.registrations());
  assert.equal(registration?.imsi, '001010000000001');
  assert.equal(bench.scscf.registrations()[0]?.contacts.length, 2);
});

test('a card behind the HSS is resynchronised', async () => {
  const { bench } = await network();
  const usim = bench.usim();
  for (let n = 0; n < 3; n++) {
    assert.equal((await bench.registerByCard(alice, { usim })).status, 200);
  }
  // a record restored from an old copy: its sequence numbers begin again
  const { bench: other } = await network();
  const challenged = await other.pcscf.send(other.register(alice, {}, [other.blank(alice.sim)]));
  const resynchronised = await other.answerByCard(alice, challenged, { usim });
  assert.equal(resynchronised.status, 401);
  assert.equal((await other.answerByCard(alice, resynchronised, { usim })).status, 200);
});

test('a new K ends the registration, and the old card is refused', async () => {
  const { bench, hss } = await network();
  await bench.registerByCard(alice);
  const k = '00112233445566778899aabbccddeeff';
  const done = await bench.sim.settle(() => hss.patch('001010000000001', { k }));
  assert.ok(done !== undefined && done.pushed.length > 0);
  await bench.sim.run(seconds(1));
  assert.equal(bench.scscf.registrations().length, 0);
  assert.equal((await bench.registerByCard(alice)).status, 403);
  const usim = new Usim({ ...key, k: Buffer.from(k, 'hex') });
  assert.equal((await bench.registerByCard(alice, { usim })).status, 200);
});

test('after a new password the nonce of the old one is of no use', async () => {
  const { bench, hss } = await network();
  const challenged = await bench.pcscf.send(bench.register(bob, { to: bob.named }));
  assert.equal((await bench.answerByPassword(bob, challenged)).status, 200);
  await bench.sim.settle(() => hss.patch('001010000000002', { password: 'other' }));
  await bench.sim.run(seconds(1));
  assert.equal((await bench.answerByPassword(bob, challenged, 2)).status, 401);
  assert.equal((await bench.registerByPassword(bob)).status, 403);
  assert.equal((await bench.registerByPassword(bob, { password: 'other' })).status, 200);
});

test('a service given to a subscriber counts from his next call on', async () => {
  const { bench, hss } = await network();
  await bench.registerByCard(alice);
  await bench.pcscf.send(bench.initial('INVITE', alice.number, bob.number));
  assert.equal(bench.as.of('INVITE').length, 0);
  await bench.sim.settle(() => hss.patch('001010000000001', { services: ['screening'] }));
  await bench.sim.run(seconds(1));
  await bench.pcscf.send(bench.initial('INVITE', alice.number, bob.number));
  assert.equal(bench.as.of('INVITE').length, 1);
});

test('a subscriber taken out of the records is registered no longer', async () => {
  const { bench, hss } = await network();
  await bench.registerByCard(alice);
  await bench.sim.settle(() => hss.remove('001010000000001'));
  await bench.sim.run(seconds(1));
  assert.equal(bench.scscf.registrations().length, 0);
  assert.equal((await bench.registerByCard(alice)).status, 403);
});

test('a public service is reached, given back after a while, and reached again', async () => {
  const { bench } = await network();
  for (let n = 0; n < 3; n++) {
    const call = bench.towards('MESSAGE', alice.number, echo);
    assert.equal((await bench.icscf.send(call)).status, 200);
    await bench.sim.run(minutes(11));
  }
  assert.equal(bench.as.of('MESSAGE').length, 3);
});

test('registrations survive the HSS, the S-CSCF, and both', async () => {
  const { bench, hss } = await network();
  const usim = bench.usim();
  await bench.registerByCard(alice, { usim });
  await bench.sim.settle(() => hss.stop());
  bench.sim.crash('s-cscf');
  bench.sim.restart('s-cscf');
  await bench.sim.run(seconds(5));
  const call = bench.towards('INVITE', bob.number, alice.number);
  assert.equal((await bench.icscf.send(call)).status, 200);
  await bench.sim.settle(() => hss.start());
  await bench.sim.run(seconds(60));
  assert.equal((await bench.registerByCard(alice, { usim })).status, 200);
});

test('shared filter criteria apply, whether the S-CSCF knows them by number or is given them', async () => {
  const table = [
    { id: 7, filterCriteria: [{ priority: 1, server: as, all: [[{ method: 'INVITE' }]] }] },
  ];
  const [first] = settings.subscribers!;
  const hssSettings: HssSettings = {
    ...settings,
    sharedFilterCriteria: table,
    profiles: { office: { sharedFilterCriteria: [7] } },
    subscribers: [{ ...first!, profile: 'office' }],
  };
  const known = new Map(
    [...sharedSets(table)].map(([id, { criteria }]) => [id, criteria] as const),
  );
  for (const [sharedFilterCriteria, named] of [
    [known, [7]],
    [new Map(), []],
  ] as const) {
    const { bench } = await network(hssSettings, { sharedFilterCriteria });
    await bench.registerByCard(alice);
    const profile = bench.scscf.registrar.ofImpu(alice.number)?.profile;
    const servers = profile?.criteriaOf(alice.number).map(one => one.applicationServer.serverName);
    assert.deepEqual(servers, [as]);
    assert.deepEqual(profile?.subscription.serviceProfiles[0]?.sharedFilterCriteria, named);
  }
});

test('whom a wildcarded identity stands for is registered with its set', async () => {
  const wildcard = `sip:+1555020!.*!@${home}`;
  const subscribers = [{ ...settings.subscribers![0]!, impus: ['derived', wildcard] }];
  const { bench } = await network({ ...settings, subscribers });
  await bench.registerByCard(alice);
  const { registrar } = bench.scscf;
  assert.equal(registrar.isRegistered(`sip:+15550207@${home}`), true);
  assert.equal(registrar.isRegistered(`sip:+15550307@${home}`), false);
  const found = registrar.ofImpu(`sip:+15550207@${home}`)?.profile.find(`sip:+15550207@${home}`);
  assert.deepEqual([found?.impu, found?.barred], [`sip:+15550207@${home}`, false]);
});
