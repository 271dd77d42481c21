// The verification service: is the caller who the Identity says? RFC 8224 §6.2; the result as TS
// 24.229 §7.2A.20 passes it on.

import type { KeyObject } from 'node:crypto';
import { type Duration, type Instant, seconds } from '#kernel/time';
import { Identity, type IdentityValue, SipDate } from '../headers.ts';
import type { SipRequest } from '../message.ts';
import { destinationOf, isSameParty, originatorsOf } from './parties.ts';
import {
  isSigned,
  type Party,
  type Passport,
  PassportError,
  parsePassport,
  signingInput,
} from './passport.ts';

/** The key of a certificate that was found, trusted and valid. */
export interface Credential {
  readonly key: KeyObject;
  /** Whether the certificate speaks for that caller (RFC 8226 §9). Default for everybody. */
  readonly speaksFor?: (orig: Party) => boolean;
}

export interface Verifier {
  /**
   * The certificate behind `x5u`: 'unreachable' is answered 436, 'untrusted' 437 (RFC 8224 §6.2.2).
   * Bounds how long it takes; the URI is the caller's choice.
   */
  readonly credential: (x5u: string) => Promise<Credential | 'unreachable' | 'untrusted'>;
  /** How old, or how far ahead of us, a signature may be (§6.2 step 4). Default 60 s. */
  readonly freshness?: Duration;
}

export type Verdict =
  | { readonly verstat: 'TN-Validation-Passed'; readonly passport: Passport }
  | {
      readonly verstat: 'TN-Validation-Failed';
      /** What to refuse with, where failures are refused. */
      readonly status: 403 | 436 | 437 | 438;
      readonly because: string;
    }
  | { readonly verstat: 'No-TN-Validation'; readonly because: string };

/** Kinds of PASSporT that are understood here; others are as if they were not there (§6.2 step 1). */
const KINDS: ReadonlySet<string | undefined> = new Set([undefined, 'shaken', 'rcd']);
/** Looked at; each may cost a fetch. */
const MOST_IDENTITIES = 4;

/** Of several Identities the first that holds counts; where none does, the first failure. */
export async function verifyIdentity(
  request: SipRequest,
  verifier: Verifier,
  now: Instant,
): Promise<Verdict> {
  const values = identitiesIn(request);
  if ('verstat' in values) return values;
  let failure: Verdict | undefined;
  for (const value of values.slice(0, MOST_IDENTITIES)) {
    const verdict = await verifyOne(request, value, verifier, now);
    if (verdict.verstat === 'TN-Validation-Passed') return verdict;
    if (verdict.verstat === 'TN-Validation-Failed') failure ??= verdict;
  }
  return failure ?? { verstat: 'No-TN-Validation', because: 'no Identity of a known kind' };
}

function identitiesIn(request: SipRequest): readonly IdentityValue[] | Verdict {
  try {
    return request.all(Identity);
  } catch (error) {
    return failed(438, (error as Error).message);
  }
}

async function verifyOne(
  request: SipRequest,
  { token, info, params }: IdentityValue,
  verifier: Verifier,
  now: Instant,
): Promise<Verdict> {
  const ppt = params.get('ppt') ?? undefined;
  const unknown = (kind: string | undefined): Verdict => ({
    verstat: 'No-TN-Validation',
    because: `a PASSporT of kind ${kind}`,
  });
  if (token.startsWith('"')) return unknown('RFC 4474');
  if (!KINDS.has(ppt)) return unknown(ppt);
  if ((params.get('alg') ?? 'ES256') !== 'ES256') return failed(437, 'alg is not ES256');
  let passport: Passport;
  let whole: string;
  try {
    whole = token.startsWith('..') ? fullForm(request, token, info) : token;
    passport = parsePassport(whole);
  } catch (error) {
    if (!(error instanceof PassportError)) throw error;
    return failed(438, error.message);
  }
  const { header } = passport;
  if (!KINDS.has(header.ppt)) return unknown(header.ppt);
  if (ppt !== undefined && ppt !== header.ppt) return failed(438, 'ppt is another than signed');
  if (header.alg !== 'ES256') return failed(437, 'alg is not ES256');
  if (info === undefined) return failed(436, 'no info parameter');
  if (info !== header.x5u) return failed(438, 'info is another than the signed x5u');
  if (!/^https:\/\/./i.test(info)) return failed(436, 'info is no https URI');

  // step 4, before the cost of a fetch: an old one may be a recording
  const freshness = verifier.freshness ?? seconds(60);
  if (Math.abs(now - seconds(passport.iat)) > freshness) return failed(403, 'stale iat');
  const date = request.get(SipDate);
  if (date !== undefined && Math.abs(now - date) > freshness) return failed(403, 'Stale Date');

  if (!originatorsOf(request).some(party => isSameParty(party, passport.orig))) {
    return failed(438, 'orig is not who the request is from');
  }
  const dest = destinationOf(request);
  if (!passport.dest.some(party => isSameParty(party, dest))) {
    return failed(438, 'dest is not whom the request is for');
  }

  const credential = await verifier.credential(info);
  if (credential === 'unreachable') return failed(436, 'the certificate was not found');
  if (credential === 'untrusted') return failed(437, 'the certificate is not trusted');
  if (credential.speaksFor?.(passport.orig) === false) {
    return failed(437, 'the certificate does not speak for the caller');
  }
  if (!isSigned(whole, credential.key)) return failed(438, 'the signature is another');
  return { verstat: 'TN-Validation-Passed', passport };
}

/** What a compact token leaves out follows from the request. RFC 8225 §7, RFC 8224 §4.1 */
function fullForm(request: SipRequest, compact: string, info: string | undefined): string {
  const value = request.all(Identity).find(({ token }) => token === compact);
  if (value?.params.get('ppt') != null) {
    throw new PassportError('a token with extensions must not be compact'); // RFC 8588 §6
  }
  const date = request.get(SipDate);
  if (date === undefined || info === undefined) {
    throw new PassportError('a compact token without Date or info');
  }
  const [orig] = originatorsOf(request).slice(-1); // From: §4.1
  const dest = destinationOf(request);
  const input = signingInput(
    { alg: 'ES256', typ: 'passport', x5u: info },
    {
      dest: 'tn' in dest ? { tn: [dest.tn] } : { uri: [dest.uri] },
      iat: Math.floor(date / 1000),
      orig,
    },
  );
  return `${input}.${compact.slice(2)}`;
}

const failed = (status: 403 | 436 | 437 | 438, because: string): Verdict => ({
  verstat: 'TN-Validation-Failed',
  status,
  because,
});
