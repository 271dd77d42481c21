import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PAccessNetworkInfo, PAssertedIdentity } from '#sip/headers';
import type { SipRequest } from '#sip/message';
import { parseMessage } from '#sip/parse';
import { privateEdits, untrusted, withoutUntrusted } from './trust.ts';

const invite = (...lines: string[]): SipRequest =>
  parseMessage(
    Buffer.from(
      [
        'INVITE sip:bob@home SIP/2.0',
        'Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1',
        'From: <sip:alice@home>;tag=1',
        'To: <sip:bob@home>',
        'Call-ID: 1',
        'CSeq: 1 INVITE',
        ...lines,
        '',
        '',
      ].join('\r\n'),
    ),
  ) as SipRequest;

test('what only the network asserts is taken out of what a UE sends, however it is spelled', () => {
  const forged = invite('p-asserted-identity: <sip:bob@home>', 'P-SERVED-USER: <sip:bob@home>');
  assert.deepEqual(untrusted(forged), ['P-Asserted-Identity', 'P-Served-User']);
  assert.deepEqual(untrusted(withoutUntrusted(forged)), []);
});

test('a UE is not told where the other party is', () => {
  const seen = invite('P-Access-Network-Info: 3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=001010001');
  assert.equal(seen.with(...privateEdits(seen)).has(PAccessNetworkInfo), false);
});

test('who withholds his identity is asserted to no UE; who does not, is', () => {
  const asserted = 'P-Asserted-Identity: <sip:alice@home>';
  for (const [privacy, shown] of [
    ['Privacy: id', false],
    ['Privacy: user;id', false],
    ['Privacy: none', true],
  ] as const) {
    const message = invite(asserted, privacy);
    assert.equal(message.with(...privateEdits(message)).has(PAssertedIdentity), shown, privacy);
  }
});
