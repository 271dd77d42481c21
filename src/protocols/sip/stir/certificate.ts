// From a certificate chain to a credential: signed by whom we trust, valid now, of the right curve.
// RFC 8224 §6.2 step 2, RFC 5280 §6.1 as far as a chain of two or three needs it.

import { X509Certificate } from 'node:crypto';
import type { Instant } from '#kernel/time';
import { isP256 } from './passport.ts';
import type { Credential } from './verify.ts';

const LONGEST_CHAIN = 4;
const LONGEST_TEXT = 64 * 1024;

/**
 * `pem` is what was found behind `info`: the signer's certificate first, then those above it.
 * `roots` are the trusted ones, PEM.
 */
export function credentialFrom(
  pem: string,
  roots: readonly string[],
  now: Instant,
): Credential | 'untrusted' {
  const blocks = pem.length > LONGEST_TEXT ? [] : (pem.match(PEM) ?? []);
  if (blocks.length === 0 || blocks.length > LONGEST_CHAIN) return 'untrusted';
  try {
    const chain = blocks.map(block => new X509Certificate(block));
    const trusted = roots.map(root => new X509Certificate(root));
    if (![...chain].every(one => isValid(one, now))) return 'untrusted';
    for (const [index, one] of chain.entries()) {
      const root = trusted.find(each => isValid(each, now) && isSignedBy(one, each));
      if (root !== undefined) {
        const key = chain[0]!.publicKey;
        return isP256(key) ? { key } : 'untrusted';
      }
      const above = chain[index + 1];
      if (above === undefined || !isSignedBy(one, above)) return 'untrusted';
    }
  } catch {
    // not a certificate
  }
  return 'untrusted';
}

const PEM = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

const isValid = (certificate: X509Certificate, now: Instant): boolean =>
  certificate.validFromDate.getTime() <= now && now <= certificate.validToDate.getTime();

/** A certificate that may sign others, or is itself trusted. */
const isSignedBy = (one: X509Certificate, above: X509Certificate): boolean =>
  one.raw.equals(above.raw) || (above.ca && one.checkIssued(above) && one.verify(above.publicKey));
