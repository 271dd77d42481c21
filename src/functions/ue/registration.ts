// The registration of a UE over its life: made, kept, renewed after failures, ended by either side.
// TS 24.229 §5.1.1.

import type { Timer } from '#kernel/host';
import { type Duration, type Instant, inSeconds, seconds } from '#kernel/time';
import { SipError } from '#sip/error';
import type { Flow } from '#sip/flow';
import { FlowTimer, type NameAddr, PAssociatedUri, Require, ServiceRoute } from '#sip/headers';
import { isSipUri, parseUri, type SipUri, uriText } from '#sip/uri';
import type { Authentication } from './authentication.ts';
import type { Gm } from './gm.ts';
import {
  type DeregistrationOutcome,
  describe,
  type Refused,
  type Registered,
  type RegistrationOutcome,
} from './outcomes.ts';
import { type RegisterOutcome, RegisterRequests } from './register-request.ts';

export type RegistrationState =
  | { readonly kind: 'not registered'; readonly because: string }
  | { readonly kind: 'registered'; readonly registration: Registered };

type Accepted = Extract<RegisterOutcome, { kind: 'accepted' }>;

export class Registration {
  /** Every change of state, and every renewal. */
  onChange: (state: RegistrationState) => void = () => {};

  readonly #gm: Gm;
  readonly #authentication: Authentication;
  readonly #requests: RegisterRequests;
  #state: RegistrationState = { kind: 'not registered', because: 'never tried' };
  /** The UE wants to be registered: failures that may pass are tried again. */
  #wanted = false;
  /** The user is ending it. */
  #leaving = false;
  #stopped = false;
  #failures = 0;
  #next: Timer | undefined;
  #lapse: Timer | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(gm: Gm, authentication: Authentication) {
    this.#gm = gm;
    this.#authentication = authentication;
    this.#requests = new RegisterRequests(gm, authentication);
  }

  get state(): RegistrationState {
    return this.#state;
  }

  get registered(): Registered | undefined {
    return this.#state.kind === 'registered' ? this.#state.registration : undefined;
  }

  /**
   * Registers, or renews the registration. Resolves with what this attempt came to; where the
   * failure may pass and `retry` is set, later attempts follow by themselves (§5.1.1.2.1).
   */
  register(): Promise<RegistrationOutcome> {
    this.#wanted = true;
    return this.#inTurn(() => this.#attempt());
  }

  /** Ends the registration: §5.1.1.6. The caller has ended its dialogs. */
  deregister(): Promise<DeregistrationOutcome> {
    this.#wanted = false;
    this.#leaving = true;
    this.#next?.cancel();
    return this.#inTurn(async () => {
      const outcome = await this.#requests.perform(0).catch(unreadable);
      this.#leaving = false;
      if (this.#stopped) return { kind: 'stopped' };
      this.#ended('the user ended it');
      return outcome.kind === 'accepted' ? { kind: 'deregistered' } : outcome;
    });
  }

  /**
   * The network ended or shortened it: §5.1.1.7. 'deactivated' asks to register again at once,
   * 'probation' after a while, 'rejected' not at all.
   */
  networkChanged(
    event: 'deactivated' | 'probation' | 'rejected' | 'expired' | 'unregistered' | 'shortened',
    left: Duration,
  ): void {
    const { registered } = this;
    // Our own de-registration is reported to us too.
    if (registered === undefined || !this.#wanted) return;
    this.#decide(
      event === 'rejected' || event === 'unregistered' ? 'stay away' : 'register again',
      `the network says ${event}`,
      '§5.1.1.7',
    );
    if (event === 'shortened') {
      this.#hold({ ...registered, granted: inSeconds(left), expires: this.#now + left });
      return;
    }
    this.#ended(`${event} by the network`);
    if (event === 'rejected' || event === 'unregistered') this.#wanted = false;
    else if (event === 'probation') this.#tryAgain(left);
    else this.#tryAgain(0);
  }

  /** The connection the registration stands on broke: only a new one makes us reachable again. */
  flowClosed(flow: Flow): void {
    if (flow !== this.#gm.flow) return;
    this.#gm.flow = undefined;
    if (this.#wanted && !this.#stopped && this.registered !== undefined) this.#tryAgain(0);
  }

  /** Forgets everything without a word: power off. */
  stop(): void {
    this.#stopped = true;
    this.#wanted = false;
    this.#next?.cancel();
    this.#lapse?.cancel();
  }

  async #attempt(): Promise<RegistrationOutcome> {
    this.#next?.cancel();
    const expires = inSeconds(this.#gm.config.expires);
    const outcome = await this.#requests
      .perform(expires)
      .then(made => (made.kind === 'accepted' ? this.#accepted(made) : made))
      .catch(unreadable);
    if (this.#stopped) return { kind: 'stopped' };
    if (outcome.kind === 'registered') return outcome;

    const passing = mayPass(outcome);
    if (!passing) {
      this.#authentication.forget();
      this.#ended(describe(outcome));
      this.#wanted = false;
    } else if (this.registered === undefined) {
      this.#ended(describe(outcome));
    }
    if (passing && this.#wanted && this.#gm.config.retry) {
      const told = outcome.kind === 'refused' ? seconds(outcome.retryAfter ?? 0) : 0;
      this.#tryAgain(Math.max(told, this.#backoff()));
    }
    this.#gm.host.log.warn('registration failed', {
      impu: this.#gm.config.impu,
      because: describe(outcome),
    });
    return outcome;
  }

  /** §5.1.1.2.1, on a 200. */
  #accepted({ response, flow, granted, contact }: Accepted): RegistrationOutcome {
    if (this.#stopped) return { kind: 'stopped' };
    this.#failures = 0;
    if (granted === 0) {
      return { kind: 'refused', status: 200, reason: 'no time granted', retryAfter: undefined };
    }
    // A network that said «stay away» while this was on its way has thought better of it.
    this.#wanted = !this.#leaving;
    const associated = response.all(PAssociatedUri).map(value => uriText(value.uri));
    const identities = associated.length > 0 ? associated : [this.#gm.config.impu];
    const serviceRoute = response.all(ServiceRoute);
    const gm = this.#gm;
    const keepAlive = this.#keepAliveEvery(response.get(FlowTimer));
    if (flow !== gm.flow && flow !== undefined && keepAlive > 0) {
      gm.endpoint.keepAlive(flow, keepAlive);
    }
    gm.flow = flow;
    gm.outbound = response.all(Require).some(tag => tag.toLowerCase() === 'outbound');
    gm.gruu = gm.config.gruu ? gruuOf(contact, 'pub-gruu') : undefined;
    gm.temporaryGruu = gm.config.gruu ? gruuOf(contact, 'temp-gruu') : undefined;
    gm.serviceRoute = serviceRoute;
    gm.identity = parseUri(identities[0]!);
    const registration: Registered = {
      impu: identities[0]!,
      identities,
      serviceRoute: serviceRoute.map(value => ServiceRoute.format(value)),
      contact: uriText(contact?.uri ?? gm.contactUri),
      expires: this.#now + seconds(granted),
      granted,
    };
    this.#hold(registration);
    return { kind: 'registered', registration };
  }

  /** RFC 5626 §4.4: where the network wants to hear from us more often, 80 to 100 % of its time. */
  #keepAliveEvery(flowTimer: number | undefined): Duration {
    const { keepAlive } = this.#gm.config;
    if (flowTimer === undefined || flowTimer === 0 || keepAlive === 0) return keepAlive;
    const asked = seconds(flowTimer) * (0.8 + 0.2 * this.#gm.host.random.fraction());
    return Math.min(keepAlive, asked);
  }

  /** Renews at the time §5.1.1.4.1 says, and lapses when nobody renewed. */
  #hold(registration: Registered): void {
    const { clock, log } = this.#gm.host;
    const { granted } = registration;
    this.#state = { kind: 'registered', registration };
    this.#next?.cancel();
    this.#lapse?.cancel();
    this.#next = clock.after(renewal(seconds(granted)), () => this.#renew());
    this.#lapse = clock.after(seconds(granted), () => this.#lapsed());
    log.info('registered', { impu: registration.impu, expires: granted });
    this.onChange(this.#state);
  }

  #renew(): void {
    if (this.#wanted) void this.#inTurn(() => this.#attempt());
  }

  #lapsed(): void {
    this.#ended('expired');
    if (this.#wanted) this.#tryAgain(0);
  }

  #tryAgain(delay: Duration): void {
    this.#next?.cancel();
    this.#next = this.#gm.host.clock.after(delay, () => this.#renew());
  }

  #ended(because: string): void {
    this.#next?.cancel();
    this.#lapse?.cancel();
    const before = this.#state.kind;
    this.#state = { kind: 'not registered', because };
    this.#gm.serviceRoute = [];
    this.#gm.gruu = undefined;
    this.#gm.temporaryGruu = undefined;
    this.#gm.outbound = false;
    this.#authentication.forget();
    if (before === 'registered') this.onChange(this.#state);
  }

  /** RFC 5626 §4.5 as §5.1.1.2.1 uses it: W = min(max, base·2^failures), and 50 to 100 % of it. */
  #backoff(): Duration {
    const { retryBase, retryMaximum } = this.#gm.config;
    const wait = Math.min(retryMaximum, retryBase * 2 ** Math.min(30, this.#failures++));
    return wait * (0.5 + 0.5 * this.#gm.host.random.fraction());
  }

  /** One procedure at a time. */
  #inTurn<T>(procedure: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(procedure);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  get #now(): Instant {
    return this.#gm.host.clock.now();
  }

  #decide(chose: string, because: string, clause: string): void {
    const { trace } = this.#gm.host;
    if (!trace.enabled) return;
    const impus = [this.registered?.impu ?? this.#gm.config.impu];
    trace.decide('ue.registration', {
      chose,
      because,
      clause: `TS 24.229 ${clause}`,
      keys: { impus },
    });
  }
}

/** §5.1.1.4.1: 600 s before the end where more than 1200 s were granted, else at half the time. */
function renewal(granted: Duration): Duration {
  return granted > seconds(1200) ? granted - seconds(600) : granted / 2;
}

/** A GRUU of our contact, where it is one. RFC 5627 §4.2 */
function gruuOf(contact: NameAddr | undefined, kind: 'pub-gruu' | 'temp-gruu'): SipUri | undefined {
  const text = contact?.params.get(kind);
  if (!text) return undefined;
  const uri = parseUri(text);
  return isSipUri(uri) && uri.params.has('gr') ? uri : undefined;
}

/** Whether trying again later makes sense: §5.1.1.2.1. */
function mayPass(outcome: RegistrationOutcome): boolean {
  if (outcome.kind === 'no answer') return true;
  if (outcome.kind !== 'refused') return false;
  return [408, 480, 500, 502, 503, 504].includes(outcome.status);
}

/** An answer with a header that cannot be read is no answer to build on. */
function unreadable(error: unknown): Refused {
  if (!(error instanceof SipError)) throw error;
  const reason = `the network's answer cannot be read: ${error.message}`;
  return { kind: 'refused', status: error.status, reason, retryAfter: undefined };
}
