// Requests within a dialog that was made through here. TS 24.229 §5.4.3.2, §5.4.3.3 (subsequent
// requests), RFC 3261 §16.12. Where they go is in their Route; that they may go, in our mark there.

import type { ServerTransaction } from '#sip/endpoint';
import { CallId, type NameAddr, nameAddr, Route } from '#sip/headers';
import { requestUri, type SipRequest, set } from '#sip/message';
import { forward, forwardAck, nextHop } from '#sip/proxy';
import { parseUri } from '#sip/uri';
import { deviceOf } from './gruu.ts';
import type { DialogMark } from './marks.ts';
import type { SCscf } from './s-cscf.ts';

/** Passes a request on. `own`: the Route values that were ours, taken off already. */
export async function pass(
  scscf: SCscf,
  tx: ServerTransaction,
  received: SipRequest,
  own: readonly NameAddr[],
): Promise<void> {
  const request = towardsDevice(scscf, received);
  const callId = request.get(CallId) ?? '';
  const marks = own
    .map(({ uri }) => scscf.markOf(uri, callId))
    .filter((mark): mark is DialogMark => mark !== undefined);
  // each passage left its mark: one that is forged is as bad as none
  if (marks.length === 0 || marks.length < own.length) {
    if (request.method === 'ACK') return;
    scscf.decide('subsequent', {
      chose: '481',
      because: 'no Route of ours for this dialog',
      clause: 'TS 24.229 §5.4.3.2',
      about: request,
    });
    return tx.reply(481);
  }
  for (const { session } of marks) scscf.sessions.seen(session, request);
  const uri = nextHop(request);
  const target = { uri, point: scscf.isc.pointOf(uri) };
  if (request.method === 'ACK') return forwardAck(scscf.sip, tx, request, target);

  const final = await forward(scscf.sip, tx, [{ request, target }]);
  if (request.method === 'BYE' && endsDialog(final.status)) {
    for (const { session } of marks) scscf.sessions.ended(session, callId);
  }
}

/**
 * A remote target that is a GRUU of ours: its contact takes its place, and its Path where no Route is
 * left (RFC 5627 §5.1, TS 24.229 §5.4.7A.4).
 */
function towardsDevice(scscf: SCscf, request: SipRequest): SipRequest {
  const binding = deviceOf(scscf, request.uri);
  if (binding === undefined) return request;
  const contact = requestUri(parseUri(binding.uri));
  if (request.has(Route)) return request.with(contact);
  return request.with(contact, set(Route, ...binding.path.map(hop => nameAddr(parseUri(hop)))));
}

/** RFC 3261 §15: a BYE that is answered at all has ended the dialog; 401 and 407 ask for another. */
const endsDialog = (status: number): boolean => status !== 401 && status !== 407;
