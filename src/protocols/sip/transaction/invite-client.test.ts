import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CSeq, Route, To, Via } from '../headers.ts';
import { addRaw } from '../message.ts';
import { InviteClientTransaction } from './invite-client.ts';
import { answer, reliable, runOut, sent, unreliable } from './testing.ts';

const invite = sent('INVITE');
const start = (config = unreliable) => {
  const tx = new InviteClientTransaction(invite, config);
  return { tx, first: tx.start(0) };
};

test('an unanswered INVITE is sent seven times in 64·T1, then times out', () => {
  const { tx, first } = start();
  const seen = runOut(tx);
  assert.deepEqual(first, [{ kind: 'send', message: invite }]);
  assert.deepEqual(
    seen.map(({ at }) => at),
    [500, 1500, 3500, 7500, 15500, 31500, 32000],
  );
  assert.deepEqual(seen.at(-1)?.effect, { kind: 'terminate', reason: 'timeout' });
  assert.equal(seen.filter(({ effect }) => effect.kind === 'send').length, 6);
});

test('over a reliable link nothing is repeated before the timeout', () => {
  const { tx } = start(reliable);
  assert.deepEqual(runOut(tx), [{ at: 32000, effect: { kind: 'terminate', reason: 'timeout' } }]);
});

test('a provisional response stops the repetition and the clock', () => {
  const { tx } = start();
  const ringing = answer(invite, 180);
  assert.deepEqual(tx.receive(ringing, 100), [{ kind: 'deliver', response: ringing }]);
  assert.equal(tx.state, 'proceeding');
  assert.equal(tx.timers.next, undefined);
  assert.deepEqual(tx.expire(99_000), []);
});

test('a refusal is acknowledged within the hop, and again for each copy', () => {
  const { tx } = start();
  const busy = answer(invite, 486);
  const effects = tx.receive(busy, 100);
  assert.deepEqual(
    effects.map(effect => effect.kind),
    ['send', 'deliver'],
  );
  const ack = effects[0]?.kind === 'send' ? effects[0].message : assert.fail();
  assert.equal(ack.method, 'ACK');
  assert.deepEqual(ack.get(CSeq), { sequence: 1, method: 'ACK' });
  assert.equal(ack.get(Via)?.params.get('branch'), 'z9hG4bKtest');
  assert.equal(ack.get(To)?.params.get('tag'), 'b1');
  assert.deepEqual(tx.receive(busy, 600), [{ kind: 'send', message: ack }]);
  assert.deepEqual(tx.receive(answer(invite, 200), 700), []);
  assert.deepEqual(runOut(tx), [{ at: 32100, effect: { kind: 'terminate', reason: 'done' } }]);
});

test('the ACK of a refusal takes the Route of its INVITE and only the topmost Via', () => {
  const via = 'SIP/2.0/UDP caller.test;branch=z9hG4bKother';
  const routed = invite.with(
    addRaw('Via', via),
    addRaw('Route', '<sip:a.test;lr>, <sip:b.test;lr>'),
  );
  const tx = new InviteClientTransaction(routed, unreliable);
  tx.start(0);
  const [first] = tx.receive(answer(routed, 404), 10);
  const ack = first?.kind === 'send' ? first.message : assert.fail();
  assert.equal(ack.all(Via).length, 1);
  assert.deepEqual(ack.raw('Route'), routed.raw('Route'));
  assert.equal(ack.all(Route).length, 2);
});

test('over a reliable link a refusal ends the transaction at once', () => {
  const { tx } = start(reliable);
  const kinds = tx.receive(answer(invite, 404), 10).map(effect => effect.kind);
  assert.deepEqual(kinds, ['send', 'deliver', 'terminate']);
  assert.equal(tx.state, 'terminated');
});

test('after a 2xx every further 2xx is delivered for 64·T1, for each wants an ACK', () => {
  const { tx } = start();
  const ok = answer(invite, 200);
  assert.deepEqual(tx.receive(ok, 10), [{ kind: 'deliver', response: ok }]);
  assert.deepEqual(tx.receive(ok, 510), [{ kind: 'deliver', response: ok }]);
  assert.deepEqual(tx.receive(answer(invite, 180), 520), []);
  assert.deepEqual(tx.receive(answer(invite, 486), 530), []);
  assert.deepEqual(runOut(tx), [{ at: 32010, effect: { kind: 'terminate', reason: 'done' } }]);
});

test('a link that fails ends the transaction once', () => {
  const { tx } = start();
  assert.deepEqual(tx.fail(), [{ kind: 'terminate', reason: 'transport' }]);
  assert.deepEqual(tx.fail(), []);
  assert.equal(tx.timers.next, undefined);
});

test('a timer that fires early or twice does nothing', () => {
  const { tx } = start();
  assert.deepEqual(tx.expire(499), []);
  assert.equal(tx.expire(500).length, 1);
  assert.deepEqual(tx.expire(500), []);
});
