import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseUserData } from '#diameter/cx-user-data';
import {
  alice,
  aliceBarred,
  aliceLogin,
  aliceNumber,
  aliceSim,
  aliceTel,
  Bench,
  home,
  otherUri,
  scscfUri,
} from './hss.fixture.ts';

const bob = { imsi: '001010000000002', msisdn: '15550100002', name: 'bob', password: 'x' };
const psi = { identity: `sip:echo@${home}`, server: `sip:echo@as.${home}:5090` };
const started = (settings = {}) => new Bench({ subscribers: [alice, bob], ...settings }).start();

test('SAR steps 1 and 2: unknown and mismatched identities', async () => {
  const bench = await started();
  const impus = [`sip:bob@${home}`];
  assert.equal(
    (await bench.sar('REGISTRATION', { impi: 'x@y' })).result,
    'DIAMETER_ERROR_USER_UNKNOWN',
  );
  assert.equal(
    (await bench.sar('REGISTRATION', { impus: ['sip:x@y'] })).result,
    'DIAMETER_ERROR_USER_UNKNOWN',
  );
  assert.equal(
    (await bench.sar('REGISTRATION', { impus })).result,
    'DIAMETER_ERROR_IDENTITIES_DONT_MATCH',
  );
  const mixed = { impi: undefined, impus: [aliceNumber, ...impus] };
  assert.equal(
    (await bench.sar('USER_DEREGISTRATION', mixed)).result,
    'DIAMETER_ERROR_IDENTITIES_DONT_MATCH',
  );
});

test('SAR table 6.1.2.1: what a type needs and lacks is a missing AVP', async () => {
  const bench = await started();
  const lacks = async (...[type, request]: Parameters<Bench['sar']>) =>
    (await bench.sar(type, request)).result;
  assert.equal(await lacks('REGISTRATION', { impi: undefined }), 'DIAMETER_MISSING_AVP');
  assert.equal(await lacks('REGISTRATION', { impus: [] }), 'DIAMETER_MISSING_AVP');
  assert.equal(await lacks('UNREGISTERED_USER', { impus: [] }), 'DIAMETER_MISSING_AVP');
  assert.equal(
    await lacks('USER_DEREGISTRATION', { impi: undefined, impus: [] }),
    'DIAMETER_MISSING_AVP',
  );
});

test('SAR step 3: only de-registrations are about several identities', async () => {
  const bench = await started();
  await bench.register();
  const impus = [aliceNumber, aliceTel];
  for (const type of [
    'REGISTRATION',
    'RE_REGISTRATION',
    'UNREGISTERED_USER',
    'NO_ASSIGNMENT',
    'AUTHENTICATION_FAILURE',
  ] as const) {
    assert.equal(
      (await bench.sar(type, { impus })).result,
      'DIAMETER_AVP_OCCURS_TOO_MANY_TIMES',
      type,
    );
  }
  assert.equal((await bench.sar('USER_DEREGISTRATION', { impus })).result, 'DIAMETER_SUCCESS');
});

test('SAR steps 3 and 4: a service identity never registers', async () => {
  const bench = await started({ psis: [psi] });
  const request = { impi: `psi-echo@${home}`, impus: [psi.identity] };
  for (const type of [
    'REGISTRATION',
    'RE_REGISTRATION',
    'USER_DEREGISTRATION',
    'AUTHENTICATION_TIMEOUT',
  ] as const) {
    assert.equal(
      (await bench.sar(type, request)).result,
      'DIAMETER_ERROR_IN_ASSIGNMENT_TYPE',
      type,
    );
  }
  assert.equal((await bench.sar('UNREGISTERED_USER', request)).result, 'DIAMETER_SUCCESS');
  assert.equal((await bench.sar('NO_ASSIGNMENT', request)).result, 'DIAMETER_SUCCESS');
  assert.equal((await bench.sar('TIMEOUT_DEREGISTRATION', request)).result, 'DIAMETER_SUCCESS');
  assert.equal((await bench.lir({ impu: psi.identity })).result, 'DIAMETER_UNREGISTERED_SERVICE');
});

test('types of SWx are no types of Cx', async () => {
  const bench = await started();
  for (const type of ['AAA_USER_DATA_REQUEST', 'PGW_UPDATE', 'RESTORATION'] as const) {
    assert.equal((await bench.sar(type)).result, 'DIAMETER_ERROR_IN_ASSIGNMENT_TYPE', type);
  }
});

test('REGISTRATION gives the profile: every identity, the default first, the IMSI barred', async () => {
  const bench = await started({
    filterCriteria: [
      {
        priority: 20,
        service: 'screening',
        server: 'sip:screening@as',
        all: [[{ method: 'INVITE' }]],
      },
      {
        priority: 10,
        server: 'sip:as',
        all: [[{ method: 'REGISTER', registrationType: ['initial', 'de'] }]],
        serviceInfo: 'x',
        defaultHandling: 'terminate',
      },
    ],
    charging: { primaryCollection: 'aaa://cdf.example' },
  });
  const answer = await bench.register();
  assert.equal(answer.result, 'DIAMETER_SUCCESS');
  assert.equal(answer.impi, aliceSim);
  assert.deepEqual(answer.associated?.impis, [aliceSim, aliceLogin]);
  assert.equal(answer.chargingInformation?.primaryCollection, 'aaa://cdf.example');
  const subscription = parseUserData(answer.userData!);
  assert.equal(subscription.impi, aliceSim);
  const [profile] = subscription.serviceProfiles;
  assert.deepEqual(
    profile!.publicIdentities.map(({ identity, barred }) => [identity, barred]),
    [
      [aliceNumber, false],
      [aliceTel, false],
      [`sip:alice@${home}`, false],
      [aliceBarred, true],
    ],
  );
  assert.deepEqual(profile!.filterCriteria, [
    {
      priority: 10,
      triggerPoint: {
        form: 'CNF',
        groups: [
          [
            {
              kind: 'method',
              negated: false,
              method: 'REGISTER',
              registrationTypes: ['INITIAL_REGISTRATION', 'DE_REGISTRATION'],
            },
          ],
        ],
      },
      applicationServer: {
        serverName: 'sip:as',
        defaultHandling: 'SESSION_TERMINATED',
        serviceInfo: 'x',
        includeRegisterRequest: false,
        includeRegisterResponse: false,
      },
    },
  ]);
});

test('the services of the record choose among the filter criteria', async () => {
  const screening = { priority: 1, service: 'screening', server: 'sip:screening@as' };
  const bench = await started({ filterCriteria: [screening] });
  const criteria = async () => {
    const { userData } = await bench.sar('NO_ASSIGNMENT', { impi: undefined });
    return parseUserData(userData!).serviceProfiles[0]!.filterCriteria.map(
      one => one.applicationServer.serverName,
    );
  };
  await bench.register();
  assert.deepEqual(await criteria(), []);
  await bench.settle(() => bench.hss.patch(alice.imsi, { services: ['mmtel', 'screening'] }));
  assert.deepEqual(await criteria(), ['sip:screening@as']);
});

test('user data that is there already is not sent again', async () => {
  const bench = await started();
  await bench.register();
  const there = { userDataAlreadyAvailable: 'USER_DATA_ALREADY_AVAILABLE' } as const;
  for (const type of [
    'RE_REGISTRATION',
    'REGISTRATION',
    'NO_ASSIGNMENT',
    'UNREGISTERED_USER',
  ] as const) {
    assert.equal((await bench.sar(type, there)).userData, undefined, type);
    assert.ok((await bench.sar(type)).userData, type);
  }
  assert.equal((await bench.sar('USER_DEREGISTRATION')).userData, undefined);
});

test('UNREGISTERED_USER assigns an S-CSCF without registering, until it gives up', async () => {
  const bench = await started();
  const { result, impi, userData } = await bench.sar('UNREGISTERED_USER', { impi: undefined });
  assert.deepEqual([result, impi], ['DIAMETER_SUCCESS', aliceSim]);
  assert.ok(userData);
  assert.deepEqual(await bench.registration(), {
    state: 'unregistered',
    server: scscfUri,
    impis: [],
  });
  await bench.sar('TIMEOUT_DEREGISTRATION', { impi: undefined });
  assert.deepEqual(await bench.registration(), { state: 'not registered', impis: [] });
});

test('UNREGISTERED_USER does not take a registration away', async () => {
  const bench = await started();
  await bench.register();
  assert.equal(
    (await bench.sar('UNREGISTERED_USER', { impi: undefined })).result,
    'DIAMETER_SUCCESS',
  );
  assert.equal((await bench.registration()).state, 'registered');
});

test('another S-CSCF than the one assigned is told whose the user is', async () => {
  const bench = await started();
  await bench.register();
  for (const type of [
    'REGISTRATION',
    'RE_REGISTRATION',
    'UNREGISTERED_USER',
    'USER_DEREGISTRATION',
    'AUTHENTICATION_TIMEOUT',
  ] as const) {
    const { result, server, userData } = await bench.sar(type, {}, 'scscf2');
    assert.deepEqual(
      [result, server, userData],
      ['DIAMETER_ERROR_IDENTITY_ALREADY_REGISTERED', scscfUri, undefined],
      type,
    );
  }
  assert.equal((await bench.registration()).state, 'registered');
});

test('NO_ASSIGNMENT is for the S-CSCF assigned, and for no other', async () => {
  const bench = await started();
  assert.equal((await bench.sar('NO_ASSIGNMENT')).result, 'DIAMETER_UNABLE_TO_COMPLY');
  await bench.register();
  assert.equal(
    (await bench.sar('NO_ASSIGNMENT', {}, 'scscf2')).result,
    'DIAMETER_UNABLE_TO_COMPLY',
  );
  const { result, userData } = await bench.sar('NO_ASSIGNMENT', { impi: undefined });
  assert.equal(result, 'DIAMETER_SUCCESS');
  assert.ok(userData);
});

test('§8.1.3: what was never registered cannot be registered again', async () => {
  const bench = await started();
  assert.equal((await bench.sar('RE_REGISTRATION')).result, 'DIAMETER_ERROR_IN_ASSIGNMENT_TYPE');
  await bench.mar();
  assert.equal(
    (await bench.sar('RE_REGISTRATION')).result,
    'DIAMETER_SUCCESS',
    'it has just proven itself',
  );
});

test('a card registers only by vectors that are outstanding, a password may prove itself again', async () => {
  const bench = await started();
  assert.equal(
    (await bench.sar('REGISTRATION', { impi: aliceSim })).result,
    'DIAMETER_ERROR_IN_ASSIGNMENT_TYPE',
  );
  assert.equal((await bench.sar('REGISTRATION', { impi: aliceLogin })).result, 'DIAMETER_SUCCESS');
});

test('§8.1.1: registrations at another S-CSCF end once the user has registered here', async () => {
  const bench = await started();
  await bench.register(aliceSim);
  await bench.register(aliceLogin);
  await bench.mar({}, 'scscf2');
  assert.equal(bench.told.length, 0, 'vectors alone prove nothing');
  assert.equal((await bench.sar('REGISTRATION', {}, 'scscf2')).result, 'DIAMETER_SUCCESS');
  await bench.sim.run(1000);
  assert.deepEqual(
    bench.told.map(told => 'rtr' in told && [told.to, told.rtr.reason.code, told.rtr.impi]),
    [
      ['scscf', 'NEW_SERVER_ASSIGNED', aliceSim],
      ['scscf', 'SERVER_CHANGE', aliceLogin],
    ],
  );
  assert.deepEqual(await bench.registration(), {
    state: 'registered',
    server: otherUri,
    impis: [aliceSim],
  });
});

test('what is registered survives a restart of the HSS', async () => {
  const bench = await started();
  await bench.register();
  await bench.stop();
  bench.hss = bench.make();
  await bench.settle(() => bench.hss.open());
  assert.deepEqual(await bench.registration(), {
    state: 'registered',
    server: scscfUri,
    impis: [aliceSim],
  });
});

test('a registration that the store does not take is refused and has not happened', async () => {
  const bench = await started();
  await bench.mar();
  bench.sim.store('hss').failure = 1;
  assert.equal((await bench.sar('REGISTRATION')).result, 'DIAMETER_UNABLE_TO_COMPLY');
  bench.sim.store('hss').failure = 0;
  assert.equal((await bench.registration()).state, 'not registered');
  assert.equal((await bench.sar('REGISTRATION')).result, 'DIAMETER_SUCCESS');
});

test('procedures of one subscription take turns, and too many are told so', async () => {
  const bench = await started({ limits: { waitingPerSubscription: 2 } });
  bench.sim.store('hss').delay = 50;
  const node = bench.nodes.get('scscf')!;
  const { MultimediaAuth } = await import('#diameter/cx');
  const request = {
    impi: aliceSim,
    impu: aliceNumber,
    vectors: 1,
    auth: { scheme: 'Unknown' },
    server: scscfUri,
  };
  const results = await bench.settle(() =>
    Promise.all(
      [1, 2, 3, 4, 5].map(
        async () => (await node.call(MultimediaAuth, request, { destinationRealm: home })).result,
      ),
    ),
  );
  assert.deepEqual(results.toSorted(), [
    'DIAMETER_SUCCESS',
    'DIAMETER_SUCCESS',
    'DIAMETER_SUCCESS',
    'DIAMETER_TOO_BUSY',
    'DIAMETER_TOO_BUSY',
  ]);
});

test('every answer leaves its reason and its clause in the trace', async () => {
  const bench = await started();
  await bench.uar();
  await bench.register();
  await bench.lir();
  for (const name of ['hss.uar', 'hss.mar', 'hss.sar', 'hss.lir']) {
    const decision = bench.decision(name);
    assert.match(decision.chose, /^DIAMETER_/);
    assert.match(decision.clause ?? '', /^TS 29\.228 §6\./);
    assert.notEqual(decision.because, '');
    assert.ok(decision.keys.sessionId, 'joined to the story by the Session-Id');
  }
});
