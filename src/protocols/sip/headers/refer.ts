// Sending somebody elsewhere. RFC 3515, RFC 3892, RFC 4488.

import { nameAddrValue, tokenWithParams } from '../grammar.ts';
import { singleHeader } from '../header.ts';

export const ReferTo = singleHeader({
  name: 'Refer-To',
  compact: 'r',
  spec: 'RFC 3515 §2.1',
  value: nameAddrValue,
});

export const ReferredBy = singleHeader({
  name: 'Referred-By',
  compact: 'b',
  spec: 'RFC 3892 §3',
  value: nameAddrValue,
});

/** 'true' or 'false'. */
export const ReferSub = singleHeader({
  name: 'Refer-Sub',
  spec: 'RFC 4488',
  value: tokenWithParams('value', { lowerCase: true }),
});
