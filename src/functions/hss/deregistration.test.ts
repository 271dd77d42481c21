import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alice, aliceLogin, aliceSim, aliceTel, Bench, otherUri, scscfUri } from './hss.fixture.ts';

const bob = { imsi: '001010000000002', msisdn: '15550100002', name: 'bob', password: 'x' };
const started = (settings = {}) => new Bench({ subscribers: [alice, bob], ...settings }).start();

test('both IMPIs are registered side by side, and one may leave', async () => {
  const bench = await started();
  await bench.register(aliceSim);
  await bench.register(aliceLogin);
  assert.deepEqual(await bench.registration(), {
    state: 'registered',
    server: scscfUri,
    impis: [aliceSim, aliceLogin],
  });
  await bench.sar('USER_DEREGISTRATION', { impi: aliceSim });
  assert.deepEqual(await bench.registration(), {
    state: 'registered',
    server: scscfUri,
    impis: [aliceLogin],
  });
  await bench.sar('TIMEOUT_DEREGISTRATION', { impi: aliceLogin, impus: [] });
  assert.deepEqual(await bench.registration(), { state: 'not registered', impis: [] });
  assert.equal((await bench.uar()).result, 'DIAMETER_FIRST_REGISTRATION');
});

test('a de-registration without an IMPI is of all of them', async () => {
  for (const type of [
    'TIMEOUT_DEREGISTRATION',
    'USER_DEREGISTRATION',
    'ADMINISTRATIVE_DEREGISTRATION',
    'DEREGISTRATION_TOO_MUCH_DATA',
  ] as const) {
    const bench = await started();
    await bench.register(aliceSim);
    await bench.register(aliceLogin);
    const { result } = await bench.sar(type, { impi: undefined, impus: [aliceTel] });
    assert.equal(result, 'DIAMETER_SUCCESS', type);
    assert.equal((await bench.registration()).state, 'not registered', type);
  }
});

test('a de-registration of somebody who is not registered does no harm', async () => {
  const bench = await started();
  assert.equal((await bench.sar('USER_DEREGISTRATION')).result, 'DIAMETER_SUCCESS');
  assert.equal((await bench.registration()).state, 'not registered');
});

test('STORE_SERVER_NAME keeps the S-CSCF for an unregistered user, or says that it does not', async () => {
  for (const type of [
    'USER_DEREGISTRATION_STORE_SERVER_NAME',
    'TIMEOUT_DEREGISTRATION_STORE_SERVER_NAME',
  ] as const) {
    const keeping = await started();
    await keeping.register();
    assert.equal((await keeping.sar(type)).result, 'DIAMETER_SUCCESS', type);
    assert.deepEqual(await keeping.registration(), {
      state: 'unregistered',
      server: scscfUri,
      impis: [],
    });
    const forgetting = await started({ keepServerName: false });
    await forgetting.register();
    assert.equal(
      (await forgetting.sar(type)).result,
      'DIAMETER_SUCCESS_SERVER_NAME_NOT_STORED',
      type,
    );
    assert.deepEqual(await forgetting.registration(), { state: 'not registered', impis: [] });
  }
});

test('a failed authentication clears the name, unless the identity was served before', async () => {
  for (const type of ['AUTHENTICATION_FAILURE', 'AUTHENTICATION_TIMEOUT'] as const) {
    const bench = await started();
    await bench.mar();
    assert.equal((await bench.sar(type)).result, 'DIAMETER_SUCCESS', type);
    assert.equal((await bench.uar()).result, 'DIAMETER_FIRST_REGISTRATION', type);
    await bench.register(aliceLogin);
    await bench.mar();
    assert.equal((await bench.sar(type)).result, 'DIAMETER_SUCCESS', type);
    assert.deepEqual(await bench.registration(), {
      state: 'registered',
      server: scscfUri,
      impis: [aliceLogin],
    });
    await bench.sar('USER_DEREGISTRATION_STORE_SERVER_NAME', { impi: aliceLogin });
    await bench.mar();
    await bench.sar(type);
    assert.equal((await bench.registration()).state, 'unregistered', type);
  }
});

test('an S-CSCF that was replaced may still report what it held as gone', async () => {
  const bench = await started();
  await bench.register(aliceSim);
  await bench.mar({}, 'scscf2');
  assert.equal((await bench.sar('TIMEOUT_DEREGISTRATION')).result, 'DIAMETER_SUCCESS');
  assert.deepEqual(await bench.registration(), {
    state: 'not registered',
    server: otherUri,
    impis: [],
  });
  assert.equal((await bench.sar('REGISTRATION', {}, 'scscf2')).result, 'DIAMETER_SUCCESS');
});
