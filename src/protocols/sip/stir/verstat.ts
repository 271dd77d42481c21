// The result of verification beside the number it is about: the tel URI parameter `verstat`.
// TS 24.229 §7.2A.20.

import { From, type NameAddr, PAssertedIdentity } from '../headers.ts';
import { type Edit, type SipRequest, set } from '../message.ts';
import { isSipUri, isTelUri, type Uri } from '../uri.ts';
import type { Verdict } from './verify.ts';

/**
 * Notes the result on the asserted identities that are numbers, else on From; what was noted before
 * is taken off, whoever noted it.
 */
export function verstatEdits(request: SipRequest, verstat: Verdict['verstat']): readonly Edit[] {
  const asserted = request.all(PAssertedIdentity);
  const from = request.get(From);
  const isOnAsserted = asserted.some(({ uri }) => isNumber(uri));
  return [
    ...(asserted.length === 0
      ? []
      : [set(PAssertedIdentity, ...asserted.map(value => noted(value, verstat)))]),
    ...(from === undefined ? [] : [set(From, noted(from, isOnAsserted ? undefined : verstat))]),
  ];
}

/** Takes every verstat off: one from beyond a trust boundary proves nothing (§4.4.21). */
export function withoutVerstat(uri: Uri): Uri {
  if (isTelUri(uri)) {
    if (!uri.params.has('verstat')) return uri;
    return { ...uri, params: new Map([...uri.params].filter(([name]) => name !== 'verstat')) };
  }
  if (!isSipUri(uri) || !/;verstat(=|;|$)/i.test(uri.user ?? '')) return uri;
  return { ...uri, user: uri.user!.replace(/;verstat(=[^;]*)?(?=;|$)/gi, '') };
}

/** The value noted on a URI, if one is. */
export function verstatOf(uri: Uri): string | undefined {
  if (isTelUri(uri)) return uri.params.get('verstat') ?? undefined;
  return isSipUri(uri) ? /;verstat=([^;]*)/i.exec(uri.user ?? '')?.[1] : undefined;
}

function noted(value: NameAddr, verstat: string | undefined): NameAddr {
  const plain = withoutVerstat(value.uri);
  if (verstat === undefined || !isNumber(plain)) return { ...value, uri: plain };
  if (isTelUri(plain)) {
    return {
      ...value,
      uri: { ...plain, params: new Map([...plain.params, ['verstat', verstat]]) },
    };
  }
  // a telephone-subscriber in a SIP URI has its parameters in the user part (RFC 3261 §19.1.6)
  const sip = plain as Extract<Uri, { user: unknown }>;
  return { ...value, uri: { ...sip, user: `${sip.user};verstat=${verstat}` } };
}

const isNumber = (uri: Uri): boolean =>
  isTelUri(uri) || (isSipUri(uri) && uri.params.get('user')?.toLowerCase() === 'phone');
