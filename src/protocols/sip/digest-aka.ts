// Digest with AKA: the nonce carries RAND and AUTN, the secret comes from the card.
// RFC 3310 (AKAv1), RFC 4169 (AKAv2), TS 33.203 §6.1, TS 24.229 §5.1.1.5.

import { createHmac } from 'node:crypto';
import type { Usim } from '#aka/usim';
import {
  type CredentialsInput,
  credentials,
  type DigestAlgorithm,
  type DigestValue,
  digestAlgorithm,
  type Secret,
} from './digest.ts';

export const isAka = (algorithm: DigestAlgorithm): boolean => algorithm.startsWith('AKA');

/** base64(RAND ‖ AUTN ‖ server data). RFC 3310 §3.2 */
export function akaNonce(
  rand: Uint8Array,
  autn: Uint8Array,
  serverData: Uint8Array = new Uint8Array(),
): string {
  return Buffer.concat([rand, autn, serverData]).toString('base64');
}

/** What a card needs of a nonce; undefined when it holds less than RAND and AUTN. RFC 3310 §3.2 */
export function readAkaNonce(
  nonce: string,
):
  | { readonly rand: Uint8Array; readonly autn: Uint8Array; readonly serverData: Uint8Array }
  | undefined {
  const octets = new Uint8Array(Buffer.from(nonce, 'base64'));
  if (octets.length < 32) return undefined;
  return { rand: octets.slice(0, 16), autn: octets.slice(16, 32), serverData: octets.slice(32) };
}

/** What stands in the password's place. RFC 3310 §3.3, RFC 4169 §3.2 */
export function akaSecret(
  algorithm: DigestAlgorithm,
  keys: { readonly res: Uint8Array; readonly ck: Uint8Array; readonly ik: Uint8Array },
): Secret {
  if (algorithm.startsWith('AKAv1')) return keys.res;
  // PRF(RES ‖ IK ‖ CK, label) in base64; the PRF is HMAC with the algorithm's own hash
  const prf = createHmac(
    algorithm.includes('SHA-256') ? 'sha256' : 'md5',
    Buffer.concat([keys.res, keys.ik, keys.ck]),
  );
  return prf.update('http-digest-akav2-password').digest('base64');
}

/** The 14 octets of AUTS in credentials; undefined when absent or of another length. */
export function autsOf(given: DigestValue): Uint8Array | undefined {
  const text = given.params.get('auts');
  if (text == null) return undefined;
  const auts = new Uint8Array(Buffer.from(text, 'base64'));
  return auts.length === 14 ? auts : undefined;
}

export type AkaCredentials =
  | {
      readonly kind: 'success';
      readonly credentials: DigestValue;
      readonly ck: Uint8Array;
      readonly ik: Uint8Array;
    }
  /** Asks the network to resynchronise. */
  | { readonly kind: 'synchronisation failure'; readonly credentials: DigestValue }
  /** Tells the network that its challenge was not genuine. TS 24.229 §5.1.1.5.3 */
  | { readonly kind: 'mac failure'; readonly credentials: DigestValue }
  /** The challenge is not of AKA, or unreadable. */
  | { readonly kind: 'unusable' };

/** What a UE with a card answers to a challenge. */
export function akaCredentials(
  offered: DigestValue,
  usim: Usim,
  input: CredentialsInput,
): AkaCredentials {
  const algorithm = digestAlgorithm(offered.params.get('algorithm'));
  const nonce = readAkaNonce(offered.params.get('nonce') ?? '');
  if (algorithm === undefined || !isAka(algorithm) || nonce === undefined) {
    return { kind: 'unusable' };
  }
  const answer = usim.authenticate(nonce.rand, nonce.autn);
  switch (answer.kind) {
    case 'success': {
      const made = credentials(offered, { ...input, secret: akaSecret(algorithm, answer) });
      if (made === undefined) return { kind: 'unusable' };
      return { kind: 'success', credentials: made, ck: answer.ck, ik: answer.ik };
    }
    case 'synchronisation failure': {
      // RFC 3310 §3.4: the response is computed with an empty password
      const auts = Buffer.from(answer.auts).toString('base64');
      const made = credentials(offered, { ...input, secret: '', extra: { ...input.extra, auts } });
      return made === undefined ? { kind: 'unusable' } : { kind: answer.kind, credentials: made };
    }
    case 'mac failure': {
      const made = credentials(offered, { ...input, secret: '' });
      if (made === undefined) return { kind: 'unusable' };
      const params = new Map(made.params).set('response', '');
      return { kind: answer.kind, credentials: { scheme: made.scheme, params } };
    }
  }
}
