// The network falls apart, and heals: who asks meanwhile is answered in time, and nothing has to be
// done by hand afterwards.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hangsUp, inLab, type Lab, minutes, refusal, registers, seconds } from '../support/lab.ts';

/** Which sides no longer see each other. */
const CUTS: Readonly<Record<string, readonly [readonly string[], readonly string[]]>> = {
  'CSCFs and HSS': [['i-cscf', 's-cscf'], ['hss']],
  'P-CSCF and the core': [['p-cscf'], ['i-cscf', 's-cscf']],
  'S-CSCF and application server': [['s-cscf'], ['as']],
  'I-CSCF and S-CSCF': [['i-cscf'], ['s-cscf']],
  'one phone and the network': [['alice'], ['p-cscf']],
};

async function cutFor(lab: Lab, what: string, duration: number): Promise<void> {
  const [some, others] = CUTS[what]!;
  lab.simulation.partition(some, others);
  await lab.sleep(duration);
  lab.simulation.partition(some, others, false);
}

for (const what of Object.keys(CUTS)) {
  describe(`${what}, cut apart`, () => {
    test('for ten seconds: a call made then comes about or is refused, and calls go on', () =>
      inLab({ errors: /./ }, async lab => {
        const [alice, bob, carol] = await lab.registered('alice', 'bob', 'carol');
        const standing = await lab.connect(alice, bob);
        await lab.sleep(seconds(1));
        const cut = cutFor(lab, what, seconds(10));
        carol.onIncoming = call => void call.answer();
        const begun = lab.simulation.now();
        const call = await bob.call('carol');
        const { kind } = await call.answered;
        assert.ok(['answered', 'refused'].includes(kind), kind);
        assert.ok(lab.simulation.now() - begun <= seconds(40));
        await cut;
        await call.hangup();
        assert.equal((await standing.out.hold()).kind, 'done');
        await hangsUp(standing.in, standing.out);
        await lab.sleep(minutes(1));
        await lab.assertAgreed();
        await lab.assertNothingLeft();
      }));

    test('for half an hour: everybody is registered again, or still, and calls', () =>
      inLab({ errors: /./ }, async lab => {
        const expires = minutes(20);
        const [alice, bob] = [await lab.ue('alice', { expires }), await lab.ue('bob', { expires })];
        for (const phone of [alice, bob]) await registers(phone);
        await cutFor(lab, what, minutes(30));
        // as long as phones wait at most between two attempts
        await lab.until(
          () => alice.registered !== undefined && bob.registered !== undefined,
          'both registered',
          minutes(31),
        );
        await lab.sleep(minutes(31));
        await lab.assertAgreed();
        const { out, in: taken } = await lab.connect(alice, bob);
        await hangsUp(out, taken);
        await lab.assertNothingLeft();
      }));
  });
}

test('without an HSS a user who is registered is served, and a new one told to come back', () =>
  inLab({ errors: /./ }, async lab => {
    const [alice] = await lab.registered('alice');
    const bob = await lab.ue('bob', { retry: false });
    lab.simulation.partition(['i-cscf', 's-cscf'], ['hss']);
    assert.equal((await alice.call('echo').then(call => call.answered)).kind, 'refused');
    const outcome = await bob.register();
    assert.deepEqual([outcome.kind, 'status' in outcome && outcome.status], ['refused', 504]);
    assert.equal(await refusal(alice, 'bob'), 504);
    assert.ok(alice.registered);
  }));
