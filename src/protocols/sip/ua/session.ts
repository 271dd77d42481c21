// A session as its owner sees it, whichever side began it: RFC 3261 §13 to §15, RFC 3311.

import type { RAckValue } from '../headers.ts';
import type { Edit, SipRequest, SipResponse } from '../message.ts';
import type { ServerTransaction } from '../server-transaction.ts';
import type { UserAgent } from '../user-agent.ts';
import type { Leg } from './leg.ts';
import { type Modification, type ModifyOptions, modify } from './modify.ts';
import type { SessionTimer } from './session-timer.ts';

export type SessionState =
  /** No response to the INVITE over 100 yet. */
  | 'calling'
  | 'early'
  /** The 2xx is sent or received, its ACK is not. */
  | 'answered'
  | 'confirmed'
  | 'ended';

export interface SessionEnd {
  /** `failure`: neither side wished it. */
  readonly by: 'local' | 'remote' | 'failure';
  readonly reason: string;
  /** Of the response that ended it. */
  readonly status?: number;
  readonly response?: SipResponse;
  /** The BYE or CANCEL that ended it. */
  readonly request?: SipRequest;
}

export abstract class InviteSession {
  readonly ua: UserAgent;
  abstract readonly callId: string;
  abstract readonly id: string;
  /** The dialog in use: the one answered, else the latest. */
  abstract get leg(): Leg | undefined;
  state: SessionState = 'calling';
  /** RFC 4028, once the session is answered. */
  timer: SessionTimer | undefined;

  /** The peer's offer, wherever it came; the answer, or undefined to refuse it with 488. */
  onOffer: (sdp: Uint8Array, leg: Leg) => Uint8Array | undefined | Promise<Uint8Array | undefined> =
    () => undefined;
  /** The peer's answer to our offer, wherever it came. */
  onAnswer: (sdp: Uint8Array, leg: Leg) => void = () => {};
  /** The peer asks us for an offer: an INVITE or re-INVITE without one. */
  makeOffer: (leg: Leg) => Uint8Array | undefined = leg => leg.lastSent;
  /** The ACK to the 2xx of the first INVITE was sent or received. */
  onConfirmed: () => void = () => {};
  /** Any other request in the dialog: INFO, MESSAGE, REFER … */
  onRequest: (tx: ServerTransaction) => void | Promise<void> = tx => tx.reply(501);
  /** Once. */
  onEnded: (end: SessionEnd) => void = () => {};

  constructor(ua: UserAgent) {
    this.ua = ua;
  }

  get ended(): boolean {
    return this.state === 'ended';
  }

  /** Offers something new: hold, resume, other media, other addresses. 491 is tried again (§14.1). */
  modify(offer: Uint8Array, options: ModifyOptions = {}): Promise<Modification> {
    return modify(this, options.leg ?? this.#dialogLeg(), offer, options);
  }

  /** Sends any other request in the dialog. */
  async send(method: string, ...edits: readonly Edit[]): Promise<SipResponse> {
    const leg = this.#dialogLeg();
    await leg.pracking;
    const final = await this.ua.inDialog(leg.dialog, method, edits).final;
    if (final.status === 481) this.finish({ by: 'failure', reason: 'unknown to the peer' });
    return final;
  }

  /** We chose the Call-ID: we began the call. */
  abstract readonly isCaller: boolean;

  /** Ends the session by what its state wants: CANCEL, a refusal, or BYE. */
  abstract hangup(...edits: readonly Edit[]): void;

  /** Something is wrong with a dialog that stands: it ends with BYE. */
  fail(leg: Leg, reason: string): void {
    if (this.ended) return;
    this.bye(leg, []);
    this.finish({ by: 'failure', reason });
  }

  /** Sends BYE; nobody waits for its answer. §15.1.1 */
  bye(leg: Leg, edits: readonly Edit[]): void {
    if (leg.dialog.state === 'terminated') return;
    leg.stop();
    this.ua.inDialog(leg.dialog, 'BYE', edits);
    leg.dialog.state = 'terminated';
    this.ua.forget(leg);
  }

  /** Ends once, whatever ended it. */
  finish(end: SessionEnd): void {
    if (this.state === 'ended') return;
    this.state = 'ended';
    this.timer?.stop();
    this.released();
    this.ua.sessionEnded(this);
    this.onEnded(end);
  }

  /** The peer hung up; its BYE is answered. */
  remoteBye(_leg: Leg, request: SipRequest): void {
    this.finish({ by: 'remote', reason: 'BYE', request });
  }

  /** A PRACK came; false where no response of ours waits for it. */
  pracked(_leg: Leg, _rack: RAckValue): boolean {
    return false;
  }

  /** The PRACK is answered. */
  settled(_leg: Leg): void {}

  /** Forgets legs and timers. */
  protected abstract released(): void;

  #dialogLeg(): Leg {
    const { leg } = this;
    if (leg === undefined || this.ended) throw new Error('the session has no dialog');
    return leg;
  }
}
