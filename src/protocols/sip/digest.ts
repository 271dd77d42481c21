// Digest access authentication as SIP uses it: RFC 3261 §22, RFC 2617, RFC 7616, RFC 8760. AKA's
// variants (RFC 3310, RFC 4169) differ only in where the nonce and the secret come from: digest-aka.

import { hash, timingSafeEqual } from 'node:crypto';
import type { Params } from './params.ts';

// Which hash an algorithm name stands for. RFC 7616 §6.1, RFC 3310 §3.1, RFC 4169 §3.1
const HASH = {
  MD5: 'md5',
  'SHA-256': 'sha256',
  'SHA-512-256': 'sha512-256',
  'AKAv1-MD5': 'md5',
  'AKAv2-MD5': 'md5',
  'AKAv2-SHA-256': 'sha256',
} as const;

type BaseAlgorithm = keyof typeof HASH;
export type DigestAlgorithm = BaseAlgorithm | `${BaseAlgorithm}-sess`;

const byName = new Map<string, DigestAlgorithm>();
for (const base of Object.keys(HASH) as BaseAlgorithm[]) {
  byName.set(base.toLowerCase(), base);
  byName.set(`${base}-sess`.toLowerCase(), `${base}-sess`);
}

/** The algorithm a message names; an absent parameter means MD5. undefined when unknown to us. */
export function digestAlgorithm(name: string | null | undefined): DigestAlgorithm | undefined {
  return name === undefined ? 'MD5' : byName.get((name ?? '').toLowerCase());
}

/** Quality of protection; undefined is what RFC 2069 clients do, who know of none. */
export type Qop = 'auth' | 'auth-int';

/** A password as people write it, or octets (an AKA RES). */
export type Secret = string | Uint8Array;

/** The scheme and parameters of WWW-Authenticate or Authorization; values without their quotes. */
export interface DigestValue {
  readonly scheme: string;
  readonly params: Params;
}

export interface Identity {
  /** As the client spells it, in the octets of the message. */
  readonly username: string;
  readonly realm: string;
}

/** Either the password or H(A1), 32 or 64 hexadecimal digits, from a store that keeps no password. */
export type Proof = { readonly secret: Secret } | { readonly ha1: string };

/** H(A1) before any session: what a store keeps in the password's place. RFC 7616 §3.4.2 */
export function ha1(
  input: Identity & { readonly secret: Secret; readonly algorithm?: DigestAlgorithm },
): string {
  const { username, realm, secret, algorithm = 'MD5' } = input;
  const octets = typeof secret === 'string' ? Buffer.from(secret, 'utf8') : secret;
  return digest(algorithm, `${username}:${realm}:`, octets);
}

export interface DigestInput {
  readonly method: string;
  /** As it stands in the credentials, not as the request line has it. */
  readonly uri: string;
  readonly nonce: string;
  readonly algorithm?: DigestAlgorithm;
  readonly qop?: Qop | undefined;
  /** Eight hexadecimal digits, with qop. */
  readonly nc?: string | undefined;
  /** With qop, and with every -sess algorithm. */
  readonly cnonce?: string | undefined;
  /** With qop auth-int. */
  readonly body?: Uint8Array | undefined;
}

/** The `response`. RFC 7616 §3.4.1 */
export function digestResponse(
  input: DigestInput & ({ readonly ha1: string } | (Identity & { readonly secret: Secret })),
): string {
  return answerTo(input, input.method);
}

/** The `rspauth` by which a server proves itself in Authentication-Info. RFC 7616 §3.5 */
export function rspauth(
  input: DigestInput & ({ readonly ha1: string } | (Identity & { readonly secret: Secret })),
): string {
  return answerTo(input, '');
}

function answerTo(
  input: DigestInput & ({ readonly ha1: string } | (Identity & { readonly secret: Secret })),
  method: string,
): string {
  const { algorithm = 'MD5', nonce, nc = '', cnonce = '', qop, uri } = input;
  let a1 = 'ha1' in input ? input.ha1 : ha1({ ...input, algorithm });
  if (algorithm.endsWith('-sess')) a1 = digest(algorithm, `${a1}:${nonce}:${cnonce}`);
  const entity =
    qop === 'auth-int' ? `:${digest(algorithm, '', input.body ?? new Uint8Array())}` : '';
  const a2 = digest(algorithm, `${method}:${uri}${entity}`);
  const middle = qop === undefined ? nonce : `${nonce}:${nc}:${cnonce}:${qop}`;
  return digest(algorithm, `${a1}:${middle}:${a2}`);
}

export interface ChallengeInput {
  readonly realm: string;
  readonly nonce: string;
  /** Default MD5. */
  readonly algorithm?: DigestAlgorithm;
  /** What to offer, in order; default ['auth']. An empty list offers none. */
  readonly qop?: readonly Qop[];
  readonly opaque?: string;
  /** The nonce was too old, not the password wrong. */
  readonly stale?: boolean;
  readonly domain?: string;
  /** AKA keys for the P-CSCF, in hexadecimal; it takes them out again. TS 24.229 §5.4.1.2.1 */
  readonly ck?: string;
  readonly ik?: string;
}

/** A WWW-Authenticate or Proxy-Authenticate value. */
export function challenge(input: ChallengeInput): DigestValue {
  const { realm, domain, nonce, opaque, stale, algorithm = 'MD5', qop = ['auth'] } = input;
  const params = new Map<string, string>([['realm', realm]]);
  if (domain !== undefined) params.set('domain', domain);
  params.set('nonce', nonce);
  if (opaque !== undefined) params.set('opaque', opaque);
  if (stale === true) params.set('stale', 'true');
  params.set('algorithm', algorithm);
  if (qop.length > 0) params.set('qop', qop.join(','));
  if (input.ck !== undefined) params.set('ck', input.ck);
  if (input.ik !== undefined) params.set('ik', input.ik);
  return { scheme: 'Digest', params };
}

export interface CredentialsInput {
  readonly username: string;
  readonly method: string;
  /** Request-URI, or the registrar's for a REGISTER. */
  readonly uri: string;
  /** Random text of the client's own. */
  readonly cnonce: string;
  /** How often this nonce was used, this time included; default 1. */
  readonly count?: number;
  /** Given, auth-int is used where it is offered. */
  readonly body?: Uint8Array;
  /** More parameters: `auts`. */
  readonly extra?: Readonly<Record<string, string>>;
}

/**
 * An Authorization or Proxy-Authorization value that answers a challenge. undefined when the
 * challenge names no algorithm or qop that we know, or lacks realm or nonce.
 */
export function credentials(
  offered: DigestValue,
  input: CredentialsInput & Proof,
): DigestValue | undefined {
  const { username, method, uri, cnonce, count = 1, body } = input;
  const algorithm = digestAlgorithm(offered.params.get('algorithm'));
  const realm = offered.params.get('realm');
  const nonce = offered.params.get('nonce');
  const qop = chooseQop(offered.params.get('qop'), body !== undefined);
  if (algorithm === undefined || realm == null || nonce == null || qop === 'unknown') {
    return undefined;
  }
  const nc = count.toString(16).padStart(8, '0');
  const proof = 'ha1' in input ? { ha1: input.ha1 } : { secret: input.secret, username, realm };
  const response = digestResponse({
    ...proof,
    method,
    uri,
    nonce,
    algorithm,
    qop,
    nc,
    cnonce,
    body,
  });
  const params = new Map<string, string>([
    ['username', username],
    ['realm', realm],
    ['nonce', nonce],
    ['uri', uri],
    ['response', response],
  ]);
  if (offered.params.get('algorithm') != null) params.set('algorithm', algorithm);
  const opaque = offered.params.get('opaque');
  if (opaque != null) params.set('opaque', opaque);
  if (qop !== undefined) {
    params.set('qop', qop);
    params.set('nc', nc);
  }
  if (qop !== undefined || algorithm.endsWith('-sess')) params.set('cnonce', cnonce);
  for (const [name, value] of Object.entries(input.extra ?? {})) params.set(name, value);
  return { scheme: 'Digest', params };
}

// auth before auth-int, which breaks as soon as anybody on the way touches the body
function chooseQop(
  offered: string | null | undefined,
  withBody: boolean,
): Qop | 'unknown' | undefined {
  if (offered == null) return undefined;
  const qops = offered.split(',').map(qop => qop.trim().toLowerCase());
  if (withBody && qops.includes('auth-int')) return 'auth-int';
  if (qops.includes('auth')) return 'auth';
  return qops.includes('auth-int') ? 'auth-int' : 'unknown';
}

export interface VerifyInput {
  readonly method: string;
  /** The body of the request, for auth-int. */
  readonly body?: Uint8Array;
  /** The algorithm that was offered, where the server knows; another one is malformed. */
  readonly algorithm?: DigestAlgorithm;
}

/**
 * Whether credentials prove the secret. What they must match beside that (the nonce being ours,
 * its count, the realm, the identity) is the caller's to check. The comparison takes the same time
 * wherever the difference lies.
 */
export function verifyDigest(
  given: DigestValue,
  input: VerifyInput & Proof,
): 'right' | 'wrong' | 'malformed' {
  const get = (name: string): string | undefined => given.params.get(name) ?? undefined;
  const algorithm = digestAlgorithm(given.params.get('algorithm'));
  const [username, realm, nonce] = [get('username'), get('realm'), get('nonce')];
  const [uri, response] = [get('uri'), get('response')];
  const [nc, cnonce] = [get('nc'), get('cnonce')];
  const qop = get('qop')?.toLowerCase();
  if (algorithm === undefined || username === undefined || realm === undefined) return 'malformed';
  if (nonce === undefined || uri === undefined || response === undefined) return 'malformed';
  if (input.algorithm !== undefined && input.algorithm !== algorithm) return 'malformed';
  if (qop !== undefined) {
    if (qop !== 'auth' && qop !== 'auth-int') return 'malformed';
    if (cnonce === undefined || nc === undefined || !/^[0-9a-f]{8}$/i.test(nc)) return 'malformed';
  }
  if (algorithm.endsWith('-sess') && cnonce === undefined) return 'malformed';
  const proof = 'ha1' in input ? { ha1: input.ha1 } : { secret: input.secret, username, realm };
  const { method, body } = input;
  const expected = digestResponse({
    ...proof,
    method,
    uri,
    nonce,
    algorithm,
    qop,
    nc,
    cnonce,
    body,
  });
  return sameText(expected, response.toLowerCase()) ? 'right' : 'wrong';
}

function sameText(expected: string, given: string): boolean {
  const a = Buffer.from(expected, 'latin1');
  const b = Buffer.from(given, 'latin1');
  return a.length === b.length && timingSafeEqual(a, b);
}

/** In lower-case hexadecimal, of message octets and, where given, octets after them. */
function digest(algorithm: DigestAlgorithm, text: string, after?: Uint8Array): string {
  const octets = Buffer.from(text, 'latin1');
  const name = HASH[algorithm.replace('-sess', '') as BaseAlgorithm];
  return hash(name, after === undefined ? octets : Buffer.concat([octets, after]), 'hex');
}
