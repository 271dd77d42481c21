// What the application server's tests stand on: the server on a simulated host, and behind one checked
// local link the S-CSCF with whoever calls and is called through it, as the test scripts them.

import { type Simulation, simulate } from '#kernel/simulation';
import type { DecisionEvent } from '#kernel/trace';
import { type ServerTransaction, SipEndpoint } from '#sip/endpoint';
import { nameAddr, PAssertedIdentity, PChargingVector, PServedUser } from '#sip/headers';
import { type Edit, type SipRequest, type SipResponse, set } from '#sip/message';
import { parseUri } from '#sip/uri';
import { type IncomingSession, type OutgoingSession, UserAgent } from '#sip/user-agent';
import { As } from '../as.ts';
import { type AsConfig, type AsSettings, asConfig } from '../config.ts';

export const home = 'ims.example';
export const alice = `sip:alice@${home}`;
export const bob = `sip:bob@${home}`;
export const carol = `sip:carol@${home}`;
export const odi = `sip:odi-1@scscf.${home}:6060;lr`;

/** A description as short as they come; `port` tells one from another. */
export const sdp = (port: number, direction = 'sendrecv', more = ''): Uint8Array =>
  Buffer.from(
    `v=0\r\no=- 1 ${port} IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n` +
      `m=audio ${port} RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n` +
      `a=${direction}\r\n${more}`,
  );
/** The port of a description: which one it is. */
export const portOf = (description: Uint8Array | undefined): number =>
  Number(/m=audio (\d+)/.exec(Buffer.from(description ?? []).toString())?.[1] ?? Number.NaN);

export type BenchSettings = Omit<AsSettings, 'home' | 'media'> & {
  /** Of the echo. */
  readonly ports?: AsConfig['media']['ports'];
};

export class Bench {
  readonly sim: Simulation;
  /** Both ends of every call, and the S-CSCF between: what reaches it, it takes for a callee. */
  readonly ua: UserAgent;
  readonly endpoint: SipEndpoint;
  readonly received: SipRequest[] = [];
  /** Calls that the server made. */
  readonly calls: IncomingSession[] = [];
  onCall: (session: IncomingSession) => void = session => session.answer({ sdp: sdp(2000) });
  readonly #settings: BenchSettings;
  #as: As | undefined;

  constructor(settings: BenchSettings = {}) {
    this.sim = simulate({ seed: 1, localLinks: 'checked' });
    this.#settings = settings;
    for (const name of ['as', 'scscf']) {
      this.sim.setName(`${name}.${home}`, 'sip', [{ protocol: 'local', name: `${name}.${home}` }]);
    }
    const host = this.sim.host('s-cscf');
    this.endpoint = new SipEndpoint(host, { point: 'ISC', name: `scscf.${home}` });
    this.endpoint.serveLocal(`scscf.${home}`);
    this.ua = new UserAgent(this.endpoint, host, {
      contact: nameAddr(parseUri(`sip:phone@scscf.${home}:6060`)),
      from: nameAddr(parseUri(alice)),
      supported: ['100rel', 'timer', 'precondition'],
      attach: false,
    });
    this.endpoint.onRequest = (tx: ServerTransaction) => {
      this.received.push(tx.request);
      return this.ua.receive(tx);
    };
    this.ua.onInvite = session => {
      this.calls.push(session);
      this.onCall(session);
    };
  }

  get as(): As {
    if (this.#as === undefined) throw new Error('the server is not started');
    return this.#as;
  }

  async start(): Promise<this> {
    const { ports = { from: 30_000, to: 30_100 }, ...settings } = this.#settings;
    this.sim.install('as', async host => {
      const as = new As(
        asConfig({
          home,
          ...settings,
          media: { address: this.sim.addressOf('as'), ports },
        }),
        host,
      );
      await as.start();
      this.#as = as;
    });
    await this.sim.runUntil(() => this.#as !== undefined);
    return this;
  }

  /** A call by way of a service, as the S-CSCF of whoever is served sends it. */
  call(
    service: 'echo' | 'screening' | 'forwarding',
    options: { to?: string; from?: string; offer?: Uint8Array; edits?: readonly Edit[] } = {},
  ): OutgoingSession {
    const { to = bob, from = alice, offer = sdp(1000), edits = [] } = options;
    return this.ua.invite({
      uri: parseUri(to),
      from: nameAddr(parseUri(from)),
      route: [`sip:${service}@as.${home}:5090;lr`, odi].map(uri => nameAddr(parseUri(uri))),
      edits: [
        set(PAssertedIdentity, nameAddr(parseUri(from))),
        set(PServedUser, nameAddr(parseUri(to), { sescase: 'term', regstate: 'reg' })),
        set(PChargingVector, { icid: 'the-call' }),
        ...edits,
      ],
      ...(offer.length > 0 && { offer }),
    });
  }

  send(message: SipRequest): Promise<SipResponse> {
    const target = { uri: parseUri(`sip:as.${home}:5090`) };
    return this.sim.settle(() => this.endpoint.request(message, target).final);
  }

  /** Runs until a call has come to this, or fails. */
  until(session: { readonly state: string }, state: string): Promise<void> {
    return this.sim.runUntil(() => session.state === state, 60_000, `the call is ${state}`);
  }

  decisions(): readonly DecisionEvent[] {
    return this.sim.events.filter(
      (event): event is DecisionEvent =>
        event.kind === 'decision' && event.decision.startsWith('as.'),
    );
  }
}

export const NO_OFFER = new Uint8Array();
