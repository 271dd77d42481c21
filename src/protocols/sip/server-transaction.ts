// A request that arrived and is to be answered once: the driver of the two server machines, and
// what procedures see of a transaction.

import type { Clock } from '#kernel/host';
import type { Instant } from '#kernel/time';
import type { Flow } from './flow.ts';
import { To } from './headers.ts';
import {
  type Edit,
  response as responseTo,
  type SipRequest,
  type SipResponse,
  toTag,
} from './message.ts';
import { Deadline } from './transaction/deadline.ts';
import type { ServerEffect } from './transaction/effects.ts';
import { InviteServerTransaction } from './transaction/invite-server.ts';
import { NonInviteServerTransaction } from './transaction/non-invite-server.ts';
import type { Link } from './transport/link.ts';

/** What a procedure gets of a request: its text, where it came by, and the way to answer it. */
export interface ServerTransaction {
  /** As received, with `received` and `rport` noted on the topmost Via. */
  readonly request: SipRequest;
  readonly flow: Flow;
  readonly now: Instant;
  /** A final response was sent. */
  readonly answered: boolean;
  /** A CANCEL arrived before the final response. */
  readonly cancelled: SipRequest | undefined;
  /** The tag of every response that gets none from elsewhere. */
  readonly localTag: string;
  /** Sends a response; a To tag is added where it has none and the status is over 100. */
  respond(response: SipResponse): void;
  reply(status: number, ...edits: Edit[]): void;
  /** An INVITE was cancelled before it was answered finally; 200 to the CANCEL has gone out. */
  onCancel: ((cancel: SipRequest) => void) | undefined;
  /** An ACK with this transaction's branch: always for 3xx to 6xx, never (RFC 3261) for 2xx. */
  onAck: ((ack: SipRequest) => void) | undefined;
  /** No ACK came for a final response other than 2xx, or nobody answered the request for long. */
  onTimeout: (() => void) | undefined;
}

/** What a server transaction asks of the endpoint. */
export interface ServerTransactionOwner {
  readonly clock: Clock;
  newTag(): string;
  /** Over the link the request came by, or by RFC 3261 §18.2.2 where that is gone. */
  sendResponse(response: SipResponse, link: Link): void;
  ended(transaction: InboundTransaction): void;
  /** Its final response waits for copies; nothing else of it is needed. */
  completed(transaction: InboundTransaction, answer: SipResponse, link: Link): void;
  /** An ACK that belongs to a 2xx although it has the INVITE's branch. */
  strayAck(ack: SipRequest, link: Link): void;
}

export class InboundTransaction implements ServerTransaction {
  readonly request: SipRequest;
  readonly flow: Link;
  readonly key: string;
  onCancel: ((cancel: SipRequest) => void) | undefined;
  onAck: ((ack: SipRequest) => void) | undefined;
  onTimeout: (() => void) | undefined;
  answered = false;
  cancelled: SipRequest | undefined;
  readonly #owner: ServerTransactionOwner;
  readonly #replyLink: Link;
  readonly #machine: InviteServerTransaction | NonInviteServerTransaction;
  #tag: string | undefined;
  readonly #deadline: Deadline;

  constructor(
    owner: ServerTransactionOwner,
    request: SipRequest,
    key: string,
    flow: Link,
    replyLink: Link,
  ) {
    this.#owner = owner;
    this.request = request;
    this.key = key;
    this.flow = flow;
    this.#replyLink = replyLink;
    const now = owner.clock.now();
    this.#machine =
      request.method === 'INVITE'
        ? new InviteServerTransaction(request, flow.config, now)
        : new NonInviteServerTransaction(flow.config, now);
    this.#deadline = new Deadline(owner.clock, at => this.#carryOut(this.#machine.expire(at), at));
    this.#deadline.follow(this.#machine.timers.next, now);
  }

  get now(): Instant {
    return this.#owner.clock.now();
  }

  get localTag(): string {
    this.#tag ??= this.#owner.newTag();
    return this.#tag;
  }

  respond(response: SipResponse): void {
    const tagged =
      response.status > 100 && !hasToTag(response) ? response.with(toTag(this.localTag)) : response;
    const again = this.answered;
    if (tagged.status >= 200) this.answered = true;
    const now = this.#owner.clock.now();
    this.#carryOut(this.#machine.respond(tagged, now), now);
    if (again || this.#machine.state !== 'completed') return;
    if (this.#machine instanceof InviteServerTransaction) return;
    this.#deadline.cancel();
    this.#owner.completed(this, tagged, this.#replyLink);
  }

  reply(status: number, ...edits: Edit[]): void {
    this.respond(responseTo(this.request, status, ...edits));
  }

  /** The request once more. */
  retransmitted(): void {
    this.#carryOut(this.#machine.retransmitted(), this.#owner.clock.now());
  }

  acknowledged(ack: SipRequest, link: Link): void {
    if (!(this.#machine instanceof InviteServerTransaction)) return;
    const accepted = this.#machine.state === 'accepted';
    const now = this.#owner.clock.now();
    this.#carryOut(this.#machine.acknowledged(ack, now), now);
    if (accepted) this.#owner.strayAck(ack, link);
  }

  cancel(request: SipRequest): void {
    if (this.answered || this.cancelled !== undefined) return;
    this.cancelled = request;
    this.onCancel?.(request);
  }

  /** Forgets everything: the endpoint stops. */
  drop(): void {
    this.#deadline.cancel();
  }

  #carryOut(effects: readonly ServerEffect[], now: Instant): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case 'send':
          this.#owner.sendResponse(effect.message, this.#replyLink);
          break;
        case 'deliver':
          this.onAck?.(effect.request);
          break;
        case 'terminate':
          this.#deadline.cancel();
          this.#owner.ended(this);
          if (effect.reason === 'timeout') this.onTimeout?.();
          return;
      }
    }
    this.#deadline.follow(this.#machine.timers.next, now);
  }
}

/** A To that cannot be read gets no tag, but its answer all the same. */
function hasToTag(response: SipResponse): boolean {
  try {
    return response.get(To)?.params.has('tag') ?? false;
  } catch {
    return true;
  }
}
