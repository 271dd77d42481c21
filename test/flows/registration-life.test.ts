// A registration over its life: made, renewed, watched, shortened, ended by either side or by time.
// TS 24.229 §5.1.1, §5.2.5, §5.4.1, §5.4.2; TS 33.102 §6.3.5; RFC 3680.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SequenceArray, sqnOf } from '#aka/sequence';
import { Usim } from '#aka/usim';
import { SubscriptionState } from '#sip/headers';
import type { SipRequest } from '#sip/message';
import { parseReginfo, type Reginfo } from '#sip/reginfo';
import {
  days,
  hangsUp,
  inLab,
  type Lab,
  minutes,
  refusal,
  registers,
  seconds,
} from '../support/lab.ts';

/** What the network told somebody of a registration, in order. */
function notified(lab: Lab, from: string, to: string): Reginfo[] {
  return lab
    .sip(from, to, 'NOTIFY')
    .map(message => parseReginfo(Buffer.from(message.body).toString('utf8')));
}

const eventsOf = (told: Reginfo[]): string[] =>
  told.flatMap(({ registrations }) => registrations[0]?.contacts.map(({ event }) => event) ?? []);

async function isGone(lab: Lab, name: string): Promise<void> {
  assert.equal(lab.scscf.registration(lab.impu(name)), undefined, 'at the S-CSCF');
  assert.notEqual(await lab.atHss(name), 'registered', 'at the HSS');
  assert.ok(!lab.as.registrations.all().some(({ impu }) => impu === lab.impu(name)), 'at the AS');
}

describe('a SIM whose sequence numbers', () => {
  for (const [what, seq] of [
    ['are ahead of the HSS resynchronises it', 5_000],
    ['are as far ahead as can be resynchronises it', 2 ** 28],
  ] as const) {
    test(`${what}, and registers`, () =>
      inLab({}, async lab => {
        const { k, opc } = lab.subscriber('alice');
        const kept = new Array(32).fill(seq);
        const key = { k: Buffer.from(k!, 'hex'), opc: Buffer.from(opc!, 'hex') };
        const usim = new Usim(key, new SequenceArray(kept));
        const alice = await lab.ue('alice', { usim });
        await registers(alice);
        assert.deepEqual(lab.simulation.ladder('alice', 'p-cscf').slice(0, 6), [
          'alice → p-cscf  REGISTER',
          'p-cscf → alice  401 Unauthorized',
          'alice → p-cscf  REGISTER',
          'p-cscf → alice  401 Unauthorized',
          'alice → p-cscf  REGISTER',
          'p-cscf → alice  200 OK',
        ]);
        assert.ok(usim.sequence.highest > sqnOf(seq, 0));
        await registers(alice); // and once is enough
        assert.equal(
          lab.decisions('ue.register').filter(({ chose }) => chose === 'AUTS').length,
          1,
        );
      }));
  }
});

describe('a registration', () => {
  test('is renewed in time, for as long as the phone is on', () =>
    inLab({}, async lab => {
      const alice = await lab.ue('alice', { expires: minutes(60) });
      await registers(alice);
      let renewals = 0;
      alice.onRegistration = () => renewals++;
      await lab.sleep(days(1));
      assert.ok(alice.registered);
      assert.equal(await lab.atHss('alice'), 'registered');
      assert.equal(renewals, 28); // ten minutes before each hour is over
      assert.equal(lab.scscf.registration(lab.impu('alice'))?.contacts.length, 1);
    }));

  test('that nobody renews ends in time: HSS, P-CSCF and application server are told', () =>
    inLab({}, async lab => {
      const alice = await lab.ue('alice', { expires: minutes(10) });
      const [bob] = await lab.registered('bob');
      await registers(alice);
      await lab.sleep(seconds(2));
      lab.simulation.crash('alice');
      await lab.sleep(minutes(9));
      assert.equal(await lab.atHss('alice'), 'registered');
      await lab.sleep(minutes(2));
      await isGone(lab, 'alice');
      assert.ok(eventsOf(notified(lab, 's-cscf', 'p-cscf')).includes('expired'));
      assert.equal([...lab.pcscf.bindings.all()].length, 1);
      assert.equal(await refusal(bob, 'alice'), 480);
    }));

  test('that its user ends is gone everywhere at once, and may be made again', () =>
    inLab({}, async lab => {
      const [alice] = await lab.registered('alice');
      assert.equal((await alice.deregister()).kind, 'deregistered');
      await lab.sleep(seconds(1));
      await isGone(lab, 'alice');
      assert.equal([...lab.pcscf.bindings.all()].length, 0);
      await registers(alice);
      assert.equal(await lab.atHss('alice'), 'registered');
    }));

  test('that the operator ends is gone everywhere, calls too; the phone is told to stay away', () =>
    inLab({}, async lab => {
      const [alice, bob] = await lab.registered('alice', 'bob');
      const { in: taken } = await lab.connect(alice, bob);
      const pushed = await lab.hss.deregister(lab.impu('alice'));
      assert.equal(pushed?.[0]?.outcome, 'done');
      await lab.sleep(seconds(5));
      assert.equal(taken.state, 'ended');
      assert.deepEqual([...alice.calls, ...bob.calls], []);
      await isGone(lab, 'alice');
      assert.equal(alice.registered, undefined);
      assert.ok(!lab.pcscf.bindings.ofImpi(`${lab.subscriber('alice').imsi}@${lab.home}`).length);
      await lab.sleep(days(1));
      await isGone(lab, 'alice');
      await lab.assertNothingLeft();
    }));

  test('that the S-CSCF ends is gone at the HSS, too', () =>
    inLab({}, async lab => {
      const [alice] = await lab.registered('alice');
      assert.equal(await lab.scscf.deregister(lab.impu('alice')), true);
      await lab.sleep(minutes(2));
      assert.equal(alice.registered, undefined);
      await isGone(lab, 'alice');
    }));

  test('that is to be proven again is shortened, and renewed by the phone with a new challenge', () =>
    inLab({}, async lab => {
      const [alice] = await lab.registered('alice');
      const challenges = () => lab.sip('p-cscf', 'alice', '401').length;
      const before = challenges();
      assert.equal(await lab.scscf.reauthenticate(lab.impu('alice')), true);
      await lab.sleep(minutes(10));
      assert.ok(challenges() > before);
      assert.ok(alice.registered);
      await lab.assertAgreed();
    }));
});

describe('what is pushed from the HSS', () => {
  test('changes the services of a registered user at once', () =>
    inLab({}, async lab => {
      const [alice, bob] = await lab.registered('alice', 'bob');
      const first = await lab.connect(alice, bob);
      await hangsUp(first.out, first.in);
      assert.equal(lab.sip('s-cscf', 'as', 'INVITE').length, 0);
      const done = await lab.hss.patch(lab.subscriber('bob').imsi, { services: ['screening'] });
      assert.deepEqual(
        done?.pushed.map(({ command, outcome }) => [command, outcome]),
        [['PPR', 'done']],
      );
      const second = await lab.connect(alice, bob);
      await hangsUp(second.out, second.in);
      assert.equal(lab.sip('s-cscf', 'as', 'INVITE').length, 1);
    }));

  test('a new name is one he is called by, and the phone learns of it', () =>
    inLab({}, async lab => {
      const [alice, bob] = await lab.registered('alice', 'bob');
      await lab.hss.patch(lab.subscriber('bob').imsi, { name: 'robert' });
      await lab.sleep(seconds(5));
      assert.equal(await refusal(alice, 'bob'), 404);
      const { out, in: taken } = await lab.connect(alice, bob, 'robert');
      await hangsUp(out, taken);
      const last = notified(lab, 'p-cscf', 'bob').at(-1)!;
      assert.ok(last.registrations.some(({ aor }) => aor === `sip:robert@${lab.home}`));
    }));
});

describe('the registration-state event', () => {
  test('tells the phone of its identities, barred ones left out, and of its contact', () =>
    inLab({}, async lab => {
      const [alice] = await lab.registered('alice');
      const [first] = notified(lab, 'p-cscf', 'alice');
      assert.equal(first?.state, 'full');
      assert.deepEqual(
        first?.registrations.map(({ aor, state }) => [aor, state]),
        [
          [lab.impu('alice'), 'active'],
          [`tel:${lab.number('alice')}`, 'active'],
          [`sip:alice@${lab.home}`, 'active'],
        ],
      );
      for (const { contacts } of first!.registrations) {
        assert.deepEqual(
          contacts.map(({ uri, state }) => [uri, state]),
          [[alice.registered!.contact, 'active']],
        );
      }
    }));

  test('ends with the registration: terminated, and so is the subscription', () =>
    inLab({}, async lab => {
      const [alice] = await lab.registered('alice');
      await alice.deregister();
      await lab.sleep(seconds(5));
      const last = lab.sip('s-cscf', 'p-cscf', 'NOTIFY').at(-1) as SipRequest;
      assert.equal(last.get(SubscriptionState)?.state, 'terminated');
      const [registration] = notified(lab, 's-cscf', 'p-cscf').at(-1)!.registrations;
      assert.equal(registration?.state, 'terminated');
      await lab.assertNothingLeft();
    }));
});

describe('a user with a SIM phone and a softphone', () => {
  test('is told on each of the other; one may leave, and he is still registered', () =>
    inLab({}, async lab => {
      const [sim] = await lab.registered('bob');
      const soft = await lab.ue('softphone', { of: 'bob', password: true });
      await registers(soft);
      await lab.sleep(seconds(1));
      const contacts = notified(lab, 'p-cscf', 'softphone')[0]!.registrations[0]!.contacts;
      assert.deepEqual(
        contacts.map(({ uri }) => uri).sort(),
        [sim.registered!.contact, soft.registered!.contact].sort(),
      );
      assert.ok(eventsOf(notified(lab, 'p-cscf', 'bob')).length >= 2);
      await sim.deregister();
      await lab.sleep(seconds(1));
      assert.equal(await lab.atHss('bob'), 'registered');
      assert.ok(soft.registered);
      const [alice] = await lab.registered('alice');
      const { out, in: taken } = await lab.connect(alice, soft, 'bob');
      await hangsUp(out, taken);
      await soft.deregister();
      await lab.sleep(seconds(1));
      await isGone(lab, 'bob');
    }));

  test('loses both when the operator ends the registration', () =>
    inLab({}, async lab => {
      const [sim] = await lab.registered('bob');
      const soft = await lab.ue('softphone', { of: 'bob', password: true });
      await registers(soft);
      await lab.sleep(seconds(1));
      await lab.hss.deregister(lab.impu('bob'));
      await lab.sleep(seconds(5));
      assert.deepEqual([sim.registered, soft.registered], [undefined, undefined]);
      await isGone(lab, 'bob');
    }));
});

describe('a phone on TCP', () => {
  test('whose connection breaks registers anew, and is reached again', () =>
    inLab({}, async lab => {
      const alice = await lab.ue('alice', { transport: 'tcp' });
      await registers(alice);
      const [bob] = await lab.registered('bob');
      const flow = lab.pcscf.sip
        .flows()
        .find(({ protocol, point }) => protocol === 'tcp' && point === 'Gm');
      lab.pcscf.sip.closeFlow(flow!, 'cut');
      await lab.sleep(seconds(5));
      assert.ok(alice.registered);
      assert.equal(lab.scscf.registration(lab.impu('alice'))?.contacts.length, 1);
      const { out, in: taken } = await lab.connect(bob, alice);
      await hangsUp(out, taken);
    }));

  test('whose connection died unseen is 480 to callers until it returns, and finds out by keep-alive', () =>
    inLab({}, async lab => {
      const alice = await lab.ue('alice', { transport: 'tcp' });
      await registers(alice);
      const [bob] = await lab.registered('bob');
      lab.simulation.partition(['alice'], ['p-cscf']);
      assert.match(String(await refusal(bob, 'alice')), /^(408|430|480)$/);
      lab.simulation.partition(['alice'], ['p-cscf'], false);
      await lab.sleep(minutes(5));
      const { out, in: taken } = await lab.connect(bob, alice);
      await hangsUp(out, taken);
      await lab.assertNothingLeft();
    }));
});

test("a week of a subscriber's life with a fifth of all packets lost", () =>
  inLab({ links: { loss: 0.2, jitter: 20 } }, async lab => {
    const alice = await lab.ue('alice', { expires: minutes(60) });
    const soft = await lab.ue('softphone', { of: 'alice', password: true, expires: minutes(60) });
    await alice.register();
    await soft.register();
    let away = 0;
    for (let hour = 0; hour < 7 * 24; hour++) {
      await lab.sleep(minutes(60));
      if (alice.registered === undefined || soft.registered === undefined) away++;
    }
    assert.ok(away <= 2, `not registered in ${away} of 168 hours`);
    await lab.until(() => alice.registered !== undefined, 'registered', minutes(60));
    assert.equal(await lab.atHss('alice'), 'registered');
    await lab.assertAgreed();
    lab.simulation.everyLink.loss = 0;
    await lab.assertNothingLeft();
  }));
