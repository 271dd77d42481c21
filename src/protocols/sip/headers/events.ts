// Subscriptions and publications. RFC 6665 §8.2, RFC 3903 §11.3.

import { tokenValue, tokenWithParams } from '../grammar.ts';
import { listHeader, singleHeader } from '../header.ts';

export const Event = singleHeader({
  name: 'Event',
  compact: 'o',
  spec: 'RFC 6665 §8.2.1',
  value: tokenWithParams('package'),
});

export const AllowEvents = listHeader({
  name: 'Allow-Events',
  compact: 'u',
  spec: 'RFC 6665 §8.2.2',
  value: tokenValue,
  joined: true,
});

export const SubscriptionState = singleHeader({
  name: 'Subscription-State',
  spec: 'RFC 6665 §8.2.3',
  value: tokenWithParams('state', { lowerCase: true }),
});

export const SipEtag = singleHeader({
  name: 'SIP-ETag',
  spec: 'RFC 3903 §11.3.1',
  value: tokenValue,
});
export const SipIfMatch = singleHeader({
  name: 'SIP-If-Match',
  spec: 'RFC 3903 §11.3.2',
  value: tokenValue,
});
