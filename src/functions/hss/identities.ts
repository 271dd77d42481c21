// Which identities a record has. TS 23.003 §13.3 and §13.4 (derived from the IMSI), TS 23.228 §5.2.1a
// (implicit registration set), TS 24.229 §5.3.1.2 (an IMPI derived from an IMPU).

import { impuOf, parseUri } from '#sip/uri';
import { DERIVED, type ImpuText, readImpi, readImpu } from './identity-text.ts';
import type { Subscriber } from './subscriber.ts';

/** Authentication schemes as TS 29.229 §6.3.9 spells them. */
export const AKA_SCHEME = 'Digest-AKAv1-MD5';
export const DIGEST_SCHEME = 'SIP Digest';
export type Scheme = typeof AKA_SCHEME | typeof DIGEST_SCHEME;

export interface PrivateIdentity {
  readonly impi: string;
  /** The IMPI alone decides it. */
  readonly scheme: Scheme;
  /** Implicit registration sets it may register, '' the unnamed one; undefined: every one. */
  readonly sets?: readonly string[];
}

/** A private identity with what proves it. */
export interface Login extends PrivateIdentity {
  readonly password?: string;
  readonly card?: Card;
}

/** Hexadecimal, as the record has it. */
export interface Card {
  readonly k: string;
  readonly opc: string;
  readonly algorithm: string;
  readonly amf: string;
  /** Where its sequence number started. */
  readonly sqn: string;
  /** Under which the running one is kept: the IMSI, for other cards of the record their IMPI. */
  readonly key: string;
}

export interface PublicUserIdentity {
  /** Canonical, as `impuOf` writes it. */
  readonly impu: string;
  /** Good for registering, never shown or called. TS 23.228 §4.3.3.2 */
  readonly barred: boolean;
  /** Implicit registration set; absent: the unnamed one. */
  readonly set?: string;
  readonly alias?: string;
  /** Service profile; absent: the record's. */
  readonly profile?: string;
  readonly display?: string;
  readonly contacts?: number;
  /** Stands for what its expression matches. */
  readonly wildcarded?: true;
}

/** One subscription: its IMPIs share its implicit registration sets, mostly one. */
export interface Identities {
  readonly impis: readonly PrivateIdentity[];
  /** The default identity first. */
  readonly impus: readonly PublicUserIdentity[];
}

export function identitiesOf(subscriber: Subscriber, home: string): Identities {
  const impis = loginsOf(subscriber, home).map(
    ({ impi, scheme, sets }): PrivateIdentity =>
      sets === undefined ? { impi, scheme } : { impi, scheme, sets },
  );
  return { impis, impus: publicIdentities(subscriber, home) };
}

/** Every private identity of the record and what proves it. */
export function loginsOf(subscriber: Subscriber, home: string): readonly Login[] {
  const { imsi, name, password, impi, impis } = subscriber;
  const logins: Login[] = [];
  const card = cardOf(subscriber);
  if (card !== undefined) {
    logins.push({ impi: impi ?? `${imsi}@${home}`, scheme: AKA_SCHEME, card });
  }
  if (password !== undefined) {
    const login = impi ?? `${name ?? `${imsi}.digest`}@${home}`;
    logins.push({ impi: login, scheme: DIGEST_SCHEME, password });
  }
  for (const text of impis ?? []) logins.push(...otherLogin(text, subscriber));
  return logins;
}

function cardOf({ imsi, k, opc, algorithm, amf, sqn }: Subscriber): Card | undefined {
  if (k === undefined || opc === undefined) return undefined;
  return { k, opc, algorithm, amf, sqn, key: imsi };
}

function otherLogin(text: string, { amf }: Subscriber): readonly Login[] {
  const read = readImpi(text);
  if ('wrong' in read) return []; // refused before it is kept
  const { impi, password, k, opc, algorithm = 'milenage', sets } = read;
  const may = sets === undefined ? {} : { sets };
  if (password !== undefined) return [{ impi, scheme: DIGEST_SCHEME, password, ...may }];
  const card: Card = { k: k!, opc: opc!, algorithm, amf, sqn: '000000000000', key: impi };
  return [{ impi, scheme: AKA_SCHEME, card, ...may }];
}

function publicIdentities(subscriber: Subscriber, home: string): readonly PublicUserIdentity[] {
  const { impus } = subscriber;
  if (impus === undefined) return derived(subscriber, home);
  const named = new Set(impus.map(text => text.split(';', 1)[0]));
  const found = impus.flatMap(text => {
    // One that is named says of itself what it is.
    if (text === DERIVED) return derived(subscriber, home).filter(({ impu }) => !named.has(impu));
    const read = readImpu(text);
    return 'wrong' in read ? [] : [publicIdentity(read)];
  });
  // A wildcarded identity is nobody's default.
  return [...found.filter(one => !one.wildcarded), ...found.filter(one => one.wildcarded)];
}

function publicIdentity(read: ImpuText): PublicUserIdentity {
  const { impu, barred, set, alias, profile, display, contacts, wildcarded } = read;
  return {
    impu,
    barred,
    ...(set === '' ? {} : { set }),
    ...(alias === undefined ? {} : { alias }),
    ...(profile === undefined ? {} : { profile }),
    ...(display === undefined ? {} : { display }),
    ...(contacts === undefined ? {} : { contacts }),
    ...(wildcarded ? { wildcarded } : {}),
  };
}

function derived(subscriber: Subscriber, home: string): readonly PublicUserIdentity[] {
  const { imsi, msisdn, name } = subscriber;
  const found: PublicUserIdentity[] = [];
  if (msisdn !== undefined) {
    found.push({ impu: `sip:+${msisdn}@${home}`, barred: false });
    found.push({ impu: `tel:+${msisdn}`, barred: false });
  }
  if (name !== undefined) found.push({ impu: `sip:${name}@${home}`, barred: false });
  found.push({ impu: `sip:${imsi}@${home}`, barred: true });
  return found;
}

/** The implicit registration sets, '' the unnamed one, in the order of their first identity. */
export function setsOf({ impus }: Identities): readonly string[] {
  if (impus.every(({ set }) => set === undefined)) return UNNAMED;
  return [...new Set(impus.map(({ set }) => set ?? ''))];
}
const UNNAMED = [''] as const;

/** One implicit registration set's identities, the default one first. */
export const impusOf = ({ impus }: Identities, set: string): readonly PublicUserIdentity[] =>
  impus.filter(identity => (identity.set ?? '') === set);

/** The private identities that may register a set. */
export const impisOf = ({ impis }: Identities, set: string): readonly PrivateIdentity[] =>
  impis.filter(({ sets }) => sets?.includes(set) ?? true);

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
