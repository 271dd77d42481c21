// One function dies and comes back on what its store kept: registrations and calls go on, and what
// was asked while it was away was answered. What routing needs travels in Record-Route; what was
// promised was durable.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { FunctionName } from '#networks/compose';
import {
  FUNCTIONS,
  hangsUp,
  INSTANCE,
  inLab,
  type Lab,
  minutes,
  registers,
  seconds,
} from '../support/lab.ts';

/** Long enough for Diameter to find its peer again. */
const AGAIN = seconds(40);

/** How a function goes: at once, with what it had in memory, or in good order. */
const ENDS: Readonly<Record<string, (lab: Lab, name: FunctionName) => Promise<void>>> = {
  'dies and is started again': async (lab, name) => {
    lab.crash(name);
    await lab.sleep(seconds(3));
    await lab.restart(name);
  },
  'is stopped and started again': async (lab, name) => {
    await lab.network.stopFunction(name);
    await lab.sleep(seconds(3));
    await lab.network.startFunction(name);
  },
};

for (const name of FUNCTIONS) {
  for (const [what, end] of Object.entries(ENDS)) {
    describe(`the ${INSTANCE[name]} ${what}`, () => {
      test('and calls go on: hold, resume, and their end by either side', () =>
        inLab({}, async lab => {
          const [alice, bob] = await lab.registered('alice', 'bob');
          const first = await lab.connect(alice, bob, 'bob', { say: { tone: 440 } });
          await lab.sleep(seconds(1));
          await end(lab, name);
          await lab.sleep(seconds(1));
          assert.equal((await first.out.hold()).kind, 'done');
          assert.equal((await first.in.hold()).kind, 'done');
          assert.equal((await first.out.resume()).kind, 'done');
          assert.equal((await first.in.resume()).kind, 'done');
          await hangsUp(first.in, first.out);
          await lab.sleep(AGAIN);
          assert.deepEqual(lab.scscf.calls(), []);
          const second = await lab.connect(bob, alice);
          await hangsUp(second.out, second.in);
          await lab.assertNothingLeft();
        }));

      test('and users are registered as before: they call, are called, renew and leave', () =>
        inLab({}, async lab => {
          const [alice, bob] = await lab.registered('alice', 'bob');
          const soft = await lab.ue('softphone', { of: 'bob', password: true });
          await registers(soft);
          const before = lab.scscf.registrations();
          await end(lab, name);
          await lab.sleep(AGAIN);
          assert.deepEqual(lab.scscf.registrations(), before);
          await lab.assertAgreed();
          const call = await lab.connect(alice, bob);
          await hangsUp(call.out, call.in);
          assert.equal((await bob.message('alice', 'still here')).kind, 'delivered');
          for (const phone of [alice, bob, soft]) await registers(phone);
          await bob.deregister();
          await soft.deregister();
          await lab.sleep(seconds(1));
          assert.equal(await lab.atHss('bob'), 'not registered');
          await lab.assertAgreed();
          await lab.assertNothingLeft();
        }));

      test('and registrations that nobody renews still end in their time', () =>
        inLab({}, async lab => {
          const alice = await lab.ue('alice', { expires: minutes(10) });
          await registers(alice);
          await lab.sleep(seconds(2));
          lab.simulation.crash('alice');
          await lab.sleep(minutes(4));
          await end(lab, name);
          await lab.sleep(minutes(5));
          assert.equal(await lab.atHss('alice'), 'registered');
          await lab.sleep(minutes(3));
          assert.notEqual(await lab.atHss('alice'), 'registered');
          assert.deepEqual(lab.scscf.registrations(), []);
          assert.deepEqual([...lab.pcscf.bindings.all()], []);
        }));
    });
  }

  test(`while the ${INSTANCE[name]} is away, whoever asks is answered in time`, () =>
    inLab({ errors: /./ }, async lab => {
      const [alice, bob] = await lab.registered('alice', 'bob');
      lab.crash(name);
      await lab.sleep(seconds(1));
      const begun = lab.simulation.now();
      const call = await alice.call('bob');
      bob.onIncoming = incoming => void incoming.answer();
      await call.answered;
      await alice.message('bob', 'hello');
      await alice.register();
      assert.ok(lab.simulation.now() - begun < minutes(3));
      await call.hangup();
      await lab.restart(name);
      await lab.sleep(AGAIN);
      await alice.register();
      await bob.register();
      await lab.sleep(minutes(1));
      const again = await lab.connect(alice, bob);
      await hangsUp(again.out, again.in);
      await lab.assertAgreed();
      await lab.assertNothingLeft();
    }));
}
