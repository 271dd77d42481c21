// AUTS: the card's proof of the highest SQN it accepted, by which the authentication centre finds
// its way back. TS 33.102 §6.3.3 (made) and §6.3.5 (taken).

import { timingSafeEqual } from 'node:crypto';
import { assert } from '#kernel/errors';
import { type CardKey, fromRand, macs } from './functions.ts';
import { xor } from './milenage.ts';
import { DELTA, type HeSequence, seqOf, sqnFrom, sqnOctets } from './sequence.ts';

/** AUTS has 14 octets: SQN_MS ⊕ AK* ‖ MAC-S. */
export const AUTS_LENGTH = 14;

// MAC-S is computed with a dummy AMF of zeros, so that it need not travel. §6.3.3
const AMF_STAR = new Uint8Array(2);

/** What a card sends about `sqnMs` in answer to `rand`. */
export function autsFor(key: CardKey, rand: Uint8Array, sqnMs: number): Uint8Array {
  const sqn = sqnOctets(sqnMs);
  const auts = new Uint8Array(AUTS_LENGTH);
  auts.set(xor(sqn, fromRand(key, rand).akStar));
  auts.set(macs({ ...key, rand, sqn, amf: AMF_STAR }).macS, 6);
  return auts;
}

export type Resynchronisation =
  /** MAC-S is wrong: not from the subscriber's card. */
  | { readonly kind: 'mac failure' }
  /** The next SQN would be taken: vectors were lost or overtook each other. Nothing to change. */
  | { readonly kind: 'in range'; readonly sqnMs: number }
  /** The counter is to stand where the card's does. */
  | { readonly kind: 'reset'; readonly sqnMs: number; readonly state: HeSequence };

/**
 * What the authentication centre does about an AUTS. §6.3.5 steps 1 to 5.
 * The clause lets MAC-S go unchecked when SQN_HE is in range; we check it always, because whoever
 * cannot make it is not the card and shall not be given vectors for it.
 */
export function resynchronise(
  key: CardKey,
  state: HeSequence,
  rand: Uint8Array,
  auts: Uint8Array,
): Resynchronisation {
  assert(auts.length === AUTS_LENGTH, `AUTS has ${auts.length} octets, not ${AUTS_LENGTH}`);
  const sqn = xor(auts.subarray(0, 6), fromRand(key, rand).akStar);
  const { macS } = macs({ ...key, rand, sqn, amf: AMF_STAR });
  if (!timingSafeEqual(macS, auts.subarray(6))) return { kind: 'mac failure' };
  const sqnMs = sqnFrom(sqn);
  const ahead = state.seq + 1 - seqOf(sqnMs);
  if (ahead > 0 && ahead <= DELTA) return { kind: 'in range', sqnMs };
  return { kind: 'reset', sqnMs, state: { ...state, seq: seqOf(sqnMs) } };
}
