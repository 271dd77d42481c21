// A new offer in a dialog that stands: re-INVITE (RFC 3261 §14.1) or UPDATE (RFC 3311 §5.1).

import { seconds } from '#kernel/time';
import { sleep } from '#kernel/wait';
import type { Edit, SipResponse } from '../message.ts';
import type { Exchange } from './exchange.ts';
import type { Leg } from './leg.ts';
import { sdpOf, withSdp } from './sdp.ts';
import type { InviteSession } from './session.ts';

export interface ModifyOptions {
  /** Default: INVITE once the session is confirmed, UPDATE before. */
  readonly method?: 'INVITE' | 'UPDATE';
  readonly edits?: readonly Edit[];
  readonly leg?: Leg;
}

export interface Modification {
  /** Absent where the peer refused. */
  readonly answer: Uint8Array | undefined;
  /** Undefined where the session ended before there was one. */
  readonly response: SipResponse | undefined;
}

/** How often an offer that met another is made again. */
const maxTries = 4;

export async function modify(
  session: InviteSession,
  leg: Leg,
  offer: Uint8Array,
  options: ModifyOptions,
): Promise<Modification> {
  for (let tries = 1; ; tries++) {
    await leg.pracking;
    if (session.ended) return { answer: undefined, response: undefined };
    const method = options.method ?? (session.state === 'confirmed' ? 'INVITE' : 'UPDATE');
    const response = isFree(leg, method)
      ? await propose(session, leg, offer, { ...options, method })
      : undefined;
    if (response !== undefined && response.status < 300) {
      return { answer: sdpOf(response), response };
    }
    const again = response === undefined || response.status === 491;
    if (!again || tries === maxTries) {
      if (response !== undefined) judge(session, leg, response);
      return { answer: undefined, response };
    }
    await sleep(session.ua.host.clock, backOff(session));
  }
}

/** Whether an offer may be made now: RFC 3261 §14.1, RFC 3311 §5.1. */
export function isFree(leg: Leg, method: string): boolean {
  if (leg.outstanding !== 'none') return false;
  return method === 'UPDATE' || (!leg.inviting && !leg.serving);
}

/** Offers once; without an offer it refreshes. */
export async function propose(
  session: InviteSession,
  leg: Leg,
  offer: Uint8Array | undefined,
  options: ModifyOptions & { readonly method: 'INVITE' | 'UPDATE' },
): Promise<SipResponse> {
  const { method } = options;
  if (offer !== undefined) leg.offer(offer);
  const edits = [...session.ua.sessionEdits(method), ...(options.edits ?? []), ...withSdp(offer)];
  const exchange = session.ua.inDialog(leg.dialog, method, edits);
  if (method === 'INVITE') {
    leg.inviting = true;
    acknowledgeEach(session, leg, exchange);
  }
  const final = await exchange.final;
  leg.inviting = false;
  if (final.status >= 300 || session.ended) {
    leg.rollBack();
    return final;
  }
  leg.note(final);
  leg.dialog.refreshTarget(final);
  session.timer?.refreshed(final);
  const answer = sdpOf(final);
  if (leg.outstanding === 'ours') {
    if (answer === undefined) leg.rollBack();
    else leg.takeAnswer(answer);
  }
  return final;
}

/** Every 2xx of a re-INVITE gets the ACK, copies too. */
function acknowledgeEach(session: InviteSession, leg: Leg, exchange: Exchange): void {
  let first = true;
  exchange.onResponse = response => {
    if (response.status < 200 || response.status >= 300) return;
    if (first) {
      first = false;
      leg.dialog.refreshTarget(response);
      leg.ack = session.ua.makeAck(leg.dialog, exchange.request, []);
    }
    if (leg.ack !== undefined) session.ua.sendAck(leg.ack);
  };
}

/** RFC 3261 §12.2.1.2, §14.1: what a refusal means for the dialog itself. */
export function judge(session: InviteSession, leg: Leg, response: SipResponse): void {
  const { status } = response;
  if (status === 481) {
    leg.dialog.state = 'terminated';
    session.finish({ by: 'failure', reason: 'unknown to the peer', status, response });
  } else if (status === 408) session.fail(leg, 'no answer within the dialog');
}

/** RFC 3261 §14.1: whoever chose the Call-ID waits longer. */
function backOff(session: InviteSession): number {
  const fraction = session.ua.host.random.fraction();
  return session.isCaller ? seconds(2.1 + 1.9 * fraction) : seconds(2 * fraction);
}
