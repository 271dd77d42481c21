// Whom the callee sees: the identity that the network vouches for, whatever a UE claims; and nobody,
// where the caller asks so. TS 24.229 §5.2.6.3.2A, §5.2.6.4; RFC 3325; TS 24.607.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  From,
  nameAddr,
  PAccessNetworkInfo,
  PAssertedIdentity,
  PPreferredIdentity,
  PServedUser,
} from '#sip/headers';
import { raw, type SipRequest, SipResponse, set } from '#sip/message';
import { impuOf, parseUri } from '#sip/uri';
import { inLab, type Lab, registers, ringing, seconds } from '../support/lab.ts';
import { requests } from '../support/tamper.ts';

/** What a liar writes into an INVITE to be taken for bob. */
const CLAIMS: Readonly<Record<string, (bob: string, request: SipRequest) => SipRequest>> = {
  'P-Preferred-Identity': (bob, request) =>
    request.with(set(PPreferredIdentity, nameAddr(parseUri(bob)))),
  'P-Asserted-Identity': (bob, request) =>
    request.with(set(PAssertedIdentity, nameAddr(parseUri(bob)))),
  From: (bob, request) => {
    const { params } = request.get(From)!;
    return request.with(set(From, { displayName: 'Bob', uri: parseUri(bob), params }));
  },
  'P-Served-User': (bob, request) => request.with(set(PServedUser, nameAddr(parseUri(bob)))),
  'P-Asserted-Identity in capitals and with a space before the colon': (bob, request) =>
    request.with(raw('P-ASSERTED-IDENTITY', `<${bob}>`)),
};

describe('a caller who claims to be somebody else', () => {
  for (const [header, claim] of Object.entries(CLAIMS)) {
    test(`by ${header}: the callee still sees who it is`, () =>
      inLab({}, async lab => {
        const bob = lab.impu('bob');
        const lie = requests('INVITE', request => claim(bob, request));
        const alice = await lab.ue('alice', { tamper: lie });
        await registers(alice);
        const [, carol] = await lab.registered('bob', 'carol');
        const rings = ringing(carol);
        await alice.call('carol');
        const { peer } = await rings.call;
        assert.deepEqual([peer.asserted, peer.uri], [true, lab.impu('alice')]);
        const invite = lab.request('p-cscf', 'carol', 'INVITE');
        const vouched = invite.all(PAssertedIdentity).map(({ uri }) => impuOf(uri));
        assert.deepEqual(vouched, [lab.impu('alice'), `tel:${lab.number('alice')}`]);
        assert.ok(!invite.has(PServedUser) && !invite.has(PPreferredIdentity));
      }));
  }
});

describe('a caller who withholds his identity', () => {
  test('is nobody to the callee, in every header the callee sees', () =>
    inLab({}, async lab => {
      const [alice, bob] = await lab.registered('alice', 'bob');
      const rings = ringing(bob);
      await alice.call('bob', { anonymous: true });
      const { peer } = await rings.call;
      assert.deepEqual([peer.asserted, peer.uri], [false, 'sip:anonymous@anonymous.invalid']);
      const invite = Buffer.from(lab.request('p-cscf', 'bob', 'INVITE').encode()).toString();
      for (const trace of identitiesOf(lab, 'alice')) assert.ok(!invite.includes(trace), invite);
    }));

  test('is known to the network, which may have to find him', () =>
    inLab({}, async lab => {
      const [alice, bob] = await lab.registered('alice', 'bob');
      const rings = ringing(bob);
      await alice.call('bob', { anonymous: true });
      await rings.call;
      const [call] = lab.scscf.calls();
      assert.equal(call?.caller, lab.impu('alice'));
    }));
});

describe('where somebody is', () => {
  test('is told to the network, and to nobody he talks to', () =>
    inLab({}, async lab => {
      const [alice, bob] = await lab.registered('alice', 'bob');
      const { out } = await lab.connect(alice, bob);
      await out.hangup();
      await lab.sleep(seconds(1));
      assert.ok(lab.request('p-cscf', 's-cscf', 'INVITE').has(PAccessNetworkInfo));
      for (const phone of ['alice', 'bob']) {
        const received = lab.sip('p-cscf', phone, '');
        assert.ok(received.length > 5);
        assert.ok(received.every(message => !message.has(PAccessNetworkInfo)));
      }
    }));
});

describe('the callee', () => {
  test('is vouched for towards the caller, by the identity that was called', () =>
    inLab({}, async lab => {
      const [alice, bob] = await lab.registered('alice', 'bob');
      const { out } = await lab.connect(alice, bob);
      assert.deepEqual([out.peer.asserted, out.peer.uri], [true, `sip:bob@${lab.home}`]);
    }));

  test('cannot pass for another by what it answers', () =>
    inLab({}, async lab => {
      const [alice] = await lab.registered('alice');
      const carol = nameAddr(parseUri(lab.impu('carol')));
      const bob = await lab.ue('bob', {
        tamper: message =>
          message instanceof SipResponse ? message.with(set(PAssertedIdentity, carol)) : message,
      });
      await registers(bob);
      const { out } = await lab.connect(alice, bob);
      assert.equal(out.peer.uri, `sip:bob@${lab.home}`);
    }));
});

/** Every way to write who somebody is. */
function identitiesOf(lab: Lab, name: string): readonly string[] {
  const { imsi, msisdn } = lab.subscriber(name);
  return [imsi, msisdn!, `${name}@${lab.home}`];
}
