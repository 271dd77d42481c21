// The card's end of AKA: checks AUTN and answers with RES and keys, with nothing, or with AUTS.
// TS 33.102 §6.3.3 and §6.3.5, TS 31.102 §7.1.2.

import { timingSafeEqual } from 'node:crypto';
import { assert } from '#kernel/errors';
import { autsFor } from './auts.ts';
import { type CardKey, fromRand, macs } from './functions.ts';
import { xor } from './milenage.ts';
import { SequenceArray, sqnFrom } from './sequence.ts';

export type AkaAnswer =
  | {
      readonly kind: 'success';
      readonly res: Uint8Array;
      readonly ck: Uint8Array;
      readonly ik: Uint8Array;
    }
  /** The challenge is not from the home network. */
  | { readonly kind: 'mac failure' }
  /** It is, but its SQN is not fresh; `auts` has 14 octets. */
  | { readonly kind: 'synchronisation failure'; readonly auts: Uint8Array };

/** A USIM or ISIM application. */
export class Usim {
  readonly sequence: SequenceArray;
  readonly #key: CardKey;

  constructor(key: CardKey, sequence: SequenceArray = new SequenceArray()) {
    this.#key = key;
    this.sequence = sequence;
  }

  /** Answers a challenge of 16 octets of RAND and 16 of AUTN. */
  authenticate(rand: Uint8Array, autn: Uint8Array): AkaAnswer {
    assert(rand.length === 16 && autn.length === 16, 'RAND and AUTN have 16 octets each');
    const { res, ck, ik, ak } = fromRand(this.#key, rand);
    const sqn = xor(autn.subarray(0, 6), ak);
    const { macA } = macs({ ...this.#key, rand, sqn, amf: autn.subarray(6, 8) });
    if (!timingSafeEqual(macA, autn.subarray(8))) return { kind: 'mac failure' };
    if (this.sequence.accept(sqnFrom(sqn))) return { kind: 'success', res, ck, ik };
    const auts = autsFor(this.#key, rand, this.sequence.highest);
    return { kind: 'synchronisation failure', auts };
  }
}
