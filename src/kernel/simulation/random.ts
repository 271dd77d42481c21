// Chance from a seed: xoshiro128** (Blackman and Vigna), one independent stream per label, so that
// a host or a link more does not shift what the others draw.

import { createHash } from 'node:crypto';
import type { Random } from '../host.ts';

export class SeededRandom implements Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** The same seed and label give the same numbers; another label gives unrelated ones. */
  constructor(seed: number | string, label: string) {
    const digest = createHash('sha256').update(`${seed}\n${label}`).digest();
    this.#a = digest.readInt32LE(0);
    this.#b = digest.readInt32LE(4);
    this.#c = digest.readInt32LE(8);
    this.#d = digest.readInt32LE(12) | 1; // the all-zero state would stay zero for ever
  }

  /** The next 32 bits, as an unsigned integer. */
  word(): number {
    const product = Math.imul(this.#b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result;
  }

  fraction(): number {
    return this.word() / 0x1_0000_0000;
  }

  /** An integer from 0 to `limit` - 1. */
  below(limit: number): number {
    return Math.floor(this.fraction() * limit);
  }

  bytes(count: number): Uint8Array {
    const octets = new Uint8Array(count);
    for (let at = 0; at < count; at += 4) {
      let word = this.word();
      for (let octet = at; octet < at + 4 && octet < count; octet++) {
        octets[octet] = word & 0xff;
        word >>>= 8;
      }
    }
    return octets;
  }

  hex(count: number): string {
    let text = '';
    for (let left = count * 2; left > 0; left -= 8) {
      text += this.word().toString(16).padStart(8, '0').slice(0, Math.min(left, 8));
    }
    return text;
  }
}
