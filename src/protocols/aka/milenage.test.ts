import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { vectors } from '../../../test/vectors.ts';
import { autsFor, resynchronise } from './auts.ts';
import { fromRand, macs, milenage, opcFrom, xor } from './milenage.ts';
import { INDEXES, SequenceArray, seqOf, sqnFrom, startingAt } from './sequence.ts';
import { Usim } from './usim.ts';

type VectorSet = Readonly<Record<string, string>>;
const sets: VectorSet[] = JSON.parse(readFileSync(vectors('crypto/milenage.json'), 'utf8'));

const octets = (set: VectorSet, field: string): Uint8Array =>
  Uint8Array.from(Buffer.from(set[field]!, 'hex'));
const hex = (value: Uint8Array): string => Buffer.from(value).toString('hex');
const keyOf = (set: VectorSet) => ({ k: octets(set, 'K'), opc: octets(set, 'OPc') });

const conformance = sets.filter(set => set.AUTN !== undefined);
const resynchronisations = sets.filter(set => set.AUTS !== undefined);

test('every set of the vectors is of a kind that is read', () => {
  assert.ok(conformance.length >= 13);
  assert.ok(resynchronisations.length >= 1);
  assert.equal(conformance.length + resynchronisations.length, sets.length);
});

for (const set of conformance) {
  test(`the authentication centre computes ${set.name}`, () => {
    const { k } = keyOf(set);
    const opc = opcFrom(octets(set, 'OP'), k);
    assert.equal(hex(opc), set.OPc);
    const challenge = {
      rand: octets(set, 'RAND'),
      sqn: octets(set, 'SQN'),
      amf: octets(set, 'AMF'),
    };
    const vector = milenage({ k, opc, ...challenge });
    assert.deepEqual(
      {
        f1: hex(vector.macA),
        f1star: hex(vector.macS),
        f2: hex(vector.res),
        f3: hex(vector.ck),
        f4: hex(vector.ik),
        f5: hex(vector.ak),
        f5star: hex(vector.akStar),
        AUTN: hex(vector.autn),
      },
      Object.fromEntries(
        ['f1', 'f1star', 'f2', 'f3', 'f4', 'f5', 'f5star', 'AUTN'].map(f => [f, set[f]]),
      ),
    );
    assert.deepEqual(macs({ k, opc, ...challenge }), { macA: vector.macA, macS: vector.macS });
    const { macA: _, macS: __, autn: ___, ...rest } = vector;
    assert.deepEqual(fromRand({ k, opc }, challenge.rand), rest);
  });

  test(`the card reads the SQN out of AUTN and agrees on ${set.name}`, () => {
    const rand = octets(set, 'RAND');
    const autn = octets(set, 'AUTN');
    const { ak } = fromRand(keyOf(set), rand);
    assert.equal(hex(xor(autn.subarray(0, 6), ak)), set.SQN);
    // The sets' SQNs are random: a fresh card would find them too far ahead, so it starts near.
    const near = new Array<number>(INDEXES).fill(seqOf(sqnFrom(octets(set, 'SQN'))) - 1);
    const card = new Usim(keyOf(set), new SequenceArray(near));
    assert.deepEqual(card.authenticate(rand, autn), {
      kind: 'success',
      res: octets(set, 'f2'),
      ck: octets(set, 'f3'),
      ik: octets(set, 'f4'),
    });
  });
}

for (const set of resynchronisations) {
  test(`AUTS is made and taken: ${set.name}`, () => {
    const key = keyOf(set);
    const rand = octets(set, 'RAND');
    const sqnMs = sqnFrom(octets(set, 'SQN_MS'));
    assert.equal(hex(fromRand(key, rand).akStar), set.f5star);
    assert.equal(
      hex(macs({ ...key, rand, sqn: octets(set, 'SQN_MS'), amf: octets(set, 'AMF') }).macS),
      set.f1star,
    );
    assert.equal(hex(autsFor(key, rand, sqnMs)), set.AUTS);
    const taken = resynchronise(key, startingAt(0), rand, octets(set, 'AUTS'));
    assert.equal(taken.kind === 'mac failure' ? undefined : taken.sqnMs, sqnMs);
  });
}

test('a key or a challenge of the wrong length is our own mistake and is said to be', () => {
  const key = { k: new Uint8Array(16), opc: new Uint8Array(16) };
  assert.throws(() => opcFrom(new Uint8Array(15), key.k), /OP has 15 octets, not 16/);
  assert.throws(() => fromRand(key, new Uint8Array(17)), /RAND has 17 octets, not 16/);
  assert.throws(() => fromRand({ ...key, k: new Uint8Array(32) }, new Uint8Array(16)), /K has 32/);
});
