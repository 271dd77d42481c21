import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NonInviteClientTransaction } from './non-invite-client.ts';
import { answer, reliable, runOut, sent, unreliable } from './testing.ts';

const options = sent('OPTIONS');
const start = (config = unreliable) => {
  const tx = new NonInviteClientTransaction(options, config);
  tx.start(0);
  return tx;
};

test('an unanswered request is sent eleven times in 64·T1, at most T2 apart', () => {
  const seen = runOut(start());
  assert.deepEqual(
    seen.map(({ at }) => at),
    [500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500, 32000],
  );
  assert.deepEqual(seen.at(-1)?.effect, { kind: 'terminate', reason: 'timeout' });
});

test('over a reliable link nothing is repeated', () => {
  assert.deepEqual(runOut(start(reliable)), [
    { at: 32000, effect: { kind: 'terminate', reason: 'timeout' } },
  ]);
});

test('a provisional response slows the repetition to T2', () => {
  const tx = start();
  tx.receive(answer(options, 100), 10);
  assert.deepEqual(
    runOut(tx).map(({ at }) => at),
    [500, 4500, 8500, 12500, 16500, 20500, 24500, 28500, 32000],
  );
});

test('the final response is delivered once and copies are absorbed for T4', () => {
  const tx = start();
  const ok = answer(options, 200);
  assert.deepEqual(tx.receive(ok, 10), [{ kind: 'deliver', response: ok }]);
  assert.deepEqual(tx.receive(ok, 20), []);
  assert.deepEqual(runOut(tx), [{ at: 5010, effect: { kind: 'terminate', reason: 'done' } }]);
});

test('over a reliable link the final response ends the transaction', () => {
  const tx = start(reliable);
  const ok = answer(options, 200);
  assert.deepEqual(tx.receive(ok, 10), [
    { kind: 'deliver', response: ok },
    { kind: 'terminate', reason: 'done' },
  ]);
  assert.equal(tx.timers.next, undefined);
});
