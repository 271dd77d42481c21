// PASSporT: a JSON web token about who calls whom. RFC 8225; attestation by RFC 8588 (shaken), rich
// call data by RFC 9795 (rcd).

import { type KeyObject, sign, verify } from 'node:crypto';

/** A telephone number in digits, or a URI. RFC 8225 §5.2.1 */
export type Party = { readonly tn: string } | { readonly uri: string };

export interface Passport {
  readonly header: {
    readonly alg: string;
    readonly typ: string;
    readonly ppt: string | undefined;
    /** Where the certificate is. */
    readonly x5u: string;
  };
  readonly orig: Party;
  readonly dest: readonly Party[];
  /** Seconds since 1970. */
  readonly iat: number;
  /** RFC 8588 §4, §5: how well the signer knows the caller, and whence the call came. */
  readonly attest: 'A' | 'B' | 'C' | undefined;
  readonly origid: string | undefined;
  /** RFC 9795 §5: name, icon, card; and the reason of the call (§9). */
  readonly rcd: RichCallData | undefined;
  readonly crn: string | undefined;
  /** Every claim, those of extensions too. */
  readonly claims: Readonly<Record<string, unknown>>;
}

export interface RichCallData {
  readonly name: string | undefined;
  readonly icon: string | undefined;
  readonly cardUrl: string | undefined;
}

/** Of one token, its parts and its lists. */
const LONGEST_TOKEN = 8192;
const MOST_PARTIES = 64;
const LONGEST_TEXT = 2048;

export class PassportError extends Error {
  override readonly name: string = 'PassportError';
}

/** The first two parts of a token, as they are signed. RFC 8225 §6, serialized by §9. */
export function signingInput(
  header: Readonly<Record<string, unknown>>,
  claims: Readonly<Record<string, unknown>>,
): string {
  return `${base64url(canonicalJson(header))}.${base64url(canonicalJson(claims))}`;
}

/** ECDSA on P-256 with SHA-256: 64 octets, not DER (RFC 7518 §3.4). Chance enters its value. */
export function signed(input: string, key: KeyObject): string {
  const octets = sign('sha256', Buffer.from(input, 'latin1'), { key, dsaEncoding: 'ieee-p1363' });
  return `${input}.${octets.toString('base64url')}`;
}

export function isSigned(token: string, key: KeyObject): boolean {
  const dot = token.lastIndexOf('.');
  const signature = Buffer.from(token.slice(dot + 1), 'base64url');
  if (signature.length !== 64 || !isP256(key)) return false;
  const octets = Buffer.from(token.slice(0, dot), 'latin1');
  return verify('sha256', octets, { key, dsaEncoding: 'ieee-p1363' }, signature);
}

/** ES256 is of this curve and no other. RFC 7518 §3.4 */
export const isP256 = (key: KeyObject): boolean =>
  key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1';

/** Throws PassportError where the token is none. Its signature is another question. */
export function parsePassport(token: string): Passport {
  if (token.length > LONGEST_TOKEN) throw new PassportError('the token is too long');
  const parts = token.split('.');
  if (parts.length !== 3 || parts.includes('')) throw new PassportError('not three parts');
  const header = objectIn(parts[0]!);
  const claims = objectIn(parts[1]!);
  if (header.typ !== 'passport') throw new PassportError('typ is not passport');
  const rcd = isObject(claims.rcd) ? claims.rcd : undefined;
  const attest = textIn(claims, 'attest');
  if (attest !== undefined && !/^[ABC]$/.test(attest)) throw new PassportError('no such attest');
  return {
    header: {
      alg: needed(textIn(header, 'alg'), 'alg'),
      typ: 'passport',
      ppt: textIn(header, 'ppt'),
      x5u: needed(textIn(header, 'x5u'), 'x5u'),
    },
    orig: origIn(claims.orig),
    dest: destIn(claims.dest),
    iat: needed(Number.isSafeInteger(claims.iat) ? (claims.iat as number) : undefined, 'iat'),
    attest: attest as Passport['attest'],
    origid: textIn(claims, 'origid'),
    rcd:
      rcd === undefined
        ? undefined
        : { name: textIn(rcd, 'nam'), icon: textIn(rcd, 'icn'), cardUrl: textIn(rcd, 'jcl') },
    crn: textIn(claims, 'crn'),
    claims,
  };
}

function origIn(value: unknown): Party {
  if (!isObject(value)) throw new PassportError('orig is no object');
  const tn = textIn(value, 'tn');
  const uri = textIn(value, 'uri');
  if (tn !== undefined && uri === undefined) return { tn };
  if (uri !== undefined && tn === undefined) return { uri };
  throw new PassportError('orig is not one tn or uri');
}

/** Any number of both kinds. RFC 8225 §5.2.1 */
function destIn(value: unknown): readonly Party[] {
  if (!isObject(value)) throw new PassportError('dest is no object');
  const list = (name: 'tn' | 'uri'): readonly string[] => {
    const of = value[name] ?? [];
    const isList = Array.isArray(of) && of.length <= MOST_PARTIES;
    if (!isList || !of.every(one => typeof one === 'string' && one.length <= LONGEST_TEXT)) {
      throw new PassportError(`dest has no list of ${name}`);
    }
    return of;
  };
  const found = [...list('tn').map(tn => ({ tn })), ...list('uri').map(uri => ({ uri }))];
  if (found.length === 0) throw new PassportError('dest is empty');
  return found;
}

function objectIn(part: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  } catch {
    throw new PassportError('a part is no JSON');
  }
  if (!isObject(value)) throw new PassportError('a part is no JSON object');
  return value;
}

function textIn(object: Record<string, unknown>, name: string): string | undefined {
  const value = Object.hasOwn(object, name) ? object[name] : undefined;
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value.length > LONGEST_TEXT) {
    throw new PassportError(`${name} is no text`);
  }
  return value;
}

function needed<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new PassportError(`no ${name}`);
  return value;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** No white space, and the members in order of their names. RFC 8225 §9 */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const members = Object.keys(value)
    .filter(name => value[name] !== undefined)
    .sort()
    .map(name => `${JSON.stringify(name)}:${canonicalJson(value[name])}`);
  return `{${members.join(',')}}`;
}

const base64url = (text: string): string => Buffer.from(text, 'utf8').toString('base64url');
