// The application server in its roles: terminating UA, proxy, B2BUA, receiver of third-party REGISTER.
// TS 24.229 §5.7; TS 24.604 (forwarding), TS 24.611 (barring).

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HistoryInfo, PAssertedIdentity } from '#sip/headers';
import { impuOf } from '#sip/uri';
import { hangsUp, inLab, type Lab, minutes, refusal, ringing, seconds } from '../support/lab.ts';

const HOME = 'ims.mnc001.mcc001.3gppnetwork.org';
const BOB = [`sip:bob@${HOME}`, `sip:+15550100002@${HOME}`, 'tel:+15550100002'];

const forwarding = (target: string): readonly string[] => [
  `as.forward=${JSON.stringify(Object.fromEntries(BOB.map(identity => [identity, target])))}`,
];
const screening = [`as.rejected=${JSON.stringify([`sip:+15550100001@${HOME}`])}`];

async function subscribes(lab: Lab, name: string, service: string): Promise<void> {
  await lab.hss.patch(lab.subscriber(name).imsi, { services: ['mmtel', 'sms', service] });
}

describe('forwarding', () => {
  test('takes a call to bob on to carol, who sees who calls and that it was diverted', () =>
    inLab({ settings: forwarding(`sip:carol@${HOME}`) }, async lab => {
      await subscribes(lab, 'bob', 'forwarding');
      const [alice, bob, carol] = await lab.registered('alice', 'bob', 'carol');
      bob.onIncoming = () => assert.fail('bob rings, too');
      const { out, in: taken } = await lab.connect(alice, carol, 'bob', { say: { tone: 440 } });
      const invite = lab.request('p-cscf', 'carol', 'INVITE');
      assert.equal(impuOf(invite.all(PAssertedIdentity)[0]!.uri), lab.impu('alice'));
      assert.deepEqual(
        invite.all(HistoryInfo).map(({ uri }) => impuOf(uri)),
        [`sip:bob@${HOME}`, `sip:carol@${HOME}`],
      );
      await lab.sleep(seconds(2));
      assert.ok(taken.heardTone(440) > 1);
      await hangsUp(taken, out);
      await lab.assertNothingLeft();
    }));

  test('is of whoever is called by his number, too, and when he is not registered', () =>
    inLab({ settings: forwarding('tel:+15550100003') }, async lab => {
      await subscribes(lab, 'bob', 'forwarding');
      const [alice, carol] = await lab.registered('alice', 'carol');
      const { out, in: taken } = await lab.connect(alice, carol, lab.number('bob'));
      await hangsUp(out, taken);
      await lab.assertNothingLeft();
    }));

  test('lets hold and resume through, and tells the caller of a callee who declines', () =>
    inLab({ settings: forwarding(`sip:carol@${HOME}`) }, async lab => {
      await subscribes(lab, 'bob', 'forwarding');
      const [alice, carol] = await lab.registered('alice', 'carol');
      const { out, in: taken } = await lab.connect(alice, carol, 'bob');
      assert.equal((await taken.hold()).kind, 'done');
      assert.ok(out.held);
      assert.equal((await taken.resume()).kind, 'done');
      assert.ok(!out.held);
      await hangsUp(out, taken);
      carol.onIncoming = call => void call.reject(603);
      assert.equal(await refusal(alice, 'bob'), 603);
      await lab.assertNothingLeft();
    }));

  test('is given up by the caller: the phone it was taken to stops ringing', () =>
    inLab({ settings: forwarding(`sip:carol@${HOME}`) }, async lab => {
      await subscribes(lab, 'bob', 'forwarding');
      const [alice, carol] = await lab.registered('alice', 'carol');
      const rings = ringing(carol);
      const out = await alice.call('bob');
      const incoming = await rings.call;
      await out.hangup();
      assert.equal((await incoming.ended).by, 'remote');
      await lab.assertNothingLeft();
    }));

  test('to himself rings him', () =>
    inLab({ settings: forwarding(`sip:bob@${HOME}`) }, async lab => {
      await subscribes(lab, 'bob', 'forwarding');
      const [alice, bob] = await lab.registered('alice', 'bob');
      const { out, in: taken } = await lab.connect(alice, bob);
      await hangsUp(out, taken);
    }));

  test('in a circle ends after five diversions: 480', () => {
    const [bob, carol] = [`sip:bob@${HOME}`, `sip:carol@${HOME}`];
    const settings = [`as.forward=${JSON.stringify({ [bob]: carol, [carol]: bob })}`];
    return inLab({ settings }, async lab => {
      for (const name of ['bob', 'carol']) await subscribes(lab, name, 'forwarding');
      const [alice] = await lab.registered('alice', 'bob', 'carol');
      assert.equal(await refusal(alice, 'bob'), 480);
      const last = lab.sip('s-cscf', 'as', 'INVITE').at(-1)!;
      assert.equal(last.all(HistoryInfo).length, 6);
      await lab.assertNothingLeft();
    });
  });
});

describe('screening', () => {
  test('declines a caller on the list, and lets others through', () =>
    inLab({ settings: screening }, async lab => {
      await subscribes(lab, 'bob', 'screening');
      const [alice, bob, carol] = await lab.registered('alice', 'bob', 'carol');
      assert.equal(await refusal(alice, 'bob'), 603);
      assert.equal(await refusal(alice, 'bob', { anonymous: true }), 603);
      const { out, in: taken } = await lab.connect(carol, bob);
      await hangsUp(out, taken);
      await lab.assertNothingLeft();
    }));

  test('and forwarding follow each other: who is let through is forwarded', () =>
    inLab({ settings: [...screening, ...forwarding(`sip:dave@${HOME}`)] }, async lab => {
      const services = ['mmtel', 'screening', 'forwarding'];
      await lab.hss.patch(lab.subscriber('bob').imsi, { services });
      const [alice, carol, dave] = await lab.registered('alice', 'carol', 'dave');
      assert.equal(await refusal(alice, 'bob'), 603);
      const { out, in: taken } = await lab.connect(carol, dave, 'bob');
      await hangsUp(taken, out);
      await lab.assertNothingLeft();
    }));

  test('that is away is passed over, as its criterion says', () =>
    inLab({ settings: screening, errors: /./ }, async lab => {
      await subscribes(lab, 'bob', 'screening');
      const [alice, bob] = await lab.registered('alice', 'bob');
      await lab.network.stopFunction('as');
      const { out, in: taken } = await lab.connect(alice, bob);
      await hangsUp(out, taken);
    }));
});

describe('the echo', () => {
  test('gives back what it hears, to whoever calls it, until he hangs up', () =>
    inLab({}, async lab => {
      const [alice] = await lab.registered('alice');
      const call = await alice.call('echo', { say: { tone: 440 } });
      assert.equal((await call.answered).kind, 'answered');
      await lab.sleep(seconds(3));
      assert.ok(call.heardTone(440) > 2, `${call.heardTone(440)} s of the tone came back`);
      await call.hangup();
      await lab.assertNothingLeft();
    }));
});

describe('third-party registration', () => {
  test('tells the server of every registration, and of its end', () =>
    inLab({}, async lab => {
      const [alice] = await lab.registered('alice', 'bob');
      const known = () => lab.as.registrations.all().map(({ impu }) => impu);
      assert.deepEqual(known().sort(), [lab.impu('alice'), lab.impu('bob')]);
      await alice.deregister();
      await lab.sleep(minutes(1));
      assert.deepEqual(known(), [lab.impu('bob')]);
    }));
});
