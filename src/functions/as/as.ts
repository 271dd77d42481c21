// An application server in all the roles TS 24.229 §5.7 gives one: terminating user agent (echo),
// proxy (screening), back-to-back user agent (forwarding) and receiver of third-party REGISTER. The
// user part of the URI a filter criterion names chooses the service.

import type { Address, Host } from '#kernel/host';
import type { Decision } from '#kernel/trace';
import { type ServerTransaction, SipEndpoint } from '#sip/endpoint';
import { nameAddr, Route, To } from '#sip/headers';
import type { SipMessage } from '#sip/message';
import { OwnUris } from '#sip/own-uris';
import { isSipUri, sipUri, type Uri } from '#sip/uri';
import { UserAgent } from '#sip/user-agent';
import type { AsConfig } from './config.ts';
import { Echo } from './echo.ts';
import { Forwarding } from './forwarding.ts';
import { Registrations } from './registrations.ts';
import { Screening } from './screening.ts';

/** A socket it listens on. */
export interface Bound {
  readonly point: 'ISC';
  readonly protocol: 'udp' | 'tcp';
  readonly address: Address;
}

export class As {
  readonly config: AsConfig;
  readonly host: Host;
  readonly sip: SipEndpoint;
  readonly ua: UserAgent;
  readonly registrations: Registrations;
  readonly #own: OwnUris;
  readonly #echo: Echo;
  readonly #forwarding: Forwarding;
  readonly #screening: Screening;

  constructor(config: AsConfig, host: Host) {
    this.config = config;
    this.host = host;
    this.sip = new SipEndpoint(host, { point: 'ISC', name: config.name });
    this.ua = new UserAgent(this.sip, host, {
      contact: nameAddr(sipUri({ host: config.name, port: config.port })),
      supported: ['100rel', 'timer', 'precondition'],
      maxSessions: config.sessions,
      attach: false,
    });
    this.#own = new OwnUris(config.name);
    this.registrations = new Registrations(this);
    this.#echo = new Echo(this);
    this.#forwarding = new Forwarding(this);
    this.#screening = new Screening(this);
  }

  /** Rejects with an AddressError where a port is taken. */
  async start(): Promise<readonly Bound[]> {
    this.sip.onRequest = tx => this.#serve(tx);
    this.ua.onInvite = session => {
      if (this.#service(session.request.all(Route), session.request.uri) === 'forwarding') {
        this.#forwarding.serve(session);
      } else {
        void this.#echo.serve(session);
      }
    };
    this.sip.serveLocal(this.config.name);
    const bound: Bound[] = [];
    for (const { protocol, address } of this.config.listen) {
      const advertise = { host: this.config.name };
      const at = await this.sip.listen(protocol, address, { advertise });
      this.#own.addAddress(at);
      bound.push({ point: 'ISC', protocol, address: at });
    }
    return bound;
  }

  async stop(): Promise<void> {
    this.#echo.stop();
    this.ua.stop();
    await this.sip.stop();
  }

  decide(decision: string, about: SipMessage, what: Omit<Decision, 'about'>): void {
    if (this.host.trace.enabled) this.host.trace.decide(decision, { ...what, about });
  }

  isOurs(uri: Uri): boolean {
    return this.#own.has(uri);
  }

  #serve(tx: ServerTransaction): void | Promise<void> {
    const { request } = tx;
    if (this.ua.owns(request)) return this.ua.receive(tx);
    if (request.get(To)?.params.has('tag')) return this.#ofNoDialog(tx);
    if (request.method === 'ACK') return;
    if (request.method === 'REGISTER') return this.registrations.receive(tx);
    const service = this.#service(request.all(Route), request.uri);
    switch (service) {
      case 'screening':
        return this.#screening.serve(tx);
      case 'forwarding':
      case 'echo':
        return this.ua.receive(tx);
      case undefined:
        if (request.method === 'OPTIONS') return this.ua.receive(tx);
        this.decide('as.service', request, {
          chose: '404',
          because: 'neither its Route nor its Request-URI names a service of this server',
          clause: 'TS 24.229 §5.7.1.1',
        });
        tx.reply(404);
    }
  }

  /**
   * Screening stays in no dialog (TS 24.229 §5.7.4), and those of the other services are known: who
   * comes by such a request would have us send it where he likes.
   */
  #ofNoDialog(tx: ServerTransaction): void {
    if (tx.request.method === 'ACK') return;
    this.decide('as.dialog', tx.request, {
      chose: '481',
      because: 'this server is in no such dialog',
      clause: 'RFC 3261 §12.2.2',
    });
    tx.reply(481);
  }

  /** Named by the Route that led here, or called itself as a public service identity. */
  #service(
    routes: readonly { readonly uri: Uri }[],
    requestUri: Uri,
  ): 'echo' | 'screening' | 'forwarding' | undefined {
    const [top] = routes;
    const users = [top !== undefined && this.isOurs(top.uri) ? top.uri : undefined, requestUri];
    for (const uri of users) {
      if (uri === undefined || !isSipUri(uri)) continue;
      const { user } = uri;
      if (user === 'echo' || user === 'screening' || user === 'forwarding') return user;
    }
    return undefined;
  }
}
