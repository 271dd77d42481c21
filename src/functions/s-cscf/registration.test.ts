import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Usim } from '#aka/usim';
import { minutes, seconds } from '#kernel/time';
import {
  AuthenticationInfo,
  Contact,
  contactExpires,
  MinExpires,
  nameAddr,
  PAssociatedUri,
  Path,
  Require,
  ServiceRoute,
  Supported,
  Unsupported,
  WwwAuthenticate,
} from '#sip/headers';
import { remove, type SipResponse, set } from '#sip/message';
import { parseUri, uriText } from '#sip/uri';
import { Bench, serviceRoute } from './testing/bench.ts';
import { alice, bob, home, key } from './testing/scripted-hss.ts';

const uris = (response: SipResponse, header: typeof PAssociatedUri): string[] =>
  response.all(header).map(({ uri }) => uriText(uri));

test('a card registers: challenge, answer, profile, and what the 200 tells', async () => {
  const bench = await new Bench().start();
  const challenged = await bench.pcscf.send(bench.register(alice, {}, [bench.blank(alice.sim)]));
  assert.equal(challenged.status, 401);
  const params = challenged.get(WwwAuthenticate)!.params;
  assert.equal(params.get('realm'), home);
  assert.equal(params.get('algorithm'), 'AKAv1-MD5');
  assert.match(params.get('ck') ?? '', /^[0-9a-f]{32}$/);
  assert.match(params.get('ik') ?? '', /^[0-9a-f]{32}$/);

  const ok = await bench.answerByCard(alice, challenged);
  assert.equal(ok.status, 200);
  assert.deepEqual(uris(ok, PAssociatedUri), [alice.number, alice.tel, alice.named]);
  assert.deepEqual(uris(ok, ServiceRoute), [serviceRoute]);
  assert.deepEqual(uris(ok, Path), [`sip:term-alice@pcscf.${home}:5060;lr`]);
  assert.equal(contactExpires(ok.get(Contact)!), 3600);

  assert.deepEqual(bench.hss.assignments, ['REGISTRATION 001010000000001']);
  assert.equal(bench.hss.mars.length, 1);
  assert.equal(bench.hss.mars[0]?.vectors, 1);
  const [registration] = bench.scscf.registrations();
  assert.equal(registration?.impu, alice.number);
  assert.deepEqual(registration?.contacts[0]?.path, [`sip:term-alice@pcscf.${home}:5060;lr`]);
});

test('the ladder on Mw and Cx is the one of TS 24.228', async () => {
  const bench = await new Bench().start();
  await bench.registerByCard(alice);
  assert.deepEqual(bench.sim.ladder('s-cscf', 'p-cscf'), [
    'p-cscf → s-cscf  REGISTER',
    's-cscf → p-cscf  401 Unauthorized',
    'p-cscf → s-cscf  REGISTER',
    's-cscf → p-cscf  200 OK',
  ]);
  assert.deepEqual(
    bench.sim.ladder('s-cscf', 'hss').filter(line => !/CE[RA]|DW[RA]/.test(line)),
    [
      's-cscf → hss  MAR',
      'hss → s-cscf  MAA DIAMETER_SUCCESS',
      's-cscf → hss  SAR REGISTRATION',
      'hss → s-cscf  SAA DIAMETER_SUCCESS',
    ],
  );
});

test('a card may be offered AKAv2 beside AKAv1', async () => {
  const algorithms = ['AKAv2-SHA-256', 'AKAv1-MD5'] as const;
  const bench = await new Bench({ aka: { algorithms } }).start();
  const usim = bench.usim();
  for (const which of [0, 1]) {
    const challenged = await bench.pcscf.send(bench.register(alice, {}, [bench.blank(alice.sim)]));
    const offered = challenged.all(WwwAuthenticate).map(({ params }) => params.get('algorithm'));
    assert.deepEqual(offered, algorithms);
    const answer = bench.cardAnswer(alice, challenged, { usim }, which);
    assert.equal((await bench.pcscf.send(answer)).status, 200, algorithms[which]);
  }
});

test('a card of another K is refused, and the HSS is told', async () => {
  const bench = await new Bench().start();
  const usim = new Usim({ ...key, k: Buffer.alloc(16, 7) });
  const refused = await bench.registerByCard(alice, { usim });
  assert.equal(refused.status, 403);
  await bench.sim.run(seconds(1));
  assert.deepEqual(bench.hss.assignments, ['AUTHENTICATION_FAILURE 001010000000001']);
  assert.match(bench.decisions('authentication').at(-1)!.because, /MAC failure/);
  assert.equal(bench.scscf.registrations().length, 0);
});

test('a wrong RES is refused', async () => {
  const bench = await new Bench().start();
  const challenged = await bench.pcscf.send(bench.register(alice, {}, [bench.blank(alice.sim)]));
  const stranger = { impi: alice.sim, username: alice.sim, password: 'guess' };
  const refused = await bench.answerByPassword(alice, challenged, 1, stranger);
  assert.equal(refused.status, 403);
});

test('a card out of synchronisation sends AUTS, and is challenged with a new vector', async () => {
  const bench = await new Bench().start();
  const usim = bench.usim();
  bench.hss.sequence = 40_008;
  assert.equal((await bench.registerByCard(alice, { usim })).status, 200);
  bench.hss.sequence = 1000;
  const challenged = await bench.pcscf.send(bench.register(alice, {}, [bench.blank(alice.sim)]));
  const again = await bench.answerByCard(alice, challenged, { usim });
  assert.equal(again.status, 401);
  const resync = bench.hss.mars.at(-1)!;
  assert.equal(resync.auth.authorization?.length, 30);
  assert.equal(resync.auth.scheme, 'Digest-AKAv1-MD5');
  assert.match(bench.decisions('authentication').at(-1)!.because, /synchronisation failure/);

  // the HSS goes on from the card's number
  bench.hss.sequence = 50_024;
  const third = await bench.answerByCard(alice, again, { usim });
  assert.equal(third.status, 401);
  assert.equal((await bench.answerByCard(alice, third, { usim })).status, 200);
});

test('endless resynchronisation is refused', async () => {
  const bench = await new Bench().start();
  const usim = bench.usim();
  bench.hss.sequence = 40_008;
  await bench.registerByCard(alice, { usim });
  bench.hss.sequence = 1000;
  let answer = await bench.pcscf.send(bench.register(alice, {}, [bench.blank(alice.sim)]));
  for (let tries = 0; answer.status === 401 && tries < 10; tries++) {
    answer = await bench.answerByCard(alice, answer, { usim });
  }
  assert.equal(answer.status, 403);
});

test('a softphone registers by its password, without credentials at first', async () => {
  const bench = await new Bench().start();
  const ok = await bench.registerByPassword(alice);
  assert.equal(ok.status, 200);
  const proof = ok.get(AuthenticationInfo)!.params;
  assert.equal(proof.get('qop'), 'auth');
  assert.match(proof.get('rspauth') ?? '', /^[0-9a-f]{32}$/);
  assert.deepEqual(bench.hss.assignments, ['REGISTRATION alice']);
});

test('a password is accepted for either spelling of the username', async () => {
  for (const username of [alice.login, alice.name]) {
    const bench = await new Bench().start();
    assert.equal((await bench.registerByPassword(alice, { username })).status, 200, username);
    assert.equal(bench.hss.mars.length, 1);
  }
});

test('a wrong password is refused', async () => {
  const bench = await new Bench().start();
  assert.equal((await bench.registerByPassword(alice, { password: 'guess' })).status, 403);
  assert.equal(bench.scscf.registrations().length, 0);
});

test('a nonce goes on with a growing count, and not with one that was used', async () => {
  const bench = await new Bench().start();
  const challenged = await bench.pcscf.send(bench.register(alice, { to: alice.named }));
  assert.equal((await bench.answerByPassword(alice, challenged, 1)).status, 200);
  assert.equal((await bench.answerByPassword(alice, challenged, 2)).status, 200);
  assert.equal(bench.hss.mars.length, 1);

  const replayed = await bench.answerByPassword(alice, challenged, 2);
  assert.equal(replayed.status, 401);
  assert.notEqual(
    replayed.get(WwwAuthenticate)?.params.get('nonce'),
    challenged.get(WwwAuthenticate)?.params.get('nonce'),
  );
});

test('a right answer to a nonce that is too old is called stale, a wrong one is not', async () => {
  const bench = await new Bench({ digest: { nonceLifetime: minutes(10) } }).start();
  const challenged = await bench.pcscf.send(bench.register(alice, { to: alice.named }));
  assert.equal((await bench.answerByPassword(alice, challenged)).status, 200);
  await bench.sim.run(minutes(11));
  const stale = await bench.answerByPassword(alice, challenged, 2);
  assert.equal(stale.status, 401);
  assert.equal(stale.get(WwwAuthenticate)?.params.get('stale'), 'true');
  const wrong = await bench.answerByPassword(alice, challenged, 2, { password: 'guess' });
  assert.equal(wrong.status, 401);
  assert.equal(wrong.get(WwwAuthenticate)?.params.get('stale'), undefined);
});

test('two algorithms are two challenges, in the order of the HSS', async () => {
  const bench = new Bench();
  bench.hss.algorithms = ['SHA-256', 'MD5'];
  await bench.start();
  const challenged = await bench.pcscf.send(bench.register(alice, { to: alice.named }));
  const offered = challenged.all(WwwAuthenticate).map(({ params }) => params.get('algorithm'));
  assert.deepEqual(offered, ['SHA-256', 'MD5']);
  assert.equal((await bench.answerByPassword(alice, challenged, 1, {}, 0)).status, 200);
  const second = await bench.pcscf.send(bench.register(bob, { to: bob.named }));
  assert.equal((await bench.answerByPassword(bob, second, 1, {}, 1)).status, 200);
});

test('nobody is registered whom the HSS does not know', async () => {
  const bench = await new Bench().start();
  const carol = { ...alice, sim: `9@${home}`, number: `sip:carol@${home}` };
  assert.equal((await bench.registerByCard(carol)).status, 403);
});

test('without an HSS a REGISTER is answered 504, in time', async () => {
  const bench = await new Bench().start({ hss: false });
  const answer = await bench.pcscf.send(bench.register(alice, {}, [bench.blank(alice.sim)]));
  assert.equal(answer.status, 504);
});

test('a challenge nobody answers is given up after reg-await-auth', async () => {
  const bench = await new Bench().start();
  const challenged = await bench.pcscf.send(bench.register(alice, {}, [bench.blank(alice.sim)]));
  await bench.sim.run(minutes(5));
  assert.deepEqual(bench.hss.assignments, ['AUTHENTICATION_TIMEOUT 001010000000001']);
  assert.equal((await bench.answerByCard(alice, challenged)).status, 401);
});

test('AKA without a security association is refused where one is required', async () => {
  const bench = await new Bench({ aka: { requireSecurityAssociation: true } }).start();
  assert.equal((await bench.registerByCard(alice)).status, 403);
  assert.equal((await bench.registerByCard(alice, { protection: 'yes' })).status, 200);
  assert.equal(bench.decisions('authentication.deviation').length, 0);
});

test('AKA without a security association is a deviation that the trace names', async () => {
  const bench = await new Bench().start();
  await bench.registerByCard(alice);
  assert.match(bench.decisions('authentication.deviation')[0]!.because, /integrity-protected="no"/);
});

test('a refresh over a security association needs no new challenge', async () => {
  const bench = await new Bench().start();
  await bench.registerByCard(alice, { protection: 'yes' });
  const again = await bench.pcscf.send(bench.register(alice, {}, [bench.blank(alice.sim, 'yes')]));
  assert.equal(again.status, 200);
  assert.equal(bench.hss.mars.length, 1);
  assert.deepEqual(bench.hss.assignments, [
    'REGISTRATION 001010000000001',
    'RE_REGISTRATION 001010000000001',
  ]);
  // bound to an address only: a datagram's source proves nothing
  const bound = bench.register(alice, {}, [bench.blank(alice.sim, 'ip-assoc-yes')]);
  assert.equal((await bench.pcscf.send(bound)).status, 401);
});

test('an HSS that forgot the user is told of a registration, not a re-registration', async () => {
  const bench = await new Bench().start();
  await bench.registerByCard(alice, { protection: 'yes' });
  bench.hss.onSar = ({ type }) =>
    type === 'RE_REGISTRATION' ? { result: 'DIAMETER_ERROR_IN_ASSIGNMENT_TYPE' } : undefined;
  const again = bench.register(alice, {}, [bench.blank(alice.sim, 'yes')]);
  assert.equal((await bench.pcscf.send(again)).status, 200);
  assert.equal(bench.hss.assignments.at(-1), 'REGISTRATION 001010000000001');
});

test('a SIM phone and a softphone of one subscriber share the registration set', async () => {
  const bench = await new Bench().start();
  await bench.registerByCard(alice);
  const contact = 'sip:alice@192.0.2.7:5070';
  const ok = await bench.registerByPassword(alice, { contact });
  assert.equal(ok.all(Contact).length, 2);
  assert.equal(bench.scscf.registrations().length, 1);
  assert.equal(bench.scscf.registrations()[0]?.contacts.length, 2);

  const left = await bench.registerByPassword(alice, { contact, expires: 0 });
  assert.equal(left.status, 200);
  assert.equal(left.all(Contact).length, 1);
  assert.equal(bench.hss.assignments.at(-1), 'USER_DEREGISTRATION alice');
  assert.equal(bench.scscf.registrations()[0]?.contacts[0]?.impi, alice.sim);
});

test('a SIM phone and a softphone that register in the same moment are both registered', async () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const bench = await new Bench({}, seed).start();
    bench.sim.store('s-cscf').delay = seconds(1);
    const card = await bench.pcscf.send(bench.register(alice, {}, [bench.blank(alice.sim)]));
    const password = await bench.pcscf.send(bench.register(alice, { to: alice.named }));
    const contact = 'sip:alice@192.0.2.7:5070';
    const both: Promise<SipResponse>[] = [];
    bench.sim.after(0, () => {
      both.push(bench.pcscf.begin(bench.cardAnswer(alice, card)));
      both.push(bench.pcscf.begin(bench.passwordAnswer(alice, password, 1, { contact })));
    });
    await bench.sim.run(seconds(10));
    assert.deepEqual(
      (await Promise.all(both)).map(({ status }) => status),
      [200, 200],
    );
    assert.equal(bench.scscf.registrations().length, 1);
    assert.equal(bench.scscf.registrations()[0]?.contacts.length, 2);
  }
});

test('nobody touches the contacts of another private identity', async () => {
  const bench = await new Bench().start();
  await bench.registerByCard(alice);
  const challenged = await bench.pcscf.send(bench.register(alice, { to: alice.named }));
  const star = { contact: nameAddr({ scheme: '*', text: '' }), expires: 0 };
  assert.equal((await bench.answerByPassword(alice, challenged, 1, star)).status, 200);
  assert.equal(bench.scscf.registrations()[0]?.contacts.length, 1);
});

test('a card that comes back from another address has one contact, not two', async () => {
  const bench = await new Bench().start();
  const usim = bench.usim();
  await bench.registerByCard(alice, { usim });
  await bench.registerByCard(alice, { usim, contact: 'sip:alice@192.0.2.88:5060' });
  const contacts = bench.scscf.registrations()[0]?.contacts.map(({ uri }) => uri);
  assert.deepEqual(contacts, ['sip:alice@192.0.2.88:5060']);
});

test('a password may be in several devices, up to a bound that the oldest gives way to', async () => {
  const bench = await new Bench({ registration: { contacts: 3 } }).start();
  const challenged = await bench.pcscf.send(bench.register(alice, { to: alice.named }));
  for (const n of [1, 2, 3, 4]) {
    const contact = `sip:alice@192.0.2.${n}`;
    await bench.sim.run(seconds(1));
    assert.equal((await bench.answerByPassword(alice, challenged, n, { contact })).status, 200);
  }
  const contacts = bench.scscf.registrations()[0]?.contacts.map(({ uri }) => uri);
  assert.deepEqual(contacts, ['sip:alice@192.0.2.2', 'sip:alice@192.0.2.3', 'sip:alice@192.0.2.4']);
});

test('too short is 423 with the least that would do; too long is shortened', async () => {
  const bench = await new Bench({ registration: { maximum: minutes(90) } }).start();
  const usim = bench.usim();
  const brief = await bench.registerByCard(alice, { usim, expires: 10 });
  assert.equal(brief.status, 423);
  assert.equal(brief.get(MinExpires), 60);
  const long = await bench.registerByCard(alice, { usim, expires: 1_000_000 });
  assert.equal(contactExpires(long.get(Contact)!), 5400);
});

test('an unknown requirement is 420', async () => {
  const bench = await new Bench().start();
  const register = bench.register(alice, { edits: [set(Require, 'path', 'teleport')] });
  const answer = await bench.pcscf.send(register);
  assert.equal(answer.status, 420);
  assert.deepEqual(answer.all(Unsupported), ['teleport']);
});

test('a device that asks for one gets a public GRUU', async () => {
  const bench = await new Bench().start();
  const urn = 'urn:uuid:00000000-0000-1000-8000-000a95a0e128';
  const contact = nameAddr(parseUri('sip:alice@192.0.2.1'), { '+sip.instance': `<${urn}>` });
  const ok = await bench.registerByPassword(alice, { contact, edits: [set(Supported, 'gruu')] });
  assert.equal(ok.get(Contact)?.params.get('pub-gruu'), `sip:alice@${home};gr=${urn}`);
});

test('the user de-registers: the HSS is told, nothing is left', async () => {
  const bench = await new Bench().start();
  const usim = bench.usim();
  await bench.registerByCard(alice, { usim });
  const bye = await bench.registerByCard(alice, { usim, expires: 0 });
  assert.equal(bye.status, 200);
  assert.equal(bye.all(Contact).length, 0);
  assert.equal(bench.hss.assignments.at(-1), 'USER_DEREGISTRATION 001010000000001');
  assert.equal(bench.scscf.registrations().length, 0);
  assert.equal(bench.scscf.registrar.size, 0);
});

test('a registration that nobody refreshes lapses, and the HSS is told', async () => {
  const bench = await new Bench().start();
  await bench.registerByCard(alice, { expires: 600 });
  await bench.sim.run(seconds(599));
  assert.equal(bench.scscf.registrations().length, 1);
  await bench.sim.run(seconds(2));
  assert.equal(bench.scscf.registrations().length, 0);
  assert.equal(bench.hss.assignments.at(-1), 'TIMEOUT_DEREGISTRATION 001010000000001');
});

test('a killed S-CSCF comes back with its registrations, and lapses them in time', async () => {
  const bench = await new Bench().start();
  await bench.registerByCard(alice, { expires: 600 });
  bench.sim.crash('s-cscf');
  await bench.sim.run(seconds(100));
  bench.sim.restart('s-cscf');
  await bench.sim.run(seconds(10));
  assert.equal(bench.scscf.registrations()[0]?.impu, alice.number);
  await bench.sim.run(seconds(500));
  assert.equal(bench.scscf.registrations().length, 0);
  assert.equal(bench.hss.assignments.at(-1), 'TIMEOUT_DEREGISTRATION 001010000000001');
});

test('what the store cannot keep is not promised', async () => {
  const bench = await new Bench().start();
  bench.sim.store('s-cscf').down = true;
  assert.equal((await bench.registerByCard(alice)).status, 503);
  assert.equal(bench.scscf.registrations().length, 0);
});

test('a wrong answer to one challenge says nothing of another that is still to be answered', async () => {
  const bench = await new Bench().start();
  const mine = await bench.pcscf.send(bench.register(alice, {}, [bench.blank(alice.sim)]));
  const strangers = await bench.pcscf.send(bench.register(alice, {}, [bench.blank(alice.sim)]));
  const guess = { impi: alice.sim, username: alice.sim, password: 'guess' };
  assert.equal((await bench.answerByPassword(alice, strangers, 1, guess)).status, 403);
  await bench.sim.run(seconds(1));
  // it would take the vector back that the other challenge was made of (TS 29.228 §6.1.2.1)
  assert.deepEqual(bench.hss.assignments, []);
  assert.equal((await bench.answerByCard(alice, mine)).status, 200);
});

test('a challenge that lapses says nothing of one that came after it', async () => {
  const bench = await new Bench().start();
  await bench.pcscf.send(bench.register(alice, {}, [bench.blank(alice.sim)]));
  await bench.sim.run(minutes(3));
  const later = await bench.pcscf.send(bench.register(alice, {}, [bench.blank(alice.sim)]));
  await bench.sim.run(minutes(2));
  assert.deepEqual(bench.hss.assignments, []);
  assert.equal((await bench.answerByCard(alice, later)).status, 200);
});

test('an AUTS that is not of the card ends the attempt, and the HSS is told', async () => {
  const bench = await new Bench().start();
  const usim = bench.usim();
  bench.hss.sequence = 40_008;
  assert.equal((await bench.registerByCard(alice, { usim })).status, 200);
  bench.hss.sequence = 1000;
  const challenged = await bench.pcscf.send(bench.register(alice, {}, [bench.blank(alice.sim)]));
  bench.hss.onMar = ({ auth }) =>
    auth.authorization === undefined ? undefined : { result: 'DIAMETER_UNABLE_TO_COMPLY' };
  assert.equal((await bench.answerByCard(alice, challenged, { usim })).status, 403);
  await bench.sim.run(seconds(1));
  assert.equal(bench.hss.assignments.at(-1), 'AUTHENTICATION_FAILURE 001010000000001');
});

test('who proves himself for another sees none of the contacts of that other', async () => {
  const bench = await new Bench().start();
  await bench.registerByCard(alice);
  const challenged = await bench.pcscf.send(bench.register(bob, { to: bob.named }));
  assert.equal((await bench.answerByPassword(bob, challenged, 1)).status, 200);
  const query = bench.passwordAnswer(bob, challenged, 2, { to: alice.named }).with(remove(Contact));
  const ok = await bench.pcscf.send(query);
  assert.deepEqual([ok.all(Contact), ok.all(PAssociatedUri)], [[], []]);
});

test('a GRUU is what the registrar makes, and nothing a contact brings', async () => {
  const bench = await new Bench().start();
  const parameters = { 'pub-gruu': `sip:bob@${home};gr=x`, 'temp-gruu': `sip:y@${home};gr` };
  const contact = nameAddr(parseUri('sip:alice@192.0.2.1'), parameters);
  const ok = await bench.registerByCard(alice, { contact });
  const { params } = ok.get(Contact) as { params: ReadonlyMap<string, string | null> };
  assert.deepEqual([params.has('pub-gruu'), params.has('temp-gruu')], [false, false]);
});
