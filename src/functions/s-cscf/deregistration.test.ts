import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seconds } from '#kernel/time';
import { PAssociatedUri } from '#sip/headers';
import { uriText } from '#sip/uri';
import { Bench } from './testing/bench.ts';
import { answer, inviteCase, registered } from './testing/calls.ts';
import { alice, bob, home, server } from './testing/scripted-hss.ts';

test('RTR is answered at once and takes the registration away', async () => {
  const bench = await registered();
  const rta = await bench.sim.settle(() =>
    bench.hss.rtr(alice.sim, 'PERMANENT_TERMINATION', [alice.login]),
  );
  assert.equal(rta.result, 'DIAMETER_SUCCESS');
  await bench.sim.run(seconds(1));
  assert.equal(bench.scscf.registrations().length, 0);
  // the HSS knows already
  assert.deepEqual(bench.hss.assignments, ['REGISTRATION 001010000000001']);
  const call = bench.initial('INVITE', alice.number, bob.number);
  assert.equal((await bench.pcscf.send(call)).status, 403);
});

test('RTR of one private identity leaves the contacts of the other', async () => {
  const bench = await registered();
  await bench.registerByPassword(alice, { contact: 'sip:alice@192.0.2.7' });
  await bench.sim.settle(() => bench.hss.rtr(alice.sim, 'PERMANENT_TERMINATION'));
  await bench.sim.run(seconds(1));
  const contacts = bench.scscf.registrations()[0]?.contacts.map(({ uri }) => uri);
  assert.deepEqual(contacts, ['sip:alice@192.0.2.7']);
});

test('RTR that arrives in the middle of a registration takes effect after it', async () => {
  const bench = await new Bench().start();
  const challenged = await bench.pcscf.send(bench.register(alice, {}, [bench.blank(alice.sim)]));
  bench.hss.onSar = ({ type }) => {
    if (type === 'REGISTRATION') void bench.hss.rtr(alice.sim, 'PERMANENT_TERMINATION');
    return undefined;
  };
  const ok = await bench.answerByCard(alice, challenged);
  assert.equal(ok.status, 200);
  await bench.sim.run(seconds(1));
  assert.equal(bench.scscf.registrations().length, 0);
});

test('the HSS hears that a user it speaks of is not here', async () => {
  const bench = await registered();
  const rta = await bench.sim.settle(() => bench.hss.rtr(bob.sim, 'PERMANENT_TERMINATION'));
  assert.equal(rta.result, 'DIAMETER_ERROR_USER_UNKNOWN');
  const ppa = await bench.sim.settle(() => bench.hss.ppr(bench.hss.profileOf(bob, bob.sim)));
  assert.equal(ppa.result, 'DIAMETER_ERROR_USER_UNKNOWN');
});

test('a pushed profile counts from the next request on', async () => {
  const bench = await registered();
  const criteria = [server(`sip:as.${home}:5090`, inviteCase('ORIGINATING_REGISTERED'))];
  bench.hss.criteria = criteria;
  const ppa = await bench.sim.settle(() => bench.hss.ppr(bench.hss.profileOf(alice, alice.sim)));
  assert.equal(ppa.result, 'DIAMETER_SUCCESS');
  await bench.sim.run(seconds(1));
  bench.as.handle = tx => answer(tx);
  await bench.pcscf.send(bench.initial('INVITE', alice.number, bob.number));
  assert.equal(bench.as.of('INVITE').length, 1);
  assert.match(bench.decisions('profile')[0]!.because, /pushed a new profile/);
});

test('a pushed profile survives a restart', async () => {
  const bench = await registered();
  const profile = bench.hss.profileOf(alice, alice.sim);
  const [service] = profile.serviceProfiles;
  const identities = service!.publicIdentities.filter(({ identity }) => identity !== alice.named);
  const serviceProfiles = [{ ...service!, publicIdentities: identities }];
  await bench.sim.settle(() => bench.hss.ppr({ ...profile, serviceProfiles }));
  await bench.sim.run(seconds(1));
  bench.sim.crash('s-cscf');
  bench.sim.restart('s-cscf');
  await bench.sim.run(seconds(5));
  assert.deepEqual(bench.scscf.registrations()[0]?.impus, [alice.number, alice.tel]);
  assert.equal(bench.scscf.registrar.ofImpu(alice.named), undefined);
});

test('the operator takes a registration away here, and the HSS is told', async () => {
  const bench = await registered();
  assert.equal(await bench.sim.settle(() => bench.scscf.deregister(alice.tel)), true);
  assert.equal(bench.scscf.registrations().length, 0);
  assert.equal(bench.hss.assignments.at(-1), 'ADMINISTRATIVE_DEREGISTRATION 001010000000001');
  assert.equal(await bench.sim.settle(() => bench.scscf.deregister(alice.tel)), false);
});

test('after a new password the old nonce is of no use', async () => {
  const bench = await new Bench().start();
  const challenged = await bench.pcscf.send(bench.register(alice, { to: alice.named }));
  assert.equal((await bench.answerByPassword(alice, challenged, 1)).status, 200);
  bench.scscf.challenges.removeAll(alice.login); // what a PPR with SIP-Auth-Data-Item does
  assert.equal((await bench.answerByPassword(alice, challenged, 2)).status, 401);
});

test('a user registered again has the identities of the profile the HSS gives now', async () => {
  const bench = await registered();
  await bench.sim.settle(() => bench.hss.rtr(alice.sim, 'NEW_SERVER_ASSIGNED'));
  const usim = bench.usim();
  bench.hss.sequence = 9000;
  const ok = await bench.registerByCard(alice, { usim });
  assert.deepEqual(
    ok.all(PAssociatedUri).map(({ uri }) => uriText(uri)),
    [alice.number, alice.tel, alice.named],
  );
});

test('the network has a user authenticate again soon', async () => {
  const bench = await registered();
  assert.equal(await bench.sim.settle(() => bench.scscf.reauthenticate(alice.tel)), true);
  const [contact] = bench.scscf.registrations()[0]?.contacts ?? [];
  assert.ok(contact!.expires <= bench.now() + seconds(600));
  assert.equal(await bench.sim.settle(() => bench.scscf.reauthenticate(alice.tel)), false);
  await bench.sim.run(seconds(601));
  assert.equal(bench.scscf.registrations().length, 0);
});

test('a profile pushed for an unregistered user is given back when its time is over', async () => {
  const bench = await new Bench({ registration: { unregisteredProfile: seconds(60) } }).start();
  await bench.icscf.send(bench.towards('INVITE', bob.number, alice.number));
  assert.equal(bench.scscf.registrar.size, 1);
  await bench.sim.settle(() => bench.hss.ppr(bench.hss.profileOf(alice, alice.sim)));
  await bench.sim.run(seconds(61));
  assert.equal(bench.hss.assignments.at(-1), 'TIMEOUT_DEREGISTRATION 001010000000001');
  assert.equal(bench.scscf.registrar.size, 0);
  const { store } = bench.scscf.host;
  const kept = await bench.sim.settle(() => store.scan('profiles', { limit: 10 }));
  assert.deepEqual(kept, []);
});

test('a profile pushed while the user leaves does not bring him back', async () => {
  const bench = await registered();
  bench.hss.onSar = ({ type }) => {
    if (type === 'ADMINISTRATIVE_DEREGISTRATION')
      void bench.hss.ppr(bench.hss.profileOf(alice, alice.sim));
    return undefined;
  };
  await bench.sim.settle(() => bench.scscf.deregister(alice.tel));
  await bench.sim.run(seconds(1));
  assert.equal(bench.scscf.registrar.size, 0);
});
