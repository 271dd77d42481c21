// Agreement on a security mechanism between UE and P-CSCF. RFC 3329 §2.2, TS 33.203 annex H.

import { tokenWithParams } from '../grammar.ts';
import { listHeader } from '../header.ts';

export const SecurityClient = listHeader({
  name: 'Security-Client',
  spec: 'RFC 3329 §2.2',
  value: tokenWithParams('mechanism'),
});

export const SecurityServer = listHeader({
  name: 'Security-Server',
  spec: 'RFC 3329 §2.2',
  value: tokenWithParams('mechanism'),
});

export const SecurityVerify = listHeader({
  name: 'Security-Verify',
  spec: 'RFC 3329 §2.2',
  value: tokenWithParams('mechanism'),
});
