// The P-CSCF: first contact of every UE, and the border of the network's trust. TS 24.229 §5.2

import type { Address, Host, Timer } from '#kernel/host';
import { seconds } from '#kernel/time';
import type { Decision } from '#kernel/trace';
import { type ServerTransaction, SipEndpoint } from '#sip/endpoint';
import type { Flow, Target } from '#sip/flow';
import { Allow, type NameAddr, nameAddr, RecordRoute, RetryAfter, To } from '#sip/headers';
import {
  type Edit,
  prepend,
  type SipMessage,
  type SipRequest,
  type SipResponse,
  set,
} from '#sip/message';
import { NO_PARAMS } from '#sip/params';
import { isSipUri, parseUri, type SipUri, sipUri, type Uri } from '#sip/uri';
import { type Binding, Bindings } from './bindings.ts';
import type { GmListener, PCscfConfig } from './config.ts';
import { withinDialog } from './dialog.ts';
import { FlowTokens } from './flow-token.ts';
import { originate } from './originating.ts';
import { RegEventSubscriptions } from './reg-event.ts';
import { register } from './registration.ts';
import { terminate } from './terminating.ts';
import { privateEdits, untrusted, withoutUntrusted } from './trust.ts';

const METHODS =
  'INVITE, ACK, CANCEL, BYE, REGISTER, SUBSCRIBE, NOTIFY, MESSAGE, PRACK, UPDATE, INFO, REFER, OPTIONS, PUBLISH';

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
  /** Hosts by which requests name this P-CSCF, in lower case. */
  readonly #names = new Set<string>();

  constructor(config: PCscfConfig, host: Host) {
    this.config = config;
    this.host = host;
    this.sip = new SipEndpoint(host, { point: 'Mw', name: config.name });
    this.bindings = new Bindings(host.store);
    this.#regEvent = new RegEventSubscriptions(this);
    this.#tokens = new FlowTokens(host.random.bytes(32));
  }

  /** Opens Gm once everything that was promised before is known again. Rejects with AddressError. */
  async start(): Promise<readonly Bound[]> {
    await this.#loadKey();
    await this.bindings.restore();
    this.sip.onRequest = tx => this.#dispatch(tx);
    this.sip.onFlowClosed = flow => this.#flowClosed(flow);
    this.#names.add(this.config.name);
    const bound: Bound[] = [];
    this.sip.serveLocal(this.config.name, 'Mw');
    for (const { protocol, address } of this.config.mw) {
      const advertise = { host: this.config.name };
      const at = await this.sip.listen(protocol, address, { point: 'Mw', advertise });
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
      this.#names.add(at.host).add(advertise ?? at.host);
      bound.push({ point: 'Gm', protocol, address: at });
    }
    this.#armSweep();
    return bound;
  }

  async stop(): Promise<void> {
    this.#sweep?.cancel();
    this.#regEvent.stop();
    await this.sip.stop();
  }

  // ------------------------------------------------------------------------------ procedures

  #dispatch(tx: ServerTransaction): void {
    void this.#serve(tx).catch(error => {
      this.host.log.error('request failed', { error: String(error), method: tx.request.method });
      if (!tx.answered && tx.request.method !== 'ACK') tx.reply(500);
    });
  }

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
  onBinding(binding: Binding, tx: ServerTransaction): void {
    if (this.config.regEvent) this.#regEvent.follow(binding, tx.now);
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
    return isSipUri(uri) && this.#names.has(uri.host.toLowerCase());
  }

  /** Functions of the home network: where a dialog's Route may lead next. */
  isCore(uri: Uri): boolean {
    return (
      isSipUri(uri) && (uri.host === this.config.home || uri.host.endsWith(`.${this.config.home}`))
    );
  }

  nextHop(route: NameAddr | undefined): Target {
    return { uri: route?.uri ?? parseUri(this.config.icscf), point: 'Mw' };
  }

  /** The URI the core routes to for this flow's UE: Path, and the inner Record-Route. */
  pathUri(flow: Flow): SipUri {
    return sipUri({
      user: this.#tokens.of(flow),
      host: this.config.name,
      port: this.config.mwPort,
      params: { lr: null },
    });
  }

  /**
   * Two entries, because the two sides reach us by different addresses (RFC 5658 §3): the upper is
   * for whoever receives this request.
   */
  recordRoute(ueFlow: Flow, request: SipRequest, towards: 'core' | 'ue'): readonly Edit[] {
    if (!opensDialog(request.method)) return [];
    const core = nameAddr(this.pathUri(ueFlow));
    const ue = nameAddr(this.#gmUri(ueFlow));
    return [towards === 'core' ? prepend(RecordRoute, core, ue) : prepend(RecordRoute, ue, core)];
  }

  /** Where a request leaves for a UE; undefined when no flow of ours leads there any more. */
  ueTarget(
    own: readonly NameAddr[],
    request: SipRequest,
  ): { readonly flow: Flow; readonly target: Target } | undefined {
    const id = this.flowNamed(own);
    const flow = id === undefined ? undefined : this.sip.flow(id);
    if (flow === undefined) return undefined;
    const byContact = this.config.towardsUe === 'contact' && flow.protocol === 'udp';
    return { flow, target: byContact ? { uri: request.uri, point: 'Gm' } : { flow } };
  }

  /** The flow that our own Route entries name, by whichever of the two is signed. */
  flowNamed(own: readonly NameAddr[]): string | undefined {
    for (const { uri } of own) {
      if (!isSipUri(uri) || uri.user === undefined) continue;
      const id = this.#tokens.read(uri.user);
      if (id !== undefined) return id;
    }
    return undefined;
  }

  #gmUri(flow: Flow): SipUri {
    const host = this.config.advertise ?? flow.local.host;
    const params = flow.protocol === 'udp' ? { lr: null } : { transport: flow.protocol, lr: null };
    return sipUri({ user: this.#tokens.of(flow), host, port: flow.local.port, params });
  }

  // ------------------------------------------------------------------------------- upkeep

  /** A connection that carried registrations is gone: its UEs cannot be reached until they return. */
  #flowClosed(flow: Flow): void {
    if (flow.point !== 'Gm' || !this.bindings.known(flow.id)) return;
    this.host.log.info('flow lost', { remote: `${flow.remote.host}:${flow.remote.port}` });
  }

  #armSweep(): void {
    this.#sweep = this.host.clock.after(seconds(30), () => {
      void this.bindings.sweep(this.host.clock.now()).catch(error => {
        this.host.log.error('store failed', { error: String(error) });
      });
      this.#armSweep();
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

const opensDialog = (method: string): boolean =>
  method === 'INVITE' || method === 'SUBSCRIBE' || method === 'REFER' || method === 'NOTIFY';
