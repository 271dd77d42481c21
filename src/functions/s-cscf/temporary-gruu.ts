// Temporary GRUUs: a device by a name that tells nobody whose it is. RFC 5627 §3.1.2, made without
// memory as its appendix A has it: what the name means is sealed inside it.

import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { Random } from '#kernel/host';
import { KeyedHash } from '#kernel/keyed-hash';
import { isSipUri, sipUri, type Uri, uriText } from '#sip/uri';
import type { Binding } from './binding.ts';

const PREFIX = 'tgruu.';
/** GCM's own lengths: NIST SP 800-38D §8.2. */
const NONCE = 12;
const TAG = 16;
/** Octets that tell the devices of one identity apart. */
const DEVICE = 8;
const LONGEST = 600;

export class TemporaryGruus {
  readonly #home: string;
  readonly #random: Random;
  readonly #key: Uint8Array;
  readonly #devices: KeyedHash;

  /** The key is the S-CSCF's secret: names outlive a restart as registrations do. */
  constructor(secret: Uint8Array, home: string, random: Random) {
    const derived = new KeyedHash(secret);
    this.#key = derived.of(Buffer.from('temporary gruu: name')).subarray(0, 16);
    this.#devices = new KeyedHash(derived.of(Buffer.from('temporary gruu: device')));
    this.#home = home;
    this.#random = random;
  }

  /**
   * Another name each time it is asked for. All of them are good until the device registers with
   * another Call-ID, or no more (RFC 5627 §3.1.2).
   */
  make(binding: Binding): string | undefined {
    if (binding.instance === undefined) return undefined;
    const nonce = this.#random.bytes(NONCE);
    const cipher = createCipheriv('aes-128-gcm', this.#key, nonce);
    const name = Buffer.concat([this.#device(binding), Buffer.from(binding.impu, 'latin1')]);
    const sealed = Buffer.concat([cipher.update(name), cipher.final()]);
    const token = Buffer.concat([nonce, sealed, cipher.getAuthTag()]).toString('base64url');
    return uriText(sipUri({ user: PREFIX + token, host: this.#home, params: { gr: null } }));
  }

  /** The identity that such a name stands for, and whether a binding is its device. */
  read(uri: Uri): { readonly impu: string; means(binding: Binding): boolean } | undefined {
    if (!isTemporaryGruu(uri) || uri.host !== this.#home) return undefined;
    const token = Buffer.from(uri.user!.slice(PREFIX.length), 'base64url');
    if (token.length <= NONCE + TAG + DEVICE || token.length > LONGEST) return undefined;
    const decipher = createDecipheriv('aes-128-gcm', this.#key, token.subarray(0, NONCE));
    decipher.setAuthTag(token.subarray(-TAG));
    let name: Buffer;
    try {
      name = Buffer.concat([decipher.update(token.subarray(NONCE, -TAG)), decipher.final()]);
    } catch {
      return undefined; // not of our making
    }
    const device = name.subarray(0, DEVICE);
    return {
      impu: name.toString('latin1', DEVICE),
      means: binding => this.#device(binding).equals(device),
    };
  }

  #device({ instance = '', impi, callId }: Binding): Buffer {
    const text = JSON.stringify([impi, instance, callId]);
    return this.#devices.of(Buffer.from(text, 'latin1')).subarray(0, DEVICE);
  }
}

/** `gr` without a value, and a user part such as ours. RFC 5627 §4.3 */
export const isTemporaryGruu = (uri: Uri): uri is Extract<Uri, { host: string }> =>
  isSipUri(uri) && uri.params.get('gr') === null && uri.user?.startsWith(PREFIX) === true;
