import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Preconditions } from './preconditions.ts';
import { MediaDescription } from './session-description.ts';

const stream = (...attributes: string[]) =>
  new MediaDescription([
    { type: 'm', value: 'audio 40000 RTP/AVP 8', end: '\r\n' },
    ...attributes.map(value => ({ type: 'a', value, end: '\r\n' as const })),
  ]);

const bare = stream();
const written = (p: Preconditions, kind: 'offer' | 'answer') =>
  bare
    .with(...p.attributes(kind))
    .lines.slice(1)
    .map(l => l.value);

test('a call between two UEs that reserve: INVITE, 183, UPDATE, 200 (TS 24.229 §6.1)', () => {
  const caller = new Preconditions();
  const callee = new Preconditions({ reserved: 'none', local: 'mandatory', remote: 'none' });

  const offer = stream(...written(caller, 'offer'));
  assert.deepEqual(
    offer.lines.slice(1).map(l => l.value),
    [
      'curr:qos local none',
      'curr:qos remote none',
      'des:qos mandatory local sendrecv',
      'des:qos optional remote sendrecv',
    ],
  );
  callee.receive(offer);
  assert.equal(callee.peerUses, true);
  assert.equal(callee.met, false);

  const answer = stream(...written(callee, 'answer'));
  assert.deepEqual(
    answer.lines.slice(1).map(l => l.value),
    [
      'curr:qos local none',
      'curr:qos remote none',
      'des:qos mandatory local sendrecv',
      'des:qos mandatory remote sendrecv',
      'conf:qos remote sendrecv',
    ],
  );
  caller.receive(answer);
  assert.equal(caller.owesConfirmation, false);
  caller.reserve('sendrecv');
  assert.equal(caller.owesConfirmation, true);

  callee.reserve('sendrecv');
  assert.equal(callee.met, false, 'the caller has not told of its resources yet');
  callee.receive(stream(...written(caller, 'offer')));
  assert.equal(callee.met, true);
  assert.equal(caller.owesConfirmation, false, 'told once');
  caller.receive(stream(...written(callee, 'answer')));
  assert.equal(caller.met, true);
  assert.equal(caller.remoteReserved, 'sendrecv');
});

test('send and recv turn round between the two ends', () => {
  const p = new Preconditions({ reserved: 'none', local: 'none', remote: 'none' });
  p.receive(stream('curr:qos local send', 'des:qos mandatory local send', 'conf:qos remote recv'));
  assert.equal(p.remoteReserved, 'recv');
  assert.deepEqual(written(p, 'answer').slice(2), [
    'des:qos none local sendrecv',
    'des:qos none remote send',
    'des:qos mandatory remote recv',
  ]);
  assert.equal(p.met, true);
  p.reserve('send');
  assert.equal(p.owesConfirmation, true);
});

test('an answerer raises a strength and never lowers it', () => {
  const p = new Preconditions();
  p.receive(stream('curr:qos local none', 'des:qos none remote sendrecv'));
  assert.ok(written(p, 'offer').includes('des:qos mandatory local sendrecv'));
});

test('a peer without preconditions is known by its silence', () => {
  const p = new Preconditions();
  p.receive(bare);
  assert.equal(p.peerUses, false);
});

test('failure, unknown and kinds we do not have are refusals (580)', () => {
  for (const lines of [
    ['des:qos failure local sendrecv'],
    ['des:qos unknown remote sendrecv'],
    ['des:qos mandatory e2e sendrecv'],
    ['des:sec mandatory local sendrecv'],
  ]) {
    const p = new Preconditions({ reserved: 'sendrecv', local: 'none', remote: 'none' });
    p.receive(stream(...lines));
    assert.ok(p.refused !== undefined, lines[0]);
    assert.equal(p.met, false);
  }
  const optional = new Preconditions({ reserved: 'sendrecv', local: 'none', remote: 'none' });
  optional.receive(stream('des:sec optional local sendrecv', 'des:qos', 'curr:', 'conf:qos x y'));
  assert.equal(optional.refused, undefined);
});
