// A store that fails, is slow, or forgets at a crash what it had not yet written: what is not durable
// is not promised, and nobody is left believing what another has lost.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hangsUp, INSTANCE, inLab, minutes, registers, seconds } from '../support/lab.ts';

/** Functions whose store a registration needs. */
const KEEPERS = ['hss', 'scscf', 'pcscf'] as const;

for (const name of KEEPERS) {
  const store = `the store of the ${INSTANCE[name]}`;

  describe(store, () => {
    test('is down: nobody is told that he is registered; up again, he is', () =>
      inLab({ errors: /./ }, async lab => {
        const [alice, bob] = [await lab.ue('alice', { retry: false }), await lab.ue('bob')];
        lab.simulation.store(INSTANCE[name]).down = true;
        const outcome = await alice.register();
        assert.equal(outcome.kind, 'refused', JSON.stringify(outcome));
        assert.equal((await bob.register()).kind, 'refused');
        assert.equal(alice.registered, undefined);
        lab.simulation.store(INSTANCE[name]).down = false;
        await registers(alice);
        await lab.until(() => bob.registered !== undefined, 'registered by himself', minutes(5));
        await lab.assertAgreed();
        const { out, in: taken } = await lab.connect(alice, bob);
        await hangsUp(out, taken);
        await lab.assertNothingLeft();
      }));

    test('goes down: who is registered calls and is called, and those calls end', () =>
      inLab({ errors: /./ }, async lab => {
        const [alice, bob] = await lab.registered('alice', 'bob');
        const standing = await lab.connect(alice, bob);
        await lab.sleep(seconds(1));
        lab.simulation.store(INSTANCE[name]).down = true;
        assert.equal((await standing.out.hold()).kind, 'done');
        await hangsUp(standing.in, standing.out);
        const made = await lab.connect(bob, alice);
        await hangsUp(made.out, made.in);
        await lab.sleep(seconds(1));
        assert.deepEqual(lab.scscf.calls(), []);
        lab.simulation.store(INSTANCE[name]).down = false;
        await lab.assertNothingLeft();
      }));

    test('takes a second: so does the 200, and it outlives a crash at the next moment', () =>
      inLab({ errors: /./ }, async lab => {
        const alice = await lab.ue('alice');
        lab.simulation.store(INSTANCE[name]).delay = seconds(1);
        const begun = lab.simulation.now();
        await registers(alice);
        assert.ok(lab.simulation.now() - begun >= seconds(1));
        lab.crash(name);
        lab.simulation.store(INSTANCE[name]).delay = 1;
        await lab.restart(name);
        await lab.sleep(seconds(40));
        await lab.assertAgreed();
        assert.equal(lab.scscf.registrations().length, 1);
        assert.equal([...lab.pcscf.bindings.all()].length, 1);
        const [bob] = await lab.registered('bob');
        const { out, in: taken } = await lab.connect(bob, alice);
        await hangsUp(out, taken);
      }));

    test('forgets at a crash what it had not yet written: it was promised to nobody', async () => {
      for (let moment = 0; moment < 4000; moment += 400) {
        await inLab({ seed: moment, errors: /./ }, async lab => {
          const alice = await lab.ue('alice');
          lab.simulation.store(INSTANCE[name]).delay = seconds(1);
          const outcome = alice.register();
          await lab.sleep(moment);
          lab.crash(name);
          lab.simulation.store(INSTANCE[name]).delay = 1;
          await lab.sleep(seconds(2));
          await lab.restart(name);
          const promised = (await outcome).kind === 'registered';
          await lab.sleep(seconds(1));
          if (promised) {
            assert.equal(lab.scscf.registrations().length, 1, `crash after ${moment} ms`);
            assert.equal(await lab.atHss('alice'), 'registered', `crash after ${moment} ms`);
          }
          await lab.until(() => alice.registered !== undefined, 'registered', minutes(5));
          await lab.sleep(minutes(5));
          await lab.assertAgreed();
          assert.equal([...lab.pcscf.bindings.all()].length, 1);
        });
      }
    });

    test('fails one time in four: in the end everybody is registered and all agree', async () => {
      for (let seed = 1; seed <= 5; seed++) {
        await inLab({ seed, errors: /./ }, async lab => {
          const phones = [await lab.ue('alice'), await lab.ue('bob'), await lab.ue('carol')];
          lab.simulation.store(INSTANCE[name]).failure = 0.25;
          for (let round = 0; round < 10; round++) {
            for (const phone of phones) await phone.register();
            if (round % 3 === 2) await phones[round % 2]!.deregister();
            await lab.sleep(minutes(1));
          }
          lab.simulation.store(INSTANCE[name]).failure = 0;
          for (const phone of phones) await registers(phone);
          await lab.sleep(minutes(5));
          await lab.assertAgreed();
          assert.equal(lab.scscf.registrations().length, 3);
          await lab.assertNothingLeft();
        });
      }
    });
  });
}
