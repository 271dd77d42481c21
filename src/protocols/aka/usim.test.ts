import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resynchronise } from './auts.ts';
import { milenage, opcFrom, type SubscriberKey } from './milenage.ts';
import {
  DELTA,
  type HeSequence,
  nextSqn,
  sqnFrom,
  sqnOctets,
  sqnOf,
  startingAt,
} from './sequence.ts';
import { Usim } from './usim.ts';

const key: SubscriberKey = {
  k: Buffer.from('465b5ce8b199b49faa5f0a2ee238a6bc', 'hex'),
  opc: Buffer.from('cd63cb71954a9f4e48a5994e37a02baf', 'hex'),
};
const amf = Buffer.from('8000', 'hex');
const rand = (n: number): Uint8Array => new Uint8Array(16).fill(n);

const vector = (n: number, sqn: number, of = key) =>
  milenage({ ...of, rand: rand(n), sqn: sqnOctets(sqn), amf });

test('a fresh challenge of the home network gives RES, CK and IK', () => {
  const { autn, res, ck, ik } = vector(1, sqnOf(1, 16));
  const answer = new Usim(key).authenticate(rand(1), autn);
  assert.deepEqual(answer, { kind: 'success', res, ck, ik });
});

test('a challenge made with another K, or changed on the way, is a MAC failure', () => {
  const other = { k: Buffer.alloc(16, 1), opc: opcFrom(Buffer.alloc(16), Buffer.alloc(16, 1)) };
  const usim = new Usim(key);
  assert.deepEqual(usim.authenticate(rand(1), vector(1, 33, other).autn), { kind: 'mac failure' });
  const { autn } = vector(1, 33);
  for (let octet = 0; octet < 16; octet++) {
    const changed = Uint8Array.from(autn);
    changed[octet]! ^= 0x01;
    assert.deepEqual(usim.authenticate(rand(1), changed), { kind: 'mac failure' }, `${octet}`);
  }
  assert.equal(usim.authenticate(rand(1), autn).kind, 'success');
});

test('a challenge used twice is answered with AUTS that tells the highest SQN', () => {
  const usim = new Usim(key);
  usim.authenticate(rand(1), vector(1, sqnOf(9, 16)).autn);
  const again = usim.authenticate(rand(1), vector(1, sqnOf(9, 16)).autn);
  assert.equal(again.kind, 'synchronisation failure');
  const auts = again.kind === 'synchronisation failure' ? again.auts : new Uint8Array();
  assert.equal(auts.length, 14);
  const taken = resynchronise(key, startingAt(0), rand(1), auts);
  assert.deepEqual(taken.kind !== 'mac failure' && taken.sqnMs, sqnOf(9, 16));
});

/** What card and centre do until they agree; gives the kinds of answer on the way. */
function authenticateUntilDone(usim: Usim, start: HeSequence): string[] {
  const seen: string[] = [];
  let state = start;
  for (let n = 1; n <= 3; n++) {
    const next = nextSqn(state, 'ims', 's-cscf')!;
    state = next.state;
    const answer = usim.authenticate(rand(n), vector(n, next.sqn).autn);
    seen.push(answer.kind);
    if (answer.kind !== 'synchronisation failure') break;
    const taken = resynchronise(key, state, rand(n), answer.auts);
    seen.push(taken.kind);
    if (taken.kind === 'reset') state = taken.state;
  }
  return seen;
}

test('a centre that fell behind finds its way back in one round', () => {
  const usim = new Usim(key);
  usim.authenticate(rand(7), vector(7, sqnOf(5000, 16)).autn);
  assert.deepEqual(authenticateUntilDone(usim, startingAt(sqnOf(10, 0))), [
    'synchronisation failure',
    'reset',
    'success',
  ]);
});

test('a centre that ran away by more than delta comes back too', () => {
  assert.deepEqual(authenticateUntilDone(new Usim(key), startingAt(sqnOf(DELTA * 3, 0))), [
    'synchronisation failure',
    'reset',
    'success',
  ]);
});

test('an old AUTS played again does not turn the counter back', () => {
  const usim = new Usim(key);
  usim.authenticate(rand(1), vector(1, sqnOf(3, 16)).autn);
  const old = usim.authenticate(rand(1), vector(1, sqnOf(3, 16)).autn);
  assert.equal(old.kind, 'synchronisation failure');
  if (old.kind !== 'synchronisation failure') return;
  const state: HeSequence = { seq: 500, requesters: [] };
  assert.deepEqual(resynchronise(key, state, rand(1), old.auts), {
    kind: 'in range',
    sqnMs: sqnOf(3, 16),
  });
});

test('an AUTS that the card did not make, or made for another RAND, is refused', () => {
  const usim = new Usim(key);
  usim.authenticate(rand(1), vector(1, sqnOf(3, 16)).autn);
  const answer = usim.authenticate(rand(1), vector(1, sqnOf(3, 16)).autn);
  assert.equal(answer.kind, 'synchronisation failure');
  if (answer.kind !== 'synchronisation failure') return;
  const state = startingAt(sqnFrom(new Uint8Array(6)));
  assert.equal(resynchronise(key, state, rand(2), answer.auts).kind, 'mac failure');
  for (let octet = 0; octet < 14; octet++) {
    const changed: Uint8Array = Uint8Array.from(answer.auts);
    changed[octet]! ^= 0x80;
    assert.equal(resynchronise(key, state, rand(1), changed).kind, 'mac failure', `${octet}`);
  }
});
