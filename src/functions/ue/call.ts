// A call as whoever holds the UE sees it, whichever side began it. TS 24.229 §5.1.3, §5.1.4, §5.1.5;
// hold as TS 24.610 §4.5.2.1.

import { type Duration, seconds } from '#kernel/time';
import { sleep } from '#kernel/wait';
import type { AudioStatistics } from '#rtp/audio-stream';
import type { Heard } from '#rtp/tone';
import type { Sound } from '#rtp/wav';
import type { Negotiation } from '#sdp/negotiation';
import { SdpError } from '#sdp/sdp-error';
import { parseSdp } from '#sdp/session-description';
import { From, type NameAddr, PAssertedIdentity, Reason, RetryAfter, To } from '#sip/headers';
import type { SipMessage, SipResponse } from '#sip/message';
import { displayText, unescaped } from '#sip/text';
import { isTelUri, type Uri, uriText } from '#sip/uri';
import type { InviteSession, Leg, SessionEnd } from '#sip/user-agent';
import type { Gm } from './gm.ts';
import type { CallMedia, Saying } from './media.ts';
import { type CallEnd, type CallOutcome, type ChangeOutcome, failureOf } from './outcomes.ts';

/** Offers of one change: both sides may change something at once. */
const maxOffers = 6;

export type CallState = 'calling' | 'ringing' | 'talking' | 'ended';

/** Who is at the other end. */
export interface Party {
  /** Without parameters. */
  readonly uri: string;
  readonly name: string | undefined;
  /** True where the network vouches for it (RFC 3325). */
  readonly asserted: boolean;
}

/** The dialog part of a call: one negotiation per fork, shared media. */
export abstract class Call {
  abstract readonly direction: 'outgoing' | 'incoming';
  readonly session: InviteSession;
  /** Resolves when the call is answered, or is certain not to be. */
  readonly answered: Promise<CallOutcome>;
  /** Resolves when nothing is left of the call. */
  readonly ended: Promise<CallEnd>;
  onState: (state: CallState) => void = () => {};
  /** A digit the peer sent as telephone event. */
  onDigit: (digit: string) => void = () => {};
  /** The peer holds us, or does so no more. */
  onHeld: (held: boolean) => void = () => {};

  protected readonly gm: Gm;
  protected readonly media: CallMedia;
  protected outcome: CallOutcome | undefined;
  readonly #first: Negotiation;
  /** The negotiation as the INVITE left it: what every further fork begins from. */
  readonly #offered: Negotiation;
  readonly #forks = new Map<Leg, Negotiation>();
  #state: CallState = 'calling';
  #held = false;
  #resolveAnswered!: (outcome: CallOutcome) => void;
  #resolveEnded!: (end: CallEnd) => void;

  constructor(gm: Gm, session: InviteSession, media: CallMedia, negotiation: Negotiation) {
    this.gm = gm;
    this.session = session;
    this.media = media;
    this.#first = negotiation;
    this.#offered = negotiation.fork();
    this.answered = new Promise(resolve => {
      this.#resolveAnswered = resolve;
    });
    this.ended = new Promise(resolve => {
      this.#resolveEnded = resolve;
    });
    if (gm.config.traceMedia) media.trace(session.callId);
    media.onDigit = digit => this.onDigit(digit);
    session.onOffer = (sdp, leg) => this.#takeOffer(sdp, leg);
    session.onAnswer = (sdp, leg) => this.#takeAnswer(sdp, leg);
    session.makeOffer = leg => this.negotiationOf(leg).offer().encode();
    session.onEnded = end => this.#finish(end);
  }

  /** Call-ID. */
  get id(): string {
    return this.session.callId;
  }

  abstract get peer(): Party;

  get state(): CallState {
    return this.#state;
  }

  /** The peer holds us. */
  get held(): boolean {
    return this.#held;
  }

  /** We hold the peer. */
  get holding(): boolean {
    return this.negotiation.holding;
  }

  // ------------------------------------------------------------------------------- sound

  /** What is said from now on. Throws a WavError where a file cannot be played. */
  say(saying: Saying): void {
    this.media.say(saying);
  }

  /** What was heard since the answer: seconds, loudness, tone. */
  heard(): Heard {
    return this.media.heard();
  }

  /** Seconds of that tone heard since the answer. */
  heardTone(hertz: number): number {
    return this.media.heardTone(hertz);
  }

  /** Keeps what is heard from the answer on, up to ten minutes of it. */
  record(): void {
    this.media.record();
  }

  recording(): Sound {
    return this.media.recording();
  }

  /** Sends 0-9 * # A-D; false where the peer takes none, or they are none. RFC 4733 */
  sendDigits(digits: string): boolean {
    return this.#state === 'talking' && this.media.sendDigits(digits);
  }

  /** Digits the peer sent so far. */
  get digits(): string {
    return this.media.digits;
  }

  statistics(): AudioStatistics {
    return this.media.statistics();
  }

  // --------------------------------------------------------------------------- procedures

  /** Stops listening to the peer, and says so. */
  hold(): Promise<ChangeOutcome> {
    return this.#holdOrResume(true);
  }

  resume(): Promise<ChangeOutcome> {
    return this.#holdOrResume(false);
  }

  /** Ends the call: CANCEL, a refusal or BYE, as its state wants. */
  hangup(): Promise<CallEnd> {
    if (this.#state !== 'ended') {
      this.outcome ??= { kind: 'cancelled', by: 'local' };
      this.session.hangup();
    }
    return this.ended;
  }

  // ---------------------------------------------------------------------------- for the kinds

  /** The negotiation of the dialog in use. */
  protected get negotiation(): Negotiation {
    return this.negotiationOf(this.session.leg);
  }

  /** Each fork of an INVITE answers the same offer for itself. */
  protected negotiationOf(leg: Leg | undefined): Negotiation {
    if (leg === undefined) return this.#first;
    let found = this.#forks.get(leg);
    if (found === undefined) {
      found = this.#forks.size === 0 ? this.#first : this.#offered.fork();
      this.#forks.set(leg, found);
    }
    return found;
  }

  /** Something was agreed: media follow it. */
  protected agreed(leg: Leg | undefined): void {
    const negotiation = this.negotiationOf(leg);
    this.media.apply(negotiation.agreed[0], this.#state !== 'talking');
    if (negotiation.held !== this.#held) {
      this.#held = negotiation.held;
      this.onHeld(this.#held);
    }
  }

  /** Every change of state but the last. */
  protected enter(state: 'ringing' | 'talking'): void {
    if (this.#state === state || this.#state === 'ended') return;
    this.#state = state;
    if (state === 'talking') {
      this.media.listenAnew();
      this.outcome = { kind: 'answered' };
      this.#resolveAnswered(this.outcome);
    }
    this.onState(state);
  }

  /** Ends a call that cannot go on; `because` is what a person reads. */
  protected giveUp(because: string): void {
    this.outcome ??= { kind: 'impossible', because };
    this.session.hangup();
  }

  /** What the kind does once something was agreed before the answer. */
  protected abstract progressed(leg: Leg): void;

  protected decide(chose: string, because: string, clause: string): void {
    const { trace } = this.gm.host;
    if (trace.enabled)
      trace.decide('ue.call', { chose, because, clause, keys: { callId: this.id } });
  }

  // -------------------------------------------------------------------------------- inside

  #takeOffer(sdp: Uint8Array, leg: Leg): Uint8Array | undefined {
    const negotiation = this.negotiationOf(leg);
    try {
      // Our own offer that met this one was refused with 491 and will be made anew.
      negotiation.withdraw();
      if (negotiation.receiveOffer(parseSdp(sdp)) === 'unacceptable') return undefined;
      const answer = negotiation.answer().encode();
      this.agreed(leg);
      this.progressed(leg);
      return answer;
    } catch (error) {
      if (!(error instanceof SdpError)) throw error;
      this.decide('488', error.message, error.clause ?? 'RFC 8866 §5');
      return undefined;
    }
  }

  #takeAnswer(sdp: Uint8Array, leg: Leg): void {
    const negotiation = this.negotiationOf(leg);
    try {
      // An offer of ours that met one of the peer's, or that refreshes the session.
      if (negotiation.state !== 'offered' && leg.lastSent !== undefined) {
        negotiation.resent(parseSdp(leg.lastSent));
      }
      negotiation.receiveAnswer(parseSdp(sdp));
    } catch (error) {
      if (!(error instanceof SdpError)) throw error;
      this.giveUp(`the peer's answer cannot be used: ${error.message}`);
      return;
    }
    if (negotiation.agreed.length === 0 && !negotiation.holding) {
      this.giveUp('the peer shares no codec with us');
      return;
    }
    this.agreed(leg);
    this.progressed(leg);
  }

  async #holdOrResume(holding: boolean): Promise<ChangeOutcome> {
    const { leg } = this.session;
    if (this.#state !== 'talking' || leg === undefined) {
      return { kind: 'impossible', because: 'there is no call to hold' };
    }
    const negotiation = this.negotiationOf(leg);
    const before = negotiation.holding;
    negotiation.hold(holding);
    for (let tries = 1; ; tries++) {
      const response = await this.#offerAnew(negotiation);
      const { ended } = this.session;
      if (response !== undefined && response.status < 300) {
        if (!negotiation.stale || tries === maxOffers || ended) return { kind: 'done' };
        continue;
      }
      if (ended) return { kind: 'impossible', because: 'the call ended meanwhile' };
      if (tries < maxOffers && isGlare(response)) {
        await sleep(this.gm.host.clock, this.#patience(response));
        continue;
      }
      negotiation.hold(before);
      if (response !== undefined) return failureOf(response);
      return { kind: 'impossible', because: 'the peer changes the call all the time' };
    }
  }

  /** undefined where the dialog was not free for an offer of ours. */
  async #offerAnew(negotiation: Negotiation): Promise<SipResponse | undefined> {
    if (negotiation.state !== 'agreed' || this.session.ended) return undefined;
    const offer = negotiation.offer().encode();
    const { response } = await this.session.modify(offer, { method: 'INVITE' });
    if (response === undefined || response.status >= 300) negotiation.withdraw();
    return response;
  }

  /** As long as the peer says, else 1 to 3 s by chance, so that the two do not meet again. */
  #patience(response: SipResponse | undefined): Duration {
    const told = response?.get(RetryAfter)?.seconds;
    return seconds(
      told === undefined ? 1 + 2 * this.gm.host.random.fraction() : Math.min(told, 10),
    );
  }

  #finish(end: SessionEnd): void {
    this.#state = 'ended';
    this.media.close();
    this.outcome ??= outcomeOf(end);
    this.#resolveAnswered(this.outcome);
    this.#resolveEnded({ by: end.by, status: end.status, reason: reasonOf(end) });
    this.onState('ended');
  }
}

/** Our change met one of the peer's: RFC 3261 §14.2 answers 491, or 500 with Retry-After. */
function isGlare(response: SipResponse | undefined): boolean {
  if (response === undefined || response.status === 491) return true;
  return response.status === 500 && response.has(RetryAfter);
}

/** What the end of a session means for a call that was never answered. */
function outcomeOf(end: SessionEnd): CallOutcome {
  if (end.response !== undefined) return failureOf(end.response);
  if (end.by !== 'failure') return { kind: 'cancelled', by: end.by };
  return { kind: 'impossible', because: end.reason };
}

/** The peer's own words where it gave any (RFC 3326). */
function reasonOf(end: SessionEnd): string {
  const message: SipMessage | undefined = end.request ?? end.response;
  const said = message?.all(Reason)[0];
  const text = said?.params.get('text');
  if (said === undefined) return end.reason;
  const cause = said.params.get('cause');
  const words = text == null ? '' : ` ${displayText(unescaped(text))}`;
  return `${end.reason}; ${said.protocol} ${cause ?? ''}${words}`.trimEnd();
}

/** The caller of an INVITE, as far as the network vouches for it. */
export function callerOf(message: SipMessage): Party {
  const asserted = message.all(PAssertedIdentity)[0];
  return partyOf(asserted ?? message.get(From), asserted !== undefined);
}

/** Whom a response comes from. */
export function calleeOf(message: SipMessage): Party {
  const asserted = message.all(PAssertedIdentity)[0];
  return partyOf(asserted ?? message.get(To), asserted !== undefined);
}

function partyOf(value: NameAddr | undefined, asserted: boolean): Party {
  if (value === undefined)
    return { uri: 'sip:anonymous@anonymous.invalid', name: undefined, asserted };
  const name = value.displayName === undefined ? undefined : unescaped(value.displayName);
  return {
    uri: bare(value.uri),
    name: name === undefined || name === '' ? undefined : displayText(name),
    asserted,
  };
}

/** Without parameters and headers. */
function bare(uri: Uri): string {
  if (isTelUri(uri)) return `tel:${uri.number}`;
  return uriText(uri).replace(/[;?].*$/s, '');
}
