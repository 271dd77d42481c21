// The two requests that belong to an INVITE's transaction and copy its header: ACK for a response
// that is no 2xx (RFC 3261 §17.1.1.3) and CANCEL (§9.1).

import { CallId, CSeq, From, MaxForwards, Route, To, Via } from '../headers.ts';
import {
  type Edit,
  fields,
  request,
  type SipMessage,
  type SipRequest,
  type SipResponse,
  set,
} from '../message.ts';

/** The ACK that ends the retransmissions of a response 300 to 699. */
export function ackFor(invite: SipRequest, final: SipResponse): SipRequest {
  return followUp(invite, 'ACK', final, []);
}

/** The CANCEL of a request that is still without a final response. */
export function cancelFor(invite: SipRequest, edits: readonly Edit[] = []): SipRequest {
  return followUp(invite, 'CANCEL', invite, edits);
}

function followUp(
  invite: SipRequest,
  method: string,
  to: SipMessage,
  edits: readonly Edit[],
): SipRequest {
  const sequence = invite.get(CSeq)?.sequence ?? 0;
  return request(
    method,
    invite.uri,
    set(Via, invite.get(Via)!), // the topmost alone: the hop is ours, not the caller's
    set(MaxForwards, 70),
    fields(...invite.lines(Route), ...invite.lines(From), ...to.lines(To), ...invite.lines(CallId)),
    set(CSeq, { sequence, method }),
    ...edits,
  );
}
