// Digest AVPs of RFC 4740 and RFC 5090 that 3GPP applications borrow. No Vendor-Id.

import { application } from './application.ts';
import { utf8String } from './types.ts';

const DigestAvps = application({ name: 'SIP', id: 6, vendor: 0, spec: 'RFC 4740' });

// TS 29.229 §5.6 leaves the M flag of what it borrows as the RFC has it
const borrowed = { mandatory: false };

export const DigestRealm = DigestAvps.avp('Digest-Realm', 104, utf8String, '§9.5.6.1', borrowed);
export const DigestQop = DigestAvps.avp('Digest-QoP', 110, utf8String, '§9.5.6.4', borrowed);
export const DigestAlgorithm = DigestAvps.avp(
  'Digest-Algorithm',
  111,
  utf8String,
  '§9.5.6.2',
  borrowed,
);
/** H(A1) in hexadecimal: as good as the password. */
export const DigestHa1 = DigestAvps.avp('Digest-HA1', 121, utf8String, '§9.5.6.5', {
  mandatory: false,
  secret: true,
});
