import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nameAddr, To } from '#sip/headers';
import { raw, set } from '#sip/message';
import { parseUri } from '#sip/uri';
import { Bench, digest, home, identitiesOf, marksOf } from './testing/bench.ts';

describe('integrity-protected (TS 24.229 §7.2A.2)', () => {
  for (const [transport, first, then] of [
    ['udp', 'ip-assoc-pending', 'ip-assoc-yes'],
    ['tcp', 'ip-assoc-pending', 'ip-assoc-yes'],
    ['ws', 'ip-assoc-pending', 'ip-assoc-yes'],
    ['tls', 'tls-pending', 'tls-yes'],
    ['wss', 'tls-pending', 'tls-yes'],
  ] as const) {
    test(`of digest over ${transport} is ${first}, and ${then} once registered`, async () => {
      const bench = await new Bench().start();
      const alice = await bench.phone('alice', transport);
      await alice.register(digest('alice'));
      await alice.register(digest('alice'));
      assert.deepEqual(marksOf(bench), [first, then]);
    });
  }

  test('of AKA without a security association is no', async () => {
    const bench = await new Bench().start();
    const alice = await bench.phone('alice');
    await alice.register(digest('alice', { algorithm: 'AKAv1-MD5' }));
    assert.deepEqual(marksOf(bench), ['no']);
  });

  test("is the P-CSCF's to say: what a UE writes is replaced, in every Authorization", async () => {
    const bench = await new Bench().start();
    const alice = await bench.phone('alice');
    await alice.register(digest('alice', { 'integrity-protected': 'yes', algorithm: 'AKAv1-MD5' }));
    await alice.register(
      raw(
        'Authorization',
        `Digest username="alice@${home}", realm="${home}", Integrity-Protected="yes", nonce="", uri="", response=""`,
      ),
    );
    assert.deepEqual(marksOf(bench), ['no', 'ip-assoc-yes']);
    assert.equal(bench.icscf.last('REGISTER').raw('Authorization').length, 1);
  });

  test('is absent where there are no credentials', async () => {
    const bench = await new Bench().start();
    await bench.registered('alice');
    assert.deepEqual(marksOf(bench), [undefined]);
  });

  test("is never another user's: the source of alice vouches for nobody else", async () => {
    const bench = await new Bench().start();
    const alice = await bench.phone('alice', 'tls');
    await alice.register(digest('alice'));
    await alice.register(digest('bob'), set(To, nameAddr(parseUri(identitiesOf('bob')[0]!))));
    assert.deepEqual(marksOf(bench), ['tls-pending', 'tls-pending']);
  });
});
