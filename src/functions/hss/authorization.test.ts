import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  alice,
  aliceBarred,
  aliceLogin,
  aliceNumber,
  aliceSim,
  aliceTel,
  Bench,
  home,
  k,
  opc,
  otherUri,
  scscfUri,
} from './hss.fixture.ts';

const bob = { imsi: '001010000000002', msisdn: '15550100002', name: 'bob', password: 'x' };
const started = (settings = {}) => new Bench({ subscribers: [alice, bob], ...settings }).start();

test('UAR step 1: an IMPI or IMPU nobody has is an unknown user', async () => {
  const bench = await started();
  assert.equal((await bench.uar({ impi: `nobody@${home}` })).result, 'DIAMETER_ERROR_USER_UNKNOWN');
  assert.equal(bench.decision('hss.uar').because, `no record has the IMPI nobody@${home}`);
  assert.equal(
    (await bench.uar({ impu: 'sip:zoe@elsewhere' })).result,
    'DIAMETER_ERROR_USER_UNKNOWN',
  );
  assert.equal(bench.decision('hss.uar').clause, 'TS 29.228 §6.1.1.1 step 1');
  assert.equal((await bench.uar({ impu: 'not a uri' })).result, 'DIAMETER_ERROR_USER_UNKNOWN');
});

test('UAR step 2: an IMPU of somebody else does not match', async () => {
  const bench = await started();
  const answer = await bench.uar({ impu: `sip:bob@${home}` });
  assert.equal(answer.result, 'DIAMETER_ERROR_IDENTITIES_DONT_MATCH');
  assert.equal(bench.decision('hss.uar').clause, 'TS 29.228 §6.1.1.1 step 2');
});

test('UAR: every identity of a user goes with each of his IMPIs, however it is written', async () => {
  const bench = await started();
  const impus = [aliceNumber, aliceTel, `sip:alice@${home}`, aliceBarred];
  impus.push('tel:+1-555-010-0001', `sip:alice@${home.toUpperCase()}:5060;transport=tcp`);
  for (const impi of [aliceSim, aliceLogin]) {
    for (const impu of impus) {
      const { result } = await bench.uar({ impi, impu });
      assert.equal(result, 'DIAMETER_FIRST_REGISTRATION', `${impi} ${impu}`);
    }
  }
});

test('UAR step 3: a barred identity will do while another of the set is not barred', async () => {
  const bench = await started();
  assert.equal((await bench.uar({ impu: aliceBarred })).result, 'DIAMETER_FIRST_REGISTRATION');
});

test('UAR step 3: where all identities are barred, only an emergency registration goes through', async () => {
  const imsi = '001010000000009';
  const bench = await started({ subscribers: [{ imsi, k, opc }] });
  const request = { impi: `${imsi}@${home}`, impu: `sip:${imsi}@${home}` };
  assert.equal((await bench.uar(request)).result, 'DIAMETER_AUTHORIZATION_REJECTED');
  assert.equal(bench.decision('hss.uar').clause, 'TS 29.228 §6.1.1.1 step 3');
  assert.equal((await bench.uar({ ...request, flags: 1 })).result, 'DIAMETER_FIRST_REGISTRATION');
});

test('UAR step 4: roaming is allowed in the networks that are named, at home, and for emergencies', async () => {
  const bench = await started({ visitedNetworks: ['ims.partner.example'] });
  const from = async (visitedNetwork: string, more = {}) =>
    (await bench.uar({ visitedNetwork, ...more })).result;
  assert.equal(await from(home), 'DIAMETER_FIRST_REGISTRATION');
  assert.equal(await from('IMS.partner.example'), 'DIAMETER_FIRST_REGISTRATION');
  assert.equal(await from('ims.stranger.example'), 'DIAMETER_ERROR_ROAMING_NOT_ALLOWED');
  assert.equal(bench.decision('hss.uar').clause, 'TS 29.228 §6.1.1.1 step 4');
  const capabilities = { type: 'REGISTRATION_AND_CAPABILITIES' } as const;
  assert.equal(
    await from('ims.stranger.example', capabilities),
    'DIAMETER_ERROR_ROAMING_NOT_ALLOWED',
  );
  assert.equal(await from('ims.stranger.example', { flags: 1 }), 'DIAMETER_FIRST_REGISTRATION');
  const leaving = { type: 'DE_REGISTRATION' } as const;
  assert.equal(
    await from('ims.stranger.example', leaving),
    'DIAMETER_ERROR_IDENTITY_NOT_REGISTERED',
  );
});

test('UAR step 4: a suspended subscriber may not register, but de-register', async () => {
  const bench = await started({ subscribers: [{ ...alice, suspended: true }] });
  assert.equal((await bench.uar()).result, 'DIAMETER_AUTHORIZATION_REJECTED');
  const leaving = await bench.uar({ type: 'DE_REGISTRATION' });
  assert.equal(leaving.result, 'DIAMETER_ERROR_IDENTITY_NOT_REGISTERED');
});

test('UAR step 5: the first registration is given capabilities, where there are any, and no name', async () => {
  const plain = await (await started()).uar({ type: 'REGISTRATION' });
  assert.deepEqual([plain.server, plain.capabilities], [undefined, undefined]);
  const bench = await started({
    capabilities: { mandatory: [1], optional: [7], servers: [scscfUri] },
  });
  const { result, server, capabilities } = await bench.uar();
  assert.equal(result, 'DIAMETER_FIRST_REGISTRATION');
  assert.equal(server, undefined);
  assert.deepEqual(capabilities, { mandatory: [1], optional: [7], servers: [scscfUri] });
});

test('UAR step 5: while authentication is pending the S-CSCF stays', async () => {
  const bench = await started();
  await bench.mar();
  const { result, server } = await bench.uar();
  assert.deepEqual([result, server], ['DIAMETER_SUBSEQUENT_REGISTRATION', scscfUri]);
  const leaving = await bench.uar({ type: 'DE_REGISTRATION' });
  assert.equal(leaving.result, 'DIAMETER_ERROR_IDENTITY_NOT_REGISTERED');
});

test('UAR step 5: a registered identity leads to its S-CSCF, from every IMPI of the subscription', async () => {
  const bench = await started({ capabilities: { mandatory: [1] } });
  await bench.register();
  for (const impi of [aliceSim, aliceLogin]) {
    const { result, server, capabilities } = await bench.uar({ impi, impu: aliceTel });
    assert.deepEqual([result, server], ['DIAMETER_SUBSEQUENT_REGISTRATION', scscfUri]);
    assert.equal(capabilities, undefined);
  }
  const leaving = await bench.uar({ type: 'DE_REGISTRATION' });
  assert.deepEqual([leaving.result, leaving.server], ['DIAMETER_SUCCESS', scscfUri]);
});

test('UAR step 5: an identity served as unregistered keeps its S-CSCF', async () => {
  const bench = await started();
  await bench.sar('UNREGISTERED_USER', { impi: undefined });
  const coming = await bench.uar();
  assert.deepEqual([coming.result, coming.server], ['DIAMETER_SUBSEQUENT_REGISTRATION', scscfUri]);
  const leaving = await bench.uar({ type: 'DE_REGISTRATION' });
  assert.deepEqual([leaving.result, leaving.server], ['DIAMETER_SUCCESS', scscfUri]);
});

test('UAR with REGISTRATION_AND_CAPABILITIES lets another S-CSCF take over, once', async () => {
  const bench = await started({ capabilities: { mandatory: [1] } });
  await bench.register();
  const request = { impis: [], impi: undefined } as object;
  const before = await bench.sar('UNREGISTERED_USER', request, 'scscf2');
  assert.equal(before.result, 'DIAMETER_ERROR_IDENTITY_ALREADY_REGISTERED');
  const { result, server, capabilities } = await bench.uar({
    type: 'REGISTRATION_AND_CAPABILITIES',
  });
  assert.deepEqual([result, server], ['DIAMETER_SUCCESS', undefined]);
  assert.deepEqual(capabilities?.mandatory, [1]);
  assert.equal(
    (await bench.sar('UNREGISTERED_USER', request, 'scscf2')).result,
    'DIAMETER_SUCCESS',
  );
  assert.equal((await bench.uar()).server, otherUri);
  const back = await bench.sar('UNREGISTERED_USER', request);
  assert.equal(back.result, 'DIAMETER_ERROR_IDENTITY_ALREADY_REGISTERED');
});
