// One dialog of a session: a call that forks has several until one of them is answered. It keeps
// what the two sides have offered and answered (RFC 3264, RFC 6337) and the INVITEs under way.

import type { Dialog } from '../dialog.ts';
import { Allow, CSeq } from '../headers.ts';
import type { SipMessage, SipRequest, SipResponse } from '../message.ts';
import type { ServerTransaction } from '../server-transaction.ts';
import { Deadline } from '../transaction/deadline.ts';
import { AcceptedInvite } from './accepted.ts';
import type { DialogUser } from './dialog-table.ts';
import { receiveInDialog } from './in-dialog.ts';
import type { InviteSession } from './session.ts';

export class Leg implements DialogUser {
  readonly dialog: Dialog;
  readonly session: InviteSession;
  /** Who has made an offer that is not answered yet. */
  outstanding: 'none' | 'ours' | 'theirs' = 'none';
  /** An offer and its answer have been exchanged. */
  exchanged = false;
  /** Our description as the peer has it. */
  lastSent: Uint8Array | undefined;
  peerAllowsUpdate = false;
  /** RSeq of the last reliable response taken. RFC 3262 §4 */
  lastRseq: number | undefined;
  /**
   * Settles when no PRACK of ours is under way: a request sent before its answer could overtake it,
   * and the PRACK would be refused as out of order.
   */
  pracking: Promise<void> = Promise.resolve();
  /** The ACK to send again for each copy of the 2xx it answers. */
  ack: SipRequest | undefined;
  /** A re-INVITE of ours waits for its final response. */
  inviting = false;
  /** An INVITE of the peer waits for ours, or our 2xx for its ACK. */
  serving = false;
  #accepted: AcceptedInvite | undefined;
  #deadline: Deadline | undefined;
  #onAck: ((ack: SipRequest) => void) | undefined;

  constructor(session: InviteSession, dialog: Dialog) {
    this.session = session;
    this.dialog = dialog;
  }

  receive(tx: ServerTransaction): void | Promise<void> {
    return receiveInDialog(this, tx);
  }

  /** Learns from any message of the peer what it can do. */
  note(message: SipMessage): void {
    if (!message.has(Allow)) return;
    this.peerAllowsUpdate = message.all(Allow).some(method => method === 'UPDATE');
  }

  /** Our offer goes out with the message being made. */
  offer(sdp: Uint8Array): void {
    this.outstanding = 'ours';
    this.lastSent = sdp;
  }

  /** Our answer goes out with the message being made. */
  answer(sdp: Uint8Array): void {
    this.outstanding = 'none';
    this.exchanged = true;
    this.lastSent = sdp;
  }

  /** The exchange came to nothing; what was agreed before stands. */
  rollBack(): void {
    this.outstanding = 'none';
  }

  /** The answer to our offer. */
  takeAnswer(sdp: Uint8Array): void {
    this.outstanding = 'none';
    this.exchanged = true;
    this.session.onAnswer(sdp, this);
  }

  /** The peer's offer; our answer to it, or undefined where there is none to give. */
  async takeOffer(sdp: Uint8Array): Promise<Uint8Array | undefined> {
    this.outstanding = 'theirs';
    let answer: Uint8Array | undefined;
    try {
      answer = await this.session.onOffer(sdp, this);
    } finally {
      if (answer === undefined) this.rollBack();
    }
    if (answer !== undefined) this.answer(answer);
    return answer;
  }

  /** Sends a 2xx to an INVITE, and again until its ACK comes. */
  accept(tx: ServerTransaction, response: SipResponse, onAck: (ack: SipRequest) => void): void {
    const { clock } = this.session.ua.host;
    const now = clock.now();
    const sequence = tx.request.get(CSeq)?.sequence ?? 0;
    const config = this.session.ua.endpoint.timersOf(tx.flow);
    const accepted = new AcceptedInvite(response, sequence, config, now);
    this.#accepted = accepted;
    this.#onAck = onAck;
    this.serving = true;
    tx.respond(response);
    const deadline = new Deadline(clock, at => {
      for (const effect of accepted.expire(at)) {
        if (effect.kind === 'send') tx.respond(effect.response);
        else this.#unacknowledged();
      }
      deadline.follow(accepted.timers.next, at);
    });
    this.#deadline = deadline;
    deadline.follow(accepted.timers.next, now);
  }

  /** An ACK to a 2xx of ours; a copy does nothing. */
  acknowledged(ack: SipRequest): void {
    const accepted = this.#accepted;
    if (accepted === undefined || ack.get(CSeq)?.sequence !== accepted.sequence) return;
    const onAck = this.#onAck;
    this.stop();
    this.serving = false;
    onAck?.(ack);
  }

  /** Nothing is repeated any more. */
  stop(): void {
    this.#accepted?.acknowledged();
    this.#accepted = undefined;
    this.#onAck = undefined;
    this.#deadline?.cancel();
  }

  #unacknowledged(): void {
    this.stop();
    this.serving = false;
    this.session.fail(this, 'no ACK came for our 2xx');
  }
}
