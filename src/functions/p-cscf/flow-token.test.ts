import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FlowTokens } from './flow-token.ts';

const flow = 'udp|127.0.0.1:5060|[2001:db8::7]:40000';

test('a token names the flow it was made of, and fits a SIP user part', () => {
  const tokens = new FlowTokens(Buffer.alloc(32, 7));
  const token = tokens.sign(flow);
  assert.match(token, /^[A-Za-z0-9_-]+$/);
  assert.equal(tokens.read(token), flow);
});

test('a token of another key, changed, cut or made up names nothing', () => {
  const tokens = new FlowTokens(Buffer.alloc(32, 7));
  const token = tokens.sign(flow);
  const changed = token.slice(0, -4) + (token.at(-4) === 'A' ? 'B' : 'A') + token.slice(-3);
  const foreign = new FlowTokens(Buffer.alloc(32, 8)).sign(flow);
  for (const forged of [foreign, changed, token.slice(0, 16), '', 'alice', 'A'.repeat(5000)]) {
    assert.equal(tokens.read(forged), undefined, forged);
  }
});
