// Two calls made into one: what one side offers, answers, says or ends, the other hears. A callee that
// forks shows the caller one dialog: the first fork that answers his offer agrees with him, the others
// are told what he offers meanwhile, and should one of them take the call, he is offered what it has.

import type { ServerTransaction } from '#sip/endpoint';
import { ContentType, Require } from '#sip/headers';
import { addRaw, body, type Edit, type SipMessage, type SipResponse } from '#sip/message';
import {
  type IncomingSession,
  type InviteSession,
  type Leg,
  type OutgoingSession,
  type SessionEnd,
  sdpOf,
} from '#sip/user-agent';

/** What passes within the dialogs; REFER and its like would be about the other dialog. */
const PASSED = ['INFO', 'MESSAGE'];

export class Bridge {
  readonly #incoming: IncomingSession;
  readonly #outgoing: OutgoingSession;
  /** The fork that the caller has agreed with. */
  #agreed: Leg | undefined;
  /** The latest description of each fork, and of the caller. */
  readonly #described = new Map<Leg, Uint8Array>();
  #offered: Uint8Array | undefined;
  /** Sessions to which an offer of the other is being taken: their answer is waited for there. */
  readonly #asked = new Set<InviteSession>();
  /** The callee's offer waits for the answer of a caller who made none. */
  #answer: ((sdp: Uint8Array | undefined) => void) | undefined;

  constructor(incoming: IncomingSession, outgoing: OutgoingSession) {
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    outgoing.onAnswer = (sdp, leg) => this.#calleeAnswered(sdp, leg);
    outgoing.onOffer = (sdp, leg) => this.#calleeOffers(sdp, leg);
    outgoing.onProvisional = (response, leg) => this.#progress(response, leg);
    outgoing.onAnswered = (response, leg) => this.#answered(response, leg);
    outgoing.onEnded = end => this.#calleeEnded(end);
    outgoing.onRequest = tx => pass(tx, incoming);
    incoming.onAnswer = sdp => this.#callerAnswered(sdp);
    incoming.onOffer = sdp => this.#callerOffers(sdp);
    incoming.onEnded = end => {
      this.#answer?.(undefined);
      outgoing.hangup(...reasonOf(end));
    };
    incoming.onRequest = tx => pass(tx, outgoing);
  }

  // -------------------------------------------------------------------------- to the caller

  #progress(response: SipResponse, leg: Leg | undefined): void {
    const { leg: caller } = this.#incoming;
    const sdp = sdpOf(response);
    const late = leg !== undefined && this.#agreed !== undefined && leg !== this.#agreed;
    // An answer is for whoever waits for one; what the callee offers went another way.
    const tells = sdp !== undefined && !late && caller.outstanding === 'theirs';
    void this.#incoming.provisional(response.status, {
      ...(tells && { sdp }),
      edits: sharedEdits(response),
    });
    if (tells && leg !== undefined) this.#agreed = leg;
    // A fork that came later has not heard what the caller offered since (resources reserved, say).
    if (late && sdp !== undefined && this.#offered !== undefined) this.#tell(leg, this.#offered);
  }

  #answered(response: SipResponse, leg: Leg): void {
    const sdp = sdpOf(response) ?? this.#described.get(leg);
    const moved = this.#agreed !== undefined && this.#agreed !== leg;
    this.#agreed = leg;
    this.#incoming.answer({
      ...(!moved && sdp !== undefined && { sdp }),
      edits: sharedEdits(response),
    });
    if (!moved || sdp === undefined) return;
    this.#incoming.onConfirmed = () => void this.#ask(this.#incoming, sdp);
  }

  /** Refused where the call did not come about, else hung up, for the same reason. */
  #calleeEnded(end: SessionEnd): void {
    const { state } = this.#incoming;
    this.#answer?.(undefined);
    if (state === 'calling' || state === 'early') {
      const edits = end.response === undefined ? [] : copies(end.response, OF_REFUSALS);
      this.#incoming.reject(statusFor(end), ...edits);
    } else this.#incoming.hangup(...reasonOf(end));
  }

  // ---------------------------------------------------------------- offers and their answers

  #calleeAnswered(sdp: Uint8Array, leg: Leg): void {
    this.#described.set(leg, sdp);
  }

  #calleeOffers(sdp: Uint8Array, leg: Leg): Promise<Uint8Array | undefined> | undefined {
    this.#described.set(leg, sdp);
    const { leg: caller, offer } = this.#incoming;
    if (offer === undefined && !caller.exchanged) return this.#offerToCaller(sdp, leg);
    return leg === this.#agreed ? this.#ask(this.#incoming, sdp) : undefined;
  }

  /** The caller made no offer: the callee's is his to answer, by PRACK or ACK. */
  #offerToCaller(sdp: Uint8Array, leg: Leg): Promise<Uint8Array | undefined> | undefined {
    if (this.#agreed !== undefined) return undefined; // he is asked once
    this.#agreed = leg;
    return new Promise(resolve => {
      this.#answer = answer => {
        this.#answer = undefined;
        resolve(answer);
      };
      if (this.#outgoing.state === 'answered') this.#incoming.answer({ sdp });
      else void this.#incoming.provisional(183, { sdp, reliable: true });
    });
  }

  #callerAnswered(sdp: Uint8Array): void {
    if (this.#answer !== undefined) this.#answer(sdp);
    // He asked for an offer and was made the one that stands: what he answers is news to the callee.
    else if (!this.#asked.has(this.#incoming)) void this.#ask(this.#outgoing, sdp);
  }

  #callerOffers(sdp: Uint8Array): Promise<Uint8Array | undefined> {
    this.#offered = sdp;
    if (this.#outgoing.state === 'early') {
      for (const leg of this.#outgoing.legs.values()) {
        if (leg !== this.#agreed && leg.exchanged) this.#tell(leg, sdp);
      }
    }
    return this.#ask(this.#outgoing, sdp, this.#agreed);
  }

  async #ask(session: InviteSession, sdp: Uint8Array, leg?: Leg): Promise<Uint8Array | undefined> {
    if (session.ended) return undefined;
    this.#asked.add(session);
    try {
      const { answer } = await session.modify(sdp, leg === undefined ? {} : { leg });
      return answer;
    } finally {
      this.#asked.delete(session);
    }
  }

  /** Offers to a fork that nobody waits for. */
  #tell(leg: Leg, sdp: Uint8Array): void {
    this.#outgoing.modify(sdp, { leg }).catch(() => {}); // it ended meanwhile
  }
}

/** Sends a request on to the other side, and its answer back. */
async function pass(tx: ServerTransaction, to: InviteSession): Promise<void> {
  const { request } = tx;
  if (!PASSED.includes(request.method) || to.ended || to.leg === undefined) return tx.reply(501);
  const info = request.raw('Info-Package').map(each => addRaw('Info-Package', each));
  const final = await to.send(request.method, ...contentOf(request), ...info);
  tx.reply(final.status, ...contentOf(final));
}

function contentOf(message: SipMessage): readonly Edit[] {
  const type = message.get(ContentType);
  return type === undefined || message.body.length === 0
    ? []
    : [body(ContentType.format(type), message.body)];
}

/** What of a response means the same on the other side. */
function sharedEdits(response: SipResponse): readonly Edit[] {
  const required = response.all(Require).filter(tag => tag.toLowerCase() === 'precondition');
  return [...required.map(tag => addRaw('Require', tag)), ...copies(response, SHARED)];
}

const SHARED = ['P-Asserted-Identity', 'Privacy', 'P-Early-Media', 'History-Info'];
const OF_REFUSALS = ['Reason', 'Retry-After', 'Warning', 'History-Info'];

const copies = (message: SipMessage, names: readonly string[]): readonly Edit[] =>
  names.flatMap(name => message.raw(name).map(value => addRaw(name, value)));

/** A redirection or a challenge was for us, and means nothing to the caller. */
function statusFor({ status = 480 }: SessionEnd): number {
  if (status < 400 || status === 487) return 480;
  return status === 401 || status === 407 ? 403 : status;
}

const reasonOf = ({ request }: SessionEnd): readonly Edit[] =>
  request === undefined ? [] : copies(request, ['Reason']);
