// The marks an S-CSCF leaves in its own URIs, and how it knows them again. What routing a dialog
// needs travels in the Record-Route and survives a restart; the signature keeps a UE from walking
// into a dialog that is not its own. RFC 3261 §16.6 step 4, TS 24.229 §5.4.3.

import { timingSafeEqual } from 'node:crypto';
import { KeyedHash } from '#kernel/keyed-hash';

/** On whose behalf a request passes here. */
export type Side = 'orig' | 'term';

export interface DialogMark {
  readonly side: Side;
  /** The session in the calls table, should it be remembered. */
  readonly session: string;
}

const SIGNATURE = 16;

export class Marks {
  readonly #hash: KeyedHash;

  constructor(key: Uint8Array) {
    this.#hash = new KeyedHash(key);
  }

  /** The value of the `dialog` parameter: side, session and a signature over both and the Call-ID. */
  write(mark: DialogMark, callId: string): string {
    const text = `${mark.side}.${mark.session}`;
    return `${text}.${this.#sign(`${text}.${callId}`)}`;
  }

  /** The mark, if we made it for this Call-ID. */
  read(text: string | null | undefined, callId: string): DialogMark | undefined {
    if (text === null || text === undefined) return undefined;
    const [side, session, signature, ...more] = text.split('.');
    if ((side !== 'orig' && side !== 'term') || session === undefined || more.length > 0) {
      return undefined;
    }
    const expected = this.#sign(`${side}.${session}.${callId}`);
    if (signature?.length !== expected.length) return undefined;
    if (!timingSafeEqual(Buffer.from(signature, 'latin1'), Buffer.from(expected, 'latin1'))) {
      return undefined;
    }
    return { side, session };
  }

  #sign(text: string): string {
    return this.#hash.of(Buffer.from(text, 'latin1')).toString('hex').slice(0, SIGNATURE);
  }
}
