// Which hash a registration is proved with: what the operator sets is what crosses every reference
// point. RFC 7616, RFC 8760 (digest), RFC 3310, RFC 4169 (AKA).

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AuthenticationInfo, Authorization, WwwAuthenticate } from '#sip/headers';
import { set } from '#sip/message';
import { withParams } from '#sip/params';
import { inLab, type Lab, type PhoneOptions, registers, seconds } from '../support/lab.ts';
import { requests } from '../support/tamper.ts';

const PASSWORD: PhoneOptions = { password: true };

/** The algorithms of the challenge on Gm, and the one that was answered. */
function algorithms(lab: Lab): [offered: string[], answered: string | null | undefined] {
  const offered = lab
    .response('p-cscf', 'alice', 401)
    .all(WwwAuthenticate)
    .map(({ params }) => params.get('algorithm') ?? 'none');
  const answered = lab.request('alice', 'p-cscf', 'REGISTER').get(Authorization);
  return [offered, answered?.params.get('algorithm')];
}

const cases: readonly [
  setting: string | undefined,
  phone: PhoneOptions,
  offered: string[],
  answered: string,
][] = [
  [undefined, PASSWORD, ['MD5'], 'MD5'],
  ['scscf.digest.algorithms=[SHA-256]', PASSWORD, ['SHA-256'], 'SHA-256'],
  ['scscf.digest.algorithms=[SHA-256, MD5]', PASSWORD, ['SHA-256', 'MD5'], 'SHA-256'],
  ['scscf.digest.algorithms=[MD5, SHA-256]', PASSWORD, ['MD5', 'SHA-256'], 'MD5'],
  [undefined, {}, ['AKAv1-MD5'], 'AKAv1-MD5'],
  ['scscf.aka.algorithms=[AKAv2-SHA-256]', {}, ['AKAv2-SHA-256'], 'AKAv2-SHA-256'],
  [
    'scscf.aka.algorithms=[AKAv2-SHA-256, AKAv1-MD5]',
    {},
    ['AKAv2-SHA-256', 'AKAv1-MD5'],
    'AKAv2-SHA-256',
  ],
  ['scscf.aka.algorithms=[AKAv2-MD5]', {}, ['AKAv2-MD5'], 'AKAv2-MD5'],
];

for (const [setting, options, offered, answered] of cases) {
  const who = options === PASSWORD ? 'a password' : 'a card';
  test(`with ${setting ?? 'no setting'} ${who} answers ${answered}, and again when it renews`, () =>
    inLab({ settings: setting === undefined ? [] : [setting] }, async lab => {
      const alice = await lab.ue('alice', { ...options, expires: seconds(120) });
      await registers(alice);
      assert.deepEqual(algorithms(lab), [offered, answered]);
      await lab.sleep(seconds(100)); // renewed at half its time
      await registers(alice);
      if (options === PASSWORD) {
        const proof = lab.response('p-cscf', 'alice', 200).get(AuthenticationInfo);
        const hash = proof?.params.get('rspauth') ?? '';
        assert.equal(hash.length, answered === 'MD5' ? 32 : 64); // the network's own proof
      }
      await lab.assertReached();
    }));
}

describe('a challenge of SHA-256 alone', () => {
  test('is not met by an answer that says MD5, be its password right', () =>
    inLab({ settings: ['scscf.digest.algorithms=[SHA-256]'] }, async lab => {
      const alice = await lab.ue('alice', {
        password: true,
        retry: false,
        tamper: requests('REGISTER', request => {
          const given = request.get(Authorization);
          if (given?.params.get('algorithm') !== 'SHA-256') return request;
          const params = withParams(given.params, { algorithm: 'MD5' });
          return request.with(set(Authorization, { ...given, params }));
        }),
      });
      const outcome = await alice.register();
      assert.notEqual(outcome.kind, 'registered');
      assert.deepEqual(lab.scscf.registrations(), []);
    }));
});

test('a card whose sequence is ahead resynchronises under AKAv2 as well', () =>
  inLab({ settings: ['scscf.aka.algorithms=[AKAv2-SHA-256]'] }, async lab => {
    const first = await lab.ue('alice');
    assert.ok(first.usim!.sequence.accept(5000 * 32 + 16));
    await registers(first);
    const auts = lab
      .sip('alice', 'p-cscf', 'REGISTER')
      .filter(register => register.get(Authorization)?.params.has('auts'));
    assert.equal(auts.length, 1);
  }));
