// Which peers carry requests for which realm: the realm routing table, and what redirect agents have
// said. RFC 6733 §2.7, §6.1.6 to §6.1.8, §6.12 to §6.14

import type { Instant } from '#kernel/time';
import { seconds } from '#kernel/time';
import { RedirectHost, RedirectHostUsage, RedirectMaxCacheTime } from './base.ts';
import type { DiameterMessage } from './message.ts';

/** A row: requests for the realm go to these peers, agents or not. */
export interface RouteConfig {
  /** '*' is every realm that no other row names. */
  readonly realm: string;
  /** Application id; without it every application. */
  readonly application?: number;
  /** Identities of peers, the best first. */
  readonly peers: readonly string[];
}

/** What is looked up, in lower case. */
export interface RouteQuery {
  readonly application: number;
  readonly realm: string;
  readonly host: string | undefined;
  readonly sessionId: string;
}

/** Where a redirect agent sends a request. */
export interface Redirection {
  /** Identities, in lower case, and where each listens. */
  readonly hosts: readonly { readonly identity: string; readonly endpoint: string }[];
}

const MAX_HOSTS = 8;
const MAX_CACHED = 1_000;
const LONGEST_CACHE = 86_400;

export class Routes {
  readonly #rows: readonly RouteConfig[];
  readonly #cached = new Map<string, { readonly to: Redirection; readonly until: Instant }>();

  constructor(rows: readonly RouteConfig[]) {
    this.#rows = rows.map(row => ({
      ...row,
      realm: row.realm.toLowerCase(),
      peers: row.peers.map(peer => peer.toLowerCase()),
    }));
  }

  /** Identities of peers that carry it, the best first; undefined where no row says. */
  peersFor({ application, realm }: RouteQuery): readonly string[] | undefined {
    let found: RouteConfig | undefined;
    let worth = 0;
    for (const row of this.#rows) {
      if (row.application !== undefined && row.application !== application) continue;
      const isNamed = row.realm === realm;
      if (!isNamed && row.realm !== '*') continue;
      const here = (isNamed ? 2 : 0) + (row.application === undefined ? 1 : 2);
      if (here > worth) [found, worth] = [row, here];
    }
    return found?.peers;
  }

  /** What was said to hold for more than one request. */
  redirected(query: RouteQuery, now: Instant): Redirection | undefined {
    if (this.#cached.size === 0) return undefined;
    for (const key of keysOf(query)) {
      const known = this.#cached.get(key);
      if (known === undefined) continue;
      if (known.until > now) return known.to;
      this.#cached.delete(key);
    }
    return undefined;
  }

  /** Takes a DIAMETER_REDIRECT_INDICATION; undefined where it names no host. §6.1.8 */
  learn(answer: DiameterMessage, query: RouteQuery, now: Instant): Redirection | undefined {
    const to = redirectionIn(answer);
    if (to === undefined) return undefined;
    const usage = answer.get(RedirectHostUsage) ?? 'DONT_CACHE';
    const lifetime = answer.get(RedirectMaxCacheTime) ?? 0;
    const key = keyFor(usage, query);
    if (key === undefined || lifetime === 0) return to;
    if (this.#cached.size >= MAX_CACHED) {
      for (const oldest of this.#cached.keys()) {
        this.#cached.delete(oldest);
        break;
      }
    }
    const until = now + seconds(Math.min(lifetime, LONGEST_CACHE));
    this.#cached.set(key, { to, until });
    return to;
  }
}

/** `aaa://host:port;transport=tcp`. §4.3.1 */
const URI =
  /^aaas?:\/\/([A-Za-z0-9.-]{1,255})(?::([0-9]{1,5}))?(?:;transport=([a-z]+))?(?:;protocol=diameter)?$/;

function redirectionIn(answer: DiameterMessage): Redirection | undefined {
  const hosts = answer
    .all(RedirectHost)
    .slice(0, MAX_HOSTS)
    .flatMap(uri => {
      const [, name, port, transport = 'tcp'] = URI.exec(uri) ?? [];
      if (name === undefined || transport !== 'tcp') return [];
      const identity = name.toLowerCase();
      return [{ identity, endpoint: port === undefined ? identity : `${identity}:${port}` }];
    });
  return hosts.length === 0 ? undefined : { hosts };
}

// What each usage lets be remembered, the narrowest first when it is looked up. ALL_USER would need
// the user, which only an application knows: it is not remembered.
function keysOf({ application, realm, host, sessionId }: RouteQuery): readonly string[] {
  return [
    `session ${sessionId}`,
    ...(host === undefined ? [] : [`host ${host}`]),
    `realm ${realm} ${application}`,
    `realm ${realm}`,
    `application ${application}`,
  ];
}

type Usage = NonNullable<ReturnType<typeof RedirectHostUsage.type.read>>;

function keyFor(usage: Usage, query: RouteQuery): string | undefined {
  const { application, realm, host, sessionId } = query;
  switch (usage) {
    case 'ALL_SESSION':
      return `session ${sessionId}`;
    case 'ALL_REALM':
      return `realm ${realm}`;
    case 'REALM_AND_APPLICATION':
      return `realm ${realm} ${application}`;
    case 'ALL_APPLICATION':
      return `application ${application}`;
    case 'ALL_HOST':
      return host === undefined ? undefined : `host ${host}`;
    case 'DONT_CACHE':
    case 'ALL_USER':
      return undefined;
  }
}
