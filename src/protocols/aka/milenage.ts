// Milenage, the example algorithm set for f1, f1*, f2, f3, f4, f5 and f5* that USIMs and
// authentication centres share: TS 35.206. One AES-128 key schedule serves one vector.

import { createCipheriv } from 'node:crypto';
import { assert } from '#kernel/errors';

/** What a subscriber's card and the authentication centre both know. Octets: 16, 16. */
export interface SubscriberKey {
  readonly k: Uint8Array;
  readonly opc: Uint8Array;
}

/** Octets: 16, 6, 2. */
export interface Challenge {
  readonly rand: Uint8Array;
  readonly sqn: Uint8Array;
  readonly amf: Uint8Array;
}

/** f2, f3, f4, f5 and f5*: what follows from RAND alone. Octets: 8, 16, 16, 6, 6. */
export interface RandOutputs {
  readonly res: Uint8Array;
  readonly ck: Uint8Array;
  readonly ik: Uint8Array;
  readonly ak: Uint8Array;
  readonly akStar: Uint8Array;
}

/** f1 and f1*: 8 octets each. */
export interface MacOutputs {
  readonly macA: Uint8Array;
  readonly macS: Uint8Array;
}

/** A whole authentication vector; `autn` is SQN ⊕ AK ‖ AMF ‖ MAC-A (TS 33.102 §6.3.2). */
export interface Vector extends RandOutputs, MacOutputs {
  readonly autn: Uint8Array;
}

const BLOCK = 16;

// §4.1: the left rotation, in octets, and the constant of each of OUT1 to OUT5.
const ROTATION = [8, 0, 4, 8, 12] as const;
const CONSTANT = [0, 1, 2, 4, 8] as const;

/** OPc, the operator's constant bound to one K. §4.1, TS 35.205 §8.3 */
export function opcFrom(op: Uint8Array, k: Uint8Array): Uint8Array {
  checkLength('OP', op, BLOCK);
  return xor(aes(k)(op), op);
}

/** Every output for one challenge. §4.1 */
export function milenage(input: SubscriberKey & Challenge): Vector {
  const encrypt = aes(input.k);
  const temp = tempOf(encrypt, input);
  const blocks = new Uint8Array(5 * BLOCK);
  macInput(blocks, temp, input);
  randInputs(blocks.subarray(BLOCK), temp, input.opc);
  const out = unmask(encrypt(blocks), input.opc);
  const rand = randOutputs(out.subarray(BLOCK));
  const mac = macOutputs(out);
  return { ...rand, ...mac, autn: autnOf(input, rand.ak, mac.macA) };
}

/** f2 to f5*: what a card needs before it can read the SQN out of AUTN. */
export function fromRand(key: SubscriberKey, rand: Uint8Array): RandOutputs {
  const encrypt = aes(key.k);
  const blocks = new Uint8Array(4 * BLOCK);
  randInputs(blocks, tempOf(encrypt, { ...key, rand }), key.opc);
  return randOutputs(unmask(encrypt(blocks), key.opc));
}

/** f1 and f1* alone. */
export function macs(input: SubscriberKey & Challenge): MacOutputs {
  const encrypt = aes(input.k);
  const blocks = new Uint8Array(BLOCK);
  macInput(blocks, tempOf(encrypt, input), input);
  return macOutputs(unmask(encrypt(blocks), input.opc));
}

/** SQN ⊕ AK ‖ AMF ‖ MAC-A. */
function autnOf(challenge: Challenge, ak: Uint8Array, macA: Uint8Array): Uint8Array {
  const autn = new Uint8Array(BLOCK);
  autn.set(xor(challenge.sqn, ak));
  autn.set(challenge.amf, 6);
  autn.set(macA, 8);
  return autn;
}

/** Octet-wise exclusive or of equally long strings. */
export function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  const result = new Uint8Array(a.length);
  for (let i = 0; i < a.length; i++) result[i] = a[i]! ^ b[i]!;
  return result;
}

// TEMP = E[RAND ⊕ OPc]
function tempOf(encrypt: Encrypt, input: SubscriberKey & { rand: Uint8Array }): Uint8Array {
  checkLength('OPc', input.opc, BLOCK);
  checkLength('RAND', input.rand, BLOCK);
  return encrypt(xor(input.rand, input.opc));
}

// IN1 = SQN ‖ AMF ‖ SQN ‖ AMF; the block of OUT1 is TEMP ⊕ rot(IN1 ⊕ OPc, r1) ⊕ c1
function macInput(block: Uint8Array, temp: Uint8Array, input: SubscriberKey & Challenge): void {
  checkLength('SQN', input.sqn, 6);
  checkLength('AMF', input.amf, 2);
  for (let i = 0; i < BLOCK; i++) {
    const from = (i + ROTATION[0]) % BLOCK;
    const half = from % 8;
    const in1 = half < 6 ? input.sqn[half]! : input.amf[half - 6]!;
    block[i] = temp[i]! ^ in1 ^ input.opc[from]!;
  }
  block[BLOCK - 1]! ^= CONSTANT[0];
}

// The blocks of OUT2 to OUT5 are rot(TEMP ⊕ OPc, r) ⊕ c
function randInputs(blocks: Uint8Array, temp: Uint8Array, opc: Uint8Array): void {
  for (let n = 1; n < 5; n++) {
    const start = (n - 1) * BLOCK;
    for (let i = 0; i < BLOCK; i++) {
      const from = (i + ROTATION[n]!) % BLOCK;
      blocks[start + i] = temp[from]! ^ opc[from]!;
    }
    blocks[start + BLOCK - 1]! ^= CONSTANT[n]!;
  }
}

function unmask(blocks: Uint8Array, opc: Uint8Array): Uint8Array {
  const out = new Uint8Array(blocks.length);
  for (let i = 0; i < out.length; i++) out[i] = blocks[i]! ^ opc[i % BLOCK]!;
  return out;
}

function macOutputs(out1: Uint8Array): MacOutputs {
  return { macA: out1.slice(0, 8), macS: out1.slice(8, 16) };
}

function randOutputs(out2to5: Uint8Array): RandOutputs {
  return {
    ak: out2to5.slice(0, 6),
    res: out2to5.slice(8, 16),
    ck: out2to5.slice(16, 32),
    ik: out2to5.slice(32, 48),
    akStar: out2to5.slice(48, 54),
  };
}

type Encrypt = (blocks: Uint8Array) => Uint8Array;

/** AES-128 of each block by itself; one key schedule for all calls. */
function aes(k: Uint8Array): Encrypt {
  checkLength('K', k, BLOCK);
  const cipher = createCipheriv('aes-128-ecb', k, null);
  cipher.setAutoPadding(false);
  return blocks => cipher.update(blocks);
}

function checkLength(name: string, octets: Uint8Array, length: number): void {
  assert(octets.length === length, `${name} has ${octets.length} octets, not ${length}`);
}
