import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SipMessage } from './message.ts';
import { parseMessage } from './parse.ts';

const message = (start: string, ...lines: string[]): SipMessage =>
  parseMessage(Buffer.from([start, ...lines, 'l: 0', '', ''].join('\r\n'), 'latin1'));

test('a message is joined by its identities, its call and its charging id', () => {
  const invite = message(
    'INVITE tel:+1-555-0100002 SIP/2.0',
    'From: <sip:+15550100001@H.example;user=phone>;tag=1',
    'To: <tel:+15550100002>',
    'P-Asserted-Identity: "A" <sip:alice@h.example:5060>, <tel:+15550100001>',
    'Call-ID: c@h',
    'P-Charging-Vector: icid-value="i1";orig-ioi=h',
  );
  assert.deepEqual(invite.keys(), {
    impus: [
      'sip:+15550100001@h.example',
      'tel:+15550100002',
      'sip:alice@h.example',
      'tel:+15550100001',
    ],
    callId: 'c@h',
    icid: 'i1',
  });
  assert.equal(invite.keys(), invite.keys(), 'read once');
});

test('the private identity comes from the credentials, completed by the realm', () => {
  const register = (username: string): SipMessage =>
    message(
      'REGISTER sip:h.example SIP/2.0',
      'To: <sip:a@h.example>',
      `Authorization: Digest username="${username}", realm="h.example", response=""`,
    );
  assert.equal(register('alice').keys().impi, 'alice@h.example');
  assert.equal(register('alice@x').keys().impi, 'alice@x');
  assert.equal(register('').keys().impi, undefined);
  assert.deepEqual(
    register('alice').keys().impus,
    ['sip:a@h.example'],
    'the domain in the Request-URI is nobody',
  );
  const aka = register('001010000000001@ims.mnc001.mcc001.3gppnetwork.org').keys();
  assert.equal(aka.imsi, '001010000000001');
});

test('what is malformed joins nothing and breaks nothing', () => {
  const odd = message(
    'OPTIONS sip:b@h SIP/2.0',
    'From: "',
    'To: <',
    'Call-ID: a b',
    'P-Charging-Vector: x',
    'Authorization: "',
    'P-Asserted-Identity: ,"',
  );
  assert.deepEqual(odd.keys(), { impus: ['sip:b@h'] });
});
