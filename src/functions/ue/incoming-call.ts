// A call to the UE. TS 24.229 §5.1.4.1; preconditions by RFC 3312. Nobody is alerted before the
// conditions that caller and callee hold mandatory are met.

import { AddressError } from '#kernel/errors';
import { Negotiation } from '#sdp/negotiation';
import { hasPreconditions, Preconditions } from '#sdp/preconditions';
import { SdpError } from '#sdp/sdp-error';
import { parseSdp, type SessionDescription } from '#sdp/session-description';
import { Require } from '#sip/headers';
import { set } from '#sip/message';
import type { IncomingSession, Leg } from '#sip/user-agent';
import { Call, callerOf, type Party } from './call.ts';
import type { Gm } from './gm.ts';
import { CallMedia } from './media.ts';
import type { CallEnd, CallOutcome } from './outcomes.ts';
import { sessionId } from './outgoing-call.ts';

/**
 * Takes an INVITE as far as ringing, or refuses it: 400 or 488 for its description, 500 without a
 * free port, 580 for preconditions that cannot be met. undefined when it was refused.
 */
export async function receiveCall(
  gm: Gm,
  session: IncomingSession,
  onRinging: (call: IncomingCall) => void,
): Promise<IncomingCall | undefined> {
  let offer: SessionDescription | undefined;
  try {
    offer = session.offer === undefined ? undefined : parseSdp(session.offer);
  } catch (error) {
    if (!(error instanceof SdpError)) throw error;
    session.reject(error.status);
    return undefined;
  }
  const media = await openMedia(gm, session);
  if (media === undefined) return undefined;
  const preconditions = preconditionsFor(gm, session, offer);
  const negotiation = new Negotiation({
    sessionId: sessionId(gm),
    host: gm.config.address,
    streams: [media.describe(preconditions)],
  });
  const refusal = offer === undefined ? undefined : refusalOf(negotiation, preconditions, offer);
  if (refusal !== undefined || session.ended) {
    media.close();
    if (refusal !== undefined) session.reject(refusal);
    return undefined;
  }
  return new IncomingCall(gm, session, media, negotiation, preconditions, onRinging);
}

async function openMedia(gm: Gm, session: IncomingSession): Promise<CallMedia | undefined> {
  try {
    return await CallMedia.open(gm.host, gm.config);
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    gm.host.log.error('no port for media', { because: error.message });
    session.reject(500);
    return undefined;
  }
}

/** §5.1.4.1: used where the caller offers them and both sides can. */
function preconditionsFor(
  gm: Gm,
  session: IncomingSession,
  offer: SessionDescription | undefined,
): Preconditions | undefined {
  const { calls } = gm.config;
  if (!calls.preconditions || offer?.media.some(hasPreconditions) !== true) return undefined;
  if (!session.supports('precondition') || !session.supports('100rel')) return undefined;
  return new Preconditions({
    reserved: calls.reservation > 0 ? 'none' : 'sendrecv',
    local: 'mandatory',
    remote: 'none',
  });
}

function refusalOf(
  negotiation: Negotiation,
  preconditions: Preconditions | undefined,
  offer: SessionDescription,
): number | undefined {
  try {
    if (negotiation.receiveOffer(offer) === 'unacceptable') return 488;
  } catch (error) {
    if (!(error instanceof SdpError)) throw error;
    return error.status;
  }
  return preconditions?.refused === undefined ? undefined : 580; // RFC 3312 §8
}

export class IncomingCall extends Call {
  readonly direction = 'incoming';
  readonly peer: Party;
  declare readonly session: IncomingSession;
  /** Called when the phone rings. */
  readonly #onRinging: (call: IncomingCall) => void;
  readonly #negotiation: Negotiation;
  readonly #preconditions: Preconditions | undefined;
  /** Our answer went out with a reliable provisional response. */
  #described = false;
  #acknowledged = true;

  constructor(
    gm: Gm,
    session: IncomingSession,
    media: CallMedia,
    negotiation: Negotiation,
    preconditions: Preconditions | undefined,
    onRinging: (call: IncomingCall) => void,
  ) {
    super(gm, session, media, negotiation);
    this.#negotiation = negotiation;
    this.#preconditions = preconditions;
    this.#onRinging = onRinging;
    this.peer = callerOf(session.request);
  }

  /** Takes the call; resolves like `answered`. Called before it rings it does nothing. */
  answer(): Promise<CallOutcome> {
    if (this.state === 'ringing') {
      const sdp = this.#described ? undefined : this.#description();
      this.enter('talking');
      this.agreed(this.session.leg);
      this.session.answer({ sdp });
    }
    return this.answered;
  }

  /** Refuses the call: 486 Busy Here, 603 Decline, or another status. */
  reject(status = 603): Promise<CallEnd> {
    if (this.state === 'calling' || this.state === 'ringing') {
      this.outcome ??= { kind: 'cancelled', by: 'local' };
      this.session.reject(status);
    }
    return this.ended;
  }

  /** Rings, or first agrees on resources. */
  async begin(): Promise<void> {
    const preconditions = this.#preconditions;
    if (preconditions === undefined || preconditions.met) {
      await this.#ring();
      return;
    }
    this.decide('183', 'preconditions of the call are not met yet', 'TS 24.229 §5.1.4.1');
    const sdp = this.#description();
    this.#described = true;
    this.#acknowledged = false;
    this.#reserveLater(preconditions);
    this.#acknowledged = await this.session.provisional(183, {
      sdp,
      reliable: true,
      edits: [set(Require, 'precondition')],
    });
    this.#ringIfMet();
  }

  /** The caller offered again: its resources may be there now. */
  protected progressed(_leg: Leg): void {
    const refused = this.#preconditions?.refused;
    if (refused !== undefined && this.state === 'calling') {
      this.outcome ??= { kind: 'impossible', because: refused };
      this.session.reject(580); // RFC 3312 §8
      return;
    }
    // The answer to the UPDATE goes out before the 180.
    this.gm.host.clock.soon(() => this.#ringIfMet());
  }

  #reserveLater(preconditions: Preconditions): void {
    if (preconditions.localMet) return;
    this.gm.host.clock.after(this.gm.config.calls.reservation, () => void this.#reserved());
  }

  async #reserved(): Promise<void> {
    const preconditions = this.#preconditions;
    if (preconditions === undefined || this.state !== 'calling') return;
    preconditions.reserve('sendrecv');
    this.#ringIfMet();
    // The caller asked to be told (a=conf), and does not hear it by our answer to its UPDATE.
    const negotiation = this.#negotiation;
    if (!preconditions.owesConfirmation || preconditions.remoteReserved === 'none') return;
    if (negotiation.state !== 'agreed' || !this.#acknowledged) return;
    const { response } = await this.session.modify(negotiation.offer().encode(), {
      method: 'UPDATE',
      edits: [set(Require, 'precondition')],
    });
    const done = response !== undefined && response.status < 300;
    if (!done) negotiation.withdraw();
  }

  #ringIfMet(): void {
    if (this.state !== 'calling' || !this.#acknowledged) return;
    if (this.#preconditions?.met === true) void this.#ring();
  }

  async #ring(): Promise<void> {
    if (this.state !== 'calling') return;
    this.enter('ringing');
    const sent = await this.session.provisional(180);
    if (sent && !this.session.ended) this.#onRinging(this);
  }

  /** Our answer to the INVITE's offer, or our offer where it had none. */
  #description(): Uint8Array {
    const negotiation = this.#negotiation;
    if (negotiation.state === 'offer received') {
      const answer = negotiation.answer().encode();
      this.agreed(this.session.leg);
      return answer;
    }
    return negotiation.offer().encode();
  }
}
