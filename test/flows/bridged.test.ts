// The application server between real phones, where calls are less simple: a callee with two phones
// behind forwarding, and digits sent to the echo. TS 24.229 §5.7.5, TS 24.604, RFC 3261 §13.2.2.4.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hangsUp, inLab, registers, ringing, seconds } from '../support/lab.ts';

const HOME = 'ims.mnc001.mcc001.3gppnetwork.org';
const TO_CAROL = [`as.forward=${JSON.stringify({ [`sip:bob@${HOME}`]: `sip:carol@${HOME}` })}`];

describe('a call forwarded to a user with two phones', () => {
  for (const which of ['first', 'second'] as const) {
    test(`is his on whichever answers, the ${which}, with sound both ways; the other stops`, () =>
      inLab({ settings: TO_CAROL }, async lab => {
        await lab.hss.patch(lab.subscriber('bob').imsi, { services: ['mmtel', 'forwarding'] });
        const [alice, sim] = await lab.registered('alice', 'carol');
        const soft = await lab.ue('softphone', { of: 'carol', password: true });
        await registers(soft);
        const rings = [ringing(sim), ringing(soft)];
        const call = await alice.call('bob', { say: { tone: 440 } });
        const both = await Promise.all(rings.map(ring => ring.call));
        const [taken, other] = which === 'first' ? both : [...both].reverse();
        taken!.say({ tone: 620 });
        void taken!.answer();
        assert.equal((await call.answered).kind, 'answered');
        assert.equal((await other!.ended).by, 'remote');
        await lab.sleep(seconds(3));
        assert.ok(taken!.heardTone(440) > 1, 'the callee hears nothing');
        assert.ok(call.heardTone(620) > 1, 'the caller hears nothing');
        assert.equal((await call.hold()).kind, 'done');
        assert.ok(taken!.held);
        assert.equal((await call.resume()).kind, 'done');
        await hangsUp(call, taken!);
        await lab.assertNothingLeft();
      }));
  }
});

describe('the echo', () => {
  test('gives digits back as digits', () =>
    inLab({}, async lab => {
      const [alice] = await lab.registered('alice');
      const call = await alice.call('echo');
      assert.equal((await call.answered).kind, 'answered');
      assert.ok(call.sendDigits('15#'));
      await lab.sleep(seconds(3));
      assert.equal(call.digits, '15#');
      await call.hangup();
      await lab.assertNothingLeft();
    }));

  test('is on hold when it is put there, and speaks again after', () =>
    inLab({}, async lab => {
      const [alice] = await lab.registered('alice');
      const call = await alice.call('echo', { say: { tone: 440 } });
      await call.answered;
      await lab.sleep(seconds(2));
      assert.equal((await call.hold()).kind, 'done');
      const before = call.heardTone(440);
      await lab.sleep(seconds(3));
      assert.ok(call.heardTone(440) - before < 0.3);
      assert.equal((await call.resume()).kind, 'done');
      await lab.sleep(seconds(2));
      assert.ok(call.heardTone(440) - before > 1);
      await call.hangup();
    }));
});
