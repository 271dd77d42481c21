// The S-CSCF's end of ISC towards sessions: a request to an application server, and how it is known
// again when the server sends it back. TS 24.229 §5.4.3.2, §5.4.3.3 and §5.7, RFC 5502, RFC 8498.

import type { ApplicationServer } from '#diameter/cx-user-data';
import { nameAddr, PServedUser, Route } from '#sip/headers';
import { prepend, type SipRequest, set } from '#sip/message';
import type { Branch } from '#sip/proxy';
import { isSipUri, parseUri, type SipUri, sipUri, type Uri } from '#sip/uri';
import { originates } from './charging.ts';
import type { SCscf } from './s-cscf.ts';
import type { Treatment } from './treatment.ts';

/** The user part of an original dialog identifier: `odi-` and what nobody can guess. */
const ODI = /^odi-([0-9a-f]{24})$/;

export class Isc {
  readonly #scscf: SCscf;
  /** Treatments that an AS may go on with, by their identifier, the oldest first. */
  readonly #open = new Map<string, Treatment>();
  /** Hosts of application servers that profiles have named: their hops are on ISC. */
  readonly #servers = new Set<string>();

  constructor(scscf: SCscf) {
    this.#scscf = scscf;
  }

  get open(): number {
    return this.#open.size;
  }

  /** The request as the AS gets it, with our own Route behind the AS's to come back by. */
  branch(
    server: ApplicationServer,
    request: SipRequest,
    next: Treatment,
  ): { readonly branch: Branch; readonly token: string } {
    const target = parseUri(server.serverName);
    this.knows(target);
    const token = this.#remember(next);
    const back = this.#scscf.route(`odi-${token}`);
    const { home } = this.#scscf.config;
    return {
      token,
      branch: {
        request: request.with(
          prepend(Route, nameAddr(loose(target)), nameAddr(back)),
          set(PServedUser, servedUser(next)),
          originates(request, home, this.#scscf.host),
        ),
        target: { uri: target, point: 'ISC' },
        // A silent server is passed over by its DefaultHandling, long before timer B (§5.4.3.2).
        unheard: this.#scscf.config.isc.timeout,
      },
    };
  }

  /** The treatment that one of our Route values continues. */
  continued(own: readonly { readonly uri: Uri }[]): Treatment | undefined {
    for (const { uri } of own) {
      const token = isSipUri(uri) ? ODI.exec(uri.user ?? '')?.[1] : undefined;
      if (token !== undefined) return this.#open.get(token);
    }
    return undefined;
  }

  /** Whether a Route value is an original dialog identifier, remembered or not. */
  isOdi(uri: Uri): boolean {
    return isSipUri(uri) && ODI.test(uri.user ?? '');
  }

  forget(tokens: readonly string[]): void {
    for (const token of tokens) this.#open.delete(token);
  }

  /** The reference point towards a URI: an application server's, or a CSCF's. */
  pointOf(uri: Uri): 'ISC' | 'Mw' {
    return isSipUri(uri) && this.#servers.has(uri.host) ? 'ISC' : 'Mw';
  }

  #remember(next: Treatment): string {
    if (this.#open.size >= this.#scscf.config.isc.chains) {
      for (const oldest of this.#open.keys()) {
        this.#open.delete(oldest);
        break;
      }
    }
    const token = this.#scscf.host.random.hex(12);
    this.#open.set(token, next);
    return token;
  }

  /** Notes that a URI is an application server's. */
  knows(uri: Uri): void {
    if (isSipUri(uri) && this.#servers.size < MAX_SERVERS) this.#servers.add(uri.host);
  }
}

const MAX_SERVERS = 10_000;

export function loose(uri: Uri): Uri {
  if (!isSipUri(uri) || uri.params.has('lr')) return uri;
  return sipUri({ ...(uri as SipUri), params: new Map([...uri.params, ['lr', null]]) });
}

/** RFC 5502 §6; `orig-cdiv` by RFC 8498 §4. */
function servedUser({ served, side, registered, sessionCase }: Treatment) {
  const params: Record<string, string | null> =
    sessionCase === 'ORIGINATING_CDIV'
      ? { 'orig-cdiv': null }
      : { sescase: side, regstate: registered ? 'reg' : 'unreg' };
  return nameAddr(parseUri(served), params);
}
