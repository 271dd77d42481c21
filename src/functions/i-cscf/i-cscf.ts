// The I-CSCF: the entry to the home network. It asks the HSS which S-CSCF serves a user, or chooses
// one, and keeps no state of its own. TS 24.229 §5.3

import type { PeerStatus } from '#diameter/node';
import type { Address, Host } from '#kernel/host';
import type { Decision } from '#kernel/trace';
import { type ServerTransaction, SipEndpoint } from '#sip/endpoint';
import type { SipMessage } from '#sip/message';
import { OwnUris } from '#sip/own-uris';
import type { Uri } from '#sip/uri';
import type { ICscfConfig } from './config.ts';
import { CxClient } from './cx.ts';
import { locate } from './location.ts';
import { register } from './registration.ts';

/** A socket it listens on. */
export interface Bound {
  readonly point: 'Mw';
  readonly protocol: 'udp' | 'tcp';
  readonly address: Address;
}

export class ICscf {
  readonly config: ICscfConfig;
  readonly host: Host;
  readonly sip: SipEndpoint;
  readonly cx: CxClient;
  readonly #own: OwnUris;

  constructor(config: ICscfConfig, host: Host) {
    this.config = config;
    this.host = host;
    this.sip = new SipEndpoint(host, { point: 'Mw', name: config.name });
    this.cx = new CxClient(host, config);
    this.#own = new OwnUris(config.name);
  }

  /** Rejects with an AddressError where a port is taken; an HSS that is away is retried for ever. */
  async start(): Promise<readonly Bound[]> {
    this.sip.onRequest = tx => this.#serve(tx);
    this.sip.serveLocal(this.config.name);
    const bound: Bound[] = [];
    for (const { protocol, address } of this.config.listen) {
      const at = await this.sip.listen(protocol, address, {
        advertise: { host: this.config.name },
      });
      this.#own.addAddress(at);
      bound.push({ point: 'Mw', protocol, address: at });
    }
    this.cx.start();
    return bound;
  }

  async stop(): Promise<void> {
    await this.sip.stop();
    await this.cx.node.stop();
  }

  peers(): readonly PeerStatus[] {
    return this.cx.node.peers();
  }

  isOurs(uri: Uri): boolean {
    return this.#own.has(uri);
  }

  decide(decision: string, about: SipMessage, what: Omit<Decision, 'about'>): void {
    if (this.host.trace.enabled) this.host.trace.decide(decision, { ...what, about });
  }

  async #serve(tx: ServerTransaction): Promise<void> {
    // The 2xx's ACK travels by Record-Route, where the I-CSCF never is; §5.3.2.1
    if (tx.request.method === 'ACK') return;
    if (tx.request.method === 'REGISTER') return register(this, tx);
    if (tx.request.method === 'OPTIONS' && this.isOurs(tx.request.uri)) return tx.reply(200);
    return locate(this, tx);
  }
}
