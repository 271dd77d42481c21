// SIPp as phones: it registers by SIP digest and by IMS AKA, calls, sends messages, and is refused
// what everybody is refused.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { milenage, opcFrom } from '#aka/milenage';
import { readAkaNonce } from '#sip/digest-aka';
import { WwwAuthenticate } from '#sip/headers';
import { SipResponse } from '#sip/message';
import { Lab } from './support/lab.ts';
import { needs } from './support/needs.ts';
import { PACKAGE } from './support/sipp.ts';
import { SippPhone } from './support/sipp-phone.ts';

const options = { skip: needs('sipp', PACKAGE) };

/** SIPp reads keys as text of its scenarios: these are printable, and no bracket is in them. */
const K = 'keyofaprintable1';
const OP = 'operatorsvariant';
const AMF = '!!';
const IMSI = '001010000000077';

const hexOf = (text: string): string => Buffer.from(text, 'latin1').toString('hex');
const SIM = `{ imsi: "${IMSI}", msisdn: "15550100077", k: ${hexOf(K)}, op: ${hexOf(OP)}, amf: "${hexOf(AMF)}" }`;

test('SIPp registers by SIP digest with MD5', options, async t => {
  const lab = await Lab.start(t);
  await (await SippPhone.of(lab, 'alice')).registered();
  const [registration] = lab.network.functions.scscf?.registrations() ?? [];
  assert.ok(registration?.impus.includes(`sip:alice@${lab.home}`));
});

test('SIPp registers by IMS AKA with AKAv1-MD5', options, async t => {
  const lab = await Lab.start(t, { settings: [`subscribers=[${SIM}]`] });
  const phone = await SippPhone.of(lab, IMSI, { secret: `aka_K=${K} aka_OP=${OP} aka_AMF=${AMF}` });
  // SIPp cuts RES at a NUL octet, in three of a hundred challenges: then, and only then, once more.
  for (let tries = 0; tries < 5; tries++) {
    const register = phone.run('register');
    if (await register.held()) break;
    assert.ok(resOfChallenge(lab).includes(0), `SIPp did not register:\n${register.errors}`);
  }
  const [registration] = lab.network.functions.scscf?.registrations() ?? [];
  assert.deepEqual(registration?.impis, [`${IMSI}@${lab.home}`]);
});

/** What the SIM answers the last challenge with. */
function resOfChallenge(lab: Lab): Uint8Array {
  const challenge = lab.events
    .flatMap(event => (event.kind === 'message' && event.point === 'Gm' ? [event.message] : []))
    .findLast(message => message instanceof SipResponse && message.status === 401) as SipResponse;
  const nonce = readAkaNonce(challenge.get(WwwAuthenticate)?.params.get('nonce') ?? '');
  assert.ok(nonce, 'the challenge is not one of AKA');
  const k = Buffer.from(K);
  const card = { k, opc: opcFrom(Buffer.from(OP), k), amf: Buffer.from(AMF), rand: nonce.rand };
  const { ak } = milenage({ ...card, sqn: new Uint8Array(6) }); // AK and RES do not depend on it
  const sqn = nonce.autn.subarray(0, 6).map((octet, at) => octet ^ ak[at]!);
  return milenage({ ...card, sqn }).res;
}

test('a wrong password is refused with 403', options, async t => {
  const lab = await Lab.start(t);
  const phone = await SippPhone.of(lab, 'alice', { secret: 'password=wrong' });
  await phone.run('register-refused').done();
  assert.deepEqual(lab.network.functions.scscf?.registrations(), []);
});

test('a SIM with a wrong key registers nobody', options, async t => {
  const lab = await Lab.start(t, { settings: [`subscribers=[${SIM}]`] });
  const secret = `aka_K=anotherkeyofcard aka_OP=${OP} aka_AMF=${AMF}`;
  const phone = await SippPhone.of(lab, IMSI, { secret });
  const register = phone.run('register');
  assert.equal(await register.held(), false);
  // It finds out by itself that the network cannot know its key (TS 33.102 §6.3.3).
  assert.match(register.child.output + register.errors, /MAC/i);
  assert.deepEqual(lab.network.functions.scscf?.registrations(), []);
});

test('a user nobody knows is refused with 403', options, async t => {
  const lab = await Lab.start(t);
  await (await SippPhone.of(lab, 'mallory')).run('register-unknown').done();
});

for (const [how, dialled] of [
  ['name', 'bob'],
  ['number', '+15550100002'],
] as const) {
  test(`SIPp calls SIPp by ${how}`, options, async t => {
    const lab = await Lab.start(t);
    const alice = await (await SippPhone.of(lab, 'alice')).registered();
    const bob = await (await SippPhone.of(lab, 'bob')).registered();
    const called = bob.run('answer');
    await Promise.all([alice.run('call', dialled).done(), called.done()]);
    assert.deepEqual(lab.network.functions.scscf?.calls(), []);
  });
}

test('SIPp sends SIPp a message', options, async t => {
  const lab = await Lab.start(t);
  const alice = await (await SippPhone.of(lab, 'alice')).registered();
  const bob = await (await SippPhone.of(lab, 'bob')).registered();
  const taken = bob.run('take-message');
  await alice.run('message', 'bob').done();
  await taken.done();
});

test(
  'a call is refused: 403 unregistered, 404 to nobody, 480 to somebody away',
  options,
  async t => {
    const lab = await Lab.start(t);
    const alice = await SippPhone.of(lab, 'alice');
    await alice.run('call-403', 'bob').done();
    await alice.registered();
    await alice.run('call-404', 'nobody').done();
    await alice.run('call-480', 'bob').done();
  },
);
