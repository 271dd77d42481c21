// Flows that are kept (RFC 5626) and devices that have a name (RFC 5627), over the whole network.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Contact, FlowTimer, Path, PCalledPartyId, Require } from '#sip/headers';
import { isSipUri, uriText } from '#sip/uri';
import { inLab, registers, ringing, seconds } from '../support/lab.ts';

describe('a phone that does outbound and asks for a GRUU', () => {
  test('is told that its flow is kept, how often to show life, and its name', () =>
    inLab({}, async lab => {
      const alice = await lab.ue('alice', { transport: 'tcp' });
      await registers(alice);
      const register = lab.request('p-cscf', 'i-cscf', 'REGISTER');
      const hop = register.all(Path)[0]!.uri;
      assert.ok(isSipUri(hop) && hop.params.has('ob'));
      assert.equal(register.get(Contact)!.params.get('reg-id'), '1');
      const ok = lab.response('p-cscf', 'alice', 200);
      assert.deepEqual(ok.all(Require), ['outbound']);
      assert.equal(ok.get(FlowTimer), 120);
      const gruu = ok.get(Contact)!.params.get('pub-gruu');
      assert.equal(gruu, `${alice.registered!.impu};gr=${alice.config.instance}`);
    }));

  test('is known by that name in a call, and reached by it in the call and outside', () =>
    inLab({}, async lab => {
      const [alice, bob] = await lab.registered('alice', 'bob');
      const rings = ringing(bob);
      const call = await alice.call('bob');
      const incoming = await rings.call;
      await incoming.answer();
      assert.equal((await call.answered).kind, 'answered');
      const { uri } = lab.request('alice', 'p-cscf', 'INVITE').get(Contact)!;
      assert.ok(isSipUri(uri) && uri.params.get('gr') === alice.config.instance);

      await incoming.hangup(); // the BYE's target is her GRUU
      await call.ended;
      assert.equal(uriText(lab.request('bob', 'p-cscf', 'BYE').uri), uriText(uri));
      const contact = lab.request('p-cscf', 'alice', 'BYE').uri;
      assert.ok(isSipUri(contact) && !contact.params.has('gr'));

      const outcome = await bob.message(uriText(uri), 'to this phone');
      assert.equal(outcome.kind, 'delivered');
      const message = lab.request('p-cscf', 'alice', 'MESSAGE');
      assert.equal(uriText(message.get(PCalledPartyId)!.uri), uriText(uri));
      await lab.assertNothingLeft();
    }));

  test('does not tell its name where its user withholds his, nor does it later in that call', () =>
    inLab({}, async lab => {
      const [alice, bob] = await lab.registered('alice', 'bob');
      const rings = ringing(bob);
      const call = await alice.call('bob', { anonymous: true });
      const incoming = await rings.call;
      await incoming.answer();
      await call.answered;
      const { uri: shown } = lab.request('p-cscf', 'bob', 'INVITE').get(Contact)!;
      assert.match(uriText(shown), /^sip:tgruu\.[\w-]+@[^;]+;gr$/);
      await incoming.hangup();
      await call.ended;
      assert.equal(uriText(lab.request('bob', 'p-cscf', 'BYE').uri), uriText(shown));
      const contact = lab.request('p-cscf', 'alice', 'BYE').uri;
      assert.ok(isSipUri(contact) && !contact.params.has('gr'));
      for (const message of lab.sip('p-cscf', 'bob', '')) {
        const text = Buffer.from(message.encode()).toString();
        assert.ok(!text.includes(alice.config.instance), text);
      }
      const back = await bob.message(uriText(shown), 'whoever you are');
      assert.equal(back.kind, 'delivered');
      assert.equal((await alice.message('bob', 'it is me')).kind, 'delivered');
      const next = ringing(bob);
      await alice.call('bob');
      await next.call;
      const { uri } = lab.request('p-cscf', 'bob', 'INVITE').get(Contact)!;
      assert.ok(isSipUri(uri) && uri.params.has('gr'));
    }));

  test('whose connection broke is reached again at once, over the new flow', () =>
    inLab({}, async lab => {
      const alice = await lab.ue('alice', { transport: 'tcp' });
      await registers(alice);
      const [bob] = await lab.registered('bob');
      lab.simulation.link('alice', 'p-cscf').partitioned = true;
      await lab.sleep(seconds(200));
      lab.simulation.link('alice', 'p-cscf').partitioned = false;
      await lab.sleep(seconds(200));
      assert.equal((await bob.message(alice.registered!.impu, 'there?')).kind, 'delivered');
      assert.equal(lab.scscf.registration(alice.registered!.impu)?.contacts.length, 1);
    }));
});

test('a phone that wants neither is called by its address', () =>
  inLab({}, async lab => {
    const alice = await lab.ue('alice', { outbound: false, gruu: false });
    await registers(alice);
    const register = lab.request('p-cscf', 'i-cscf', 'REGISTER');
    assert.equal(register.get(Contact)!.params.has('reg-id'), false);
    const ok = lab.response('p-cscf', 'alice', 200);
    assert.equal(ok.has(Require), false);
    assert.equal(ok.get(Contact)!.params.has('pub-gruu'), false);
  }));
