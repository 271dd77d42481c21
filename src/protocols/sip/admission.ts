// Who is taken in when there is more to do than can be done. New work is refused at the door, before
// it costs anything, so that what was begun comes to its end: 503 with Retry-After (RFC 3261 §21.5.4).
// Requests within dialogs, answers to our challenges and emergency calls always go through.
//
// How much more there is cannot be seen from here: it waits in the system's socket buffers. How busy
// the process is can; the share that is admitted falls while there is no idle moment and rises again
// as there are some, in the way TCP finds its rate.

import type { Host } from '#kernel/host';
import { type Duration, type Instant, ms } from '#kernel/time';
import { Authorization, To } from './headers.ts';
import type { SipRequest } from './message.ts';
import { uriText } from './uri.ts';

export interface AdmissionLimits {
  /** The share of its time that the process may be busy before new work is refused; 1: always. */
  readonly busy: number;
}

/** How often the share is looked at. */
const INTERVAL: Duration = ms(100);
/** After this long without a look, what was is past. */
const PAST: Duration = ms(1000);
/** So many more looks without an idle moment than with one are no accident: half a second. */
const STREAK = 5;
const FALL = 0.9;
const RISE = 0.04;
/** Some always get in: who asks is how we learn that there is room again. */
const LEAST = 0.02;
/** So little that is new in an interval is not what keeps the process busy. */
const FEW = 10;
/** Below this the load has gone. */
const GONE = 0.6;

/** Requests that begin something, where they stand outside a dialog. */
const BEGINNINGS = new Set([
  'INVITE',
  'REGISTER',
  'SUBSCRIBE',
  'PUBLISH',
  'MESSAGE',
  'REFER',
  'OPTIONS',
]);

export class Admission {
  readonly #host: Host;
  readonly #limits: AdmissionLimits;
  readonly #busyShare: (() => number) | undefined;
  #admitted = 1;
  #lookedAt: Instant = 0;
  #busy = 0;
  /** Looks that found it too busy; one that did not takes two of them away. */
  #streak = 0;
  /** Requests since then. */
  #asked = 0;

  constructor(host: Host, limits: AdmissionLimits) {
    this.#host = host;
    this.#limits = limits;
    this.#busyShare = limits.busy < 1 ? host.clock.loadMeter?.() : undefined;
  }

  /** The share of new work that is taken in at the moment, 0 to 1. */
  get admitted(): number {
    return this.#admitted;
  }

  /** Whether this request has to come again later. */
  refuses(request: SipRequest): boolean {
    if (this.#busyShare === undefined) return false;
    this.#asked++;
    this.#look(this.#busyShare);
    if (this.#admitted >= 1 || isUnderWay(request)) return false;
    if (this.#host.random.fraction() < this.#admitted) return false;
    const { trace } = this.#host;
    if (trace.enabled) {
      trace.decide('sip.overload', {
        chose: '503',
        because: `busy ${Math.round(100 * this.#busy)} % of the time: of what is new ${Math.round(100 * this.#admitted)} % is taken in`,
        clause: 'RFC 3261 §21.5.4',
        about: request,
      });
    }
    return true;
  }

  #look(busyShare: () => number): void {
    const now = this.#host.clock.now();
    const since = now - this.#lookedAt;
    if (since < INTERVAL) return;
    this.#lookedAt = now;
    this.#busy = busyShare();
    const asked = this.#asked;
    this.#asked = 0;
    const isTooBusy = this.#busy > this.#limits.busy && asked >= FEW && since <= PAST;
    this.#streak = isTooBusy
      ? Math.min(this.#streak + 1, 2 * STREAK)
      : Math.max(0, this.#streak - 2);
    if (this.#busy < GONE || since > PAST || asked < FEW) this.#admitted = 1;
    else if (this.#streak >= STREAK) this.#admitted = Math.max(LEAST, this.#admitted * FALL);
    else if (!isTooBusy) this.#admitted = Math.min(1, this.#admitted + RISE);
  }
}

/** Part of what was taken in before, or more urgent than any of it. */
function isUnderWay(request: SipRequest): boolean {
  if (!BEGINNINGS.has(request.method)) return true;
  if (request.get(To)?.params.has('tag') === true) return true;
  if (request.method === 'REGISTER') return answersChallenge(request);
  return request.uri.scheme === 'urn' && /^urn:service:sos\b/i.test(uriText(request.uri));
}

/** A UE that was challenged is half way; its first REGISTER has an empty response, or none. */
function answersChallenge(register: SipRequest): boolean {
  const response = register.get(Authorization)?.params.get('response');
  return typeof response === 'string' && response !== '';
}
