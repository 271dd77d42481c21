// baresip and Linphone as anybody has them: they register with the lab, call each other and the
// network's own services, and what each hears is looked for in what it recorded.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PACKAGE as BARESIP, Baresip } from './support/baresip.ts';
import { Lab } from './support/lab.ts';
import { PACKAGE as LINPHONE, Linphone } from './support/linphone.ts';
import { needs } from './support/needs.ts';
import type { Softphone } from './support/softphone.ts';

const withoutBaresip = needs('baresip', BARESIP);
const withoutLinphone = needs('linphonec', LINPHONE);

/** Hz; no tone that a network or a phone makes by itself. */
const FIRST_SAYS = 440;
const SECOND_SAYS = 620;
/** Seconds of a tone that prove it was heard. */
const ENOUGH = 1;

const kinds = {
  baresip: { start: Baresip.start, without: withoutBaresip },
  linphonec: { start: Linphone.start, without: withoutLinphone },
} as const;

async function hears(lab: Lab, phone: Softphone, hertz: number): Promise<void> {
  await lab.holds(
    () => phone.heardTone(hertz) > ENOUGH,
    () => `${phone.user} heard ${phone.heardTone(hertz)} s of ${hertz} Hz`,
  );
}

for (const [kind, { start, without }] of Object.entries(kinds)) {
  describe(kind, { skip: without }, () => {
    for (const transport of ['udp', 'tcp', 'tls'] as const) {
      test(`registers over ${transport}, calls echo and hears itself`, async t => {
        const lab = await Lab.start(t);
        const phone = await start(lab, { user: 'alice', transport, says: FIRST_SAYS });
        assert.equal(await phone.registered(), 200);
        const [registration] = lab.network.functions.scscf?.registrations() ?? [];
        assert.ok(registration?.impus.includes(`sip:alice@${lab.home}`));
        assert.deepEqual(linksOf(lab, 'REGISTER'), [transport]);

        await phone.call(`sip:echo@${lab.home}`);
        await phone.established();
        await hears(lab, phone, FIRST_SAYS);
        await phone.hangUp();
        await phone.ended();
        await noCallIsLeft(lab);
      });
    }

    test('with a wrong password is refused with 403', async t => {
      const lab = await Lab.start(t);
      const phone = await start(lab, { user: 'alice', password: 'wrong', says: FIRST_SAYS });
      assert.equal(await phone.registered(), 403);
      assert.deepEqual(lab.network.functions.scscf?.registrations(), []);
    });

    test('and the emulated phone call each other and hear each other', async t => {
      const lab = await Lab.start(t);
      const bob = await lab.phone('bob');
      const alice = await start(lab, { user: 'alice', says: FIRST_SAYS });
      assert.equal(await alice.registered(), 200);

      const outgoing = await bob.call('alice', { say: { tone: SECOND_SAYS } });
      await alice.answer();
      assert.equal((await outgoing.answered).kind, 'answered');
      await hears(lab, alice, SECOND_SAYS);
      await lab.holds(() => outgoing.heardTone(FIRST_SAYS) > ENOUGH, 'bob hears nothing');
      await outgoing.hangup();
      await alice.ended();
      await noCallIsLeft(lab);
    });

    test('calls the emulated phone by its number, and hears it', async t => {
      const lab = await Lab.start(t);
      const bob = await lab.phone('bob');
      bob.onIncoming = call => {
        call.say({ tone: SECOND_SAYS });
        void call.answer();
      };
      const alice = await start(lab, { user: 'alice', says: FIRST_SAYS });
      assert.equal(await alice.registered(), 200);
      await alice.call(`sip:+15550100002@${lab.home}`);
      await alice.established();
      await hears(lab, alice, SECOND_SAYS);
      const [incoming] = bob.calls;
      assert.ok(incoming);
      await lab.holds(() => incoming.heardTone(FIRST_SAYS) > ENOUGH, 'bob hears nothing');
      await alice.hangUp();
      await alice.ended();
      await noCallIsLeft(lab);
    });
  });
}

const pairs = [
  ['baresip', 'baresip'],
  ['baresip', 'linphonec'],
  ['linphonec', 'baresip'],
] as const;

for (const [caller, callee] of pairs) {
  const without = kinds[caller].without || kinds[callee].without;
  test(`${caller} calls ${callee}, and they hear each other`, { skip: without }, async t => {
    const lab = await Lab.start(t);
    const alice = await kinds[caller].start(lab, { user: 'alice', says: FIRST_SAYS });
    const bob = await kinds[callee].start(lab, { user: 'bob', says: SECOND_SAYS });
    assert.equal(await alice.registered(), 200);
    assert.equal(await bob.registered(), 200);
    await alice.call(`sip:bob@${lab.home}`);
    await bob.answer();
    await Promise.all([alice.established(), bob.established()]);
    await hears(lab, alice, SECOND_SAYS);
    await hears(lab, bob, FIRST_SAYS);
    await bob.hangUp();
    await Promise.all([alice.ended(), bob.ended()]);
    await noCallIsLeft(lab);
  });
}

test('over wire links with every function listening, the same', {
  skip: withoutBaresip || withoutLinphone,
}, async t => {
  const lab = await Lab.start(t, {
    settings: ['links=wire', ...['icscf', 'scscf', 'hss', 'as'].map(name => `${name}.listen=true`)],
  });
  const alice = await Linphone.start(lab, { user: 'alice', transport: 'tcp', says: FIRST_SAYS });
  const bob = await Baresip.start(lab, { user: 'bob', transport: 'tls', says: SECOND_SAYS });
  assert.equal(await alice.registered(), 200);
  assert.equal(await bob.registered(), 200);
  await bob.call(`sip:+15550100001@${lab.home}`);
  await alice.answer();
  await Promise.all([alice.established(), bob.established()]);
  await hears(lab, alice, SECOND_SAYS);
  await hears(lab, bob, FIRST_SAYS);
  await alice.hangUp();
  await Promise.all([alice.ended(), bob.ended()]);
  await noCallIsLeft(lab);
});

/** What requests of a method came from phones over. */
function linksOf(lab: Lab, method: string): readonly string[] {
  const links = lab.events.flatMap(event =>
    event.kind === 'message' && event.point === 'Gm' && event.message.summary().startsWith(method)
      ? [event.link]
      : [],
  );
  return [...new Set(links)];
}

async function noCallIsLeft(lab: Lab): Promise<void> {
  await lab.holds(
    () => lab.network.functions.scscf?.calls().length === 0,
    'the S-CSCF still lists a call',
  );
}
