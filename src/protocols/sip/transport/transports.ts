// Everything one endpoint sends and receives over: its sockets, listeners, connections and local
// links, found again by where they lead, bounded, and closed when idle.

import type { Address, Listener, StreamOptions, StreamProtocol, Timer } from '#kernel/host';
import type { Pipe } from '#kernel/pipe';
import { seconds } from '#kernel/time';
import type { Point } from '#kernel/trace';
import { sipCodec } from '../codec.ts';
import type { SipMessage } from '../message.ts';
import type { TimerValues } from '../transaction/timers.ts';
import { DatagramTransport } from './datagram-link.ts';
import { hostPort, type Link, type LinkOwner, type LinkSettings, type SentBy } from './link.ts';
import { LocalLink } from './local-link.ts';
import type { Candidate } from './resolve.ts';
import { type StreamBounds, StreamLink, type Unfinished } from './stream-link.ts';

/** Bounds of one endpoint's transport; each has a documented answer where it is reached. */
export interface TransportLimits extends StreamBounds {
  /** Peers remembered per datagram socket; the one met first is forgotten. */
  readonly datagramPeers: number;
  /** Connections at once; a further one is closed as soon as it is accepted. */
  readonly connections: number;
}

/** What holds for every link of one reference point. */
export interface PointSettings {
  readonly timers?: TimerValues;
  readonly hostile?: boolean;
}

export interface TransportConfig {
  /** The domain name of the function: sent-by of local links. */
  readonly name: string;
  readonly point: Point;
  readonly points: Readonly<Record<Point, PointSettings>>;
  readonly timers: TimerValues;
  readonly limits: TransportLimits;
  /** For the connections we open. */
  readonly stream: StreamOptions;
}

export interface ListenOptions {
  readonly point?: Point;
  /** What Via says where the bound address is not what peers reach. */
  readonly advertise?: { readonly host: string; readonly port?: number };
  /** Beyond a trust boundary: what arrives is normalised before anybody sees it. */
  readonly hostile?: boolean;
  readonly tls?: StreamOptions['tls'];
  readonly webSocket?: StreamOptions['webSocket'];
}

interface StreamListener {
  readonly protocol: StreamProtocol;
  readonly listener: Listener;
  readonly sentBy: SentBy;
}

/** RFC 7118 §4.1; the path is a convention. */
const sipOverWebSocket = { path: '/sip', subprotocol: 'sip' };

const sweepInterval = seconds(15);

export class Transports {
  readonly #owner: LinkOwner;
  readonly #config: TransportConfig;
  readonly #sockets: DatagramTransport[] = [];
  readonly #listeners: StreamListener[] = [];
  readonly #localListeners: Listener[] = [];
  /** By protocol and remote address: RFC 3261 §18, connections are used again. */
  readonly #streams = new Map<string, StreamLink>();
  /** Links we dialled, by the name we dialled. */
  readonly #dialled = new Map<string, LocalLink>();
  readonly #accepted = new Set<LocalLink>();
  readonly #binding = new Map<string, Promise<DatagramTransport>>();
  readonly #unfinished: Unfinished = { octets: 0 };
  #serial = 0;
  #sweeper: Timer | undefined;
  #stopped = false;

  constructor(owner: LinkOwner, config: TransportConfig) {
    this.#owner = owner;
    this.#config = config;
  }

  async listen(
    protocol: 'udp' | StreamProtocol,
    local: Address,
    options: ListenOptions,
  ): Promise<Address> {
    const point = options.point ?? this.#config.point;
    if (protocol === 'udp') {
      const settings = (bound: Address): LinkSettings =>
        this.#settings(point, false, this.#sentBy(bound, options.advertise), options.hostile);
      const { datagramPeers } = this.#config.limits;
      const socket = await DatagramTransport.bind(this.#owner, local, settings, datagramPeers);
      this.#sockets.push(socket);
      return socket.socket.local;
    }
    let sentBy: SentBy | undefined;
    const listener = await this.#owner.host.network.listen(
      protocol,
      local,
      stream => {
        const by = sentBy ?? this.#sentBy(stream.local, options.advertise);
        const link = new StreamLink(
          this.#owner,
          this.#settings(point, true, by, options.hostile),
          stream,
          `${protocol}|${++this.#serial}|${hostPort(stream.remote)}`,
          this.#config.limits,
          'by peer',
          this.#unfinished,
        );
        if (this.#stopped || this.#streams.size >= this.#config.limits.connections) {
          link.close('too many connections');
          return;
        }
        this.#keep(streamKey(protocol, stream.remote, undefined), link);
      },
      {
        ...(options.tls === undefined ? {} : { tls: options.tls }),
        ...(isWeb(protocol) ? { webSocket: options.webSocket ?? sipOverWebSocket } : {}),
      },
    );
    sentBy = this.#sentBy(listener.local, options.advertise);
    this.#listeners.push({ protocol, listener, sentBy });
    return listener.local;
  }

  serveLocal(name: string, point: Point): void {
    const listener = this.#owner.host.network.serveLocal<SipMessage>(name, pipe => {
      const link = this.#local(pipe, point, false);
      this.#accepted.add(link);
    });
    this.#localListeners.push(listener);
  }

  /** A link that is open, or opening, to what a URI led to. */
  linkTo(candidate: Candidate, point: Point): Link | Promise<Link> {
    if (candidate.protocol === 'local') return this.#dial(candidate.name, point);
    if (candidate.protocol === 'udp') return this.#datagramLink(candidate.address, point);
    return this.#connect(candidate.protocol, candidate.address, candidate.serverName, point);
  }

  /** The open local link to a name, if one is. */
  dialled(name: string): Link | undefined {
    return this.#dialled.get(name);
  }

  /** The link to another address from the same socket: where a response without rport goes. */
  sibling(link: Link, remote: Address): Link | undefined {
    const { local } = link;
    return this.#sockets
      .find(each => each.socket.local.port === local.port && each.socket.local.host === local.host)
      ?.link(remote);
  }

  /** The flow of an id, made again where it is a datagram one whose socket still stands. */
  byId(id: string): Link | undefined {
    const [protocol, local = '', remote = ''] = id.split('|');
    const colon = remote.lastIndexOf(':');
    const host = remote.slice(0, colon).replace(/^\[|\]$/g, '');
    const peer = { host, port: Number(remote.slice(colon + 1)) };
    if (protocol === 'udp') {
      const socket = this.#sockets.find(each => hostPort(each.socket.local) === local);
      return socket === undefined || colon < 0 ? undefined : socket.link(peer);
    }
    // Of thousands of connections the one from there is found at once; the serial tells it from later ones.
    const accepted = this.#streams.get(streamKey(protocol as StreamProtocol, peer, undefined));
    if (accepted?.id === id) return accepted;
    for (const link of [...this.#streams.values(), ...this.#dialled.values(), ...this.#accepted]) {
      if (link.id === id) return link;
    }
    return undefined;
  }

  *links(): IterableIterator<Link> {
    for (const socket of this.#sockets) yield* socket.links;
    yield* this.#streams.values();
    yield* this.#dialled.values();
    yield* this.#accepted;
  }

  /** True for a sent-by that this endpoint writes: its own Via. */
  isOurs(host: string, port: number | undefined): boolean {
    const same = (by: SentBy): boolean =>
      by.host.toLowerCase() === host.toLowerCase() && by.port === port;
    return (
      same({ host: this.#config.name, port: undefined }) ||
      this.#sockets.some(socket => same(socket.settings.sentBy)) ||
      this.#listeners.some(listener => same(listener.sentBy))
    );
  }

  forget(link: Link): void {
    if (link instanceof StreamLink) {
      if (link.key !== undefined && this.#streams.get(link.key) === link) {
        this.#streams.delete(link.key);
      }
    } else if (link instanceof LocalLink) {
      this.#accepted.delete(link);
      for (const [name, each] of this.#dialled) if (each === link) this.#dialled.delete(name);
    }
  }

  stopListening(): void {
    for (const { listener } of this.#listeners) listener.close();
    for (const listener of this.#localListeners) listener.close();
    this.#localListeners.length = 0;
    this.#listeners.length = 0;
  }

  stop(reason: string): void {
    this.#stopped = true;
    this.stopListening();
    this.#sweeper?.cancel();
    for (const socket of this.#sockets) socket.close(reason);
    this.#sockets.length = 0;
    for (const link of [...this.links()]) link.close(reason);
  }

  #settings(
    point: Point,
    reliable: boolean,
    sentBy: SentBy,
    hostile: boolean | undefined,
  ): LinkSettings {
    const of = this.#config.points[point];
    const timers = of?.timers ?? this.#config.timers;
    return {
      point,
      sentBy,
      config: { t1: timers.t1, t2: timers.t2, t4: timers.t4, reliable },
      hostile: hostile ?? of?.hostile ?? false,
    };
  }

  #sentBy(bound: Address, advertise: ListenOptions['advertise']): SentBy {
    if (advertise !== undefined) {
      return { host: advertise.host, port: advertise.port ?? bound.port };
    }
    const wildcard = bound.host === '0.0.0.0' || bound.host === '::' || bound.host === '';
    return { host: wildcard ? this.#config.name : bound.host, port: bound.port };
  }

  #dial(name: string, point: Point): Link {
    const known = this.#dialled.get(name);
    if (known !== undefined) return known;
    const pipe = this.#owner.host.network.dialLocal<SipMessage>(name, sipCodec);
    const link = this.#local(pipe, point, true);
    this.#dialled.set(name, link);
    return link;
  }

  #local(pipe: Pipe<SipMessage>, point: Point, dialled: boolean): LocalLink {
    const sentBy = { host: this.#config.name, port: undefined };
    const settings = this.#settings(point, true, sentBy, false);
    return new LocalLink(this.#owner, settings, pipe, ++this.#serial, dialled);
  }

  #datagramLink(remote: Address, point: Point): Link | Promise<Link> {
    const fits = (socket: DatagramTransport): boolean =>
      isIpv6(socket.socket.local.host) === isIpv6(remote.host);
    const socket = this.#sockets.find(each => fits(each) && each.settings.point === point);
    if (socket !== undefined) return socket.link(remote);
    return this.#bindFor(remote, point).then(bound => bound.link(remote));
  }

  /** A socket of our own choice, for a point on which we listen nowhere. */
  #bindFor(remote: Address, point: Point): Promise<DatagramTransport> {
    const host = isIpv6(remote.host)
      ? remote.host === '::1'
        ? '::1'
        : '::'
      : remote.host.startsWith('127.')
        ? '127.0.0.1'
        : '0.0.0.0';
    const key = `${point}|${host}`;
    const pending = this.#binding.get(key);
    if (pending !== undefined) return pending;
    const settings = (bound: Address): LinkSettings =>
      this.#settings(point, false, this.#sentBy(bound, undefined), undefined);
    const { datagramPeers } = this.#config.limits;
    const binding = DatagramTransport.bind(this.#owner, { host, port: 0 }, settings, datagramPeers)
      .then(socket => {
        if (this.#stopped) socket.close('stopped');
        else this.#sockets.push(socket);
        return socket;
      })
      .finally(() => this.#binding.delete(key));
    this.#binding.set(key, binding);
    return binding;
  }

  #connect(
    protocol: StreamProtocol,
    remote: Address,
    serverName: string | undefined,
    point: Point,
  ): Link {
    const key = streamKey(protocol, remote, serverName);
    const known =
      this.#streams.get(key) ?? this.#streams.get(streamKey(protocol, remote, undefined));
    if (known !== undefined) return known;
    const stream = this.#owner.host.network.connect(
      protocol,
      remote,
      this.#options(protocol, serverName),
    );
    const listening = this.#listeners.find(each => each.protocol === protocol);
    const link = new StreamLink(
      this.#owner,
      this.#settings(point, true, listening?.sentBy ?? this.#ownHost(stream.local), undefined),
      stream,
      `${protocol}|${++this.#serial}|${hostPort(remote)}`,
      this.#config.limits,
      'by us',
      this.#unfinished,
    );
    if (this.#streams.size >= this.#config.limits.connections) link.close('too many connections');
    else this.#keep(key, link);
    return link;
  }

  /** sent-by of a connection that nobody can open towards us. */
  #ownHost(local: Address): SentBy {
    const known = local.host !== '' && local.host !== '0.0.0.0' && local.host !== '::';
    return { host: known ? local.host : this.#config.name, port: local.port || undefined };
  }

  #options(protocol: StreamProtocol, serverName: string | undefined): StreamOptions {
    const { stream } = this.#config;
    const secured = protocol === 'tls' || protocol === 'wss';
    const named = serverName === undefined ? {} : { serverName };
    return {
      ...(secured ? { tls: { ...named, ...stream.tls } } : {}),
      ...(isWeb(protocol) ? { webSocket: stream.webSocket ?? sipOverWebSocket } : {}),
    };
  }

  #keep(key: string, link: StreamLink): void {
    link.key = key;
    this.#streams.set(key, link);
    this.#sweepLater();
  }

  /** One timer closes what is idle, and none runs while there is no connection. */
  #sweepLater(): void {
    if (this.#sweeper !== undefined || this.#stopped) return;
    this.#sweeper = this.#owner.host.clock.after(sweepInterval, () => {
      this.#sweeper = undefined;
      const now = this.#owner.host.clock.now();
      for (const link of [...this.#streams.values()]) link.sweep(now);
      if (this.#streams.size > 0) this.#sweepLater();
    });
  }
}

function streamKey(
  protocol: StreamProtocol,
  remote: Address,
  serverName: string | undefined,
): string {
  const verified = protocol === 'tls' || protocol === 'wss' ? (serverName ?? '') : '';
  return `${protocol}|${hostPort(remote)}|${verified}`;
}

const isIpv6 = (host: string): boolean => host.includes(':');

const isWeb = (protocol: StreamProtocol): boolean => protocol === 'ws' || protocol === 'wss';
