// Whether a proxy may take a request on at all: RFC 3261 §16.3, loops by RFC 5393 §4.2.

import { MaxForwards, ProxyRequire, Unsupported } from '../headers.ts';
import { response, type SipRequest, type SipResponse, set } from '../message.ts';
import { uriText } from '../uri.ts';
import { hash } from './hash.ts';

export interface CheckOptions {
  /** The function's name: `endpoint.name`. Loops are detected for it alone. */
  readonly name: string;
  /** Option tags a Proxy-Require may hold. */
  readonly supported?: readonly string[];
}

/** The refusal a request deserves; undefined where it may be forwarded. Throws SipError 400. */
export function checkRequest(request: SipRequest, options: CheckOptions): SipResponse | undefined {
  if (request.get(MaxForwards) === 0) return response(request, 483);
  if (isLooping(request, options.name)) return response(request, 482);
  const unsupported = request
    .all(ProxyRequire)
    .filter(tag => !options.supported?.includes(tag.toLowerCase()));
  if (unsupported.length > 0) return response(request, 420, set(Unsupported, ...unsupported));
  return undefined;
}

/**
 * Ends the branch of a forwarded request: equal for two visits only if nothing that decides the
 * request's way has changed between them. A spiral (TS 24.229: an originating and a terminating
 * visit to one S-CSCF) differs in Request-URI or Route. Call-ID, tags and CSeq need no part in it,
 * since it is compared among the Vias of one request.
 */
export function loopSuffix(request: SipRequest, name: string): string {
  let value = hash(uriText(request.uri), hash(name));
  for (const route of request.raw('Route')) value = hash(route, value);
  for (const tag of request.raw('Proxy-Require')) value = hash(tag, value);
  return `.l${value.toString(36)}`;
}

function isLooping(request: SipRequest, name: string): boolean {
  const vias = request.raw('Via');
  const suffix = loopSuffix(request, name);
  for (const via of vias) {
    for (let at = via.indexOf(suffix); at >= 0; at = via.indexOf(suffix, at + 1)) {
      const next = via.charAt(at + suffix.length);
      if (next === '' || next === ';' || next === ',' || next === ' ') return true;
    }
  }
  return false;
}
