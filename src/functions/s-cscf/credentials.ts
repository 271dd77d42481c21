// Who a REGISTER says that it is, and whether it proves it. TS 24.229 §5.4.1.2, RFC 7616, RFC 3310.

import { type DigestValue, digestAlgorithm, verifyDigest } from '#sip/digest';
import { To } from '#sip/headers';
import { credentialsFor, impiOf, required } from '#sip/identities';
import type { SipRequest } from '#sip/message';
import { copied } from '#sip/text';
import { impuOf } from '#sip/uri';
import type { Challenge, Secret } from './challenges.ts';

/** What the P-CSCF says of the REGISTER (TS 24.229 §7.2A.2); 'no' where it says nothing. */
export type Protection =
  | 'yes'
  | 'no'
  | 'tls-pending'
  | 'tls-yes'
  | 'ip-assoc-pending'
  | 'ip-assoc-yes';

const PROTECTIONS: ReadonlySet<string> = new Set<Protection>([
  'yes',
  'no',
  'tls-pending',
  'tls-yes',
  'ip-assoc-pending',
  'ip-assoc-yes',
]);

export interface User {
  readonly impi: string;
  readonly impu: string;
  /** As the client spells it; undefined where it sent no credentials. */
  readonly username: string | undefined;
  readonly protection: Protection;
  /** Credentials for our realm that answer a challenge. */
  readonly answer: DigestValue | undefined;
}

/** IMPI from Authorization or, without one, from To; IMPU from To. §5.4.1.2.1, TS 23.003 §13.3 */
export function identify(request: SipRequest, home: string): User {
  const given = credentialsFor(request, home);
  const answers =
    given !== undefined && !!given.params.get('nonce') && given.params.has('response');
  return {
    // both outlive the message
    impi: copied(impiOf(request, home)),
    impu: copied(impuOf(required(request, To).uri)),
    username: given?.params.get('username') || undefined,
    protection: protectionOf(given),
    answer: answers ? given : undefined,
  };
}

function protectionOf(given: DigestValue | undefined): Protection {
  const text = given?.params.get('integrity-protected')?.toLowerCase() ?? 'no';
  return PROTECTIONS.has(text) ? (text as Protection) : 'no';
}

/** Cryptography on Gm vouches for it: no new challenge is needed. */
export const isProtected = (protection: Protection): boolean =>
  protection === 'yes' || protection === 'tls-yes';

export type Verdict =
  /** With the nonce count to remember. */
  | {
      readonly kind: 'right';
      readonly nc: number;
      readonly secret: Secret;
      readonly how: DigestValue;
    }
  | { readonly kind: 'wrong' | 'malformed' | 'replayed' }
  /** The secret for the username as spelled is not among those we have. */
  | { readonly kind: 'other spelling' };

/** Checks the answer against the challenge it refers to. */
export function verify(user: User, challenge: Challenge): Verdict {
  const { answer } = user;
  if (answer === undefined) return { kind: 'malformed' };
  const algorithm = digestAlgorithm(answer.params.get('algorithm'));
  const ofAlgorithm = challenge.secrets.filter(secret => secret.algorithm === algorithm);
  if (algorithm === undefined || ofAlgorithm.length === 0) return { kind: 'malformed' };
  const secret = ofAlgorithm.find(
    each => each.username === undefined || each.username === user.username,
  );
  if (secret === undefined) return { kind: 'other spelling' };

  const verdict = verifyDigest(answer, { ...secret, method: 'REGISTER' });
  if (verdict !== 'right') return { kind: verdict };

  // RFC 7616 §3.4: without qop there is no count, and the nonce serves once
  const counted = answer.params.has('qop');
  const nc = counted ? Number.parseInt(answer.params.get('nc') ?? '', 16) : 1;
  if (nc <= challenge.nc) return { kind: 'replayed' };
  return { kind: 'right', nc, secret, how: answer };
}
