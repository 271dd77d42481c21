// The permutation Keccak-f[1600], which TUAK is made of: FIPS 202 §3, TS 35.231 annex B. Lanes of 64
// bits are kept as two halves, because numbers of JavaScript have 32 bits where they are fast.

import { assert } from '#kernel/errors';

/** Octets of the state. */
export const STATE = 200;

const LANES = 25;

// ρ and π in one walk: lane 1 goes to lane 10, that one to 7 and so on, each turned further.
const PI = [
  10, 7, 11, 17, 18, 3, 5, 16, 8, 21, 24, 4, 15, 23, 19, 13, 12, 2, 20, 14, 22, 9, 6, 1,
] as const;
const RHO = [
  1, 3, 6, 10, 15, 21, 28, 36, 45, 55, 2, 14, 27, 41, 56, 8, 25, 43, 62, 18, 39, 61, 20, 44,
] as const;

/** Low and high halves of the round constants, by the register of FIPS 202 §3.2.5. */
const ROUNDS: readonly (readonly [low: number, high: number])[] = roundConstants();

function roundConstants(): [number, number][] {
  let register = 1;
  return Array.from({ length: 24 }, () => {
    let [low, high] = [0, 0];
    for (let j = 0; j < 7; j++) {
      const bit = (1 << j) - 1;
      if ((register & 1) !== 0) {
        if (bit < 32) low |= 1 << bit;
        else high |= 1 << (bit - 32);
      }
      register = (register << 1) ^ ((register >> 7) * 0x171);
    }
    return [low, high];
  });
}

/** One application of the permutation to 200 octets, in place. */
export function keccakF1600(state: Uint8Array): void {
  assert(state.length === STATE, `a state of Keccak-f[1600] has ${STATE} octets`);
  const view = new DataView(state.buffer, state.byteOffset, STATE);
  const [low, high] = [new Int32Array(LANES), new Int32Array(LANES)];
  for (let i = 0; i < LANES; i++) {
    low[i] = view.getInt32(8 * i, true);
    high[i] = view.getInt32(8 * i + 4, true);
  }
  const [c, d] = [new Int32Array(5), new Int32Array(5)];
  for (const [roundLow, roundHigh] of ROUNDS) {
    theta(low, high, c, d);
    rhoPi(low, high);
    chi(low, c);
    chi(high, c);
    low[0]! ^= roundLow;
    high[0]! ^= roundHigh;
  }
  for (let i = 0; i < LANES; i++) {
    view.setInt32(8 * i, low[i]!, true);
    view.setInt32(8 * i + 4, high[i]!, true);
  }
}

function theta(low: Int32Array, high: Int32Array, c: Int32Array, d: Int32Array): void {
  for (let x = 0; x < 5; x++) {
    c[x] = low[x]! ^ low[x + 5]! ^ low[x + 10]! ^ low[x + 15]! ^ low[x + 20]!;
    d[x] = high[x]! ^ high[x + 5]! ^ high[x + 10]! ^ high[x + 15]! ^ high[x + 20]!;
  }
  for (let x = 0; x < 5; x++) {
    const [before, after] = [(x + 4) % 5, (x + 1) % 5];
    const lowMix = c[before]! ^ ((c[after]! << 1) | (d[after]! >>> 31));
    const highMix = d[before]! ^ ((d[after]! << 1) | (c[after]! >>> 31));
    for (let i = x; i < LANES; i += 5) {
      low[i]! ^= lowMix;
      high[i]! ^= highMix;
    }
  }
}

function rhoPi(low: Int32Array, high: Int32Array): void {
  let [movedLow, movedHigh] = [low[1]!, high[1]!];
  for (let i = 0; i < 24; i++) {
    const [to, turn] = [PI[i]!, RHO[i]!];
    const [nextLow, nextHigh] = [low[to]!, high[to]!];
    // Turned by 32 or more, the halves change places.
    const [a, b] = turn < 32 ? [movedLow, movedHigh] : [movedHigh, movedLow];
    const rest = turn % 32;
    low[to] = (a << rest) | (b >>> (32 - rest));
    high[to] = (b << rest) | (a >>> (32 - rest));
    [movedLow, movedHigh] = [nextLow, nextHigh];
  }
}

function chi(half: Int32Array, row: Int32Array): void {
  for (let y = 0; y < LANES; y += 5) {
    for (let x = 0; x < 5; x++) row[x] = half[y + x]!;
    for (let x = 0; x < 5; x++) half[y + x] = row[x]! ^ (~row[(x + 1) % 5]! & row[(x + 2) % 5]!);
  }
}
