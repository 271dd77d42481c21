import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { vectors } from '../../../test/vectors.ts';
import { autsFor, resynchronise } from './auts.ts';
import { fromRand, vectorFor } from './functions.ts';
import { keccakF1600 } from './keccak.ts';
import { SequenceArray, sqnFrom, startingAt } from './sequence.ts';
import { topcFrom, tuakFromRand, tuakMacs } from './tuak.ts';
import { Usim } from './usim.ts';

type Set = Readonly<Record<string, string | number>>;
const read = (file: string): Set[] => JSON.parse(readFileSync(vectors(file), 'utf8'));
const octets = (value: string | number): Uint8Array =>
  Uint8Array.from(Buffer.from(String(value), 'hex'));
const hex = (value: Uint8Array): string => Buffer.from(value).toString('hex');

for (const { name, in: before, out } of read('crypto/keccak_f1600.json')) {
  test(`the permutation gives ${name}`, () => {
    const state = octets(before!);
    keccakF1600(state);
    assert.equal(hex(state), out);
  });
}

test('one permutation of a padded block is what SHAKE256 gives', () => {
  const state = new Uint8Array(200);
  const message = Uint8Array.from({ length: 96 }, (_, i) => (i * 37) % 256);
  state.set(message);
  state[96]! ^= 0x1f;
  state[135]! ^= 0x80;
  keccakF1600(state);
  const expected = createHash('shake256', { outputLength: 136 }).update(message).digest('hex');
  assert.equal(hex(state.subarray(0, 136)), expected);
});

// Sets of TS 35.232 leave two fields out: set 6 is the one of two iterations, and RES is as long as it is.
const keyOf = (set: Set) => ({
  k: octets(set.k!),
  topc: octets(set.topc!),
  iterations: Number(set.keccak_iterations ?? (set.id === 6 ? 2 : 1)),
  lengths: {
    ...(set.maclength === undefined ? {} : { mac: Number(set.maclength) }),
    res: octets(set.f2!).length * 8,
    ck: Number(set.cklength),
    ik: Number(set.iklength),
  },
});

const sets = read('crypto/tuak.json');

test('the vectors hold whole sets and sets of f2 to f5*', () => {
  assert.ok(sets.length >= 8);
  assert.ok(sets.some(set => set.f1 !== undefined && set.top !== undefined));
});

for (const set of sets) {
  test(`the functions give ${set.name}`, () => {
    const key = keyOf(set);
    const rand = octets(set.rand!);
    if (set.top !== undefined) {
      assert.equal(hex(topcFrom(octets(set.top), key.k, key.iterations)), set.topc);
    }
    const { res, ck, ik, ak, akStar } = tuakFromRand(key, rand);
    const outputs = { f2: hex(res), f3: hex(ck), f4: hex(ik), f5: hex(ak), f5_star: hex(akStar) };
    for (const [name, value] of Object.entries(outputs)) {
      if (set[name] !== undefined) assert.equal(value, set[name], name);
    }
    if (set.f1 === undefined) return;
    const { macA, macS } = tuakMacs({ ...key, rand, sqn: octets(set.sqn!), amf: octets(set.amf!) });
    assert.deepEqual([hex(macA), hex(macS)], [set.f1, set.f1_star]);
  });
}

const key = { k: new Uint8Array(32).fill(7), topc: new Uint8Array(32).fill(9) };
const challenge = {
  rand: new Uint8Array(16).fill(3),
  sqn: Uint8Array.from([0, 0, 0, 0, 1, 0]),
  amf: Uint8Array.from([0x80, 0]),
};

test('a card with TUAK takes a challenge of its network, and no other', () => {
  const { autn, res } = vectorFor({ ...key, ...challenge });
  const answer = new Usim(key).authenticate(challenge.rand, autn);
  assert.equal(answer.kind, 'success');
  assert.deepEqual(answer.kind === 'success' && hex(answer.res), hex(res));
  const other = vectorFor({ ...key, topc: new Uint8Array(32), ...challenge });
  assert.equal(new Usim(key).authenticate(challenge.rand, other.autn).kind, 'mac failure');
});

test('a card with TUAK that has seen more tells its network how far it is', () => {
  const sequence = new SequenceArray();
  sequence.accept(sqnFrom(Uint8Array.from([0, 0, 9, 0, 0, 0])));
  const auts = autsFor(key, challenge.rand, sequence.highest);
  const taken = resynchronise(key, startingAt(0), challenge.rand, auts);
  assert.equal(taken.kind, 'reset');
  assert.equal(taken.kind === 'reset' && taken.sqnMs, sequence.highest);
  assert.equal(fromRand(key, challenge.rand).res.length, 8);
});
