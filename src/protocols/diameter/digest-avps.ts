// Digest AVPs that 3GPP applications borrow. RFC 5090 §3, TS 29.229 table 6.3.1. No Vendor-Id.

import { application } from './application.ts';
import { utf8String } from './types.ts';

const DigestAvps = application({ name: 'Digest', id: 6, vendor: 0, spec: 'RFC 5090' });

export const DigestRealm = DigestAvps.avp('Digest-Realm', 104, utf8String, '§3.2');
export const DigestQop = DigestAvps.avp('Digest-QoP', 110, utf8String, '§3.8');
export const DigestAlgorithm = DigestAvps.avp('Digest-Algorithm', 111, utf8String, '§3.9');
/** H(A1) in hexadecimal: as good as the password. */
export const DigestHa1 = DigestAvps.avp('Digest-HA1', 121, utf8String, '§3.19', { secret: true });
