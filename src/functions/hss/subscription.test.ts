// Subscriptions that are more than a phone: several devices, implicit sets, profiles, wildcards.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Usim } from '#aka/usim';
import { FEATURES, VENDOR_3GPP } from '#diameter/cx';
import { type ImsSubscription, parseUserData } from '#diameter/cx-user-data';
import { alice, aliceLogin, aliceSim, aliceTel, Bench, home, k, opc } from './hss.fixture.ts';
import type { HssSettings } from './hss.ts';

const desk = `sip:desk@${home}`;
const lobby = `sip:lobby@${home}`;
const extensions = `sip:+1555020!.*!@${home}`;
const other = `second@${home}`;
const tablet = `tablet@${home}`;
const top = '5a'.repeat(32);

const office = {
  ...alice,
  impus: [
    'derived',
    `${desk};set=desk;alias=d;profile=gold;display=Front%20Desk;contacts=2`,
    `${lobby};set=desk;alias=d;profile=gold`,
    `${extensions};set=desk`,
  ],
  impis: [
    `${other};k=${k};opc=${opc};sets=desk`,
    `${tablet};password=tablet-secret`,
    `tuak@${home};k=${k};opc=${top};algorithm=tuak-128`,
  ],
  capabilities: ['7', 'optional:9', 'server:sip:scscf2.example'],
};

const as = (name: string): string => `sip:${name}.${home}:5090`;
const settings: Partial<HssSettings> = {
  subscribers: [office],
  filterCriteria: [{ priority: 5, server: as('all'), all: [[{ method: 'REGISTER' }]] }],
  sharedFilterCriteria: [
    {
      id: 3,
      filterCriteria: [{ priority: 1, server: as('shared'), all: [[{ method: 'MESSAGE' }]] }],
    },
  ],
  profiles: {
    gold: {
      filterCriteria: [{ priority: 7, server: as('gold') }],
      sharedFilterCriteria: [3],
      mediaProfile: 2,
      icsis: ['urn:urn-7:3gpp-service.ims.icsi.mmtel'],
    },
  },
  psis: [{ identity: `sip:chat-!.*!@${home}`, server: as('chat') }],
};

const started = (changes: Partial<HssSettings> = {}) =>
  new Bench({ ...settings, ...changes }).start();
const profileIn = (answer: { readonly userData?: string | undefined }): ImsSubscription =>
  parseUserData(answer.userData!);
const features = (list: number) => [{ vendor: VENDOR_3GPP, listId: 1, list }];

/** As an S-CSCF reports the registration of an identity. */
async function registered(bench: Bench, impi: string, impu: string, from = 'scscf') {
  const answer = await bench.register(impi, from, impu);
  assert.equal(answer.result, 'DIAMETER_SUCCESS');
  return answer;
}
const states = async (bench: Bench) =>
  (await bench.settle(() => bench.hss.registrations())).map(({ impus, state, impis }) => ({
    first: impus[0],
    state,
    impis,
  }));

test('each implicit set has its identities, its profile and its devices', async () => {
  const bench = await started();
  const simple = profileIn(await registered(bench, aliceSim, aliceTel));
  assert.equal(simple.serviceProfiles.length, 1);
  assert.equal(simple.serviceProfiles[0]!.publicIdentities.length, 4);
  assert.equal(
    simple.serviceProfiles[0]!.filterCriteria[0]!.applicationServer.serverName,
    as('all'),
  );

  const answer = await registered(bench, other, lobby);
  assert.deepEqual(answer.associated?.impis, [aliceSim, aliceLogin, other, tablet, `tuak@${home}`]);
  const [gold, plain, ...rest] = profileIn(answer).serviceProfiles;
  assert.deepEqual(rest, []);
  assert.deepEqual(
    gold!.publicIdentities.map(({ identity }) => identity),
    [desk, lobby],
  );
  assert.equal(gold!.publicIdentities[0]!.displayName, 'Front Desk');
  assert.equal(gold!.publicIdentities[0]!.maxSimultaneousRegistrations, 2);
  assert.deepEqual(
    gold!.filterCriteria.map(({ applicationServer }) => applicationServer.serverName),
    [as('shared'), as('gold')],
  );
  assert.equal(gold!.coreNetworkServicesAuthorization?.subscribedMediaProfileId, 2);
  assert.equal(gold!.coreNetworkServicesAuthorization?.serviceIds?.length, 1);
  assert.deepEqual(
    plain!.publicIdentities.map(({ identity, kind, wildcardedImpu }) => [
      identity,
      kind,
      wildcardedImpu,
    ]),
    [[extensions, 'WILDCARDED_IMPU', extensions]],
  );
  assert.deepEqual(await states(bench), [
    { first: `sip:+15550100001@${home}`, state: 'registered', impis: [aliceSim] },
    { first: desk, state: 'registered', impis: [other] },
  ]);
});

test('a private identity registers the sets it is for, and no other', async () => {
  const bench = await started();
  const uar = await bench.uar({ impi: other, impu: aliceTel });
  assert.equal(uar.result, 'DIAMETER_ERROR_IDENTITIES_DONT_MATCH');
  assert.equal(
    (await bench.uar({ impi: other, impu: desk })).result,
    'DIAMETER_FIRST_REGISTRATION',
  );
  assert.equal(
    (await bench.uar({ impi: tablet, impu: desk })).result,
    'DIAMETER_FIRST_REGISTRATION',
  );
});

test('one S-CSCF serves all sets of a subscription, as long as one of them needs it', async () => {
  const bench = await started();
  await registered(bench, aliceSim, aliceTel);
  const next = await bench.uar({ impi: other, impu: desk });
  assert.equal(next.result, 'DIAMETER_SUBSEQUENT_REGISTRATION');
  assert.equal(next.server, `sip:scscf.${home}:6060`);
  await registered(bench, other, desk);
  await bench.sar('USER_DEREGISTRATION', { impi: aliceSim, impus: [aliceTel] });
  assert.deepEqual(await states(bench), [{ first: desk, state: 'registered', impis: [other] }]);
  assert.equal((await bench.lir({ impu: desk })).server, `sip:scscf.${home}:6060`);
  await bench.sar('USER_DEREGISTRATION', { impi: other, impus: [desk] });
  assert.deepEqual(await states(bench), []);
  assert.equal((await bench.uar({ impi: other, impu: desk })).server, undefined);
});

test('what is registered of every set survives a restart of the HSS', async () => {
  const bench = await started();
  await registered(bench, aliceSim, aliceTel);
  await registered(bench, other, desk);
  const before = await states(bench);
  await bench.settle(() => bench.hss.stop());
  bench.hss = bench.make();
  await bench.settle(() => bench.hss.open());
  assert.deepEqual(await states(bench), before);
  const found = await bench.settle(() => bench.hss.find(`sip:+15550209@${home}`));
  assert.equal(found, undefined, 'a person asks for what is written, not for what matches');
});

test('a de-registration without an IMPU is of every set of the IMPI', async () => {
  const bench = await started();
  await registered(bench, tablet, aliceTel);
  await registered(bench, tablet, desk);
  const answer = await bench.sar('USER_DEREGISTRATION', { impi: tablet, impus: [] });
  assert.equal(answer.result, 'DIAMETER_SUCCESS');
  assert.deepEqual(await states(bench), []);
});

test('registrations of every set end at the S-CSCF that is left', async () => {
  const bench = await started();
  await registered(bench, aliceSim, aliceTel);
  await registered(bench, other, desk);
  await bench.uar({ impi: aliceSim, impu: aliceTel, type: 'REGISTRATION_AND_CAPABILITIES' });
  await registered(bench, aliceSim, aliceTel, 'scscf2');
  await bench.sim.run(100);
  const rtrs = bench.told.flatMap(one => ('rtr' in one ? [one] : []));
  assert.deepEqual(
    rtrs.map(({ to, rtr }) => [to, rtr.impi, rtr.reason.code]),
    [
      ['scscf', aliceSim, 'NEW_SERVER_ASSIGNED'],
      ['scscf', other, 'SERVER_CHANGE'],
    ],
  );
  assert.deepEqual(
    (await states(bench)).map(({ impis }) => impis),
    [[aliceSim]],
  );
});

test('a wildcarded identity leads to its set, and the answers name it', async () => {
  const bench = await started();
  const extension = `sip:+15550207@${home}`;
  assert.equal(
    (await bench.lir({ impu: extension })).result,
    'DIAMETER_ERROR_IDENTITY_NOT_REGISTERED',
  );
  await registered(bench, tablet, desk);
  const lia = await bench.lir({ impu: extension });
  assert.equal(lia.server, `sip:scscf.${home}:6060`);
  assert.equal(lia.wildcardedImpu, extensions);
  const saa = await bench.sar('NO_ASSIGNMENT', { impi: tablet, impus: [extension] });
  assert.equal(saa.wildcardedImpu, extensions);
  assert.ok(profileIn(saa).serviceProfiles.length > 0);
  assert.equal(
    (await bench.lir({ impu: `sip:+1555030@${home}` })).result,
    'DIAMETER_ERROR_USER_UNKNOWN',
  );
});

test('a distinct identity goes before a wildcard that would match it', async () => {
  const bench = await started();
  const impu = `sip:+15550207@${home}`;
  await bench.settle(() =>
    bench.hss.add({ imsi: '001010000000002', msisdn: '15550207', password: 'x' }),
  );
  assert.equal(
    (await bench.uar({ impi: `001010000000002.digest@${home}`, impu })).result,
    'DIAMETER_FIRST_REGISTRATION',
  );
});

test('a wildcarded service identity is served, unless somebody has that very identity', async () => {
  const bench = await started();
  const room = `sip:chat-room7@${home}`;
  const lia = await bench.lir({ impu: room });
  assert.equal(lia.result, 'DIAMETER_UNREGISTERED_SERVICE');
  assert.equal(lia.wildcardedImpu, `sip:chat-!.*!@${home}`);
  const saa = await bench.sar('UNREGISTERED_USER', { impi: undefined, impus: [room] });
  assert.equal(saa.result, 'DIAMETER_SUCCESS');
  const [identity] = profileIn(saa).serviceProfiles[0]!.publicIdentities;
  assert.deepEqual(
    [identity!.kind, identity!.wildcardedPsi],
    ['WILDCARDED_PSI', `sip:chat-!.*!@${home}`],
  );
  await bench.settle(() =>
    bench.hss.add({ imsi: '001010000000002', name: 'chat-room7', password: 'x' }),
  );
  assert.equal((await bench.lir({ impu: room })).result, 'DIAMETER_ERROR_IDENTITY_NOT_REGISTERED');
});

test('an S-CSCF that shares filter criteria and aliases is given their names, others all of it', async () => {
  const bench = await started();
  await bench.mar({ impi: tablet, impu: desk });
  const answer = await bench.sar('REGISTRATION', {
    impi: tablet,
    impus: [desk],
    features: features(FEATURES.SiFC | FEATURES.AliasInd),
  });
  const [gold] = profileIn(answer).serviceProfiles;
  assert.deepEqual(gold!.sharedFilterCriteria, [3]);
  assert.deepEqual(
    gold!.filterCriteria.map(({ applicationServer }) => applicationServer.serverName),
    [as('gold')],
  );
  assert.deepEqual(
    gold!.publicIdentities.map(({ aliasGroupId }) => aliasGroupId),
    ['d', 'd'],
  );
  // What is pushed later is for the same S-CSCF.
  const services = { services: ['mmtel'], impus: [...office.impus, `sip:new@${home};set=desk`] };
  await bench.settle(() => bench.hss.patch(alice.imsi, services));
  const ppr = bench.told.flatMap(one => ('ppr' in one ? [one.ppr] : []));
  assert.equal(ppr.length, 1);
  assert.deepEqual(parseUserData(ppr[0]!.userData!).serviceProfiles[0]!.sharedFilterCriteria, [3]);
});

test('features are told back where they are told, and one that we lack is refused', async () => {
  const bench = await started();
  const asked = await bench.lir({ impu: desk, features: features(FEATURES.SiFC) });
  const ours = FEATURES.SiFC | FEATURES.AliasInd | FEATURES.IMSRestorationInd;
  assert.deepEqual(asked.features, features(ours));
  assert.ok((await bench.lir({ impu: desk })).features?.length !== 1);
});

test('restoration information comes back to an S-CSCF that takes over or has lost it', async () => {
  const bench = await started();
  const info = (impi: string, contact: string) => ({
    impi,
    restorationInfo: [{ path: '<sip:pcscf.example;lr>', contact: `<sip:${contact}>` }],
  });
  const restoring = { features: features(FEATURES.IMSRestorationInd) };
  for (const [impi, contact] of [
    [aliceSim, 'alice@192.0.2.1'],
    [aliceLogin, 'alice@192.0.2.2'],
  ] as const) {
    await bench.mar({ impi, impu: aliceTel });
    const restorationInfo = info(impi, contact);
    await bench.sar('REGISTRATION', { impi, impus: [aliceTel], restorationInfo, ...restoring });
  }
  const lost = await bench.sar('NO_ASSIGNMENT', { impus: [aliceTel], ...restoring });
  assert.deepEqual(
    lost.restorationInfo?.map(({ impi, restorationInfo }) => [impi, restorationInfo[0]!.contact]),
    [
      [aliceSim, '<sip:alice@192.0.2.1>'],
      [aliceLogin, '<sip:alice@192.0.2.2>'],
    ],
  );
  // Who cannot use it is not given it, and what is gone is not kept.
  const plain = await bench.sar('NO_ASSIGNMENT', { impus: [aliceTel] });
  assert.deepEqual(plain.restorationInfo ?? [], []);
  await bench.sar('USER_DEREGISTRATION', { impi: aliceSim, impus: [aliceTel] });
  const left = await bench.sar('NO_ASSIGNMENT', {
    impi: aliceLogin,
    impus: [aliceTel],
    ...restoring,
  });
  assert.deepEqual(
    left.restorationInfo?.map(({ impi }) => impi),
    [aliceLogin],
  );
});

test('restoration information of unreasonable size is not kept', async () => {
  const bench = await started();
  const restoring = { features: features(FEATURES.IMSRestorationInd) };
  const restorationInfo = {
    impi: aliceSim,
    restorationInfo: [{ path: 'x'.repeat(20_000), contact: '<sip:a@192.0.2.1>' }],
  };
  await bench.mar();
  const saa = await bench.sar('REGISTRATION', { restorationInfo, ...restoring });
  assert.equal(saa.result, 'DIAMETER_SUCCESS');
  const lost = await bench.sar('NO_ASSIGNMENT', { ...restoring });
  assert.deepEqual(lost.restorationInfo ?? [], []);
});

test('cards of one record count each for itself, TUAK beside Milenage', async () => {
  const bench = await started();
  const first = await bench.mar({ impi: aliceSim, impu: desk });
  assert.equal(first.result, 'DIAMETER_SUCCESS');
  const maa = await bench.mar({ impi: `tuak@${home}`, impu: desk });
  const [item] = maa.auth!;
  const key = { k: Buffer.from(k, 'hex'), topc: Buffer.from(top, 'hex'), lengths: { res: 128 } };
  const usim = new Usim(key);
  const answer = usim.authenticate(
    item!.authenticate!.subarray(0, 16),
    item!.authenticate!.subarray(16),
  );
  assert.equal(answer.kind, 'success');
  if (answer.kind !== 'success') return;
  assert.deepEqual(Buffer.from(answer.res), Buffer.from(item!.authorization!));
  assert.equal(answer.res.length, 16);
  assert.deepEqual(Buffer.from(answer.ik), Buffer.from(item!.integrityKey!));
});

test("a record's own capabilities go before the network's", async () => {
  const bench = await started();
  const { capabilities } = await bench.uar({ impu: aliceTel });
  assert.deepEqual(capabilities, {
    mandatory: [7],
    optional: [9],
    servers: ['sip:scscf2.example'],
  });
});

test('the operator takes away one set, or one device, or all', async () => {
  const bench = await started();
  await registered(bench, aliceSim, aliceTel);
  await registered(bench, tablet, aliceTel);
  await registered(bench, tablet, desk);
  await bench.settle(() => bench.hss.deregister(desk));
  const [one] = bench.told;
  assert.ok(one !== undefined && 'rtr' in one);
  assert.deepEqual([one.rtr.impi, one.rtr.impus], [tablet, [desk, lobby, extensions]]);
  assert.deepEqual(
    (await states(bench)).map(({ impis }) => impis),
    [[aliceSim, tablet]],
  );
});

test('a changed record tells the S-CSCF of each set what concerns it', async () => {
  const bench = await started();
  await registered(bench, aliceSim, aliceTel);
  await registered(bench, tablet, desk);
  await registered(bench, other, desk);
  const change = (changes: object) => bench.settle(() => bench.hss.patch(alice.imsi, changes));
  const told = () => bench.told.splice(0).map(one => ('rtr' in one ? one.rtr : one.ppr));

  await change({ impus: [...office.impus, `sip:door@${home};set=desk`] });
  assert.deepEqual(
    told().map(one => [one.impi, 'userData' in one && one.userData?.includes('door')]),
    [[tablet, true]],
  );
  await change({ impis: [office.impis[0]!, `${tablet};password=changed`, office.impis[2]!] });
  assert.deepEqual(
    told().map(one => [one.impi, 'auth' in one && one.auth !== undefined]),
    [[tablet, true]],
  );
  await change({ impis: [`${other};k=${'0'.repeat(32)};opc=${opc}`] });
  const ended = told();
  assert.deepEqual(
    ended.map(one => ('reason' in one ? [one.impi, one.associated?.impis, one.reason.code] : [])),
    [
      [tablet, undefined, 'PERMANENT_TERMINATION'],
      [other, undefined, 'PERMANENT_TERMINATION'],
    ],
  );
  await change({ impus: ['derived'], impis: null });
  assert.deepEqual(
    (await states(bench)).map(({ first }) => first),
    [`sip:+15550100001@${home}`],
  );
});
