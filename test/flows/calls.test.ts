// What becomes of calls: taken, refused, given up, taken by one of two phones, held, and changed by
// both sides at once. TS 24.229 §5.1.3, §5.1.4, §5.4.3.3; RFC 3261 §9, §13, §14, §16.7; RFC 3264 §8.4.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { IncomingCall } from '#functions/ue/incoming-call';
import { hangsUp, inLab, minutes, refusal, registers, ringing, seconds } from '../support/lab.ts';

describe('a callee', () => {
  for (const [what, status] of [
    ['is busy', 486],
    ['declines', 603],
    ['cannot be reached now', 480],
  ] as const) {
    test(`who ${what} has the caller told: ${status}`, () =>
      inLab({}, async lab => {
        const [alice, bob] = await lab.registered('alice', 'bob');
        bob.onIncoming = call => void call.reject(status);
        assert.equal(await refusal(alice, 'bob'), status);
        assert.deepEqual(lab.scscf.calls(), []);
        await lab.assertNothingLeft();
      }));
  }

  test('in as many calls as his phone takes is busy: 486', () =>
    inLab({}, async lab => {
      const [alice, carol] = await lab.registered('alice', 'carol');
      const bob = await lab.ue('bob', { calls: { atOnce: 1 } });
      await registers(bob);
      const { out, in: taken } = await lab.connect(alice, bob);
      assert.equal(await refusal(carol, 'bob'), 486);
      await hangsUp(out, taken);
    }));

  test('whose phone is switched off without a word: the caller hears in time that nobody is there', () =>
    inLab({}, async lab => {
      const [alice] = await lab.registered('alice', 'bob');
      lab.simulation.crash('bob');
      const begun = lab.simulation.now();
      assert.match(String(await refusal(alice, 'bob')), /^(408|480)$/);
      assert.ok(lab.simulation.now() - begun <= seconds(33));
      await lab.assertNothingLeft();
    }));

  test('who never answers: the caller gives up after three minutes, and it stops ringing', () =>
    inLab({}, async lab => {
      const [alice, bob] = await lab.registered('alice', 'bob');
      const rings = ringing(bob);
      const call = await alice.call('bob');
      const incoming = await rings.call;
      assert.equal((await call.answered).kind, 'unanswered');
      assert.equal((await incoming.ended).by, 'remote');
      await lab.assertNothingLeft();
    }));
});

describe('a caller who gives up', () => {
  test('while it rings: the callee stops ringing', () =>
    inLab({}, async lab => {
      const [alice, bob] = await lab.registered('alice', 'bob');
      const rings = ringing(bob);
      const call = await alice.call('bob');
      const incoming = await rings.call;
      await call.hangup();
      assert.deepEqual(await call.answered, { kind: 'cancelled', by: 'local' });
      assert.deepEqual(await incoming.answered, { kind: 'cancelled', by: 'remote' });
      assert.deepEqual(lab.scscf.calls(), []);
      await lab.assertNothingLeft();
    }));

  test('at any moment of the set-up: nothing is left of the call', async () => {
    for (let moment = 0; moment <= 60; moment += 2) {
      await inLab({ seed: moment }, async lab => {
        const [alice, bob] = await lab.registered('alice', 'bob');
        bob.onIncoming = call => void call.answer();
        const call = await alice.call('bob');
        await lab.sleep(moment);
        await call.hangup();
        await lab.sleep(seconds(40));
        assert.deepEqual(bob.calls, [], `hung up after ${moment} ms`);
        assert.deepEqual(lab.scscf.calls(), [], `hung up after ${moment} ms`);
        await lab.assertNothingLeft();
      });
    }
  });
});

describe('a user with two phones', () => {
  test('has both ring; the one that answers has the call, the other stops', () =>
    inLab({}, async lab => {
      const [alice, sim] = await lab.registered('alice', 'bob');
      const soft = await lab.ue('softphone', { of: 'bob', password: true });
      await registers(soft);
      assert.equal(lab.scscf.registration(lab.impu('bob'))?.contacts.length, 2);
      const [first, second] = [ringing(sim), ringing(soft)];
      const call = await alice.call('bob', { say: { tone: 440 } });
      const [onSim, onSoft] = [await first.call, await second.call];
      void onSoft.answer();
      assert.equal((await call.answered).kind, 'answered');
      const end = await onSim.ended;
      assert.equal(end.by, 'remote');
      await lab.sleep(seconds(2));
      assert.ok(onSoft.heardTone(440) > 1);
      await hangsUp(onSoft, call);
      await lab.assertNothingLeft();
    }));

  test('who declines on one still rings on the other; on both, the caller is told', () =>
    inLab({}, async lab => {
      const [alice, sim] = await lab.registered('alice', 'bob');
      const soft = await lab.ue('softphone', { of: 'bob', password: true });
      await registers(soft);
      sim.onIncoming = call => void call.reject(486);
      const { out, in: taken } = await lab.connect(alice, soft, 'bob');
      await hangsUp(out, taken);
      soft.onIncoming = call => void call.reject(486);
      assert.equal(await refusal(alice, 'bob'), 486);
      await lab.assertNothingLeft();
    }));

  test('one of which answers as the other does: one call stands, the other is ended', () =>
    inLab({}, async lab => {
      const [alice, sim] = await lab.registered('alice', 'bob');
      const soft = await lab.ue('softphone', { of: 'bob', password: true });
      await registers(soft);
      const taken: IncomingCall[] = [];
      for (const phone of [sim, soft]) {
        phone.onIncoming = call => {
          taken.push(call);
          if (taken.length === 2) for (const one of taken) void one.answer();
        };
      }
      const call = await alice.call('bob');
      assert.equal((await call.answered).kind, 'answered');
      await lab.sleep(seconds(5));
      assert.deepEqual(taken.map(one => one.state).sort(), ['ended', 'talking']);
      await call.hangup();
      await lab.sleep(seconds(5));
      assert.deepEqual(
        taken.map(one => one.state),
        ['ended', 'ended'],
      );
      await lab.assertNothingLeft();
    }));

  test('who calls himself rings on the other one alone', () =>
    inLab({}, async lab => {
      const [sim] = await lab.registered('bob');
      const soft = await lab.ue('softphone', { of: 'bob', password: true });
      await registers(soft);
      const { out, in: taken } = await lab.connect(sim, soft, 'bob');
      await hangsUp(out, taken);
    }));
});

describe('in a call', () => {
  test('each hears the other; who holds hears nothing, until he resumes', () =>
    inLab({}, async lab => {
      const [alice, bob] = await lab.registered('alice', 'bob');
      const { out, in: taken } = await lab.connect(alice, bob, 'bob', { say: { tone: 440 } });
      taken.say({ tone: 620 });
      await lab.sleep(seconds(2));
      assert.ok(taken.heardTone(440) > 1 && out.heardTone(620) > 1);
      assert.equal((await out.hold()).kind, 'done');
      assert.ok(taken.held && out.holding);
      const before = out.heardTone(620);
      await lab.sleep(seconds(3));
      assert.ok(out.heardTone(620) - before < 0.2);
      assert.equal((await out.resume()).kind, 'done');
      await lab.sleep(seconds(2));
      assert.ok(out.heardTone(620) - before > 1);
      assert.ok(!taken.held);
      await hangsUp(taken, out);
      await lab.assertNothingLeft();
    }));

  test('both hold at the same moment: one waits for the other, and both are done', () =>
    inLab({ links: { delay: 40 } }, async lab => {
      const [alice, bob] = await lab.registered('alice', 'bob');
      const { out, in: taken } = await lab.connect(alice, bob);
      await lab.sleep(seconds(1));
      const outcomes = await Promise.all([out.hold(), taken.hold()]);
      assert.deepEqual(outcomes, [{ kind: 'done' }, { kind: 'done' }]);
      assert.ok(
        lab.simulation.ladder().some(line => line.includes('491')),
        'the two never met',
      );
      assert.ok(out.held && taken.held);
      await Promise.all([out.resume(), taken.resume()]);
      assert.ok(!out.held && !taken.held);
      await hangsUp(out, taken);
      await lab.assertNothingLeft();
    }));

  test('digits arrive in order, once each, over a lossy link too', () =>
    inLab({}, async lab => {
      const [alice, bob] = await lab.registered('alice', 'bob');
      const { out, in: taken } = await lab.connect(alice, bob);
      for (const phone of ['alice', 'bob'])
        lab.simulation.link(phone, phone === 'alice' ? 'bob' : 'alice').loss = 0.1;
      assert.ok(out.sendDigits('1590*#'));
      await lab.sleep(seconds(5));
      assert.equal(taken.digits, '1590*#');
      await hangsUp(out, taken);
    }));

  test('between phones without preconditions: INVITE, 180, 200', () =>
    inLab({}, async lab => {
      const [alice, bob] = await lab.registered('alice', 'bob');
      const { out, in: taken } = await lab.connect(alice, bob, 'bob', { preconditions: false });
      assert.ok(!lab.simulation.ladder('alice', 'p-cscf').some(line => /UPDATE|183/.test(line)));
      await hangsUp(out, taken);
    }));

  test('for two hours: the session timer keeps it, and nothing forgets it', () =>
    inLab({}, async lab => {
      const [alice, bob] = await lab.registered('alice', 'bob');
      const { out, in: taken } = await lab.connect(alice, bob);
      await out.hold(); // silence: two hours of sound are long to simulate
      await taken.hold();
      await lab.sleep(minutes(120));
      assert.equal(out.state, 'talking');
      assert.equal(lab.scscf.calls().length, 1);
      await hangsUp(out, taken);
    }));
});
