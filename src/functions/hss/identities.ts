// Which identities a record has. TS 23.003 §13.3 and §13.4 (derived from the IMSI), TS 23.228 §5.2.1a
// (implicit registration set), TS 24.229 §5.3.1.2 (an IMPI derived from an IMPU).

import { impuOf, parseUri } from '#sip/uri';
import type { Subscriber } from './subscriber.ts';

/** Authentication schemes as TS 29.229 §6.3.9 spells them. */
export const AKA_SCHEME = 'Digest-AKAv1-MD5';
export const DIGEST_SCHEME = 'SIP Digest';
export type Scheme = typeof AKA_SCHEME | typeof DIGEST_SCHEME;

export interface PrivateIdentity {
  readonly impi: string;
  /** The IMPI alone decides it. */
  readonly scheme: Scheme;
}

export interface PublicUserIdentity {
  /** Canonical, as `impuOf` writes it. */
  readonly impu: string;
  /** Good for registering, never shown or called. TS 23.228 §4.3.3.2 */
  readonly barred: boolean;
}

/** One subscription: its IMPIs share one implicit registration set. */
export interface Identities {
  readonly impis: readonly PrivateIdentity[];
  /** The default identity first. */
  readonly impus: readonly PublicUserIdentity[];
}

export function identitiesOf(subscriber: Subscriber, home: string): Identities {
  return { impis: privateIdentities(subscriber, home), impus: publicIdentities(subscriber, home) };
}

function privateIdentities(subscriber: Subscriber, home: string): readonly PrivateIdentity[] {
  const { imsi, name, k, password, impi } = subscriber;
  if (impi !== undefined) {
    return [{ impi, scheme: k === undefined ? DIGEST_SCHEME : AKA_SCHEME }];
  }
  const impis: PrivateIdentity[] = [];
  if (k !== undefined) impis.push({ impi: `${imsi}@${home}`, scheme: AKA_SCHEME });
  if (password !== undefined) {
    impis.push({ impi: `${name ?? `${imsi}.digest`}@${home}`, scheme: DIGEST_SCHEME });
  }
  return impis;
}

function publicIdentities(subscriber: Subscriber, home: string): readonly PublicUserIdentity[] {
  const { imsi, msisdn, name, impus } = subscriber;
  if (impus !== undefined) return impus.map(impu => ({ impu, barred: false }));
  const found: PublicUserIdentity[] = [];
  if (msisdn !== undefined) {
    found.push({ impu: `sip:+${msisdn}@${home}`, barred: false });
    found.push({ impu: `tel:+${msisdn}`, barred: false });
  }
  if (name !== undefined) found.push({ impu: `sip:${name}@${home}`, barred: false });
  found.push({ impu: `sip:${imsi}@${home}`, barred: true });
  return found;
}

/** An IMPU in the one form it is kept and looked up in; undefined when it is no SIP or tel URI. */
export function canonicalImpu(text: string): string | undefined {
  try {
    const uri = parseUri(text);
    return uri.scheme === 'sip' || uri.scheme === 'sips' || uri.scheme === 'tel'
      ? impuOf(uri)
      : undefined;
  } catch {
    return undefined;
  }
}

/** A username without '@' means one of the home domain. */
export const fullImpi = (username: string, home: string): string =>
  username.includes('@') ? username : `${username}@${home}`;
