// Requests of the peer within a session's dialog: RFC 3261 §12.2.2, §14.2, §15.1.2; RFC 3262 §3;
// RFC 3311 §5.2.

import { RAck, RetryAfter } from '../headers.ts';
import { type Edit, response, type SipRequest, set } from '../message.ts';
import type { ServerTransaction } from '../server-transaction.ts';
import type { Leg } from './leg.ts';
import { sdpOf, withSdp } from './sdp.ts';
import { chooseInterval, intervalEdits, isTooSmall, SessionTimer } from './session-timer.ts';

/** Throws, or rejects with, a SipError that deserves its own answer. */
export function receiveInDialog(leg: Leg, tx: ServerTransaction): void | Promise<void> {
  const { request } = tx;
  if (request.method === 'ACK') {
    leg.acknowledged(request);
    return;
  }
  if (!leg.dialog.accepts(request)) {
    tx.reply(500); // out of order: §12.2.2
    return;
  }
  leg.note(request);
  switch (request.method) {
    case 'BYE':
      return bye(leg, tx);
    case 'PRACK':
      return prack(leg, tx);
    case 'UPDATE':
      return update(leg, tx);
    case 'INVITE':
      return reInvite(leg, tx);
    default:
      return leg.session.onRequest(tx);
  }
}

function bye(leg: Leg, tx: ServerTransaction): void {
  leg.dialog.state = 'terminated';
  tx.reply(200);
  leg.session.remoteBye(leg, tx.request);
}

async function prack(leg: Leg, tx: ServerTransaction): Promise<void> {
  const rack = tx.request.get(RAck);
  const known = rack !== undefined && leg.session.pracked(leg, rack);
  if (!known) {
    tx.reply(481);
    return;
  }
  const sdp = sdpOf(tx.request);
  if (sdp === undefined || leg.outstanding === 'ours') {
    if (sdp !== undefined) leg.takeAnswer(sdp);
    tx.reply(200, ...leg.session.ua.responseEdits('PRACK', 200));
    leg.session.settled(leg);
    return;
  }
  const answer = await leg.takeOffer(sdp); // RFC 3262 §5
  tx.reply(answer === undefined ? 488 : 200, ...withSdp(answer));
  leg.session.settled(leg);
}

async function update(leg: Leg, tx: ServerTransaction): Promise<void> {
  const { session } = leg;
  if (refusesTimer(leg, tx)) return;
  const sdp = sdpOf(tx.request);
  if (sdp !== undefined && leg.outstanding !== 'none') {
    refuseGlare(leg, tx);
    return;
  }
  const answer = sdp === undefined ? undefined : await leg.takeOffer(sdp);
  if (session.ended) {
    tx.reply(481);
    return;
  }
  if (sdp !== undefined && answer === undefined) {
    tx.reply(488);
    return;
  }
  leg.dialog.refreshTarget(tx.request);
  tx.reply(200, ...refreshEdits(leg, tx.request, 'UPDATE'), ...withSdp(answer));
}

async function reInvite(leg: Leg, tx: ServerTransaction): Promise<void> {
  const { session } = leg;
  if (refusesTimer(leg, tx)) return;
  if (leg.inviting || leg.outstanding === 'ours') {
    tx.reply(491); // §14.2
    return;
  }
  if (leg.serving || leg.outstanding === 'theirs' || session.state === 'early') {
    tx.reply(500, retryLater(leg));
    return;
  }
  leg.serving = true;
  tx.reply(100);
  let cancelled = false;
  tx.onCancel = () => {
    cancelled = true;
  };
  const sdp = sdpOf(tx.request);
  const description =
    sdp === undefined ? session.makeOffer(leg) : await leg.takeOffer(sdp).catch(() => undefined);
  leg.serving = false;
  if (session.ended) {
    tx.reply(481);
    return;
  }
  if (cancelled || description === undefined) {
    tx.reply(cancelled ? 487 : 488);
    return;
  }
  if (sdp === undefined) leg.offer(description);
  leg.dialog.refreshTarget(tx.request);
  const edits = [...refreshEdits(leg, tx.request, 'INVITE'), ...withSdp(description)];
  leg.accept(tx, response(tx.request, 200, ...edits), ack => {
    const answer = sdpOf(ack);
    if (leg.outstanding !== 'ours') return;
    if (answer === undefined) leg.rollBack();
    else leg.takeAnswer(answer);
  });
}

/** What a 2xx to a target refresh carries; the session timer starts anew. */
function refreshEdits(leg: Leg, request: SipRequest, method: string): readonly Edit[] {
  const { session } = leg;
  const agreed = chooseInterval(request, session.ua.options.sessionExpires);
  if (agreed !== undefined) {
    session.timer ??= new SessionTimer(session);
    session.timer.start(agreed, false);
  }
  return [...session.ua.responseEdits(method, 200), ...intervalEdits(agreed, request)];
}

function refusesTimer(leg: Leg, tx: ServerTransaction): boolean {
  const { ua } = leg.session;
  if (!isTooSmall(tx.request, ua.minSe)) return false;
  tx.reply(422, ua.minSeEdit());
  return true;
}

/** RFC 3311 §5.2 */
function refuseGlare(leg: Leg, tx: ServerTransaction): void {
  if (leg.outstanding === 'ours') tx.reply(491);
  else tx.reply(500, retryLater(leg));
}

/** §14.2: 0 to 10 s, by chance. */
function retryLater(leg: Leg): Edit {
  const wait = Math.floor(11 * leg.session.ua.host.random.fraction());
  return set(RetryAfter, { seconds: wait });
}
