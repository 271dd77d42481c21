// TUAK, the algorithm set beside Milenage: f1, f1*, f2, f3, f4, f5 and f5* made of Keccak-f[1600].
// TS 35.231 §6 and §7.

import { assert } from '#kernel/errors';
import { keccakF1600, STATE } from './keccak.ts';
import type { Challenge, MacOutputs, RandOutputs } from './milenage.ts';

/** What card and authentication centre both know. Octets: 16 or 32, 32. */
export interface TuakKey {
  readonly k: Uint8Array;
  readonly topc: Uint8Array;
  readonly lengths?: TuakLengths;
  /** Applications of Keccak for one output. Default 1. §7.1 */
  readonly iterations?: number;
}

/** In bits, §5.2. AKA carries a MAC of 64 always, IMS and EPS keys of 128 (TS 33.102, TS 33.401). */
export interface TuakLengths {
  /** 64, 128, 256. Default 64. */
  readonly mac?: number;
  /** 32, 64, 128, 256. Default 64. */
  readonly res?: number;
  /** 128, 256. Default 128. */
  readonly ck?: number;
  readonly ik?: number;
}

const TOP = 32;
const ALGORITHM = Buffer.from('TUAK1.0', 'latin1');

// Where the parts stand in the input block, in octets. §6.2
const AT = { instance: 32, name: 33, rand: 40, amf: 56, sqn: 58, k: 64, padding: 96, end: 135 };
// And in the output. §6.4 to §6.7
const OUT = { first: 0, ck: 32, ik: 64, ak: 96 };

/** INSTANCE, §6.3 to §6.7: which function it is; lengths and the key's are added. */
const INSTANCE = { topc: 0x00, f1: 0x00, f1Star: 0x80, f2345: 0x40, f5Star: 0xc0 };
const LENGTH_BITS: Readonly<Record<number, number>> = { 32: 0, 64: 0x08, 128: 0x10, 256: 0x20 };

/** TOPc, the operator's constant bound to one K. §6.3 */
export function topcFrom(top: Uint8Array, k: Uint8Array, iterations = 1): Uint8Array {
  const out = run({ k, topc: top, iterations }, INSTANCE.topc, {});
  return part(out, OUT.first, TOP * 8);
}

/** f1 and f1*. §6.4, §6.5 */
export function tuakMacs(input: TuakKey & Challenge): MacOutputs {
  const length = input.lengths?.mac ?? 64;
  const bits = bitsOf('MAC', length, 64);
  const mac = (instance: number): Uint8Array =>
    part(run(input, instance | bits, input), OUT.first, length);
  return { macA: mac(INSTANCE.f1), macS: mac(INSTANCE.f1Star) };
}

/** f2 to f5 in one run, and f5*. §6.6, §6.7 */
export function tuakFromRand(key: TuakKey, rand: Uint8Array): RandOutputs {
  const { res = 64, ck = 128, ik = 128 } = key.lengths ?? {};
  const keys = (keyBits(ck) ? 0x04 : 0) | (keyBits(ik) ? 0x02 : 0);
  const out = run(key, INSTANCE.f2345 | bitsOf('RES', res, 32) | keys, { rand });
  return {
    res: part(out, OUT.first, res),
    ck: part(out, OUT.ck, ck),
    ik: part(out, OUT.ik, ik),
    ak: part(out, OUT.ak, 48),
    akStar: part(run(key, INSTANCE.f5Star, { rand }), OUT.ak, 48),
  };
}

function run(key: TuakKey, instance: number, input: Partial<Challenge>): Uint8Array {
  const { k, topc, iterations = 1 } = key;
  assert(k.length === 16 || k.length === 32, `K has ${k.length} octets, not 16 or 32`);
  assert(topc.length === TOP, `TOPc has ${topc.length} octets, not ${TOP}`);
  const block = new Uint8Array(STATE);
  put(block, 0, topc);
  block[AT.instance] = instance | (k.length === 32 ? 1 : 0);
  put(block, AT.name, ALGORITHM);
  if (input.rand !== undefined) put(block, AT.rand, input.rand);
  if (input.amf !== undefined) put(block, AT.amf, input.amf);
  if (input.sqn !== undefined) put(block, AT.sqn, input.sqn);
  put(block, AT.k, k);
  block[AT.padding] = 0x1f;
  block[AT.end] = 0x80;
  for (let i = 0; i < iterations; i++) keccakF1600(block);
  return block;
}

// Strings stand there with their last bit first, §6.2.
function put(block: Uint8Array, at: number, octets: Uint8Array): void {
  for (let i = 0; i < octets.length; i++) block[at + i] = octets[octets.length - 1 - i]!;
}

const part = (out: Uint8Array, at: number, bits: number): Uint8Array =>
  out.slice(at, at + bits / 8).reverse();

function bitsOf(name: string, length: number, least: number): number {
  const bits = LENGTH_BITS[length];
  assert(bits !== undefined && length >= least, `${name} of ${length} bits is none of TUAK's`);
  return bits;
}

function keyBits(length: number): boolean {
  assert(length === 128 || length === 256, `a key of ${length} bits is none of TUAK's`);
  return length === 256;
}
