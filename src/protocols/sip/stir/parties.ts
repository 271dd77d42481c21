// Who calls and who is called, as a PASSporT says it. RFC 8224 §8.3 to §8.5.

import { From, PAssertedIdentity, To } from '../headers.ts';
import { required } from '../identities.ts';
import type { SipRequest } from '../message.ts';
import { impuOf, isSipUri, isTelUri, type Uri, withoutSeparators } from '../uri.ts';
import type { Party } from './passport.ts';

/** A number where the URI is one, else the canonical URI. */
export function partyOf(uri: Uri): Party {
  const tn = numberOf(uri);
  return tn === undefined ? { uri: impuOf(uri) } : { tn };
}

/** Digits alone, no '+': RFC 8224 §8.3. Of a SIP URI where its user part is a number (§8.1). */
function numberOf(uri: Uri): string | undefined {
  if (isTelUri(uri)) return digitsOf(uri.number);
  if (!isSipUri(uri) || uri.user === undefined) return undefined;
  const isPhone = uri.params.get('user')?.toLowerCase() === 'phone';
  const [user = ''] = uri.user.split(';');
  return isPhone || user.startsWith('+') ? digitsOf(user) : undefined;
}

function digitsOf(text: string): string | undefined {
  const digits = withoutSeparators(text).replace(/^\+/, '');
  return /^[0-9*#]{1,40}$/.test(digits) ? digits : undefined;
}

/** Whom the request says it is from: the identity that the network asserts, else From. */
export function originatorsOf(request: SipRequest): readonly Party[] {
  const asserted = request.all(PAssertedIdentity).map(({ uri }) => partyOf(uri));
  return [...asserted, partyOf(required(request, From).uri)];
}

/** To, not the Request-URI: what the caller asked for, whoever diverts it (RFC 8224 §6.2.1). */
export const destinationOf = (request: SipRequest): Party => partyOf(required(request, To).uri);

export const isSameParty = (a: Party, b: Party): boolean =>
  'tn' in a ? 'tn' in b && a.tn === b.tn : 'uri' in b && a.uri === b.uri;
