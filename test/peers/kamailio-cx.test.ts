// Kamailio's CSCFs use our HSS over Cx: registration by password and by SIM, a call, and what the
// operator changes while they are registered.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { DiameterMessage } from '#diameter/message';
import {
  identityOf,
  Kamailio,
  type KamailioOptions,
  PACKAGE,
  type Role,
} from './support/kamailio.ts';
import { freePort, Lab } from './support/lab.ts';
import { needs } from './support/needs.ts';
import { PACKAGE as SIPP, Sipp } from './support/sipp.ts';

const skip = needs('kamailio', PACKAGE) || needs('sipp', SIPP);
const options = { skip, timeout: 80_000 };
const TRIO: readonly Role[] = ['scscf', 'icscf', 'pcscf'];

/** SIPp takes keys as text. */
const K = 'keyofaprintable1';
const OP = 'operatorsvariant';
const IMSI = '001010000000077';
const hexOf = (text: string): string => Buffer.from(text, 'latin1').toString('hex');
const SIM = `{ imsi: "${IMSI}", msisdn: "15550100077", k: ${hexOf(K)}, op: ${hexOf(OP)}, amf: "${hexOf('!!')}" }`;

async function trio(t: TestContext, settings: readonly string[] = [], algorithm?: string) {
  const lab = await Lab.start(t, { settings: ['hss.listen=true', 'hss.peers=["*"]', ...settings] });
  const choice: KamailioOptions = {
    roles: TRIO,
    ...(algorithm === undefined ? {} : { algorithm }),
  };
  const kamailio = await Kamailio.start(lab, choice);
  return { lab, kamailio };
}

interface Phone {
  readonly user: string;
  readonly port: number;
  readonly impi: string;
  readonly secret: string;
}

async function phoneOf(lab: Lab, user: string, secret = `password=${user}-secret`): Promise<Phone> {
  return { user, port: await freePort(), impi: `${user}@${lab.home}`, secret };
}

const run = (lab: Lab, kamailio: Kamailio, phone: Phone, scenario: string, peer = ''): Sipp =>
  Sipp.start(lab, scenario, {
    port: phone.port,
    to: kamailio.addresses.pcscf,
    fields: [phone.user, `[authentication username=${phone.impi} ${phone.secret}]`, phone.impi],
    keys: { peer },
  });

/** What crossed Cx between Kamailio and our HSS: command and result. */
const onCx = (lab: Lab): readonly string[] =>
  lab.events.flatMap(event =>
    event.kind === 'message' && event.message instanceof DiameterMessage
      ? [event.message.summary()]
      : [],
  );

test('a password registers by Kamailio with our HSS', options, async t => {
  const { lab, kamailio } = await trio(t);
  const alice = await phoneOf(lab, 'alice');
  await run(lab, kamailio, alice, 'register').done();
  const [registration] = await lab.network.functions.hss!.registrations();
  assert.equal(registration?.state, 'registered');
  assert.equal(registration?.server, `sip:${kamailio.addresses.scscf}`);
  assert.deepEqual(registration?.impis, [alice.impi]);
});

test('a SIM registers by Kamailio with our HSS', options, async t => {
  const { lab, kamailio } = await trio(t, [`subscribers=[${SIM}]`], 'AKAv1-MD5');
  const phone = await phoneOf(lab, IMSI, `aka_K=${K} aka_OP=${OP} aka_AMF=!!`);
  // SIPp cuts RES at a NUL octet, in three of a hundred challenges.
  for (let tries = 0; tries < 4; tries++) {
    if (await run(lab, kamailio, phone, 'register').held()) break;
  }
  const [registration] = await lab.network.functions.hss!.registrations();
  assert.deepEqual([registration?.state, registration?.impis], ['registered', [phone.impi]]);
});

test('a call between two phones that Kamailio has registered with our HSS', options, async t => {
  const { lab, kamailio } = await trio(t);
  const [alice, bob] = [await phoneOf(lab, 'alice'), await phoneOf(lab, 'bob')];
  for (const phone of [alice, bob]) await run(lab, kamailio, phone, 'register').done();
  const answer = run(lab, kamailio, bob, 'answer');
  await run(lab, kamailio, alice, 'call', 'bob').done();
  await answer.done();
  assert.ok(
    onCx(lab).some(text => text.startsWith('LIA') && text.includes('DIAMETER_SUCCESS')),
    onCx(lab).join('\n'),
  );
});

test('Kamailio ends a registration that our HSS takes away', options, async t => {
  const { lab, kamailio } = await trio(t);
  const hss = lab.network.functions.hss!;
  const alice = await phoneOf(lab, 'alice');
  await run(lab, kamailio, alice, 'register').done();
  const ended = await hss.deregister('alice');
  assert.deepEqual(
    ended?.map(({ command, to, outcome }) => [command, to, outcome]),
    [['RTR', identityOf('scscf', lab.home), 'done']],
  );
  assert.deepEqual(await hss.registrations(), []);
});
