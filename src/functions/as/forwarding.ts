// Unconditional forwarding: the AS as a back-to-back user agent that re-targets the call
// (TS 24.229 §5.7.5, TS 24.604 §4.5.2.6). Descriptions and media pass from end to end.

import {
  AcceptContact,
  From,
  HistoryInfo,
  type NameAddr,
  PAssertedIdentity,
  PChargingVector,
  Privacy,
  PServedUser,
  Route,
  Subject,
  Supported,
  To,
} from '#sip/headers';
import { required } from '#sip/identities';
import { type Edit, fields, set } from '#sip/message';
import { takeRoute } from '#sip/proxy';
import { parseUri, type Uri, uriText } from '#sip/uri';
import type { IncomingSession } from '#sip/user-agent';
import type { As } from './as.ts';
import { Bridge } from './bridge.ts';
import { diversionNotice, diversionsOf, history, MOST_DIVERSIONS } from './diversion.ts';
import { identityNamed, identityOf } from './identity.ts';

/** What of the first leg the second one says as well, besides the way and the description. */
const CARRIED = [
  PAssertedIdentity,
  PChargingVector,
  Privacy,
  PServedUser,
  AcceptContact,
  Subject,
] as const;

export class Forwarding {
  readonly #as: As;
  readonly #targets = new Map<string, Uri>();

  /** Throws a UsageError where a setting names no identity. */
  constructor(as: As) {
    this.#as = as;
    const { home, forward } = as.config;
    for (const [served, target] of forward) {
      identityNamed(target, home, `as.forward of ${served}`);
      this.#targets.set(identityNamed(served, home, 'as.forward'), parseUri(target));
    }
  }

  serve(incoming: IncomingSession): void {
    const { request } = incoming;
    const { uri } = request.get(PServedUser) ?? request;
    const target = this.#targets.get(identityOf(uri, this.#as.config.home));
    const tooOften = target !== undefined && diversionsOf(request) >= MOST_DIVERSIONS;
    this.#as.decide('as.forwarding', request, {
      chose: tooOften ? '480' : target === undefined ? 'not forwarded' : uriText(target),
      because: tooOften
        ? `the call has been diverted ${MOST_DIVERSIONS} times`
        : `${uriText(uri)} forwards ${target === undefined ? 'no calls' : 'every call'}`,
      clause: 'TS 24.604 §4.5.2.6.1',
    });
    if (tooOften) incoming.reject(480);
    else if (target === undefined) this.#connect(incoming, request.uri, undefined);
    else this.#divert(incoming, target);
  }

  #divert(incoming: IncomingSession, target: Uri): void {
    const past = history(incoming.request, target, this.#as.config.home);
    void incoming.provisional(181, { edits: diversionNotice(incoming.request, past) });
    this.#connect(incoming, target, past);
  }

  #connect(incoming: IncomingSession, target: Uri, past: readonly NameAddr[] | undefined): void {
    const { request } = incoming;
    // The S-CSCF knows the call again by the rest of the Route: its original dialog identifier.
    const { request: beyond } = takeRoute(request, uri => this.#as.isOurs(uri));
    const outgoing = this.#as.ua.invite({
      uri: target,
      from: required(request, From),
      to: withoutTag(required(request, To)),
      route: beyond.all(Route),
      edits: [
        ...CARRIED.map(header => fields(...request.lines(header))),
        past === undefined ? fields(...request.lines(HistoryInfo)) : set(HistoryInfo, ...past),
        this.#supported(incoming),
      ],
      ...(incoming.offer !== undefined && { offer: incoming.offer }),
    });
    new Bridge(incoming, outgoing);
  }

  /** What concerns the descriptions is between the ends: offered where the caller offers it. */
  #supported(incoming: IncomingSession): Edit {
    const own = this.#as.ua.supported.filter(tag => tag !== 'precondition');
    return set(Supported, ...own, ...(incoming.supports('precondition') ? ['precondition'] : []));
  }
}

function withoutTag(to: NameAddr): NameAddr {
  const params = new Map(to.params);
  params.delete('tag');
  return { ...to, params };
}
