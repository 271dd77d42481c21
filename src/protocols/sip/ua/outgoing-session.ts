// The caller's side of a session: RFC 3261 §13.2, RFC 3262 §4, forks by RFC 6026 and RFC 3261 §13.2.2.4.

import type { Duration } from '#kernel/time';
import { Dialog } from '../dialog.ts';
import type { Target } from '../flow.ts';
import { isGenerated } from '../generated.ts';
import { CallId, CSeq, From, MinSE, RAck, Require, RSeq, To } from '../headers.ts';
import { type Edit, type SipRequest, type SipResponse, set } from '../message.ts';
import type { UserAgent } from '../user-agent.ts';
import { Exchange } from './exchange.ts';
import { Leg } from './leg.ts';
import type { RequestParts } from './options.ts';
import { sdpOf, withSdp } from './sdp.ts';
import { InviteSession } from './session.ts';
import { askForTimer, intervalOf, SessionTimer } from './session-timer.ts';

export interface InviteParts extends RequestParts {
  readonly target?: Target;
  /** Without one the callee is asked to offer. */
  readonly offer?: Uint8Array;
  /** How long it may ring before it is cancelled. */
  readonly timeout?: Duration;
}

/** Forks that may answer provisionally at once. */
const maxLegs = 32;

export class OutgoingSession extends InviteSession {
  readonly isCaller = true;
  readonly callId: string;
  readonly id: string;
  /** Every dialog of the call, by the callee's tag, in the order they appeared. */
  readonly legs = new Map<string, Leg>();
  /** Each provisional response over 100, once. */
  onProvisional: (response: SipResponse, leg: Leg | undefined) => void = () => {};
  /** The first 2xx. */
  onAnswered: (response: SipResponse, leg: Leg) => void = () => {};
  /** An offer for the PRACK of a reliable response, where none is outstanding. RFC 3262 §5 */
  offerInPrack: (leg: Leg, response: SipResponse) => Uint8Array | undefined = () => undefined;
  readonly #offer: Uint8Array | undefined;
  readonly #exchange: Exchange;
  #minSe: Duration;
  #tries = 0;
  #answered: Leg | undefined;
  #hangup: readonly Edit[] | undefined;

  constructor(ua: UserAgent, parts: InviteParts) {
    super(ua);
    this.#offer = parts.offer;
    this.#minSe = ua.minSe;
    const invite = ua.build('INVITE', {
      ...parts,
      edits: [...ua.sessionEdits('INVITE'), ...(parts.edits ?? []), ...withSdp(parts.offer)],
    });
    this.callId = invite.get(CallId) ?? '';
    this.id = `${this.callId}\n${invite.get(From)?.params.get('tag') ?? ''}`;
    this.#exchange = new Exchange(ua, extra => this.#next(invite, extra), {
      ...(parts.target === undefined ? {} : { target: parts.target }),
      ...(parts.timeout === undefined ? {} : { timeout: parts.timeout }),
    });
    this.#exchange.onResponse = response => this.#received(response);
  }

  get leg(): Leg | undefined {
    return this.#answered ?? [...this.legs.values()].at(-1);
  }

  /** The INVITE as sent last. */
  get request(): SipRequest {
    return this.#exchange.request;
  }

  hangup(...edits: readonly Edit[]): void {
    if (this.ended || this.#hangup !== undefined) return;
    if (this.#answered === undefined) {
      this.#hangup = edits;
      this.#exchange.cancel(edits); // a 2xx that crosses it gets ACK and BYE
      return;
    }
    this.bye(this.#answered, edits);
    this.finish({ by: 'local', reason: 'hung up' });
  }

  protected released(): void {
    for (const leg of this.legs.values()) {
      leg.stop();
      this.ua.forget(leg);
    }
  }

  /** The INVITE, or its next try with credentials or a larger Session-Expires. */
  #next(invite: SipRequest, extra: readonly Edit[]): SipRequest {
    const wished = this.ua.options.sessionExpires;
    const expires = wished === undefined ? undefined : Math.max(wished, this.#minSe);
    const timer = askForTimer(expires, this.#minSe);
    const sequence = this.#tries++ + (invite.get(CSeq)?.sequence ?? 1);
    return invite.with(set(CSeq, { sequence, method: 'INVITE' }), ...timer, ...extra);
  }

  #received(response: SipResponse): void {
    if (response.status < 200) this.#provisional(response);
    else if (response.status < 300) this.#success(response);
    else this.#refused(response);
  }

  // ------------------------------------------------------------------------- provisional

  #provisional(response: SipResponse): void {
    if (this.ended || this.#answered !== undefined) return;
    const leg = this.#legOf(response);
    if (leg === undefined) {
      this.onProvisional(response, undefined); // no tag, no dialog: it tells and no more
      return;
    }
    if (this.state === 'calling') this.state = 'early';
    leg.note(response);
    const rseq = response.get(RSeq);
    const reliable = rseq !== undefined && response.all(Require).includes('100rel');
    if (!reliable) {
      this.#early(leg, response);
      this.onProvisional(response, leg);
      return;
    }
    // RFC 3262 §4: in order, and a copy is not answered again
    if (leg.lastRseq !== undefined && rseq !== leg.lastRseq + 1) return;
    leg.lastRseq = rseq;
    const { promise, resolve } = Promise.withResolvers<void>();
    leg.pracking = promise;
    void this.#reliable(leg, response, rseq).finally(resolve);
  }

  /** A description before any reliable response: the answer, given early. §13.2.1 */
  #early(leg: Leg, response: SipResponse): void {
    const sdp = sdpOf(response);
    if (sdp !== undefined && leg.outstanding === 'ours') leg.takeAnswer(sdp);
  }

  async #reliable(leg: Leg, response: SipResponse, rseq: number): Promise<void> {
    const sdp = sdpOf(response);
    let description: Uint8Array | undefined;
    if (sdp !== undefined && leg.outstanding === 'ours') leg.takeAnswer(sdp);
    else if (sdp !== undefined && !leg.exchanged) description = await leg.takeOffer(sdp);
    if (this.ended) return;
    this.onProvisional(response, leg);
    if (description === undefined && leg.outstanding === 'none' && leg.exchanged) {
      description = this.offerInPrack(leg, response);
      if (description !== undefined) leg.offer(description);
    }
    const sequence = this.request.get(CSeq)?.sequence ?? 0;
    const final = await this.ua.inDialog(leg.dialog, 'PRACK', [
      set(RAck, { rseq, sequence, method: 'INVITE' }),
      ...withSdp(description),
    ]).final;
    if (this.ended || leg.outstanding !== 'ours') return;
    const answer = final.status < 300 ? sdpOf(final) : undefined;
    if (answer === undefined) leg.rollBack();
    else leg.takeAnswer(answer);
  }

  // ------------------------------------------------------------------------------- final

  #success(response: SipResponse): void {
    const leg = this.#legOf(response);
    if (leg === undefined) return; // no tag: there is no dialog to confirm
    if (leg.ack !== undefined) {
      this.ua.sendAck(leg.ack); // a copy of the 2xx: the ACK was lost
      return;
    }
    if (leg.dialog.state === 'confirmed') return; // its ACK is still being made
    leg.dialog.confirm(response);
    leg.note(response);
    if (this.ended || this.#answered !== undefined) {
      this.#unwanted(leg);
      return;
    }
    this.#answered = leg;
    this.state = 'answered';
    for (const other of this.legs.values()) if (other !== leg) this.ua.forget(other);
    void this.#establish(leg, response);
  }

  async #establish(leg: Leg, response: SipResponse): Promise<void> {
    const sdp = sdpOf(response);
    let answer: Uint8Array | undefined;
    let broken = false;
    if (sdp !== undefined && leg.outstanding === 'ours') leg.takeAnswer(sdp);
    else if (sdp !== undefined && !leg.exchanged) {
      answer = await leg.takeOffer(sdp).catch(() => undefined);
      broken = answer === undefined;
    } else if (leg.outstanding === 'ours' && !leg.exchanged) broken = true; // a 2xx must answer
    this.#acknowledge(leg, answer);
    if (this.ended) {
      this.bye(leg, []);
      return;
    }
    this.onAnswered(response, leg);
    this.state = 'confirmed';
    if (this.#hangup !== undefined) {
      this.bye(leg, this.#hangup);
      this.finish({ by: 'local', reason: 'answered while it was cancelled', response });
      return;
    }
    if (broken) {
      this.fail(leg, 'the descriptions did not come together');
      return;
    }
    this.timer = new SessionTimer(this);
    this.timer.start(intervalOf(response), true);
    this.onConfirmed();
  }

  /** A second fork answered, or the call is over: ACK and BYE. §13.2.2.4 */
  #unwanted(leg: Leg): void {
    this.#acknowledge(leg, undefined);
    this.bye(leg, []);
  }

  #acknowledge(leg: Leg, answer: Uint8Array | undefined): void {
    leg.ack = this.ua.makeAck(leg.dialog, this.request, withSdp(answer));
    this.ua.sendAck(leg.ack);
  }

  #refused(response: SipResponse): void {
    const { status, reason } = response;
    if (this.#answered !== undefined || this.ended) return;
    const minSe = status === 422 ? response.get(MinSE) : undefined;
    if (minSe !== undefined && minSe * 1000 > this.#minSe && this.#hangup === undefined) {
      this.#minSe = minSe * 1000;
      this.#exchange.again([]);
      return;
    }
    if (this.#hangup !== undefined) {
      this.finish({ by: 'local', reason: 'cancelled', status, response });
    } else {
      const by = isGenerated(response) ? 'failure' : 'remote';
      this.finish({ by, reason, status, response });
    }
  }

  /** The dialog a response belongs to; made when its tag is new. */
  #legOf(response: SipResponse): Leg | undefined {
    const tag = response.get(To)?.params.get('tag');
    if (!tag) return undefined;
    const known = this.legs.get(tag);
    if (known !== undefined) return known;
    if (this.legs.size >= maxLegs) return undefined;
    const leg = new Leg(this, Dialog.fromUac(this.request, response));
    if (response.status >= 200) leg.dialog.state = 'early'; // `confirm` decides
    if (this.#offer !== undefined) leg.offer(this.#offer);
    this.legs.set(leg.dialog.remoteTag, leg);
    this.ua.remember(leg);
    return leg;
  }
}
