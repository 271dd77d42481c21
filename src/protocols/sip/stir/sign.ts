// The authentication service: an Identity for a request of somebody we answer for. RFC 8224 §6.1.

import type { KeyObject } from 'node:crypto';
import { assert } from '#kernel/errors';
import type { Instant } from '#kernel/time';
import { Identity, SipDate } from '../headers.ts';
import { add, type Edit, type SipRequest, set } from '../message.ts';
import { destinationOf, originatorsOf } from './parties.ts';
import { isP256, signed, signingInput } from './passport.ts';

export interface Signer {
  /** A private key on P-256. */
  readonly key: KeyObject;
  /** Where its certificate is found, an https URI. */
  readonly x5u: string;
}

export interface Attestation {
  /** RFC 8588 §4: A, the caller may use the number; B, the caller is known; C, neither. */
  readonly attest: 'A' | 'B' | 'C';
  /** RFC 8588 §5: an opaque mark of where the call came in, a UUID. */
  readonly origid: string;
}

export interface Statement {
  /** Makes it a shaken PASSporT; without it a plain one. */
  readonly shaken?: Attestation;
  /** Rich call data (RFC 9795 §5); `nam` is what is shown. */
  readonly rcd?: { readonly nam: string; readonly icn?: string; readonly jcl?: string };
}

/**
 * The edits that sign the request: Identity beside those that others have added, and Date where it
 * has none. The caller is the first asserted identity, else From.
 */
export function signEdits(
  request: SipRequest,
  signer: Signer,
  statement: Statement,
  now: Instant,
): readonly Edit[] {
  assert(isP256(signer.key), 'a PASSporT is signed with a key on P-256 (RFC 8225 §8)');
  const date = request.get(SipDate) ?? now;
  const ppt =
    statement.shaken !== undefined ? 'shaken' : statement.rcd !== undefined ? 'rcd' : undefined;
  const [orig] = originatorsOf(request);
  const dest = destinationOf(request);
  const header = { alg: 'ES256', ppt, typ: 'passport', x5u: signer.x5u };
  const claims = {
    ...statement.shaken,
    dest: 'tn' in dest ? { tn: [dest.tn] } : { uri: [dest.uri] },
    iat: Math.floor(date / 1000),
    orig,
    rcd: statement.rcd,
  };
  const token = signed(signingInput(header, claims), signer.key);
  const params = new Map<string, string | null>([['alg', 'ES256']]);
  if (ppt !== undefined) params.set('ppt', ppt);
  return [
    ...(request.has(SipDate) ? [] : [set(SipDate, now)]),
    add(Identity, { token, info: signer.x5u, params }),
  ];
}
