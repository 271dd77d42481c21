import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NonInviteServerTransaction } from './non-invite-server.ts';
import { answer, reliable, runOut, sent, unreliable } from './testing.ts';

const options = sent('OPTIONS');
const start = (config = unreliable) => new NonInviteServerTransaction(config, 0);

test('copies are absorbed until there is a response, and then get it', () => {
  const tx = start();
  assert.deepEqual(tx.retransmitted(), []);
  const trying = answer(options, 100);
  tx.respond(trying, 10);
  assert.deepEqual(tx.retransmitted(), [{ kind: 'send', message: trying }]);
  const ok = answer(options, 200);
  tx.respond(ok, 20);
  assert.deepEqual(tx.retransmitted(), [{ kind: 'send', message: ok }]);
  assert.deepEqual(runOut(tx), [{ at: 32020, effect: { kind: 'terminate', reason: 'done' } }]);
});

test('only the first final response counts', () => {
  const tx = start();
  tx.respond(answer(options, 200), 0);
  assert.deepEqual(tx.respond(answer(options, 500), 1), []);
});

test('over a reliable link the final response ends the transaction', () => {
  const tx = start(reliable);
  const kinds = tx.respond(answer(options, 200), 10).map(effect => effect.kind);
  assert.deepEqual(kinds, ['send', 'terminate']);
  assert.deepEqual(tx.retransmitted(), []);
});

test('what nobody answers ends after twice 64·T1', () => {
  assert.deepEqual(runOut(start()), [
    { at: 64_000, effect: { kind: 'terminate', reason: 'timeout' } },
  ]);
});
