// Who may not come in, and who may not call. TS 24.229 §5.1.1.5, §5.2.6.3, §5.4.1.2, §5.4.3;
// TS 33.203 §6.1.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fromRand } from '#aka/milenage';
import { Usim } from '#aka/usim';
import type { Ue } from '#functions/ue/ue';
import { PAssociatedUri } from '#sip/headers';
import { uriText } from '#sip/uri';
import { hangsUp, inLab, type Lab, minutes, refusal, registers } from '../support/lab.ts';
import { Stranger } from '../support/stranger.ts';

/** The status by which a phone may not register. */
async function refused(phone: Ue): Promise<number> {
  const outcome = await phone.register();
  assert.equal(outcome.kind, 'refused');
  return (outcome as { status: number }).status;
}

const bothDeny = async (lab: Lab, name: string): Promise<void> => {
  assert.equal(lab.scscf.registration(lab.impu(name)), undefined);
  assert.equal(await lab.atHss(name), 'not registered');
};

describe('a registration is refused', () => {
  test('to a wrong password, after one challenge', () =>
    inLab({}, async lab => {
      const alice = await lab.ue('alice', { password: 'a guess' });
      assert.equal(await refused(alice), 403);
      assert.deepEqual(lab.simulation.ladder('alice', 'p-cscf'), [
        'alice → p-cscf  REGISTER',
        'p-cscf → alice  401 Unauthorized',
        'alice → p-cscf  REGISTER',
        'p-cscf → alice  403 Forbidden',
      ]);
      await bothDeny(lab, 'alice');
    }));

  test('by a SIM with another K, which finds that the network is not its own', () =>
    inLab({}, async lab => {
      const alice = await lab.ue('alice', { k: '00'.repeat(16) });
      assert.equal(await refused(alice), 403);
      const [verdict] = lab.decisions('ue.register');
      assert.equal(verdict?.because, 'AUTN is not of the home network');
      await bothDeny(lab, 'alice');
    }));

  test('to a SIM with another K that answers all the same', () =>
    inLab({}, async lab => {
      const alice = await lab.ue('alice', { usim: new CredulousUsim('00'.repeat(16)) });
      assert.equal(await refused(alice), 403);
      const [, verdict] = lab.decisions('s-cscf.authentication');
      assert.equal(verdict?.because, 'the response to the challenge is wrong');
      await bothDeny(lab, 'alice');
    }));

  test('to a SIM and to a name that nobody knows', () =>
    inLab({}, async lab => {
      const nobody = await lab.ue('nobody', { of: 'alice', imsi: '001010000009999' });
      assert.equal(await refused(nobody), 403);
      const { home } = lab;
      const eve = await lab.ue('eve', {
        of: 'alice',
        password: 'x',
        impu: `sip:eve@${home}`,
        username: `eve@${home}`,
      });
      assert.equal(await refused(eve), 403);
    }));

  test("to one user's credentials with another's public identity", () =>
    inLab({}, async lab => {
      const alice = await lab.ue('alice', { impu: `sip:bob@${lab.home}` });
      assert.equal(await refused(alice), 403);
      await bothDeny(lab, 'bob');
    }));

  test('to a SIM whose K the operator has changed, and granted to the new one', () =>
    inLab({}, async lab => {
      const [old] = await lab.registered('alice');
      const k = '11'.repeat(16);
      await lab.hss.patch(lab.subscriber('alice').imsi, { k });
      await lab.until(() => old.registered === undefined, 'told to leave');
      assert.equal(await refused(old), 403);
      const renewed = await lab.ue('new-sim', { of: 'alice', k });
      await registers(renewed);
    }));

  test('to a password that the operator has changed, at the next registration', () =>
    inLab({}, async lab => {
      const alice = await lab.ue('alice', { password: true });
      await registers(alice);
      await lab.hss.patch(lab.subscriber('alice').imsi, { password: 'another' });
      assert.equal(await refused(alice), 403);
      const renewed = await lab.ue('softphone', { of: 'alice', password: 'another' });
      await registers(renewed);
    }));

  test('to a subscriber who is suspended', () =>
    inLab({}, async lab => {
      const [alice] = await lab.registered('alice');
      await lab.hss.patch(lab.subscriber('alice').imsi, { suspended: true });
      await lab.until(() => alice.registered === undefined, 'told to leave');
      assert.equal(await refused(alice), 403);
    }));
});

describe('a REGISTER that somebody recorded', () => {
  for (const password of [undefined, true] as const) {
    const kind = password ? 'password' : 'SIM';
    test(`is worth nothing to him, and harms not its owner: ${kind}`, () =>
      inLab({}, async lab => {
        const alice = await lab.ue('alice', password ? { password } : {});
        await registers(alice);
        const before = lab.scscf.registration(lab.impu('alice'))!.contacts;
        const proven = lab.request('alice', 'p-cscf', 'REGISTER');
        const mallory = await Stranger.come(lab);
        assert.equal(await mallory.says(proven), 401);
        mallory.repeats(proven); // as if it were a retransmission
        await lab.sleep(minutes(5));
        assert.deepEqual(lab.scscf.registration(lab.impu('alice'))!.contacts, before);
        assert.equal(await lab.atHss('alice'), 'registered');
      }));
  }
});

describe('the barred identity of the SIM', () => {
  test('is in no P-Associated-URI, calls nobody and is called by nobody', () =>
    inLab({}, async lab => {
      const [alice, bob] = await lab.registered('alice', 'bob');
      const barred = `sip:${lab.subscriber('alice').imsi}@${lab.home}`;
      const associated = lab
        .sip('p-cscf', 'alice', '200')
        .flatMap(response => response.all(PAssociatedUri));
      assert.ok(associated.length > 0);
      assert.ok(associated.every(({ uri }) => uriText(uri) !== barred));
      assert.ok(!alice.registered!.identities.includes(barred));
      assert.equal(await refusal(bob, barred), 404);
    }));
});

describe('a call is refused', () => {
  test('to a caller who is not registered, by the P-CSCF: 403', () =>
    inLab({}, async lab => {
      const alice = await lab.ue('alice');
      await lab.registered('bob');
      assert.equal(await refusal(alice, 'bob'), 403);
      assert.equal((await alice.message('bob', 'hello')).kind, 'refused');
      assert.deepEqual(
        lab.simulation
          .ladder('p-cscf', 's-cscf', { point: 'Mw' })
          .filter(l => /INVITE|MESSAGE/.test(l)),
        [],
      );
    }));

  test('to somebody de-registered: 480, and to nobody: 404', () =>
    inLab({}, async lab => {
      const [alice, bob] = await lab.registered('alice', 'bob');
      assert.equal((await bob.deregister()).kind, 'deregistered');
      assert.equal(await refusal(alice, 'bob'), 480);
      assert.equal(await refusal(alice, lab.number('bob')), 480);
      assert.equal(await refusal(alice, 'carol'), 480);
      assert.equal(await refusal(alice, 'nobody'), 404);
      assert.equal(await refusal(alice, '+15550109999'), 404);
      await lab.assertNothingLeft();
    }));

  test('once the caller has de-registered, over the same flow: 403', () =>
    inLab({}, async lab => {
      const [alice, bob] = await lab.registered('alice', 'bob');
      const { out, in: taken } = await lab.connect(alice, bob);
      await hangsUp(out, taken);
      await alice.deregister();
      assert.equal(await refusal(alice, 'bob'), 403);
    }));

  test('to other domains, where nothing leads there: 404', () =>
    inLab({}, async lab => {
      const [alice] = await lab.registered('alice');
      assert.equal(await refusal(alice, 'sip:somebody@example.org'), 404);
    }));
});

/** A SIM that never asks whether the network is its own. */
class CredulousUsim extends Usim {
  readonly #k: Uint8Array;

  constructor(k: string) {
    super({ k: Buffer.from(k, 'hex'), opc: new Uint8Array(16) });
    this.#k = Buffer.from(k, 'hex');
  }

  override authenticate(rand: Uint8Array) {
    return { kind: 'success' as const, ...fromRand({ k: this.#k, opc: new Uint8Array(16) }, rand) };
  }
}
