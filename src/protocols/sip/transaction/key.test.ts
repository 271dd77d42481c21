import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CSeq, Via, type ViaValue } from '../headers.ts';
import { prepend, raw, set } from '../message.ts';
import { someRequest } from '../testing/requests.ts';
import { serverKey } from './key.ts';

const via = (branch: string | undefined, host = 'client.test'): ViaValue => ({
  protocol: 'SIP/2.0',
  transport: 'UDP',
  host,
  port: undefined,
  params: new Map(branch === undefined ? [] : [['branch', branch]]),
});
const keyOf = (method: string, by: ViaValue, callId = 'c1') => {
  const request = someRequest(
    method,
    'sip:bob@home.test',
    raw('Call-ID', callId),
    set(CSeq, { sequence: 1, method }),
    prepend(Via, by),
  );
  return serverKey(request, by);
};

test('branch, sent-by and method tell transactions apart; an ACK has the key of its INVITE', () => {
  const invite = keyOf('INVITE', via('z9hG4bK1'));
  assert.equal(keyOf('ACK', via('z9hG4bK1')), invite);
  assert.equal(keyOf('INVITE', via('z9hG4bK1'), 'other'), invite);
  assert.notEqual(keyOf('CANCEL', via('z9hG4bK1')), invite);
  assert.notEqual(keyOf('INVITE', via('z9hG4bK2')), invite);
  assert.notEqual(keyOf('INVITE', via('z9hG4bK1', 'evil.test')), invite);
});

test('without the magic cookie the request itself tells: RFC 2543', () => {
  const invite = keyOf('INVITE', via('1'));
  assert.equal(keyOf('ACK', via('1')), invite);
  assert.notEqual(keyOf('INVITE', via('1'), 'other'), invite);
  assert.notEqual(keyOf('INVITE', via(undefined)), invite);
});
