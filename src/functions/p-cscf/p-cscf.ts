// The P-CSCF: first contact of every UE, and the border of the network's trust. TS 24.229 §5.2

import type { Address, Host, Timer } from '#kernel/host';
import { type Duration, type Instant, ms, seconds } from '#kernel/time';
import type { Decision } from '#kernel/trace';
import { type ServerTransaction, SipEndpoint } from '#sip/endpoint';
import type { Flow, Target } from '#sip/flow';
import { Allow, type NameAddr, nameAddr, RetryAfter, ServiceRoute, To } from '#sip/headers';
import { type SipMessage, type SipRequest, type SipResponse, set } from '#sip/message';
import { OwnUris } from '#sip/own-uris';
import { NO_PARAMS } from '#sip/params';
import { isSipUri, parseUri, type SipUri, sipUri, type Uri, uriText } from '#sip/uri';
import { type Binding, Bindings } from './bindings.ts';
import type { GmListener, PCscfConfig } from './config.ts';
import { withinDialog } from './dialog.ts';
import { FlowTokens, type NamedFlow } from './flow-token.ts';
import { originate } from './originating.ts';
import { RegEventSubscriptions } from './reg-event.ts';
import { register } from './registration.ts';
import { terminate } from './terminating.ts';
import { privateEdits, untrusted, withoutUntrusted } from './trust.ts';

const METHODS =
  'INVITE, ACK, CANCEL, BYE, REGISTER, SUBSCRIBE, NOTIFY, MESSAGE, PRACK, UPDATE, INFO, REFER, OPTIONS, PUBLISH';

/** Everybody's bindings are looked at so often, so many subscribers at a time. */
const SWEEP: Duration = seconds(30);
const SWEEP_GOES_ON: Duration = ms(100);
const SWEPT_AT_ONCE = 10_000;

/** A socket it listens on. */
export interface Bound {
  readonly point: 'Gm' | 'Mw';
  readonly protocol: GmListener['protocol'];
  readonly address: Address;
}

export class PCscf {
  readonly config: PCscfConfig;
  readonly host: Host;
  readonly sip: SipEndpoint;
  readonly bindings: Bindings;
  readonly #regEvent: RegEventSubscriptions;
  #tokens: FlowTokens;
  #sweep: Timer | undefined;
  #stopped = false;
  readonly #own: OwnUris;

  constructor(config: PCscfConfig, host: Host) {
    this.config = config;
    this.host = host;
    this.sip = new SipEndpoint(host, { point: 'Mw', name: config.name });
    this.bindings = new Bindings(host.store);
    this.#regEvent = new RegEventSubscriptions(this);
    this.#tokens = new FlowTokens(host.random.bytes(32));
    this.#own = new OwnUris(config.name);
    if (config.advertise !== undefined) this.#own.addName(config.advertise);
  }

  /** Opens Gm once everything that was promised before is known again. Rejects with AddressError. */
  async start(): Promise<readonly Bound[]> {
    await this.#loadKey();
    await this.bindings.restore(this.host.clock.now());
    this.sip.onRequest = tx => this.#serve(tx);
    this.sip.onFlowClosed = flow => this.#flowClosed(flow);
    const bound: Bound[] = [];
    this.sip.serveLocal(this.config.name, 'Mw');
    for (const { protocol, address } of this.config.mw) {
      const advertise = { host: this.config.name };
      const at = await this.sip.listen(protocol, address, { point: 'Mw', advertise });
      this.#own.addAddress(at);
      bound.push({ point: 'Mw', protocol, address: at });
    }
    const { advertise } = this.config;
    for (const { protocol, address, options } of this.config.gm) {
      const at = await this.sip.listen(protocol, address, {
        ...options,
        point: 'Gm',
        hostile: true,
        ...(advertise === undefined ? {} : { advertise: { host: advertise } }),
      });
      this.#own.addAddress(at);
      bound.push({ point: 'Gm', protocol, address: at });
    }
    this.#armSweep();
    if (this.config.regEvent) this.#regEvent.start();
    return bound;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#sweep?.cancel();
    this.#regEvent.stop();
    await this.sip.stop();
  }

  // ------------------------------------------------------------------------------ procedures

  async #serve(tx: ServerTransaction): Promise<void> {
    const { request } = tx;
    const inDialog = request.get(To)?.params.has('tag') === true;
    if (tx.flow.point !== 'Gm') {
      if (this.#regEvent.receives(tx)) return;
      if (request.method === 'OPTIONS' && this.#isForUs(request)) return this.#options(tx);
      return inDialog || request.method === 'ACK' ? withinDialog(this, tx) : terminate(this, tx);
    }
    const forged = untrusted(request);
    if (forged.length > 0) {
      this.decide('p-cscf.trust', request, {
        chose: `removed ${forged.join(', ')}`,
        because: 'only the network may assert it',
        clause: 'TS 24.229 §5.2.6.3',
      });
    }
    if (request.method === 'REGISTER') return register(this, tx);
    if (request.method === 'OPTIONS' && this.#isForUs(request)) return this.#options(tx);
    return inDialog || request.method === 'ACK' ? withinDialog(this, tx) : originate(this, tx);
  }

  /** Whether the request ends here: no Route beyond ours, and our own name as its Request-URI. */
  #isForUs(request: SipRequest): boolean {
    return this.isOurs(request.uri) && isSipUri(request.uri) && request.uri.user === undefined;
  }

  #options(tx: ServerTransaction): void {
    tx.reply(200, set(Allow, ...METHODS.split(', ')));
  }

  /** Called after a REGISTER changed a binding. */
  onBinding(binding: Binding, now: Instant): void {
    if (this.config.regEvent) this.#regEvent.follow(binding, now);
  }

  /** The answer at a bound: try again soon. */
  busy(tx: ServerTransaction): void {
    tx.reply(503, set(RetryAfter, { seconds: 5, params: NO_PARAMS }));
  }

  decide(decision: string, about: SipMessage, what: Omit<Decision, 'about'>): void {
    if (this.host.trace.enabled) this.host.trace.decide(decision, { ...what, about });
  }

  // ------------------------------------------------------------------------------- messages

  /** A request as a UE sent it, without what it may not assert. */
  fromUe(request: SipRequest): SipRequest {
    return withoutUntrusted(request);
  }

  /** A message as a UE may see it. */
  towardsUe<M extends SipRequest | SipResponse>(message: M): M {
    return message.with(...privateEdits(message)) as M;
  }

  // -------------------------------------------------------------------------------- routing

  isOurs(uri: Uri): boolean {
    return this.#own.has(uri);
  }

  /** Whether a request of this user may go there: his S-CSCF, as his Service-Route names it. */
  serves(next: Uri, user: Binding): boolean {
    const routes = user.serviceRoute.map(value => ServiceRoute.parse(value).uri);
    if (routes.length === 0) routes.push(parseUri(this.config.icscf));
    return routes.some(
      uri => isSipUri(uri) && isSipUri(next) && uri.host === next.host && uri.port === next.port,
    );
  }

  nextHop(route: NameAddr | undefined): Target {
    return { uri: route?.uri ?? parseUri(this.config.icscf), point: 'Mw' };
  }

  /** The URI the core routes to for a user on this flow: Path, and the inner Record-Route. */
  coreUri(flow: Flow, user: string): SipUri {
    const { name, mwPort } = this.config;
    return this.#uri(this.#tokens.sign({ flow: flow.id, user }), name, mwPort);
  }

  /**
   * Two entries, because the two sides reach us by different addresses (RFC 5658 §3): the upper is
   * for whoever receives this request.
   */
  recordRoute(
    ueFlow: Flow,
    user: string,
    request: SipRequest,
    towards: 'core' | 'ue',
  ): readonly NameAddr[] {
    if (!opensDialog(request.method)) return [];
    const { name, mwPort, advertise } = this.config;
    const token = this.#tokens.sign({ flow: ueFlow.id, user });
    const { host, port } = ueFlow.local;
    const shown = advertise ?? (isWildcard(host) ? name : host);
    const core = nameAddr(this.#uri(token, name, mwPort));
    const ue = nameAddr(this.#uri(token, shown, port, ueFlow.protocol));
    return towards === 'core' ? [core, ue] : [ue, core];
  }

  /**
   * Where a request leaves for a UE; undefined when no flow of ours leads there any more. A dialog
   * goes on where its user is now, should he have registered over another flow since.
   */
  ueTarget(
    own: readonly NameAddr[],
    request: SipRequest,
    to: 'the flow named' | 'where the user is now',
  ): { readonly flow: Flow; readonly user: string; readonly target: Target } | undefined {
    const named = this.flowNamed(own);
    if (named === undefined) return undefined;
    const id = to === 'the flow named' ? named.flow : this.#presentFlow(named, request);
    const flow = this.sip.flow(id);
    if (flow === undefined || flow.closed) return undefined;
    const byContact = this.config.towardsUe === 'contact' && flow.protocol === 'udp';
    const target = byContact ? ({ uri: overUdp(request.uri), point: 'Gm' } as const) : { flow };
    return { flow, user: named.user, target };
  }

  #presentFlow(named: NamedFlow, request: SipRequest): string {
    const bindings = this.bindings.ofUser(named.user, this.host.clock.now());
    if (bindings.some(({ flow }) => flow === named.flow)) return named.flow;
    const address = addressOf(uriText(request.uri));
    const present = bindings.find(({ contact }) => addressOf(contact) === address) ?? bindings[0];
    return present?.flow ?? named.flow;
  }

  /** The flow that our own Route entries name, by whichever of the two is signed. */
  flowNamed(own: readonly NameAddr[]): NamedFlow | undefined {
    for (const { uri } of own) {
      if (!isSipUri(uri) || uri.user === undefined) continue;
      const named = this.#tokens.read(uri.user);
      if (named !== undefined) return named;
    }
    return undefined;
  }

  #uri(user: string, host: string, port: number, transport?: Flow['protocol']): SipUri {
    const params =
      transport === undefined || transport === 'udp' ? { lr: null } : { transport, lr: null };
    return sipUri({ user, host, port, params });
  }

  // ------------------------------------------------------------------------------- upkeep

  /** A connection that carried registrations is gone: its UEs cannot be reached until they return. */
  #flowClosed(flow: Flow): void {
    if (flow.point !== 'Gm' || !this.bindings.known(flow.id, this.host.clock.now())) return;
    this.host.log.info('flow lost', { remote: `${flow.remote.host}:${flow.remote.port}` });
  }

  #armSweep(wait: Duration = SWEEP): void {
    if (this.#stopped) return;
    this.#sweep = this.host.clock.after(wait, () => {
      this.bindings.sweep(this.host.clock.now(), SWEPT_AT_ONCE).then(
        all => this.#armSweep(all ? SWEEP : SWEEP_GOES_ON),
        error => {
          this.host.log.error('store failed', { error: String(error) });
          this.#armSweep();
        },
      );
    });
  }

  /** The key that signs flow tokens outlives the process, so that dialogs do. */
  async #loadKey(): Promise<void> {
    const kept = await this.host.store.get('key', 'flow-token');
    const key = typeof kept === 'string' ? Buffer.from(kept, 'hex') : this.host.random.bytes(32);
    if (typeof kept !== 'string') {
      const value = Buffer.from(key).toString('hex');
      await this.host.store.commit([{ table: 'key', key: 'flow-token', value }]);
    }
    this.#tokens = new FlowTokens(key);
  }
}

/** A UE is asked by the transport it registered over, however long the request: it may know no other. */
const overUdp = (uri: Uri): Uri =>
  isSipUri(uri) ? { ...uri, params: new Map(uri.params).set('transport', 'udp') } : uri;

const opensDialog = (method: string): boolean =>
  method === 'INVITE' || method === 'SUBSCRIBE' || method === 'REFER' || method === 'NOTIFY';

/** User, host and port of a URI: what its parameters say about flows and devices taken off. */
const addressOf = (uri: string): string => uri.split(';', 1)[0] ?? uri;

const isWildcard = (host: string): boolean => host === '0.0.0.0' || host === '::' || host === '';
