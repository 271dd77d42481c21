import assert from 'node:assert/strict';
import { test } from 'node:test';
import { userTag } from './bindings.ts';
import { FlowTokens } from './flow-token.ts';

const user = userTag('001010000000001@ims.mnc001.mcc001.3gppnetwork.org');
const named = { flow: 'udp|[2001:db8::1]:5060|[2001:db8::7]:40000', user };

test('a token names the flow and the user it was made of, and fits a SIP user part', () => {
  const tokens = new FlowTokens(Buffer.alloc(32, 7));
  const token = tokens.sign(named);
  assert.match(token, /^[A-Za-z0-9_-]+$/);
  assert.deepEqual(tokens.read(token), named);
});

test('the longest flow there is fits into a token', () => {
  const tokens = new FlowTokens(Buffer.alloc(32, 7));
  const address = '[2001:0db8:ffff:ffff:ffff:ffff:255.255.255.255%eth10]:65535';
  const longest = { flow: `udp|${address}|${address}`, user };
  assert.deepEqual(tokens.read(tokens.sign(longest)), longest);
});

test('a token of another key, changed, cut or made up names nothing', () => {
  const tokens = new FlowTokens(Buffer.alloc(32, 7));
  const token = tokens.sign(named);
  const changed = token.slice(0, -4) + (token.at(-4) === 'A' ? 'B' : 'A') + token.slice(-3);
  const foreign = new FlowTokens(Buffer.alloc(32, 8)).sign(named);
  for (const forged of [foreign, changed, token.slice(0, 16), '', 'alice', 'A'.repeat(5000)]) {
    assert.equal(tokens.read(forged), undefined, forged);
  }
});

test("a user's tag gives nothing of his identity away", () => {
  assert.match(user, /^[A-Za-z0-9_-]{8}$/);
  assert.notEqual(user, userTag('001010000000002@ims.mnc001.mcc001.3gppnetwork.org'));
});
