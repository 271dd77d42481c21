// Loose routing, and the repair of what strict routers made of it: RFC 3261 §16.4, §16.6 step 6.

import { type NameAddr, nameAddr, Route } from '../headers.ts';
import {
  add,
  type Edit,
  remove,
  removeFirst,
  requestUri,
  type SipRequest,
  set,
} from '../message.ts';
import { isSipUri, type Uri } from '../uri.ts';

export interface RouteTaken {
  /** Without the Route values that were ours. */
  readonly request: SipRequest;
  /** Those values, topmost first. */
  readonly own: readonly NameAddr[];
}

/** Pops every topmost Route value for which `isOurs` holds. Throws SipError 400. */
export function takeRoute(request: SipRequest, isOurs: (uri: Uri) => boolean): RouteTaken {
  const repaired = undoStrictRouting(request, isOurs);
  const routes = repaired.all(Route);
  const own: NameAddr[] = [];
  while (own.length < routes.length && isOurs(routes[own.length]!.uri)) {
    own.push(routes[own.length]!);
  }
  if (own.length === 0) return { request: repaired, own };
  return { request: repaired.with(...own.map(() => removeFirst(Route))), own };
}

/** A strict router put our Record-Route URI into the Request-URI and the target last into Route. */
function undoStrictRouting(request: SipRequest, isOurs: (uri: Uri) => boolean): SipRequest {
  if (!isLoose(request.uri) || !isOurs(request.uri)) return request;
  const routes = request.all(Route);
  const target = routes.at(-1);
  if (target === undefined) return request;
  return request.with(
    requestUri(target.uri),
    routes.length === 1 ? remove(Route) : set(Route, ...routes.slice(0, -1)),
  );
}

/** What a next hop without `lr` expects: its URI as Request-URI, and ours last in Route. */
export function forStrictRouter(request: SipRequest): readonly Edit[] {
  const top = request.get(Route);
  if (top === undefined || isLoose(top.uri)) return [];
  return [removeFirst(Route), add(Route, nameAddr(request.uri)), requestUri(top.uri)];
}

/** Where a request goes next: its topmost Route, else its Request-URI. §16.6 step 7 */
export function nextHop(request: SipRequest): Uri {
  return request.get(Route)?.uri ?? request.uri;
}

const isLoose = (uri: Uri): boolean => isSipUri(uri) && uri.params.has('lr');
