// The callee's side of a session: RFC 3261 §13.3, RFC 3262 §3.

import { Dialog } from '../dialog.ts';
import { CallId, CSeq, type RAckValue, RecordRoute, Require, Supported } from '../headers.ts';
import {
  type Edit,
  fields,
  response,
  type SipRequest,
  type SipResponse,
  toTag,
} from '../message.ts';
import type { ServerTransaction } from '../server-transaction.ts';
import { Deadline } from '../transaction/deadline.ts';
import type { UserAgent } from '../user-agent.ts';
import { Leg } from './leg.ts';
import { type ReliableEffect, ReliableResponses } from './reliable-responses.ts';
import { sdpOf, withSdp } from './sdp.ts';
import { InviteSession } from './session.ts';
import { chooseInterval, intervalEdits, SessionTimer } from './session-timer.ts';

export interface ResponseParts {
  /** The answer to the caller's offer, or our offer where the INVITE had none. */
  readonly sdp?: Uint8Array | undefined;
  readonly edits?: readonly Edit[];
}

export interface ProvisionalParts extends ResponseParts {
  /** Default: where the caller asks for it, or supports it and there is a description. */
  readonly reliable?: boolean;
}

export class IncomingSession extends InviteSession {
  readonly isCaller = false;
  readonly callId: string;
  readonly id: string;
  readonly request: SipRequest;
  readonly leg: Leg;
  /** The caller's offer, where the INVITE has one. */
  readonly offer: Uint8Array | undefined;
  readonly #tx: ServerTransaction;
  readonly #reliable: ReliableResponses;
  readonly #deadline: Deadline;
  /** One per reliable response under way or waiting, in order. */
  readonly #waiting: ((acknowledged: boolean) => void)[] = [];
  #answer: ResponseParts | undefined;
  /** What an unreliable response said the 2xx would. */
  #announced: Uint8Array | undefined;
  #byeAfterAck: readonly Edit[] | undefined;

  /** Throws SipError where the INVITE cannot begin a dialog. */
  constructor(ua: UserAgent, tx: ServerTransaction) {
    super(ua);
    this.#tx = tx;
    this.request = tx.request;
    this.offer = sdpOf(tx.request);
    this.leg = new Leg(this, Dialog.fromUas(tx.request, tx.localTag));
    this.callId = tx.request.get(CallId) ?? '';
    this.id = `${this.callId}\n${tx.localTag}`;
    this.leg.note(tx.request);
    if (this.offer !== undefined) this.leg.outstanding = 'theirs';
    this.leg.serving = true;
    const { t1 } = ua.endpoint.timersOf(tx.flow);
    const first = 1 + Math.floor(ua.host.random.fraction() * 0x3fffffff);
    this.#reliable = new ReliableResponses(t1, first);
    this.#deadline = new Deadline(ua.host.clock, now => this.#carryOut(this.#reliable.expire(now)));
    tx.onCancel = cancel => this.#cancelled(cancel);
  }

  /** Option tags the caller supports or requires. */
  supports(tag: string): boolean {
    const tags = [...this.request.all(Supported), ...this.request.all(Require)];
    return tags.some(each => each.toLowerCase() === tag);
  }

  /**
   * Sends a provisional response over 100. Resolves when it is out, a reliable one when its PRACK
   * came; false where none came or the session ended before.
   */
  provisional(status: number, parts: ProvisionalParts = {}): Promise<boolean> {
    if (this.#tx.answered || this.ended) return Promise.resolve(false);
    this.state = 'early';
    const reliable = parts.reliable ?? this.#wantsReliable(parts.sdp !== undefined);
    const made = this.#make(status, parts, reliable);
    if (!reliable) {
      this.#announced = parts.sdp ?? this.#announced;
      this.#tx.respond(made);
      return Promise.resolve(true);
    }
    return new Promise(resolve => {
      this.#waiting.push(resolve);
      this.#carryOut(this.#reliable.send(made, this.#now()));
    });
  }

  /** Answers 200, after the PRACK of whatever reliable response is under way (RFC 3262 §3). */
  answer(parts: ResponseParts = {}): void {
    if (this.#tx.answered || this.ended || this.#answer !== undefined) return;
    this.#answer = parts;
    if (!this.#reliable.busy) this.#accept();
  }

  /** Refuses or redirects: 300 and above. */
  reject(status: number, ...edits: readonly Edit[]): void {
    if (this.#tx.answered || this.ended) return;
    this.#tx.reply(status, ...this.ua.responseEdits('INVITE', status), ...edits);
    this.leg.dialog.state = 'terminated';
    this.finish({ by: 'local', reason: 'refused', status });
  }

  hangup(...edits: readonly Edit[]): void {
    if (this.ended) return;
    if (!this.#tx.answered) {
      this.reject(480, ...edits);
      return;
    }
    if (this.state === 'answered') {
      this.#byeAfterAck = edits; // §15: not before the ACK
      return;
    }
    this.bye(this.leg, edits);
    this.finish({ by: 'local', reason: 'hung up' });
  }

  override remoteBye(leg: Leg, request: SipRequest): void {
    if (!this.#tx.answered) this.#tx.reply(487); // §15.1.2
    super.remoteBye(leg, request);
  }

  override pracked(_leg: Leg, rack: RAckValue): boolean {
    const isOurs = rack.method === 'INVITE' && rack.sequence === this.request.get(CSeq)?.sequence;
    if (!isOurs || !this.#reliable.acknowledge(rack.rseq)) return false;
    this.#waiting.shift()?.(true);
    return true;
  }

  override settled(): void {
    if (this.ended) return;
    this.#carryOut(this.#reliable.next(this.#now()));
    if (this.#answer !== undefined && !this.#reliable.busy) this.#accept();
  }

  protected released(): void {
    this.#reliable.stop();
    this.#deadline.cancel();
    this.leg.stop();
    for (const resolve of this.#waiting.splice(0)) resolve(false);
    this.ua.forget(this.leg);
  }

  #wantsReliable(hasSdp: boolean): boolean {
    if (!this.ua.supported.includes('100rel')) return false;
    const required = this.request.all(Require).some(tag => tag.toLowerCase() === '100rel');
    return required || (hasSdp && this.supports('100rel'));
  }

  #make(status: number, parts: ResponseParts, carriesExchange: boolean): SipResponse {
    const { leg } = this;
    const { sdp } = parts;
    // A description in an unreliable response only announces the one of the 2xx: RFC 3261 §13.2.1
    if (sdp !== undefined && carriesExchange) {
      if (leg.outstanding === 'theirs') leg.answer(sdp);
      else leg.offer(sdp);
    }
    return response(
      this.request,
      status,
      toTag(this.leg.dialog.localTag),
      ...(status < 300 ? [fields(...this.request.lines(RecordRoute))] : []), // §12.1.1
      ...this.ua.responseEdits('INVITE', status),
      ...(parts.edits ?? []),
      ...withSdp(sdp),
    );
  }

  #accept(): void {
    const { leg } = this;
    const parts = this.#answer ?? {};
    const { sdp } = parts;
    // Once an offer and its answer went with reliable responses the 2xx carries none (RFC 6337 §2.1)
    const wanted = leg.outstanding !== 'none' || !leg.exchanged;
    const description = wanted ? (sdp ?? this.#announced ?? this.#ownOffer()) : undefined;
    if (description === undefined && wanted) {
      this.reject(488);
      return;
    }
    const agreed = chooseInterval(this.request, this.ua.options.sessionExpires);
    const edits = [...(parts.edits ?? []), ...intervalEdits(agreed, this.request)];
    const ok = this.#make(200, { sdp: description, edits }, true);
    this.state = 'answered';
    leg.dialog.confirm();
    leg.accept(this.#tx, ok, ack => this.#acknowledged(ack));
    this.timer = new SessionTimer(this);
    this.timer.start(agreed, false);
  }

  #ownOffer(): Uint8Array | undefined {
    return this.leg.outstanding === 'theirs' ? undefined : this.makeOffer(this.leg);
  }

  #acknowledged(ack: SipRequest): void {
    if (this.ended) return;
    const { leg } = this;
    const answer = sdpOf(ack);
    if (leg.outstanding === 'ours' && answer !== undefined) leg.takeAnswer(answer);
    this.state = 'confirmed';
    if (this.#byeAfterAck !== undefined) {
      this.bye(leg, this.#byeAfterAck);
      this.finish({ by: 'local', reason: 'hung up' });
    } else if (leg.outstanding === 'ours') this.fail(leg, 'the ACK did not answer our offer');
    else this.onConfirmed();
  }

  #cancelled(cancel: SipRequest): void {
    if (this.ended) return;
    this.#tx.reply(487, ...this.ua.responseEdits('INVITE', 487));
    this.leg.dialog.state = 'terminated';
    this.finish({ by: 'remote', reason: 'CANCEL', status: 487, request: cancel });
  }

  #carryOut(effects: readonly ReliableEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'send') this.#tx.respond(effect.response);
      else {
        this.#tx.reply(504); // RFC 3262 §3: a 5xx
        this.finish({ by: 'failure', reason: 'no PRACK came', status: 504 });
        return;
      }
    }
    this.#deadline.follow(this.#reliable.timers.next, this.#now());
  }

  #now(): number {
    return this.ua.host.clock.now();
  }
}
