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

test('where a UE is, it says itself; that the network says so, it may not', () => {
  const own = 'P-Access-Network-Info: 3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=001010001';
  assert.equal(withoutUntrusted(invite(own)).has(PAccessNetworkInfo), true);
  for (const claim of ['network-provided', ' Network-Provided ; x=y']) {
    const forged = invite(`${own};${claim}`);
    assert.deepEqual(untrusted(forged), ['P-Access-Network-Info'], claim);
    assert.equal(withoutUntrusted(forged).has(PAccessNetworkInfo), false, claim);
  }
});

test('a UE says nothing of the features of proxies, nor how well it is known', () => {
  const forged = invite(
    'Feature-Caps: *;+g.3gpp.srvcc',
    'Attestation-Info: A',
    'Origination-Id: 123e4567-e89b-12d3-a456-426655440000',
    'Additional-Identity: <sip:bob@home>',
    'Service-Interact-Info: x',
    'Response-Source: x',
  );
  assert.equal(untrusted(forged).length, 6);
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
