// Requests on their way: which peer they go to, what waits for an answer, and what becomes of it
// when a peer is lost. RFC 6733 §5.5.4 (failover), §6.1 (routing)

import type { Host, Timer } from '#kernel/host';
import { type Duration, inSeconds } from '#kernel/time';
import type { AnyCommand } from './application.ts';
import type { Avp } from './avp.ts';
import { OriginHost, OriginRealm } from './base.ts';
import type { MalformedMessage } from './codec.ts';
import { readAnswer } from './command.ts';
import type { Connection } from './connection.ts';
import { DiameterError } from './errors.ts';
import type { Values } from './group.ts';
import { FLAG } from './header.ts';
import { DiameterMessage } from './message.ts';
import { Reactor, SPARED_PRIORITY } from './overload.ts';
import { Load, OcOlr } from './overload-avps.ts';
import type { RemotePeer } from './remote-peer.ts';
import { resultCode } from './result.ts';
import { BASE_RESULTS } from './results.ts';
import type { Redirection, RouteQuery, Routes } from './routes.ts';

export interface Call {
  readonly command: AnyCommand;
  readonly avps: readonly Avp[];
  readonly endToEnd: number;
  readonly destinationRealm: string;
  readonly destinationHost: string | undefined;
  readonly sessionId: string;
  /** Peers that a redirect agent named, in lower case. */
  redirected: readonly string[] | undefined;
  redirects: number;
  /** Peers that had it and could not deliver or were lost. */
  readonly tried: Set<RemotePeer>;
  readonly finish: (result: Values) => void;
  timer: Timer;
  /** Sent once already: the T flag from now on. */
  wasSent: boolean;
  at: { readonly connection: Connection; readonly hopByHop: number } | undefined;
}

/** Results after which another peer may do better. §6.1.8, §7.1.3 */
const ELSEWHERE: ReadonlySet<number | undefined> = new Set([
  BASE_RESULTS.DIAMETER_UNABLE_TO_DELIVER,
  BASE_RESULTS.DIAMETER_TOO_BUSY,
]);

/** Redirects of one request that are followed. */
const MAX_REDIRECTS = 3;

export interface CallsSurroundings {
  readonly host: Host;
  readonly peers: () => readonly RemotePeer[];
  readonly maxPending: number;
  readonly routes: Routes;
  /** Connects to a host that a redirect agent named, where we would talk to it. */
  readonly connectTo: (identity: string, endpoint: string) => void;
}

export class Calls {
  readonly #host: Host;
  readonly #peers: () => readonly RemotePeer[];
  readonly #maxPending: number;
  readonly #routes: Routes;
  readonly #connectTo: CallsSurroundings['connectTo'];
  readonly #reactor: Reactor;
  /** Calls for a peer whose handshake is under way. */
  readonly #waiting = new Set<Call>();
  #pending = 0;
  #endToEnd: number;

  constructor({ host, peers, maxPending, routes, connectTo }: CallsSurroundings) {
    this.#host = host;
    this.#peers = peers;
    this.#maxPending = maxPending;
    this.#routes = routes;
    this.#connectTo = connectTo;
    this.#reactor = new Reactor(host.random);
    // §3: the low 12 bits of the time above 20 random ones, so that a restart repeats none
    const low = Buffer.from(host.random.bytes(4)).readUInt32BE(0) & 0xfffff;
    this.#endToEnd = (((inSeconds(host.clock.now()) & 0xfff) << 20) | low) >>> 0;
  }

  get pending(): number {
    return this.#pending;
  }

  /** Sends; resolves with the answer's values or with a result of our own making. */
  start(
    command: AnyCommand,
    avps: readonly Avp[],
    to: {
      readonly destinationRealm: string;
      readonly destinationHost?: string | undefined;
      readonly sessionId: string;
      readonly priority?: number | undefined;
      readonly timeout: Duration;
    },
  ): Promise<Values> {
    if (this.#pending >= this.#maxPending) {
      return Promise.resolve(own('DIAMETER_TOO_BUSY', `${this.#pending} requests are unanswered`));
    }
    const destinationRealm = to.destinationRealm.toLowerCase();
    const destinationHost = to.destinationHost?.toLowerCase();
    const target = { host: destinationHost, realm: destinationRealm };
    const isSpared = (to.priority ?? 15) <= SPARED_PRIORITY;
    const now = this.#host.clock.now();
    if (!isSpared && !this.#reactor.admits(command.application.id, target, now)) {
      return Promise.resolve(
        own('DIAMETER_TOO_BUSY', `${target.host ?? target.realm} is overloaded`),
      );
    }
    this.#pending++;
    this.#endToEnd = (this.#endToEnd + 1) >>> 0;
    return new Promise(resolve => {
      const call: Call = {
        command,
        avps,
        endToEnd: this.#endToEnd,
        destinationRealm,
        destinationHost,
        sessionId: to.sessionId,
        redirected: undefined,
        redirects: 0,
        tried: new Set(),
        finish: result => {
          this.#pending--;
          this.#waiting.delete(call);
          this.#withdraw(call);
          call.timer.cancel();
          resolve(result);
        },
        timer: this.#host.clock.after(to.timeout, () => {
          this.#host.log.warn('diameter call timed out', { command: command.name });
          call.finish(own('DIAMETER_UNABLE_TO_DELIVER', 'no answer in time'));
        }),
        wasSent: false,
        at: undefined,
      };
      this.#heed(call, this.#routes.redirected(queryOf(call), now));
      this.#dispatch(call);
    });
  }

  /** The answer to a request of `connection`. Strays and repetitions are dropped: §6.2.1. */
  answered(peer: RemotePeer, connection: Connection, message: DiameterMessage): void {
    const call = connection.pending.get(message.hopByHop);
    if (call?.endToEnd !== message.endToEnd) {
      this.#host.log.debug('diameter answer to nothing', { peer: peer.identity });
      return;
    }
    this.#learn(peer, call, message);
    const code = message.flags & FLAG.error ? codeOf(message) : undefined;
    if (code === BASE_RESULTS.DIAMETER_REDIRECT_INDICATION && this.#redirect(peer, call, message)) {
      return;
    }
    if (code !== undefined && ELSEWHERE.has(code)) {
      call.tried.add(peer);
      if (this.#route(call) !== undefined) {
        this.#withdraw(call);
        this.#dispatch(call);
        return;
      }
    }
    call.finish(this.#read(call, message));
  }

  /** How busy whoever answered says that it is. */
  #learn(peer: RemotePeer, call: Call, answer: DiameterMessage): void {
    if (!answer.avps.some(avp => avp.is(OcOlr) || avp.is(Load))) return;
    const about = {
      application: call.command.application.id,
      originHost: text(answer, OriginHost),
      originRealm: text(answer, OriginRealm),
      peer: peer.key ?? '',
    };
    this.#reactor.learn(answer, about, this.#host.clock.now());
  }

  /** §6.1.8: the request goes to a host that a redirect agent names; false where it cannot. */
  #redirect(peer: RemotePeer, call: Call, answer: DiameterMessage): boolean {
    if (call.redirects >= MAX_REDIRECTS) return false;
    const to = learned(() => this.#routes.learn(answer, queryOf(call), this.#host.clock.now()));
    if (to === undefined) return false;
    call.redirects++;
    call.tried.add(peer);
    this.#withdraw(call);
    this.#heed(call, to);
    this.#dispatch(call);
    return true;
  }

  #heed(call: Call, to: Redirection | undefined): void {
    if (to === undefined) return;
    call.redirected = to.hosts.map(({ identity }) => identity);
    const isKnown = this.#peers().some(
      ({ key }) => key !== undefined && call.redirected?.includes(key),
    );
    if (isKnown) return;
    for (const { identity, endpoint } of to.hosts) this.#connectTo(identity, endpoint);
  }

  /** An answer whose AVPs cannot be told apart. */
  malformed(connection: Connection, fault: MalformedMessage): void {
    const { hopByHop, endToEnd } = fault.received;
    const call = connection.pending.get(hopByHop);
    this.#host.log.warn('diameter answer malformed', { why: fault.message });
    if (call?.endToEnd === endToEnd) call.finish(own(fault.result, fault.message));
  }

  /** The connection is lost: what waits there goes to another peer, or fails. */
  lost(peer: RemotePeer, connection: Connection): void {
    for (const call of [...connection.pending.values()]) {
      call.tried.add(peer);
      this.#withdraw(call);
      this.#dispatch(call);
    }
  }

  /** The peer is silent: what waits there goes to another peer, or goes on waiting. */
  suspected(peer: RemotePeer, connection: Connection): void {
    for (const call of [...connection.pending.values()]) {
      call.tried.add(peer);
      if (this.#route(call) === undefined) continue;
      this.#withdraw(call);
      this.#dispatch(call);
    }
  }

  /** A peer has come or its handshake has failed: calls that wait for one try again. */
  retry(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const call of waiting) this.#dispatch(call);
  }

  /** Nothing will be answered any more. */
  stop(): void {
    const everywhere = this.#peers().flatMap(peer => peer.calls());
    for (const call of [...this.#waiting, ...everywhere]) {
      call.finish(own('DIAMETER_UNABLE_TO_DELIVER', 'this node stops'));
    }
  }

  #dispatch(call: Call): void {
    const connection = this.#route(call);
    if (connection !== undefined) {
      this.#send(call, connection);
      return;
    }
    const mayCome = this.#peers().some(peer => peer.isComing && this.#serves(peer, call));
    if (mayCome) this.#waiting.add(call);
    else call.finish(own('DIAMETER_UNABLE_TO_DELIVER', 'no peer is connected'));
  }

  /**
   * §6.1: the host itself where we are connected to it, else a peer of its realm, else an agent: one that
   * the routing table names for the realm, or a relay. Among equals the one with the least to do.
   */
  #route(call: Call): Connection | undefined {
    const table = this.#routes.peersFor(queryOf(call));
    const ofRealm: RemotePeer[] = [];
    const agents: RemotePeer[] = [];
    const byTable: (RemotePeer | undefined)[] = [];
    for (const peer of this.#peers()) {
      if (peer.usable === undefined || call.tried.has(peer) || !this.#serves(peer, call)) continue;
      if (call.destinationHost !== undefined && peer.key === call.destinationHost) {
        return peer.usable;
      }
      const row = table?.indexOf(peer.key ?? '') ?? -1;
      if (peer.realm.toLowerCase() === call.destinationRealm) ofRealm.push(peer);
      else if (row >= 0) byTable[row] = peer;
      else agents.push(peer);
    }
    const named = byTable.find(peer => peer !== undefined);
    const now = this.#host.clock.now();
    const chosen =
      this.#reactor.choose(ofRealm, peer => peer.key ?? '', now) ??
      named ??
      this.#reactor.choose(agents, peer => peer.key ?? '', now);
    return chosen?.usable;
  }

  #serves(peer: RemotePeer, call: Call): boolean {
    const { capabilities, key } = peer;
    if (capabilities !== undefined) {
      if (!capabilities.applications.includes(call.command.application.id)) return false;
    }
    if (call.redirected !== undefined) return key !== undefined && call.redirected.includes(key);
    if (capabilities?.isRelay === true) return true;
    if (key === call.destinationHost || peer.realm.toLowerCase() === call.destinationRealm)
      return true;
    return key !== undefined && (this.#routes.peersFor(queryOf(call))?.includes(key) ?? false);
  }

  #send(call: Call, connection: Connection): void {
    const { command, avps, endToEnd } = call;
    const hopByHop = connection.nextHopByHop();
    const flags =
      FLAG.request |
      (command.proxiable ? FLAG.proxiable : 0) |
      (call.wasSent ? FLAG.retransmitted : 0);
    call.wasSent = true;
    call.at = { connection, hopByHop };
    connection.pending.set(hopByHop, call);
    const header = { flags, code: command.code, application: command.application.id };
    connection.send(new DiameterMessage({ ...header, hopByHop, endToEnd }, avps));
  }

  #withdraw(call: Call): void {
    call.at?.connection.pending.delete(call.at.hopByHop);
    call.at = undefined;
  }

  #read(call: Call, message: DiameterMessage): Values {
    const { log } = this.#host;
    const { name } = call.command;
    try {
      const values = readAnswer(call.command, message, problem => {
        log.warn('diameter answer with a bad element', { command: name, why: problem.message });
      });
      values.message = message;
      return values;
    } catch (error) {
      if (!(error instanceof DiameterError)) throw error;
      log.warn('diameter answer refused', { command: name, why: error.message });
      return { ...own(error.result, error.message), message };
    }
  }
}

const codeOf = (message: DiameterMessage): number | undefined => learned(() => resultCode(message));

const queryOf = (call: Call): RouteQuery => ({
  application: call.command.application.id,
  realm: call.destinationRealm,
  host: call.destinationHost,
  sessionId: call.sessionId,
});

/** In lower case; empty where it is absent or no text. */
const text = (message: DiameterMessage, definition: typeof OriginHost): string =>
  learned(() => message.get(definition))?.toLowerCase() ?? '';

/** What a peer's answer tells, where it can be read. */
function learned<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof DiameterError) return undefined;
    throw error;
  }
}

const own = (result: string, errorMessage: string): Values => ({
  result,
  errorMessage,
  message: undefined,
});
