// Drives the machine of one peer over the host: opens connections, sends what the machine says, and
// tells the node what it may use.

import { framedPipe } from '#kernel/framing';
import type { Endpoint, Fields, Host, Stream, StreamOptions, Timer } from '#kernel/host';
import type { Instant } from '#kernel/time';
import { CapabilitiesExchange, DeviceWatchdog, DisconnectPeer } from './base.ts';
import type { BetweenPeers } from './between-peers.ts';
import type { Call } from './calls.ts';
import type { Capabilities, Identity } from './capabilities.ts';
import { diameterCodec, type MalformedMessage } from './codec.ts';
import { Connection } from './connection.ts';
import { endpointsOf } from './endpoints.ts';
import { DiameterStreamReader } from './framing.ts';
import type { DiameterMessage } from './message.ts';
import { type PeerEffect, PeerMachine, type PeerSettings, type Role } from './peer.ts';

/** What the node lends to each of its peers. */
export interface PeerSurroundings {
  readonly host: Host;
  readonly self: Identity;
  readonly talk: BetweenPeers;
  readonly settings: Omit<PeerSettings, 'connects' | 'winsElection' | 'fraction'>;
  readonly pointOf: (message: DiameterMessage) => string;
  /** Whether a peer that calls itself so may be this one. */
  readonly isFree: (peer: RemotePeer, identity: string) => boolean;
  readonly onRequest: (peer: RemotePeer, connection: Connection, message: DiameterMessage) => void;
  readonly onAnswer: (peer: RemotePeer, connection: Connection, message: DiameterMessage) => void;
  readonly onMalformed: (connection: Connection, fault: MalformedMessage) => void;
  readonly onLost: (peer: RemotePeer, connection: Connection) => void;
  readonly onSuspected: (peer: RemotePeer, connection: Connection) => void;
  /** Anything about the peer that others may see has changed. */
  readonly onChange: (peer: RemotePeer) => void;
}

export interface PeerTarget {
  readonly identity?: string;
  readonly realm: string;
  readonly endpoints: readonly string[];
  readonly tls?: StreamOptions['tls'];
}

/** A connection by which a CER came that may be accepted. */
export interface Offer {
  readonly connection: Connection;
  readonly cer: DiameterMessage;
}

export class RemotePeer {
  readonly machine: PeerMachine;
  readonly target: PeerTarget;
  readonly #around: PeerSurroundings;
  readonly #connections: { I?: Connection | undefined; R?: Connection | undefined } = {};
  #offer: Offer | undefined;
  #identity: string | undefined;
  #stateId: number | undefined;
  #timer: Timer | undefined;
  #timerAt: Instant = Number.POSITIVE_INFINITY;
  /** Endpoints of this round that are still to be tried. */
  #endpoints: Endpoint[] = [];
  #attempt = 0;
  #onClosed: (() => void)[] = [];

  constructor(target: PeerTarget, around: PeerSurroundings) {
    this.target = target;
    this.#around = around;
    this.#identity = target.identity;
    this.machine = new PeerMachine({
      ...around.settings,
      connects: target.endpoints.length > 0,
      winsElection: () => around.self.identity.toLowerCase() > (this.key ?? ''),
      fraction: () => around.host.random.fraction(),
    });
  }

  // ------------------------------------------------------------------ what the node asks

  /** Origin-Host: as configured, or as the peer says. */
  get identity(): string | undefined {
    return this.#identity;
  }

  /** The identity for comparing. */
  get key(): string | undefined {
    return this.#identity?.toLowerCase();
  }

  get realm(): string {
    return this.capabilities?.realm ?? this.target.realm;
  }

  /** The connection that is open, if one is. */
  get current(): Connection | undefined {
    const { state, role } = this.machine;
    return (state === 'open' || state === 'closing') && role ? this.#connections[role] : undefined;
  }

  get capabilities(): Capabilities | undefined {
    return this.current?.capabilities;
  }

  /** The connection that requests may be sent on. RFC 3539 §3.4.1 */
  get usable(): Connection | undefined {
    return this.machine.health === 'okay' ? this.current : undefined;
  }

  /** A handshake is under way: it may be usable soon. */
  get isComing(): boolean {
    const { state, health } = this.machine;
    return (
      (state !== 'open' && state !== 'closed' && state !== 'closing') || health === 'reopening'
    );
  }

  calls(): readonly Call[] {
    return Object.values(this.#connections).flatMap(one => [...(one?.pending.values() ?? [])]);
  }

  start(): void {
    this.#run(this.machine.start(this.#now()));
  }

  /** Says goodbye; resolves when no connection is left. */
  stop(): Promise<void> {
    this.#run(this.machine.stop(this.#now()));
    if (this.machine.state === 'closed') return Promise.resolve();
    return new Promise(resolve => this.#onClosed.push(resolve));
  }

  /** A connection came by which this peer introduced itself; it has its capabilities already. */
  offer(offer: Offer): void {
    const said = offer.connection.capabilities as Capabilities;
    const restarted = (said.originStateId ?? 0) > (this.#stateId ?? Number.POSITIVE_INFINITY);
    const effects = this.machine.offered(this.#now(), restarted);
    if (effects[0]?.kind === 'reject') {
      offer.connection.close('a connection with this peer is open');
      return;
    }
    this.#identity ??= said.identity;
    this.#offer = offer;
    this.#run(effects);
    if (this.machine.state === 'held' || this.machine.state === 'electing') {
      this.#adopt('R', offer.connection);
    }
  }

  // ------------------------------------------------------------------ effects

  #run(effects: readonly PeerEffect[]): void {
    for (const effect of effects) this.#perform(effect);
    this.#arm();
    if (this.machine.state === 'closed') for (const done of this.#onClosed.splice(0)) done();
    this.#around.onChange(this);
  }

  #perform(effect: PeerEffect): void {
    const { log } = this.#around.host;
    switch (effect.kind) {
      case 'connect':
        void this.#connect();
        return;
      case 'send': {
        const connection = this.#connections[effect.role];
        if (connection !== undefined) this.#around.talk.ask(connection, effect.command);
        return;
      }
      case 'accept':
        this.#accept();
        return;
      case 'reject':
        return; // seen to by offer()
      case 'disconnect':
        if (effect.role === 'I') this.#attempt++; // what is under way is no longer wanted
        this.#connections[effect.role]?.close(effect.reason);
        this.#connections[effect.role] = undefined;
        return;
      case 'open':
        this.#stateId = this.capabilities?.originStateId;
        this.#tell('diameter peer open', this.#fields());
        return;
      case 'down': {
        this.#tell('diameter peer down', { ...this.#fields(), reason: effect.reason });
        const connection = this.#connections[effect.role];
        if (connection !== undefined) this.#around.onLost(this, connection);
        return;
      }
      case 'suspect':
        log.warn('diameter peer suspect', this.#fields());
        if (this.current !== undefined) this.#around.onSuspected(this, this.current);
        return;
      case 'okay':
        return;
    }
  }

  /** One timer of the host's for the machine's earliest; where it comes early, it is set again. */
  #arm(): void {
    const { next } = this.machine.timers;
    if (next !== undefined && this.#timer !== undefined && this.#timerAt <= next) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (next === undefined) return;
    this.#timerAt = next;
    this.#timer = this.#around.host.clock.after(Math.max(next - this.#now(), 0), () => {
      this.#timer = undefined;
      this.#run(this.machine.expire(this.#now()));
    });
  }

  // ------------------------------------------------------------------ connections

  async #connect(): Promise<void> {
    const attempt = ++this.#attempt;
    if (this.#endpoints.length === 0) {
      const found = await endpointsOf(this.#around.host, this.target.endpoints);
      if (attempt !== this.#attempt) return;
      this.#endpoints = found;
    }
    this.#dial('no address');
  }

  #dial(failure: string): void {
    const endpoint = this.#endpoints.shift();
    if (endpoint === undefined) {
      this.#around.host.log.debug('diameter peer unreachable', {
        ...this.#fields(),
        reason: failure,
      });
      this.#run(this.machine.disconnected(this.#now(), 'I', failure));
      return;
    }
    const connection = this.#open(endpoint);
    this.#connections.I = connection;
    connection.onClosed = reason => this.#dial(reason); // before it is open: the next one
    connection.onOpen = () => {
      this.#adopt('I', connection);
      this.#run(this.machine.connected(this.#now()));
    };
  }

  #open(endpoint: Endpoint): Connection {
    const { host, pointOf } = this.#around;
    const { network } = host;
    if (endpoint.protocol === 'local') {
      return new Connection(host, network.dialLocal(endpoint.name, diameterCodec), pointOf);
    }
    const { tls, identity } = this.target;
    const protocol = endpoint.protocol === 'tls' || tls !== undefined ? 'tls' : 'tcp';
    // §13.1: the certificate is to be of the peer that we mean
    const named = identity === undefined ? {} : { serverName: identity };
    const options = protocol === 'tls' ? { tls: { ...named, ...tls } } : {};
    return wireConnection(host, network.connect(protocol, endpoint.address, options), pointOf);
  }

  #adopt(role: Role, connection: Connection): void {
    this.#connections[role] = connection;
    connection.onMessage = message => this.#receive(role, connection, message);
    connection.onMalformed = fault => this.#around.onMalformed(connection, fault);
    connection.onClosed = reason => {
      this.#run(this.machine.disconnected(this.#now(), role, reason));
      if (this.#connections[role] === connection) this.#connections[role] = undefined;
    };
  }

  #accept(): void {
    const { connection, cer } = this.#offer as Offer;
    this.#offer = undefined;
    if (this.#connections.R !== connection) this.#adopt('R', connection);
    this.#around.talk.answer(connection, cer, CapabilitiesExchange);
  }

  // ------------------------------------------------------------------ messages

  #receive(role: Role, connection: Connection, message: DiameterMessage): void {
    const isOpen = connection === this.current;
    if (!isOpen) {
      if (role === 'I') this.#handshake(connection, message);
      return; // on R nothing may come before our CEA
    }
    if (message.application === 0 && this.#base(role, connection, message)) return;
    this.#lives(role);
    if (message.isRequest) this.#around.onRequest(this, connection, message);
    else this.#around.onAnswer(this, connection, message);
  }

  #lives(role: Role): void {
    const effects = this.machine.received(this.#now(), role);
    if (effects.length > 0) this.#run(effects);
  }

  /** The commands between peers; false for any other. */
  #base(role: Role, connection: Connection, message: DiameterMessage): boolean {
    const now = this.#now();
    const { talk } = this.#around;
    switch (message.code) {
      case CapabilitiesExchange.code:
        this.#lives(role);
        if (message.isRequest) talk.answer(connection, message, CapabilitiesExchange);
        return true;
      case DeviceWatchdog.code:
        if (!message.isRequest) {
          this.#run(this.machine.dwa(now, role));
          return true;
        }
        this.#lives(role);
        talk.answer(connection, message, DeviceWatchdog);
        return true;
      case DisconnectPeer.code:
        if (!message.isRequest) {
          this.#run(this.machine.dpa(now, role));
          return true;
        }
        talk.answer(connection, message, DisconnectPeer);
        this.#run(this.machine.dpr(now, role, talk.comesBack(message)));
        return true;
      default:
        return false;
    }
  }

  /** On I before it is open, only the CEA counts. §5.6: anything else ends the attempt. */
  #handshake(connection: Connection, message: DiameterMessage): void {
    const isCea = message.code === CapabilitiesExchange.code && !message.isRequest;
    const refused = isCea ? this.#refusalOf(connection, message) : 'no CEA';
    if (refused !== undefined) {
      const { log } = this.#around.host;
      log.warn('diameter capabilities refused', { ...this.#fields(), reason: refused });
    }
    this.#run(this.machine.cea(this.#now(), refused === undefined));
  }

  /** Why the CEA does not do; where it does, the connection has its capabilities. */
  #refusalOf(connection: Connection, cea: DiameterMessage): string | undefined {
    const granted = this.#around.talk.granted(cea);
    if (typeof granted === 'string') return granted;
    const { identity } = this.target;
    if (identity !== undefined && identity.toLowerCase() !== granted.identity.toLowerCase()) {
      return `the peer is ${granted.identity}`;
    }
    if (!this.#around.isFree(this, granted.identity)) return `${granted.identity} is connected`;
    connection.capabilities = granted;
    this.#identity = granted.identity;
    return undefined;
  }

  // ------------------------------------------------------------------ helpers

  #now(): Instant {
    return this.#around.host.clock.now();
  }

  /** A peer of the same process comes and goes with it: that is news for nobody. */
  #tell(event: string, fields: Fields): void {
    const { log } = this.#around.host;
    const { I, R } = this.#connections;
    if ((I ?? R)?.pipe.protocol === 'local') log.debug(event, fields);
    else log.info(event, fields);
  }

  #fields(): { readonly peer: string } {
    return { peer: this.#identity ?? this.target.endpoints.join(' ') };
  }
}

/** A connection over a stream. */
export function wireConnection(
  host: Host,
  stream: Stream,
  pointOf: (message: DiameterMessage) => string,
): Connection {
  let connection: Connection | undefined;
  const reader = new DiameterStreamReader(fault => connection?.malformed(fault));
  const remoteName = host.network.ownerOf(stream.remote);
  const options = remoteName === undefined ? {} : { remoteName };
  connection = new Connection(host, framedPipe(stream, reader, diameterCodec, options), pointOf);
  return connection;
}
