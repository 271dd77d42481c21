// A certificate that a network makes for itself, so that TLS and WSS work out of the box. RFC 5280.

import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { UsageError } from '../errors.ts';
import { type Duration, days, type Instant } from '../time.ts';
import * as der from './der.ts';

/** PEM texts. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

export interface SelfSignedOptions {
  /** Domain names and IP addresses it is good for; the first is also its common name. */
  readonly names: readonly string[];
  /** When it is made; it is good from a day before, for clocks that go slow. */
  readonly now: Instant;
  /** How long it is good. Default 825 days, the most that some phones take. */
  readonly lifetime?: Duration;
}

const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2';
const COMMON_NAME = '2.5.4.3';
const SUBJECT_ALTERNATIVE_NAME = '2.5.29.17';
const BASIC_CONSTRAINTS = '2.5.29.19';
const KEY_USAGE = '2.5.29.15';
const EXTENDED_KEY_USAGE = '2.5.29.37';
const SERVER_AUTHENTICATION = '1.3.6.1.5.5.7.3.1';
const CLIENT_AUTHENTICATION = '1.3.6.1.5.5.7.3.2';

/** Makes a key (P-256) and a certificate for it. */
export function selfSigned(options: SelfSignedOptions): Certificate {
  const { names, now, lifetime = days(825) } = options;
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const algorithm = der.sequence(der.objectIdentifier(ECDSA_WITH_SHA256));
  const name = commonName(names[0] ?? 'carillon');
  const serial = randomBytes(16);
  serial[0] = (serial[0]! & 0x7f) | 0x40; // positive, and always as long: §4.1.2.2
  const body = der.sequence(
    der.tagged(0xa0, der.integer(Buffer.from([2]))), // version 3
    der.integer(serial),
    algorithm,
    name,
    der.sequence(der.time(now - days(1)), der.time(now + lifetime)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der.tagged(0xa3, der.sequence(...extensions(names))),
  );
  const signature = sign('sha256', body, privateKey);
  const certificate = der.sequence(body, algorithm, der.bitString(signature));
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: new X509Certificate(certificate).toString(),
  };
}

/**
 * The certificate kept in a directory, made there when it is missing, ran out, or lacks one of the
 * names. Browsers and phones that were told to trust it keep doing so.
 */
export function keptSelfSigned(directory: string, options: SelfSignedOptions): Certificate {
  const keyFile = join(directory, 'tls-key.pem');
  const certFile = join(directory, 'tls-cert.pem');
  try {
    const kept = { key: readFileSync(keyFile, 'utf8'), cert: readFileSync(certFile, 'utf8') };
    if (isGood(kept, options)) return kept;
  } catch {
    // Missing or not readable as what it should be: a new one is made.
  }
  const made = selfSigned(options);
  try {
    mkdirSync(directory, { recursive: true });
    replace(keyFile, made.key, 0o600);
    replace(certFile, made.cert, 0o644);
  } catch (error) {
    throw new UsageError(`certificate in ${directory}: ${(error as Error).message}`);
  }
  return made;
}

function isGood(kept: Certificate, { names, now }: SelfSignedOptions): boolean {
  const certificate = new X509Certificate(kept.cert);
  const hasName = (name: string) =>
    isIP(name) === 0
      ? certificate.checkHost(name) !== undefined
      : certificate.checkIP(name) !== undefined;
  const isOfKey = certificate.publicKey.equals(createPublicKey(createPrivateKey(kept.key)));
  return isOfKey && Date.parse(certificate.validTo) > now + days(7) && names.every(hasName);
}

/** No reader ever sees half a file. */
function replace(path: string, text: string, mode: number): void {
  writeFileSync(`${path}.new`, text, { mode });
  renameSync(`${path}.new`, path);
}

function commonName(text: string): Buffer {
  const attribute = der.sequence(der.objectIdentifier(COMMON_NAME), der.utf8String(text));
  return der.sequence(der.set(attribute));
}

function extensions(names: readonly string[]): Buffer[] {
  const alternatives = der.sequence(...names.map(generalName));
  const uses = [SERVER_AUTHENTICATION, CLIENT_AUTHENTICATION].map(der.objectIdentifier);
  const all = [
    extension(BASIC_CONSTRAINTS, der.sequence(), true), // not an authority
    extension(KEY_USAGE, der.bitString(Buffer.from([0x80]), 7), true), // digitalSignature
    extension(EXTENDED_KEY_USAGE, der.sequence(...uses), false),
  ];
  // An empty list of names is not allowed: §4.2.1.6.
  if (names.length > 0) all.push(extension(SUBJECT_ALTERNATIVE_NAME, alternatives, false));
  return all;
}

function extension(identifier: string, value: Buffer, isCritical: boolean): Buffer {
  const critical = isCritical ? [der.isTrue] : [];
  return der.sequence(der.objectIdentifier(identifier), ...critical, der.octetString(value));
}

/** dNSName or iPAddress, RFC 5280 §4.2.1.6. */
function generalName(name: string): Buffer {
  return isIP(name) === 0 ? der.tagged(0x82, der.ia5(name)) : der.tagged(0x87, ipOctets(name));
}

function ipOctets(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  const [hex] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('%');
  const [head = '', tail] = hex!.split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const front = groups(head);
  const back = groups(tail ?? '');
  const zeros = new Array(8 - front.length - back.length).fill('0');
  const all = [...front, ...zeros, ...back].map(group => group.padStart(4, '0'));
  return Buffer.from(all.join(''), 'hex');
}
