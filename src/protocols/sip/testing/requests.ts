// Requests for tests: small, complete, and different only where the test says so.

import { CallId, Contact, CSeq, From, MaxForwards, nameAddr, To } from '../headers.ts';
import { type Edit, request, type SipRequest, set } from '../message.ts';
import { parseUri } from '../uri.ts';

let serial = 0;

/** An out-of-dialog request from alice to `uri`; each has a Call-ID of its own. */
export function someRequest(method: string, uri: string, ...edits: Edit[]): SipRequest {
  const alice = parseUri('sip:alice@home.test');
  return request(
    method,
    parseUri(uri),
    set(MaxForwards, 70),
    set(From, nameAddr(alice, { tag: 'a1' })),
    set(To, nameAddr(parseUri(uri))),
    set(CallId, `call-${++serial}`),
    set(CSeq, { sequence: 1, method }),
    set(Contact, nameAddr(parseUri('sip:alice@client.test'))),
    ...edits,
  );
}
