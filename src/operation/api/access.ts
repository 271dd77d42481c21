// Who may use the API. On loopback anybody of this machine, but no web page of elsewhere that a
// browser of this machine happens to show; beyond loopback whoever has the token, over TLS.

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { UsageError } from '#kernel/errors';
import type { NetworkSettings } from '#networks/schema';
import { Problem } from './problem.ts';

export interface AccessSettings {
  /** The address bound. */
  readonly bind: string;
  readonly token: string | undefined;
  readonly tls: boolean;
}

export const exposureOf = (settings: NetworkSettings): AccessSettings => ({
  bind: settings.console.bind ?? settings.bind,
  token: settings.console.token ?? process.env.CARILLON_TOKEN,
  tls: settings.console.tls !== undefined,
});

const COOKIE = 'carillon-console';

export const isLoopback = (host: string): boolean =>
  host === '::1' ||
  host.toLowerCase() === 'localhost' ||
  (isIP(host) === 4 && host.startsWith('127.'));

/** Throws a UsageError where the API would stand open to others. */
export function checkExposure({ bind, token, tls }: AccessSettings): void {
  if (isLoopback(bind)) return;
  const missing = [
    ...(token === undefined ? ['console.token=SECRET (16 characters or more)'] : []),
    ...(tls ? [] : ['console.tls=self-signed (or { key: FILE, cert: FILE })']),
  ];
  if (missing.length === 0) return;
  throw new UsageError(
    `console.bind ${bind} can be reached from other machines, so the API needs a token and TLS: ` +
      `set ${missing.join(' and ')}, or keep it to this machine with console.bind=127.0.0.1`,
  );
}

export class Access {
  readonly #settings: AccessSettings;
  readonly #token: Buffer | undefined;
  /** What a browser that gave the token once shows from then on, as long as this process lives. */
  readonly #session = randomBytes(32).toString('hex');

  constructor(settings: AccessSettings) {
    this.#settings = settings;
    this.#token = settings.token === undefined ? undefined : digest(settings.token);
  }

  get needsToken(): boolean {
    return this.#token !== undefined;
  }

  /** Throws the Problem that a request deserves which may not be served. */
  check(headers: IncomingHttpHeaders): void {
    this.checkOrigin(headers);
    if (this.#token === undefined || this.#isKnown(headers)) return;
    throw new Problem(401, {
      detail:
        'a token is needed: send the header Authorization: Bearer TOKEN (setting console.token)',
      headers: { 'www-authenticate': 'Bearer realm="carillon"' },
    });
  }

  /** A page of another site asks, or one whose name was made to lead here (DNS rebinding). */
  checkOrigin(headers: IncomingHttpHeaders): void {
    const { host = '', origin } = headers;
    const name = hostName(host);
    if (this.#token === undefined && (name === undefined || !isLocalName(name))) {
      throw new Problem(421, {
        detail: `the API of this machine answers to localhost, not to "${host}"`,
        errors: [
          { in: 'header', field: 'host', value: host, message: 'write localhost or 127.0.0.1' },
        ],
      });
    }
    const isForeign = origin !== undefined && hostOfOrigin(origin) !== host.toLowerCase();
    const site = headers['sec-fetch-site'];
    const isEmbedded =
      (site === 'cross-site' || site === 'same-site') && headers['sec-fetch-mode'] !== 'navigate';
    if (!isForeign && !isEmbedded) return;
    throw new Problem(403, {
      detail: `a web page of ${origin ?? 'another site'} may not use the API`,
      errors: [{ in: 'header', field: 'origin', value: origin ?? '', message: `not of ${host}` }],
    });
  }

  /** The cookie for a browser that gave the right token; undefined where it is wrong. */
  signIn(token: string): string | undefined {
    if (this.#token === undefined || !timingSafeEqual(digest(token), this.#token)) return undefined;
    const secure = this.#settings.tls ? '; Secure' : '';
    return `${COOKIE}=${this.#session}; HttpOnly; SameSite=Strict; Path=/${secure}`;
  }

  #isKnown({ authorization, cookie }: IncomingHttpHeaders): boolean {
    const bearer = /^Bearer +(.+)$/i.exec(authorization ?? '')?.[1];
    if (bearer !== undefined) return timingSafeEqual(digest(bearer.trim()), this.#token!);
    const shown = cookie
      ?.split(';')
      .map(part => part.trim().split('='))
      .find(([name]) => name === COOKIE)?.[1];
    return shown !== undefined && timingSafeEqual(digest(shown), digest(this.#session));
  }
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** The host of a Host header without its port; undefined where it is none. */
function hostName(host: string): string | undefined {
  const match = /^(\[[0-9a-f:.]+\]|[^:\s/@]+)(:\d{1,5})?$/i.exec(host);
  return match?.[1]?.replace(/^\[|\]$/g, '').toLowerCase();
}

const isLocalName = (name: string): boolean => isLoopback(name) || name.endsWith('.localhost');

/** As a Host header would have it; 'null' and what is no URL belong to nobody. */
function hostOfOrigin(origin: string): string | undefined {
  try {
    return new URL(origin).host;
  } catch {
    return undefined;
  }
}
