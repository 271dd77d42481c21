import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InviteServerTransaction } from './invite-server.ts';
import { answer, reliable, runOut, sent, unreliable } from './testing.ts';

const invite = sent('INVITE');
const ack = sent('ACK');
const start = (config = unreliable) => new InviteServerTransaction(invite, config, 0);

test('a 100 goes out where the user says nothing for 200 ms', () => {
  const tx = start();
  assert.equal(tx.timers.next, 200);
  const [effect] = tx.expire(200);
  assert.equal(effect?.kind === 'send' && effect.message.status, 100);
  assert.deepEqual(tx.retransmitted(), [effect]);
  assert.deepEqual(tx.respond(answer(invite, 100), 300), []); // said already
});

test('the last provisional response answers each copy of the INVITE', () => {
  const tx = start();
  assert.deepEqual(tx.retransmitted(), []);
  const ringing = answer(invite, 180);
  tx.respond(ringing, 10);
  assert.deepEqual(tx.retransmitted(), [{ kind: 'send', message: ringing }]);
});

test('a refusal is repeated up to T2 apart until 64·T1, then the user is told', () => {
  const tx = start();
  const busy = answer(invite, 486);
  assert.deepEqual(tx.respond(busy, 0), [{ kind: 'send', message: busy }]);
  const seen = runOut(tx);
  assert.deepEqual(
    seen.map(({ at }) => at),
    [500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500, 32000],
  );
  assert.deepEqual(seen.at(-1)?.effect, { kind: 'terminate', reason: 'timeout' });
});

test('the ACK ends the repetition, and copies of it are absorbed for T4', () => {
  const tx = start();
  tx.respond(answer(invite, 486), 0);
  assert.deepEqual(tx.acknowledged(ack, 40), [{ kind: 'deliver', request: ack }]);
  assert.equal(tx.state, 'confirmed');
  assert.deepEqual(tx.acknowledged(ack, 50), []);
  assert.deepEqual(tx.retransmitted(), []);
  assert.deepEqual(runOut(tx), [{ at: 5040, effect: { kind: 'terminate', reason: 'done' } }]);
});

test('over a reliable link a refusal is sent once and its ACK ends all', () => {
  const tx = start(reliable);
  tx.respond(answer(invite, 486), 0);
  assert.equal(tx.timers.next, 32000);
  const kinds = tx.acknowledged(ack, 40).map(effect => effect.kind);
  assert.deepEqual(kinds, ['deliver', 'terminate']);
});

test('after a 2xx copies of the INVITE are absorbed, and further 2xx pass', () => {
  const tx = start();
  const ok = answer(invite, 200);
  tx.respond(ok, 10);
  assert.equal(tx.state, 'accepted');
  assert.deepEqual(tx.retransmitted(), []); // the UA core repeats it, RFC 6026 §7.1
  assert.deepEqual(tx.respond(ok, 510), [{ kind: 'send', message: ok }]);
  assert.deepEqual(tx.respond(answer(invite, 486), 520), []);
  assert.deepEqual(tx.acknowledged(ack, 530), [{ kind: 'deliver', request: ack }]);
  assert.deepEqual(runOut(tx), [{ at: 32010, effect: { kind: 'terminate', reason: 'done' } }]);
});

test('no response follows a final one', () => {
  const tx = start();
  tx.respond(answer(invite, 486), 0);
  assert.deepEqual(tx.respond(answer(invite, 200), 10), []);
  assert.deepEqual(tx.respond(answer(invite, 180), 10), []);
});

test('what nobody answers for ten minutes ends', () => {
  const seen = runOut(start());
  assert.deepEqual(seen.at(-1), {
    at: 600_000,
    effect: { kind: 'terminate', reason: 'timeout' },
  });
});
