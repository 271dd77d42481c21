// The S-CSCF: registrar, authenticator, session control and service switch of its users.
// TS 24.229 §5.4, TS 23.228 §4.6.3.

import { createHash } from 'node:crypto';
import type { PeerStatus } from '#diameter/node';
import type { Address, Host } from '#kernel/host';
import type { Instant } from '#kernel/time';
import type { Decision } from '#kernel/trace';
import { Queue } from '#kernel/wait';
import { type ServerTransaction, SipEndpoint } from '#sip/endpoint';
import { CallId, type NameAddr, nameAddr } from '#sip/headers';
import type { SipRequest } from '#sip/message';
import { isSipUri, parseUri, type SipUri, sipUri, type Uri } from '#sip/uri';
import type { Binding, ContactChange } from './binding.ts';
import { Challenges } from './challenges.ts';
import type { SCscfConfig } from './config.ts';
import { type Assignment, Cx } from './cx.ts';
import {
  authenticationTimedOut,
  expire,
  pushed,
  shorten,
  terminated,
  withdraw,
} from './deregistration.ts';
import { Isc } from './isc.ts';
import { type DialogMark, Marks } from './marks.ts';
import { serve } from './mw.ts';
import type { Profile } from './profile.ts';
import { RegEvent } from './reg-event.ts';
import { Registrar, type RegistrationSet } from './registrar.ts';
import type { RegistrationExchange } from './registration.ts';
import { type CallStatus, Sessions } from './sessions.ts';
import { TemporaryGruus } from './temporary-gruu.ts';
import { ThirdPartyRegistration } from './third-party-registration.ts';

/** A socket it listens on. */
export interface Bound {
  readonly point: 'Mw';
  readonly protocol: 'udp' | 'tcp';
  readonly address: Address;
}

/** A registered user as people see him. */
export interface RegistrationStatus {
  /** The default public identity. */
  readonly impu: string;
  /** Those not barred. */
  readonly impus: readonly string[];
  readonly impis: readonly string[];
  readonly contacts: readonly {
    readonly uri: string;
    readonly impi: string;
    readonly path: readonly string[];
    readonly q: number;
    readonly since: Instant;
    readonly expires: Instant;
    readonly userAgent: string | undefined;
    readonly protection: string;
  }[];
}

export class SCscf {
  readonly config: SCscfConfig;
  readonly host: Host;
  readonly sip: SipEndpoint;
  readonly cx: Cx;
  readonly registrar: Registrar;
  readonly challenges: Challenges;
  readonly isc: Isc;
  readonly sessions: Sessions;
  readonly regEvent: RegEvent;
  readonly thirdParty: ThirdPartyRegistration;
  /** What leads here for requests of our users: their Service-Route. */
  readonly originatingRoute: SipUri;
  #marks: Marks | undefined;
  #gruus: TemporaryGruus | undefined;
  readonly #self: SipUri;
  readonly #queue = new Queue();
  /** Procedures that run or wait. */
  readonly #turns = new Set<{ readonly impi: string; readonly key: string }>();
  /** Profiles of unregistered users that are being asked for. */
  readonly #asked = new Map<string, Promise<Assignment>>();

  constructor(config: SCscfConfig, host: Host) {
    this.config = config;
    this.host = host;
    const self = parseUri(config.serverName);
    this.#self = isSipUri(self) ? self : sipUri({ host: config.name, port: config.port });
    this.originatingRoute = this.route('orig');
    this.sip = new SipEndpoint(host, { point: 'Mw', name: config.name });
    this.cx = new Cx(host, config);
    this.registrar = new Registrar(host);
    this.challenges = new Challenges(host.clock, config.challenges);
    this.isc = new Isc(this);
    this.sessions = new Sessions(this);
    this.regEvent = new RegEvent(this);
    this.thirdParty = new ThirdPartyRegistration(this);
  }

  /**
   * Brings back what the store holds, then serves. Rejects with an AddressError where a port is
   * taken; an HSS that is away is tried for ever.
   */
  async start(): Promise<readonly Bound[]> {
    const secret = await this.#secret();
    this.#marks = new Marks(secret);
    this.#gruus = new TemporaryGruus(secret, this.config.home, this.host.random);
    this.registrar.onDue = set => this.inBackground(set, () => expire(this, set));
    this.challenges.onTimeout = challenge => {
      void this.inTurn(challenge.impu, challenge.impi, () =>
        authenticationTimedOut(this, challenge),
      ).catch(error => this.#failed(error));
    };
    this.cx.knows = impis => this.#knows(impis);
    this.cx.onTermination = request => terminated(this, request);
    this.cx.onProfile = request => pushed(this, request);
    await this.registrar.restore();
    await this.sessions.restore();
    await this.regEvent.restore();

    this.sip.onRequest = tx => (this.#trusts(tx) ? serve(this, tx) : this.#keepOut(tx));
    this.sip.serveLocal(this.config.name);
    const bound: Bound[] = [];
    for (const { protocol, address } of this.config.listen) {
      const at = await this.sip.listen(protocol, address, {
        advertise: { host: this.config.name },
        hostile: true, // whoever reaches the port
      });
      bound.push({ point: 'Mw', protocol, address: at });
    }
    this.cx.start();
    return bound;
  }

  /** Ends at once; `drain` first lets what is under way come to its end. */
  async stop(): Promise<void> {
    this.registrar.stop();
    this.challenges.clear();
    this.sessions.stop();
    this.regEvent.stop();
    await this.sip.stop();
    await this.cx.stop();
  }

  // -------------------------------------------------------------------------- for people

  registrations(): readonly RegistrationStatus[] {
    const found: RegistrationStatus[] = [];
    for (const set of this.registrar.sets()) {
      if (set.bindings.length > 0) found.push(statusOf(set));
    }
    return found;
  }

  registration(impu: string): RegistrationStatus | undefined {
    const set = this.registrar.ofImpu(impu);
    return set === undefined || set.bindings.length === 0 ? undefined : statusOf(set);
  }

  calls(): readonly CallStatus[] {
    return this.sessions.calls();
  }

  /** Ends a call by its `id`; false where there is none. TS 24.229 §5.4.5.1 */
  release(id: string): boolean {
    return this.sessions.release(id, 'asked for by the operator');
  }

  /** Takes the registration of a user away (§5.4.1.5); false where there is none. */
  async deregister(impu: string): Promise<boolean> {
    const set = this.registrar.ofImpu(impu);
    if (set === undefined || set.bindings.length === 0) return false;
    return this.#queue.run(set.id, () => withdraw(this, set));
  }

  /** Has the user authenticate again soon (§5.4.1.6); false where there is nothing to shorten. */
  async reauthenticate(impu: string): Promise<boolean> {
    const set = this.registrar.ofImpu(impu);
    if (set === undefined || set.bindings.length === 0) return false;
    return this.#queue.run(set.id, () => shorten(this, set));
  }

  peers(): readonly PeerStatus[] {
    return this.cx.peers();
  }

  // -------------------------------------------------------------------------- for procedures

  get temporaryGruus(): TemporaryGruus {
    return this.#gruus!;
  }

  decide(decision: string, what: Decision): void {
    if (this.host.trace.enabled) this.host.trace.decide(`s-cscf.${decision}`, what);
  }

  /** A procedure of a set that nobody waits for. */
  inBackground(set: RegistrationSet, procedure: () => Promise<void>): void {
    this.#queue.run(set.id, procedure).catch(error => this.#failed(error));
  }

  /** Runs a registration or profile procedure when its subscription's turn comes. */
  async inTurn<T>(impu: string, impi: string, procedure: (turn: string) => Promise<T>): Promise<T> {
    const key = this.registrar.queueKey(impu, impi);
    const turn = { impi, key };
    this.#turns.add(turn);
    try {
      return await this.#queue.run(key, () => procedure(key));
    } finally {
      this.#turns.delete(turn);
    }
  }

  /**
   * Goes on in the turn of a registration set, which whoever holds `turn` may not have had when it
   * began. No cycle of waits: who holds a set's own turn waits for no other.
   */
  inTurnOf<T>(set: string, turn: string, procedure: () => Promise<T>): Promise<T> {
    return set === turn ? procedure() : this.#queue.run(set, procedure);
  }

  /**
   * Applies what the HSS pushed about private identities: at once, or when the registrations of
   * them that are under way have come to their end and there is something to apply it to.
   */
  whenSettled(impis: readonly string[], apply: () => void): void {
    const keys = new Set<string>();
    for (const { impi, key } of this.#turns) if (impis.includes(impi)) keys.add(key);
    if (keys.size === 0) apply();
    for (const key of keys) {
      this.#queue.run(key, async () => apply()).catch(error => this.#failed(error));
    }
  }

  /** By our name with our port or none; by the host of the Server-Name with its port alone. */
  isOurs(uri: Uri): boolean {
    if (!isSipUri(uri)) return false;
    const { name, port } = this.config;
    if (uri.host === name && (uri.port === undefined || uri.port === port)) return true;
    return uri.host === this.#self.host && uri.port === this.#self.port;
  }

  /** A loose route to us whose user part says what for. */
  route(user: string): SipUri {
    const { host, port } = this.#self;
    return sipUri({ user, host, port, params: { lr: null } });
  }

  /** What we stay in a dialog by. */
  recordRoute(mark: DialogMark, request: SipRequest): NameAddr {
    const { host, port } = this.#self;
    const dialog = this.#marks!.write(mark, request.get(CallId) ?? '');
    return nameAddr(sipUri({ host, port, params: { lr: null, dialog } }));
  }

  /** The mark in a Route of ours, if it is genuine and of this Call-ID. */
  markOf(uri: Uri, callId: string): DialogMark | undefined {
    if (!isSipUri(uri) || !this.isOurs(uri)) return undefined;
    return this.#marks!.read(uri.params.get('dialog'), callId);
  }

  /** Our own address in a dialog in which we are an end. */
  contact(user: string): NameAddr {
    const { host, port } = this.#self;
    return nameAddr(sipUri({ user, host, port }));
  }

  get uri(): Uri {
    const { host, port } = this.#self;
    return sipUri({ host, port });
  }

  /** The set with these bindings alone; one without any is forgotten, its profile too. */
  async rebind(set: RegistrationSet, bindings: readonly Binding[]): Promise<RegistrationSet> {
    if (bindings.length > 0) return this.registrar.put(set, { bindings });
    await this.registrar.remove(set);
    return set;
  }

  /** What follows from a change of contacts, once it is stored and answered. */
  contactsChanged(
    set: RegistrationSet,
    changes: readonly ContactChange[],
    exchange: RegistrationExchange | undefined,
  ): void {
    this.regEvent.changed(set, changes);
    this.thirdParty.changed(set, exchange);
    if (set.bindings.length === 0) {
      const impus = set.profile.identities.map(({ impu }) => impu);
      this.sessions.releaseOf(impus, 'the served user is no longer registered');
    }
  }

  /** The profile by which an unregistered user or a public service is served (§5.4.3.3). */
  async unregisteredProfile(
    impu: string,
  ): Promise<{ readonly result: string; readonly profile: Profile | undefined }> {
    const known = this.registrar.ofImpu(impu);
    if (known !== undefined) return { result: 'DIAMETER_SUCCESS', profile: known.profile };
    let asked = this.#asked.get(impu);
    if (asked === undefined) {
      asked = this.cx.serverAssignment({ impus: [impu] }, 'UNREGISTERED_USER');
      this.#asked.set(impu, asked);
      const done = () => this.#asked.delete(impu);
      asked.then(done, done); // what it rejects with is told to whoever waits below
    }
    const { result, profile } = await asked;
    const meanwhile = this.registrar.ofImpu(impu);
    if (meanwhile !== undefined) return { result, profile: meanwhile.profile };
    if (profile !== undefined) {
      const until = this.host.clock.now() + this.config.registration.unregisteredProfile;
      this.registrar.lend(profile, until);
    }
    return { result, profile };
  }

  #knows(impis: readonly string[]): boolean {
    if (impis.some(impi => this.registrar.ofImpi(impi).length > 0)) return true;
    for (const { impi } of this.#turns) if (impis.includes(impi)) return true;
    return false;
  }

  /** What comes over a wire is believed where the operator says whom to believe (RFC 3325 §4). */
  #trusts({ flow }: ServerTransaction): boolean {
    const { trusted } = this.config;
    return trusted === undefined || flow.protocol === 'local' || trusted.includes(flow.remote.host);
  }

  #keepOut(tx: ServerTransaction): void {
    this.decide('trust', {
      chose: '403',
      because: `${tx.flow.remote.host} is not of the trust domain`,
      clause: 'RFC 3325 §4, TS 24.229 §4.4',
      about: tx.request,
    });
    if (tx.request.method !== 'ACK') tx.reply(403);
  }

  #failed(error: unknown): void {
    this.host.log.error('s-cscf.procedure failed', { error: String(error) });
  }

  /** The key of our marks: kept, so that dialogs outlive this process. */
  async #secret(): Promise<Uint8Array> {
    const { store, random } = this.host;
    const kept = await store.get('keys', 'marks');
    if (typeof kept === 'string') return Buffer.from(kept, 'hex');
    const made = createHash('sha256').update(random.bytes(32)).digest();
    await store.commit([{ table: 'keys', key: 'marks', value: made.toString('hex') }]);
    return made;
  }
}

function statusOf(set: RegistrationSet): RegistrationStatus {
  const { profile, impis, bindings } = set;
  return {
    impu: profile.defaultImpu ?? set.id,
    impus: profile.shown,
    impis,
    contacts: bindings.map(({ uri, impi, path, q, since, expires, userAgent, protection }) => ({
      ...{ uri, impi, path, q, since, expires, userAgent, protection },
    })),
  };
}
