import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alice, aliceBarred, aliceNumber, aliceTel, Bench, home, scscfUri } from './hss.fixture.ts';

const forwarding = {
  priority: 10,
  service: 'mmtel',
  server: `sip:as.${home}:5090`,
  all: [
    [{ method: 'INVITE' }],
    [{ sessionCase: 'terminating-registered' }, { sessionCase: 'terminating-unregistered' }],
  ],
} as const;

const psi = { identity: `sip:echo@${home}`, server: `sip:echo@as.${home}:5090` };

test('LIR step 1: an identity nobody has is unknown', async () => {
  const bench = await new Bench().start();
  assert.equal(
    (await bench.lir({ impu: `sip:zoe@${home}` })).result,
    'DIAMETER_ERROR_USER_UNKNOWN',
  );
  assert.equal(bench.decision('hss.lir').clause, 'TS 29.228 §6.1.4.1 step 1');
});

test('LIR step 3: nobody is registered, and nothing is to be done for him', async () => {
  const bench = await new Bench().start();
  const { result, server } = await bench.lir();
  assert.deepEqual([result, server], ['DIAMETER_ERROR_IDENTITY_NOT_REGISTERED', undefined]);
});

test('LIR step 3: services for unregistered users are worth an S-CSCF', async () => {
  const bench = await new Bench({
    filterCriteria: [forwarding],
    capabilities: { optional: [3] },
  }).start();
  const { result, capabilities } = await bench.lir();
  assert.equal(result, 'DIAMETER_UNREGISTERED_SERVICE');
  assert.deepEqual(capabilities?.optional, [3]);
  await bench.settle(() => bench.hss.patch(alice.imsi, { services: 'none' }));
  assert.equal((await bench.lir()).result, 'DIAMETER_ERROR_IDENTITY_NOT_REGISTERED');
});

test('LIR step 3: criteria for registrations and registered users are no such service', async () => {
  const bench = await new Bench({
    filterCriteria: [
      { priority: 1, server: 'sip:as', all: [[{ method: 'REGISTER' }]] },
      { priority: 2, server: 'sip:as', all: [[{ sessionCase: 'originating' }]] },
      {
        priority: 3,
        server: 'sip:as',
        any: [[{ method: 'INVITE' }, { sessionCase: 'terminating-registered' }]],
      },
      { priority: 4, server: 'sip:as', profilePart: 'registered' },
      {
        priority: 5,
        server: 'sip:as',
        all: [[{ sessionCase: 'terminating-unregistered', negated: true }]],
      },
    ],
  }).start();
  assert.equal((await bench.lir()).result, 'DIAMETER_ERROR_IDENTITY_NOT_REGISTERED');
});

test('LIR step 3: an originating request on behalf of somebody absent is served', async () => {
  const bench = await new Bench().start();
  assert.equal(
    (await bench.lir({ originating: 'ORIGINATING' })).result,
    'DIAMETER_UNREGISTERED_SERVICE',
  );
});

test('LIR step 3: every identity of a registered user leads to his S-CSCF', async () => {
  const bench = await new Bench().start();
  await bench.register();
  for (const impu of [aliceNumber, aliceTel, `sip:alice@${home};user=phone`, aliceBarred]) {
    const { result, server } = await bench.lir({ impu });
    assert.deepEqual([result, server], ['DIAMETER_SUCCESS', scscfUri], impu);
  }
});

test('LIR step 3: who is served as unregistered is found, who is only authenticating is not', async () => {
  const bench = await new Bench().start();
  await bench.mar();
  assert.equal((await bench.lir()).result, 'DIAMETER_ERROR_IDENTITY_NOT_REGISTERED');
  assert.equal((await bench.lir({ originating: 'ORIGINATING' })).server, scscfUri);
  await bench.sar('UNREGISTERED_USER', { impi: undefined });
  const { result, server } = await bench.lir();
  assert.deepEqual([result, server], ['DIAMETER_SUCCESS', scscfUri]);
});

test('LIR for another S-CSCF gives capabilities and lets it take over', async () => {
  const bench = await new Bench().start();
  await bench.register();
  const { result, server } = await bench.lir({ type: 'REGISTRATION_AND_CAPABILITIES' });
  assert.deepEqual([result, server], ['DIAMETER_SUCCESS', undefined]);
  const taken = await bench.sar('UNREGISTERED_USER', { impi: undefined }, 'scscf2');
  assert.equal(taken.result, 'DIAMETER_SUCCESS');
});

test('LIR step 2: a service identity is served by an S-CSCF, as an unregistered user is', async () => {
  const bench = await new Bench({ psis: [psi] }).start();
  assert.equal((await bench.lir({ impu: psi.identity })).result, 'DIAMETER_UNREGISTERED_SERVICE');
  const request = { impi: undefined, impus: [psi.identity] };
  const { result, userData, impi } = await bench.sar('UNREGISTERED_USER', request);
  assert.deepEqual([result, impi], ['DIAMETER_SUCCESS', `psi-echo@${home}`]);
  assert.match(userData!, /<ServerName>sip:echo@as\.ims/);
  const found = await bench.lir({ impu: psi.identity });
  assert.deepEqual([found.result, found.server], ['DIAMETER_SUCCESS', scscfUri]);
});

test('LIR step 2: a service identity may lead straight to its application server', async () => {
  const bench = await new Bench({ psis: [{ ...psi, route: 'as' }] }).start();
  const { result, server, flags } = await bench.lir({ impu: psi.identity });
  assert.deepEqual([result, server, flags], ['DIAMETER_SUCCESS', psi.server, 1]);
  const leaving = await bench.lir({ impu: psi.identity, originating: 'ORIGINATING' });
  assert.equal(leaving.result, 'DIAMETER_UNREGISTERED_SERVICE');
});

test('LIR step 2: a service identity that is not active is unknown', async () => {
  const bench = await new Bench({ psis: [{ ...psi, active: false }] }).start();
  assert.equal((await bench.lir({ impu: psi.identity })).result, 'DIAMETER_ERROR_USER_UNKNOWN');
  const request = { impi: undefined, impus: [psi.identity] };
  assert.equal(
    (await bench.sar('UNREGISTERED_USER', request)).result,
    'DIAMETER_ERROR_USER_UNKNOWN',
  );
});
