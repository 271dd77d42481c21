import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseUserData } from '#diameter/cx-user-data';
import { ha1 } from '#sip/digest';
import { alice, aliceLogin, aliceNumber, aliceSim, Bench, home, k } from './hss.fixture.ts';

const patch = (bench: Bench, changes: object) =>
  bench.settle(() => bench.hss.patch(alice.imsi, changes));
const told = (bench: Bench): readonly string[] =>
  bench.told.map(push =>
    'rtr' in push
      ? `RTR ${push.rtr.reason.code} ${[push.rtr.impi, ...(push.rtr.associated?.impis ?? [])].join(' ')}`
      : `PPR ${push.ppr.impi}${push.ppr.userData === undefined ? '' : ' profile'}${push.ppr.auth === undefined ? '' : ' auth'}`,
  );
const state = async (bench: Bench) =>
  (await bench.settle(() => bench.hss.get(alice.imsi)))?.registration.state;

const both = async (settings = {}) => {
  const bench = await new Bench(settings).start();
  await bench.register(aliceSim);
  await bench.register(aliceLogin);
  return bench;
};

test('the operator takes a registration away: RTR for all IMPIs, and it is gone', async () => {
  const bench = await both();
  const pushed = await bench.settle(() => bench.hss.deregister(aliceNumber));
  assert.deepEqual(told(bench), [`RTR PERMANENT_TERMINATION ${aliceSim} ${aliceLogin}`]);
  assert.deepEqual(pushed, [
    {
      command: 'RTR',
      to: `scscf.${home}`,
      impis: [aliceSim, aliceLogin],
      result: 'DIAMETER_SUCCESS',
      outcome: 'done',
    },
  ]);
  assert.equal(await state(bench), 'not registered');
  assert.equal((await bench.uar()).result, 'DIAMETER_FIRST_REGISTRATION');
  assert.equal(await bench.settle(() => bench.hss.deregister(aliceNumber)), undefined);
  assert.equal(bench.decision('hss.rtr').clause, 'TS 29.228 §6.1.3');
});

test('the operator may take away one IMPI, with a reason of his own', async () => {
  const bench = await both();
  const reason = { code: 'SERVER_CHANGE', info: 'maintenance' } as const;
  await bench.settle(() => bench.hss.deregister(aliceLogin, reason));
  assert.deepEqual(told(bench), [`RTR SERVER_CHANGE ${aliceLogin}`]);
  assert.equal('rtr' in bench.told[0]! && bench.told[0].rtr.reason.info, 'maintenance');
  assert.equal(await state(bench), 'registered');
});

test('an S-CSCF that keeps an unregistered user is told to let go', async () => {
  const bench = await new Bench().start();
  await bench.sar('UNREGISTERED_USER', { impi: undefined });
  await bench.settle(() => bench.hss.deregister('alice'));
  assert.deepEqual(told(bench), [`RTR REMOVE_S_CSCF ${aliceSim}`]);
  assert.equal(await state(bench), 'not registered');
});

test('a service identity is let go too', async () => {
  const identity = `sip:echo@${home}`;
  const bench = await new Bench({ psis: [{ identity, server: 'sip:as' }] }).start();
  await bench.sar('UNREGISTERED_USER', { impi: undefined, impus: [identity] });
  assert.deepEqual((await bench.settle(() => bench.hss.registrations()))[0]?.impus, [identity]);
  await bench.settle(() => bench.hss.deregister(identity));
  assert.deepEqual(told(bench), [`RTR REMOVE_S_CSCF psi-echo@${home}`]);
});

test('an S-CSCF that is away holds nothing up: the registration ends, and it is said', async () => {
  const bench = await both();
  await bench.settle(() => bench.nodes.get('scscf')!.stop());
  const pushed = await bench.settle(() => bench.hss.deregister(aliceNumber));
  assert.deepEqual(
    pushed?.map(({ outcome }) => outcome),
    ['undelivered'],
  );
  assert.equal(await state(bench), 'not registered');
});

test('an S-CSCF that never answers is waited for only so long', async () => {
  const bench = await both();
  const silent = () => new Promise<never>(() => {});
  const { RegistrationTermination } = await import('#diameter/cx');
  bench.nodes.get('scscf')!.handle(RegistrationTermination, silent);
  const before = bench.sim.now();
  const pushed = await bench.settle(() => bench.hss.deregister(aliceNumber));
  assert.equal(pushed?.[0]?.outcome, 'undelivered');
  assert.ok(bench.sim.now() - before <= 6000);
});

test('an SAR that crosses the RTR does not bring the registration back', async () => {
  const bench = await both();
  const { RegistrationTermination, ServerAssignment } = await import('#diameter/cx');
  const node = bench.nodes.get('scscf')!;
  const results: string[] = [];
  node.handle(RegistrationTermination, async () => {
    // What the S-CSCF was about to report when the RTR came in.
    const request = {
      impi: aliceLogin,
      impus: [aliceNumber],
      server: `sip:scscf.${home}:6060`,
      type: 'REGISTRATION',
      userDataAlreadyAvailable: 'USER_DATA_ALREADY_AVAILABLE',
    } as const;
    const { result } = await node.call(ServerAssignment, request, { destinationRealm: home });
    results.push(result);
    return { result: 'DIAMETER_SUCCESS' };
  });
  await bench.settle(() => bench.hss.deregister(aliceNumber));
  assert.deepEqual(results, ['DIAMETER_SUCCESS'], 'the HSS answers while its own RTR is out');
  assert.equal(await state(bench), 'not registered');
});

test('a removed subscriber is gone at once, and his S-CSCF is told', async () => {
  const bench = await both();
  const done = await bench.settle(() => bench.hss.remove(alice.imsi));
  assert.deepEqual(
    done?.pushed.map(({ outcome }) => outcome),
    ['done'],
  );
  assert.deepEqual(told(bench), [`RTR PERMANENT_TERMINATION ${aliceSim} ${aliceLogin}`]);
  assert.equal((await bench.uar()).result, 'DIAMETER_ERROR_USER_UNKNOWN');
  assert.equal((await bench.lir()).result, 'DIAMETER_ERROR_USER_UNKNOWN');
  assert.deepEqual(await bench.settle(() => bench.hss.registrations()), []);
});

test('a removed subscriber who comes back starts as a new one', async () => {
  const bench = await both();
  await bench.settle(() => bench.hss.remove(alice.imsi));
  await bench.settle(() => bench.hss.add(alice));
  assert.equal((await bench.uar()).result, 'DIAMETER_FIRST_REGISTRATION');
  assert.equal((await bench.settle(() => bench.hss.get(alice.imsi)))?.sqn, '000000000000');
});

test('a suspended subscriber is de-registered', async () => {
  const bench = await both();
  await patch(bench, { suspended: true });
  assert.deepEqual(told(bench), [`RTR PERMANENT_TERMINATION ${aliceSim} ${aliceLogin}`]);
  assert.equal(await state(bench), 'not registered');
});

test('a changed profile is pushed once, for the whole implicit set', async () => {
  const filterCriteria = [{ priority: 1, service: 'screening', server: 'sip:screening@as' }];
  const bench = await both({ filterCriteria });
  const done = await patch(bench, { services: ['screening'], name: 'alice' });
  assert.deepEqual(told(bench), [`PPR ${aliceSim} profile`]);
  assert.deepEqual(
    done?.pushed.map(({ command, outcome }) => [command, outcome]),
    [['PPR', 'done']],
  );
  const push = bench.told[0]!;
  const profile = 'ppr' in push && parseUserData(push.ppr.userData!).serviceProfiles[0];
  assert.equal(
    (profile || undefined)?.filterCriteria[0]?.applicationServer.serverName,
    'sip:screening@as',
  );
  assert.equal(bench.decision('hss.ppr').clause, 'TS 29.228 §6.2.2');
});

test('a change that no S-CSCF sees is not pushed', async () => {
  const bench = await both();
  await patch(bench, { amf: 'b9b9', services: ['sms'] });
  assert.deepEqual(told(bench), []);
});

test('nobody is told of changes to somebody who is not registered', async () => {
  const bench = await new Bench().start();
  await patch(bench, { name: 'alison', k: '0'.repeat(32), password: 'other' });
  await bench.settle(() => bench.hss.remove(alice.imsi));
  assert.deepEqual(told(bench), []);
});

test('another password is pushed to the S-CSCF that has the old one', async () => {
  const bench = await both();
  await patch(bench, { password: 'new-secret' });
  assert.deepEqual(told(bench), [`PPR ${aliceLogin} auth`]);
  const push = bench.told[0]!;
  const expected = ha1({ username: aliceLogin, realm: home, secret: 'new-secret' });
  assert.equal('ppr' in push && push.ppr.auth?.digest?.ha1, expected);
  assert.equal(await state(bench), 'registered');
});

test('another K ends the registration of the old card, not that of the password', async () => {
  const bench = await both();
  await patch(bench, { k: '0'.repeat(32) });
  assert.deepEqual(told(bench), [`RTR PERMANENT_TERMINATION ${aliceSim}`]);
  assert.equal(await state(bench), 'registered');
  assert.equal((await bench.sar('RE_REGISTRATION')).result, 'DIAMETER_ERROR_IN_ASSIGNMENT_TYPE');
});

test('another K takes back the vectors that are outstanding', async () => {
  const bench = await new Bench().start();
  await bench.mar();
  await patch(bench, { k: '0'.repeat(32) });
  assert.equal((await bench.sar('REGISTRATION')).result, 'DIAMETER_ERROR_IN_ASSIGNMENT_TYPE');
  await patch(bench, { k });
  assert.equal((await bench.register()).result, 'DIAMETER_SUCCESS');
});

test('a private identity that is gone is de-registered, and the profile pushed for the other', async () => {
  const bench = await both();
  await patch(bench, { name: 'alison' });
  assert.deepEqual(told(bench), [
    `RTR PERMANENT_TERMINATION ${aliceLogin}`,
    `PPR ${aliceSim} profile`,
  ]);
  assert.equal(await state(bench), 'registered');
});

test('another default identity needs a new registration: no PPR may change it', async () => {
  const bench = await both();
  await patch(bench, { msisdn: '15550100099' });
  assert.deepEqual(told(bench), [`RTR SERVER_CHANGE ${aliceSim} ${aliceLogin}`]);
  assert.equal(await state(bench), 'not registered');
});

test('a PPR for an IMPI the S-CSCF does not know takes that registration away', async () => {
  const filterCriteria = [{ priority: 1, service: 'screening', server: 'sip:screening@as' }];
  const bench = await both({ filterCriteria });
  bench.answerPush = () => 'DIAMETER_ERROR_USER_UNKNOWN';
  const done = await patch(bench, { services: ['screening'] });
  assert.equal(done?.pushed[0]?.outcome, 'refused');
  const { registration } = (await bench.settle(() => bench.hss.get(alice.imsi)))!;
  assert.deepEqual(registration.impis, [aliceLogin]);
});

test('a profile too large for the S-CSCF sends the user to another one', async () => {
  const filterCriteria = [{ priority: 1, service: 'screening', server: 'sip:screening@as' }];
  const bench = await both({ filterCriteria });
  bench.answerPush = () => 'DIAMETER_ERROR_TOO_MUCH_DATA';
  await patch(bench, { services: ['screening'] });
  assert.deepEqual(told(bench), [
    `PPR ${aliceSim} profile`,
    `RTR SERVER_CHANGE ${aliceSim} ${aliceLogin}`,
  ]);
});

test('registrations are listed with their identities, the barred one left out', async () => {
  const bench = await both();
  const [view] = await bench.settle(() => bench.hss.registrations());
  assert.deepEqual(view, {
    imsi: alice.imsi,
    impus: [aliceNumber, 'tel:+15550100001', `sip:alice@${home}`],
    state: 'registered',
    server: `sip:scscf.${home}:6060`,
    impis: [aliceSim, aliceLogin],
    pending: [],
  });
});

test('a peer that is not named may not connect', async () => {
  const bench = await new Bench().start();
  const { DiameterNode } = await import('#diameter/node');
  const { Cx } = await import('#diameter/cx');
  const stranger = new DiameterNode(bench.sim.host('stranger'), {
    identity: `stranger.${home}`,
    realm: home,
    applications: [Cx],
  });
  stranger.connect({ realm: home, endpoints: [`hss.${home}`] });
  await bench.sim.run(5000);
  assert.notEqual(stranger.peers()[0]?.state, 'open');
  assert.ok(bench.hss.peers().every(({ identity }) => identity !== `stranger.${home}`));
});

test('an S-CSCF that was away is told what ended meanwhile, and of no registration since', async () => {
  const bench = await both();
  bench.answerPush = () => 'DIAMETER_UNABLE_TO_DELIVER';
  await bench.settle(() => bench.hss.deregister(aliceNumber));
  bench.told.length = 0;
  bench.answerPush = () => 'DIAMETER_SUCCESS';
  await bench.register(aliceLogin);
  await bench.reconnect('scscf');
  assert.deepEqual(told(bench), [`RTR PERMANENT_TERMINATION ${aliceSim}`]);
  assert.equal(await state(bench), 'registered');
  bench.told.length = 0;
  await bench.reconnect('scscf');
  assert.deepEqual(told(bench), [], 'it is told once');
});

test('what changed while the network was stopped is told when it is up again', async () => {
  const filterCriteria = [{ priority: 1, service: 'screening', server: 'sip:screening@as' }];
  const bob = { imsi: '001010000000002', msisdn: '15550100002', name: 'bob', password: 'x' };
  const bench = await both({ filterCriteria, subscribers: [alice, bob] });
  await bench.register(`bob@${home}`, 'scscf', `sip:bob@${home}`);
  await bench.stop();
  const offline = bench.make();
  await bench.settle(() => offline.open());
  await bench.settle(() => offline.patch(alice.imsi, { services: ['screening'] }));
  await bench.settle(() => offline.remove(bob.imsi));
  bench.hss = bench.make();
  await bench.start();
  await bench.sim.run(1000);
  assert.deepEqual(told(bench), [
    `PPR ${aliceSim} profile`,
    `RTR PERMANENT_TERMINATION bob@${home}`,
  ]);
});

test('a service of the network is no name for a subscriber', async () => {
  const psis = [{ identity: `sip:echo@${home}`, server: 'sip:as' }];
  const bench = await new Bench({ psis }).start();
  await assert.rejects(
    patch(bench, { name: 'echo' }),
    /^RecordError: name: sip:echo@.* is a service/,
  );
});
