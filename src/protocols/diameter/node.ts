// One function's Diameter presence: peers, connections, requests and answers, over the host.
// RFC 6733

import { assert } from '#kernel/errors';
import type { Address, Host, LinkProtocol, Listener, Stream, StreamOptions } from '#kernel/host';
import type { Pipe } from '#kernel/pipe';
import { type Duration, inSeconds, seconds } from '#kernel/time';
import { deadline } from '#kernel/wait';
import { Admission } from './admission.ts';
import type {
  AnswerCommon,
  AnswerOf,
  AnyCommand,
  Application,
  Command,
  RequestInput,
} from './application.ts';
import { BetweenPeers } from './between-peers.ts';
import { Calls } from './calls.ts';
import type { Identity } from './capabilities.ts';
import { Connection } from './connection.ts';
import type { InputOf, Members, ValuesOf } from './definition.ts';
import type { Values } from './group.ts';
import { Envelope } from './make.ts';
import type { DiameterMessage } from './message.ts';
import { PEER_DEFAULTS } from './peer.ts';
import { type PeerSurroundings, RemotePeer, wireConnection } from './remote-peer.ts';
import { type RouteConfig, Routes } from './routes.ts';
import { type AnyHandler, type RequestContext, Serving } from './serving.ts';

export type { RequestContext } from './serving.ts';

export interface DiameterConfig {
  /** Origin-Host: 'hss.ims.mnc001.mcc001.3gppnetwork.org'. RFC 6733 §6.3 */
  readonly identity: string;
  /** Origin-Realm. §6.4 */
  readonly realm: string;
  readonly applications: readonly Application[];
  /** Host-IP-Address literals for CER and CEA; default: the address each link has. §5.3.5 */
  readonly hostAddresses?: readonly string[];
  /** Product-Name. Default 'Carillon'. §5.3.7 */
  readonly productName?: string;
  /** Vendor-Id: the maker's enterprise number. Default 0, none. §5.3.3 */
  readonly vendorId?: number;
  /** Whether a peer of this identity may connect. Default: those we connect to by name. */
  readonly allowedPeers?: (identity: string) => boolean;
  /** Watchdog interval Tw. Default 30 s, at least 6 s. RFC 3539 §3.4.1 */
  readonly tw?: Duration;
  /** How long a call waits for its answer. Default 5 s. */
  readonly timeout?: Duration;
  /** The first wait before connecting again. Default 250 ms; it doubles. */
  readonly firstRetry?: Duration;
  /** The longest wait before connecting again. Default 30 s. RFC 6733 §2.1, Tc */
  readonly lastRetry?: Duration;
  /** Requests sent and unanswered, at most; beyond, calls give DIAMETER_TOO_BUSY. Default 10 000. */
  readonly maxPending?: number;
  /** Requests received and unanswered, at most; beyond, DIAMETER_TOO_BUSY. Default 10 000. */
  readonly maxServing?: number;
  /** Peers, and connections that have not said who they are: of each so many. Default 1 000. */
  readonly maxConnections?: number;
  /** Which peers carry requests for which realm, besides peers of the realm and relays. §2.7 */
  readonly routes?: readonly RouteConfig[];
  /** The share of its capacity that whatever this node stands before uses, 0 to 1. RFC 7683 */
  readonly load?: () => number;
}

export interface PeerConfig {
  /** The Origin-Host that must answer; default: whoever answers. */
  readonly identity?: string;
  readonly realm: string;
  /** Names (resolved for each round of attempts), `ip:port` or `[ipv6]:port`, tried in turn. */
  readonly endpoints: readonly string[];
  /** TLS from the first octet, wherever it is on the wire: PEM texts. §13.1 */
  readonly tls?: StreamOptions['tls'];
}

export interface PeerStatus {
  readonly identity: string | undefined;
  readonly realm: string;
  readonly state: 'closed' | 'connecting' | 'open' | 'suspect' | 'closing';
  readonly link: LinkProtocol | undefined;
  readonly remote: Address | undefined;
  /** Ids of the applications that both have. */
  readonly applications: readonly number[];
  /** Requests sent there that wait for an answer. */
  readonly pending: number;
}

export interface CallOptions {
  readonly destinationRealm: string;
  readonly destinationHost?: string | undefined;
  /** Default: a new one. */
  readonly sessionId?: string | undefined;
  readonly timeout?: Duration | undefined;
  /** 0, the highest, to 15; up to 4 overload spares. Default none, which is as 10. RFC 7944 */
  readonly priority?: number | undefined;
}

/** An answer, and the message it came in. */
export type CallResult<C> = AnswerOf<C> & {
  /** As received; undefined where none came and we made the result ourselves. */
  readonly message: DiameterMessage | undefined;
};

export type Handler<Q extends Members, A extends Members, R extends string> = (
  request: ValuesOf<Q>,
  context: RequestContext,
) => HandlerAnswer<A, R> | Promise<HandlerAnswer<A, R>>;
type HandlerAnswer<A extends Members, R extends string> = AnswerCommon<R> & InputOf<A>;

/** The result by its spec name, Result-Code and Experimental-Result in one. */
export function resultOf<A extends { readonly result: string }>(answer: A): A['result'] {
  return answer.result;
}

/** How long stopping waits for requests that are being served. */
const DRAIN = seconds(1);
/** Unless `maxConnections` says otherwise. */
const MAX_CONNECTIONS = 1_000;
/** Hosts that redirects may have us connect to. */
const MAX_REDIRECTED = 16;

export class DiameterNode {
  onPeerChange: (peer: PeerStatus) => void = () => {};
  readonly #host: Host;
  readonly #config: DiameterConfig;
  readonly #self: Identity;
  readonly #envelope: Envelope;
  readonly #calls: Calls;
  readonly #serving: Serving;
  readonly #around: PeerSurroundings;
  readonly #admission: Admission;
  readonly #listeners: Listener[] = [];
  /** In the order of `connect()`, then those who came by themselves. */
  #peers: RemotePeer[] = [];
  readonly #shown = new WeakMap<RemotePeer, string>();
  #sessions: number;
  /** Peers we connected to because of redirects. */
  #redirected = 0;
  #stopping: Promise<void> | undefined;

  constructor(host: Host, config: DiameterConfig) {
    const tw = config.tw ?? PEER_DEFAULTS.tw;
    assert(tw >= seconds(6), `Tw of ${tw} ms, less than the 6 s of RFC 3539 §3.4.1`);
    this.#host = host;
    this.#config = config;
    this.#self = {
      identity: config.identity,
      realm: config.realm,
      vendorId: config.vendorId ?? 0,
      productName: config.productName ?? 'Carillon',
      originStateId: inSeconds(host.clock.now()) >>> 0,
      applications: config.applications,
    };
    this.#sessions = Buffer.from(host.random.bytes(4)).readUInt32BE(0);
    this.#envelope = new Envelope(config.identity, config.realm);
    this.#calls = new Calls({
      host,
      peers: () => this.#peers,
      maxPending: config.maxPending ?? 10_000,
      routes: new Routes(config.routes ?? []),
      connectTo: (identity, endpoint) => this.#connectTo(identity, endpoint),
    });
    const maxServing = config.maxServing ?? 10_000;
    this.#serving = new Serving(host, this.#self, this.#envelope, maxServing, config.load);
    this.#around = this.#surroundings(tw);
    this.#admission = new Admission({
      host,
      self: this.#self,
      envelope: this.#envelope,
      maxConnections: config.maxConnections ?? MAX_CONNECTIONS,
      peerFor: identity => this.#peerFor(identity),
    });
  }

  /**
   * Accepts peers over TCP, or with `tls` over TLS from the first octet, whose certificates it wants to
   * see where it is given a `ca`. Rejects with an AddressError where the port is taken.
   */
  async listen(local: Address, options: Pick<StreamOptions, 'tls'> = {}): Promise<Address> {
    const protocol = options.tls === undefined ? 'tcp' : 'tls';
    const accept = (stream: Stream) => {
      this.#admission.take(wireConnection(this.#host, stream, this.#around.pointOf));
    };
    const listener = await this.#host.network.listen(protocol, local, accept, options);
    if (this.#stopping === undefined) this.#listeners.push(listener);
    else listener.close();
    return listener.local;
  }

  /** Accepts peers over links inside this process under `name`. */
  serveLocal(name: string): void {
    const accept = (pipe: Pipe<DiameterMessage>) => {
      this.#admission.take(new Connection(this.#host, pipe, this.#around.pointOf));
    };
    this.#listeners.push(this.#host.network.serveLocal<DiameterMessage>(name, accept));
  }

  /** Connects, and keeps connected, to a peer; its absence is an answer and never an error. */
  connect(target: PeerConfig): void {
    assert(this.#stopping === undefined, 'this node stops');
    assert(target.endpoints.length > 0, `no endpoint for ${target.identity}`);
    const peer = new RemotePeer(target, this.#around);
    const configured = this.#peers.filter(({ target }) => target.endpoints.length > 0).length;
    this.#peers.splice(configured, 0, peer);
    peer.start();
  }

  /**
   * Answers requests of the command. A handler that throws a DiameterError answers with it; one
   * that throws anything else answers DIAMETER_UNABLE_TO_COMPLY and is logged.
   */
  handle<Q extends Members, A extends Members, R extends string>(
    command: Command<Q, A, R>,
    handler: Handler<Q, A, R>,
  ): void {
    this.#serving.handle(command as unknown as AnyCommand, handler as unknown as AnyHandler);
  }

  /**
   * Asks. Never throws for what a peer or a network does: no peer and no answer in time are
   * DIAMETER_UNABLE_TO_DELIVER, too many unanswered DIAMETER_TOO_BUSY.
   */
  async call<C extends AnyCommand>(
    command: C,
    request: RequestInput<C>,
    options: CallOptions,
  ): Promise<CallResult<C>> {
    const { destinationRealm, destinationHost, timeout, priority } = options;
    const sessionId = options.sessionId ?? this.#newSessionId();
    const to = { sessionId, destinationRealm, destinationHost, priority };
    const avps = this.#envelope.request(command, request as Values, to);
    const patience = timeout ?? this.#config.timeout ?? seconds(5);
    const answer = await this.#calls.start(command, avps, { ...to, timeout: patience });
    return answer as CallResult<C>;
  }

  peers(): readonly PeerStatus[] {
    return this.#peers.map(statusOf);
  }

  /** Finishes what is being served, says goodbye to every peer (DPR), and closes. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    for (const listener of this.#listeners.splice(0)) listener.close();
    this.#admission.stop();
    await deadline(this.#host.clock, DRAIN, this.#serving.idle(), () => {});
    this.#calls.stop();
    await Promise.all(this.#peers.map(peer => peer.stop()));
  }

  /** A host that a redirect agent named, where we would let it connect too. */
  #connectTo(identity: string, endpoint: string): void {
    if (this.#stopping !== undefined || this.#config.allowedPeers?.(identity) !== true) return;
    if (identity === this.#self.identity.toLowerCase() || this.#redirected >= MAX_REDIRECTED)
      return;
    this.#redirected++;
    this.connect({ identity, realm: '', endpoints: [endpoint] });
  }

  /** `<identity>;<high 32 bits>;<low 32 bits>`. RFC 6733 §8.8 */
  #newSessionId(): string {
    this.#sessions = (this.#sessions + 1) >>> 0;
    return `${this.#self.identity};${this.#self.originStateId};${this.#sessions}`;
  }

  /** The peer of that name, where it may be one of ours. */
  #peerFor(identity: string): RemotePeer | undefined {
    const key = identity.toLowerCase();
    if (key === this.#self.identity.toLowerCase()) return undefined;
    const named = this.#peers.filter(peer => peer.key === key);
    const known = named.find(peer => peer.current !== undefined) ?? named[0];
    const isOurs = named.some(({ target }) => target.identity !== undefined);
    const mayCome = this.#config.allowedPeers?.(identity) ?? isOurs;
    if (!mayCome) return undefined;
    if (known !== undefined) return known;
    if (this.#peers.length >= (this.#config.maxConnections ?? MAX_CONNECTIONS)) return undefined;
    const peer = new RemotePeer({ identity, realm: '', endpoints: [] }, this.#around);
    this.#peers.push(peer);
    return peer;
  }

  #surroundings(tw: Duration): PeerSurroundings {
    const { firstRetry, lastRetry, hostAddresses } = this.#config;
    const [application] = this.#config.applications;
    const points = new Map(this.#config.applications.map(({ id, name }) => [id, name]));
    return {
      host: this.#host,
      self: this.#self,
      talk: new BetweenPeers(this.#host, this.#self, this.#envelope, hostAddresses),
      settings: {
        ...PEER_DEFAULTS,
        tw,
        firstRetry: firstRetry ?? PEER_DEFAULTS.firstRetry,
        lastRetry: lastRetry ?? PEER_DEFAULTS.lastRetry,
      },
      pointOf: ({ application: id }) => points.get(id) ?? application?.name ?? 'Diameter',
      isFree: (peer, identity) =>
        !this.#peers.some(
          other =>
            other !== peer && other.key === identity.toLowerCase() && other.current !== undefined,
        ),
      onRequest: (_, connection, message) => this.#serving.request(connection, message),
      onAnswer: (peer, connection, message) => this.#calls.answered(peer, connection, message),
      onMalformed: (connection, fault) => {
        if (fault.received.isRequest) this.#serving.malformed(connection, fault);
        else this.#calls.malformed(connection, fault);
      },
      onLost: (peer, connection) => this.#calls.lost(peer, connection),
      onSuspected: (peer, connection) => this.#calls.suspected(peer, connection),
      onChange: peer => this.#changed(peer),
    };
  }

  #changed(peer: RemotePeer): void {
    const status = statusOf(peer);
    const shown = `${status.state} ${status.identity} ${peer.usable !== undefined}`;
    if (this.#shown.get(peer) === shown) return;
    this.#shown.set(peer, shown);
    if (status.state === 'closed' && peer.target.endpoints.length === 0) {
      this.#peers = this.#peers.filter(other => other !== peer);
    }
    this.#calls.retry();
    this.onPeerChange(status);
  }
}

function statusOf(peer: RemotePeer): PeerStatus {
  const { current, identity, realm, machine } = peer;
  const { state, health } = machine;
  return {
    identity,
    realm,
    state:
      state === 'open'
        ? health === 'okay'
          ? 'open'
          : 'suspect'
        : state === 'closed' || state === 'closing'
          ? state
          : 'connecting',
    link: current?.pipe.protocol,
    remote: current?.pipe.remote,
    applications: current?.capabilities?.applications ?? [],
    pending: peer.calls().length,
  };
}
