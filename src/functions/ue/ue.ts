// An emulated UE: registers, calls, answers, sends messages and hears. TS 24.229 §5.1.

import { Usim } from '#aka/usim';
import type { Host } from '#kernel/host';
import type { ServerTransaction } from '#sip/endpoint';
import {
  Authorization,
  ContentType,
  nameAddr,
  PPreferredIdentity,
  ProxyAuthenticate,
  ProxyAuthorization,
  WwwAuthenticate,
} from '#sip/headers';
import { body, type Edit, type SipRequest, type SipResponse, set } from '#sip/message';
import { parseUri, sipUri, telUri, type Uri, uriText } from '#sip/uri';
import type { IncomingSession } from '#sip/user-agent';
import { Authentication } from './authentication.ts';
import { type Call, callerOf, type Party } from './call.ts';
import { CallAgent } from './call-agent.ts';
import { impiOf, type UeConfig } from './config.ts';
import { allowed, Gm } from './gm.ts';
import { type IncomingCall, receiveCall } from './incoming-call.ts';
import {
  type DeregistrationOutcome,
  failureOf,
  type MessageOutcome,
  type Registered,
  type RegistrationOutcome,
} from './outcomes.ts';
import { type CallOptions, OutgoingCall } from './outgoing-call.ts';
import { RegEvent } from './reg-event.ts';
import { Registration, type RegistrationState } from './registration.ts';

export interface Message {
  readonly from: Party;
  /** Lower case, without parameters. */
  readonly contentType: string;
  readonly octets: Uint8Array;
  /** The octets read as UTF-8. */
  readonly text: string;
}

export class Ue {
  readonly config: UeConfig;
  readonly host: Host;
  /** The SIM, where it has one: its sequence numbers outlive a UE by `usim.sequence.toJson()`. */
  readonly usim: Usim | undefined;
  /** Every change of the registration, and every renewal. */
  onRegistration: (state: RegistrationState) => void = () => {};
  /** The phone rings. */
  onIncoming: (call: IncomingCall) => void = () => {};
  onMessage: (message: Message) => void = () => {};
  readonly #gm: Gm;
  readonly #ua: CallAgent;
  readonly #registration: Registration;
  readonly #regEvent: RegEvent;
  readonly #calls = new Set<Call>();
  #receiving = 0;

  constructor(config: UeConfig, host: Host, usim?: Usim) {
    this.config = config;
    this.host = host;
    const { credentials } = config;
    this.usim = credentials.kind === 'sim' ? (usim ?? new Usim(credentials)) : undefined;
    const gm = new Gm(config, host);
    this.#gm = gm;
    this.#registration = new Registration(gm, this.#newAuthentication());
    this.#registration.onChange = state => this.#registrationChanged(state);
    gm.endpoint.onFlowClosed = flow => this.#registration.flowClosed(flow);
    this.#ua = new CallAgent(gm.endpoint, host, {
      contact: () => gm.contact(),
      target: () => gm.target,
      route: () => gm.route,
      edits: (method, status) => gm.edits(method, status),
      authorise: (challenge, request) => this.#authorise(challenge, request),
      supported: ['100rel', 'timer', 'precondition'],
      allow: [...allowed],
    });
    this.#regEvent = new RegEvent(gm, this.#ua, this.#registration);
    this.#ua.onInvite = session => void this.#invited(session);
    this.#ua.onRequest = tx => this.#requested(tx);
  }

  /** Opens its ports; rejects with an AddressError. */
  async start(): Promise<void> {
    await this.#gm.start();
  }

  /** Power off: calls are hung up, the registration is left to lapse. */
  async stop(): Promise<void> {
    this.#registration.stop();
    this.#regEvent.stop();
    this.#ua.stop();
    await this.#gm.endpoint.stop();
  }

  // --------------------------------------------------------------------------- registration

  /** The registration that stands now. */
  get registered(): Registered | undefined {
    return this.#registration.registered;
  }

  get registrationState(): RegistrationState {
    return this.#registration.state;
  }

  /** Registers, or renews at once. Never rejects. */
  register(): Promise<RegistrationOutcome> {
    return this.#registration.register();
  }

  /** Ends every call, then the registration (§5.1.1.6). Never rejects. */
  async deregister(): Promise<DeregistrationOutcome> {
    await Promise.all([...this.#calls].map(call => call.hangup()));
    return this.#registration.deregister();
  }

  // ---------------------------------------------------------------------------------- calls

  /** Calls that have not ended. */
  get calls(): readonly Call[] {
    return [...this.#calls];
  }

  /**
   * Calls somebody: a URI, a number ('+15550100002', '911') or a user's name. What becomes of it is
   * `call.answered`. Rejects with a UsageError where the target is none, with an AddressError where
   * no port is free.
   */
  async call(target: string, options: CallOptions = {}): Promise<OutgoingCall> {
    const call = await OutgoingCall.begin(this.#gm, this.#ua, this.uriOf(target), options);
    return this.#keep(call);
  }

  /** The URI that a person means: §5.1.2A.1.3 has local numbers carry the home domain as context. */
  uriOf(target: string): Uri {
    if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return parseUri(target);
    const digits = target.replace(/[ ().-]/g, '');
    if (/^\+\d+$/.test(digits)) return telUri(digits);
    if (/^[\d*#]+$/.test(digits)) return telUri(digits, { 'phone-context': this.config.home });
    if (target.includes('@')) return parseUri(`sip:${target}`);
    return sipUri({ user: target, host: this.config.home });
  }

  // ------------------------------------------------------------------------------- messages

  /** Sends a page-mode message (RFC 3428, TS 24.247 §6.2). Never rejects for what the network does. */
  async message(
    target: string,
    content: string | Uint8Array,
    contentType = 'text/plain;charset=UTF-8',
  ): Promise<MessageOutcome> {
    const request = this.#ua.build('MESSAGE', {
      uri: this.uriOf(target),
      from: this.#gm.from(),
      edits: [...this.#preferred(), body(contentType, content)],
    });
    const response = await this.#ua.request(request);
    if (response.status >= 200 && response.status < 300) {
      return { kind: 'delivered', status: response.status };
    }
    return failureOf(response);
  }

  // --------------------------------------------------------------------------------- inside

  /** §5.1.1.3, §5.1.1.7: a registration is watched, and calls do not outlive it. */
  #registrationChanged(state: RegistrationState): void {
    if (state.kind === 'registered') {
      if (this.config.regEvent) this.#regEvent.follow();
    } else {
      this.#regEvent.forget();
      if (/rejected|deactivated|unregistered/.test(state.because)) {
        for (const call of this.#calls) void call.hangup();
      }
    }
    this.onRegistration(state);
  }

  #preferred(): Edit[] {
    return [set(PPreferredIdentity, nameAddr(this.#gm.identity))];
  }

  async #invited(session: IncomingSession): Promise<void> {
    if (this.#calls.size + this.#receiving >= this.config.calls.atOnce) {
      session.reject(486);
      return;
    }
    this.#receiving++;
    const call = await receiveCall(this.#gm, session, ringing => this.#ringing(ringing)).finally(
      () => {
        this.#receiving--;
      },
    );
    if (call !== undefined) await this.#keep(call).begin();
  }

  #ringing(call: IncomingCall): void {
    this.onIncoming(call);
    const { answering, ringing } = this.config.calls;
    if (answering === 'automatic') this.host.clock.after(ringing, () => void call.answer());
  }

  #keep<C extends Call>(call: C): C {
    this.#calls.add(call);
    void call.ended.then(() => this.#calls.delete(call));
    return call;
  }

  #requested(tx: ServerTransaction): void {
    const { request } = tx;
    if (request.method === 'MESSAGE') {
      const contentType = request.get(ContentType)?.type ?? 'text/plain';
      const octets = Uint8Array.from(request.body);
      const message: Message = {
        from: callerOf(request),
        contentType,
        octets,
        text: Buffer.from(octets).toString('utf8'),
      };
      tx.reply(200);
      this.onMessage(message);
    } else if (request.method === 'OPTIONS') tx.reply(200);
    else tx.reply(request.method === 'SUBSCRIBE' ? 489 : 405);
  }

  #newAuthentication(): Authentication {
    const { credentials, home } = this.config;
    return new Authentication(
      impiOf(home, credentials),
      home,
      credentials.kind === 'sim' ? { usim: this.usim! } : { password: credentials.password },
      () => this.host.random.hex(8),
    );
  }

  /** A proxy or the peer wants to know who we are: digest with the password (§5.1.2A.1.1). */
  #authorise(challenge: SipResponse, request: SipRequest): readonly Edit[] | undefined {
    if (this.config.credentials.kind === 'sim') return undefined;
    const proxy = challenge.status === 407;
    const challenges = challenge.all(proxy ? ProxyAuthenticate : WwwAuthenticate);
    const answer = this.#newAuthentication().answer(
      challenges,
      request.method,
      uriText(request.uri),
    );
    if (answer.kind !== 'answer') return undefined;
    return [set(proxy ? ProxyAuthorization : Authorization, answer.authorization)];
  }
}
