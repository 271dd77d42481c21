// Requests of the core for a UE that open a dialog, or stand alone. TS 24.229 §5.2.6.4

import { isGenerated, type ServerTransaction } from '#sip/endpoint';
import {
  type NameAddr,
  PAssertedIdentity,
  PCalledPartyId,
  PChargingVector,
  type PChargingVectorValue,
  PPreferredIdentity,
  RecordRoute,
} from '#sip/headers';
import {
  prepend,
  remove,
  response as responseTo,
  type SipMessage,
  type SipRequest,
  type SipResponse,
  set,
} from '#sip/message';
import { checkRequest, forward, takeRoute } from '#sip/proxy';
import { uriText } from '#sip/uri';
import type { PCscf } from './p-cscf.ts';
import { withoutUntrusted } from './trust.ts';

export async function terminate(pcscf: PCscf, tx: ServerTransaction): Promise<void> {
  const refusal = checkRequest(tx.request, pcscf.sip);
  if (refusal !== undefined) return tx.respond(refusal);

  const { request, own } = takeRoute(tx.request, uri => pcscf.isOurs(uri));
  const way = pcscf.ueTarget(own, request, 'the flow named');
  if (way === undefined) {
    const named = pcscf.flowNamed(own) !== undefined;
    const status = named ? 430 : 404;
    pcscf.decide('p-cscf.flow', tx.request, {
      chose: String(status),
      because: named ? 'the flow its Route names is gone' : 'no Route names a flow of ours',
      clause: 'RFC 5626 §5.3.1',
    });
    return tx.reply(status);
  }
  const vector = terminated(request.get(PChargingVector), pcscf.config.visitedNetwork);
  const called = request.get(PCalledPartyId);
  const recorded = pcscf.recordRoute(way.flow, way.user, request, 'ue');
  const outgoing = pcscf.towardsUe(request).with(prepend(RecordRoute, ...recorded));
  await forward(pcscf.sip, tx, [{ request: outgoing, target: way.target }], {
    onResponse: response => {
      if (isGenerated(response)) {
        // RFC 5626 §5.3.1: the connection broke, which only its UE can mend
        return way.flow.closed ? toFailedFlow(tx.request) : response;
      }
      const trusted = answered(response, called, vector);
      return recorded.length === 0 ? trusted : heldToRoute(trusted, outgoing);
    },
    timerC: pcscf.config.timerC,
  });
}

const toFailedFlow = (request: SipRequest): SipResponse => responseTo(request, 430);

/** What a UE answers is as little trusted as what it asks; §5.2.6.4.4 */
function answered(
  response: SipResponse,
  called: NameAddr | undefined,
  vector: PChargingVectorValue | undefined,
): SipResponse {
  let outgoing = withoutUntrusted(response).with(remove(PPreferredIdentity));
  // The identity that was called is the one that answers.
  if (called !== undefined) {
    outgoing = outgoing.with(set(PAssertedIdentity, { ...called, params: new Map() }));
  }
  if (vector !== undefined) outgoing = outgoing.with(set(PChargingVector, vector));
  return outgoing;
}

/** The type 1 term-ioi names the network where the UE is (RFC 7315 §4.6.4). */
const terminated = (
  vector: PChargingVectorValue | undefined,
  network: string,
): PChargingVectorValue | undefined =>
  vector?.origIoi === undefined ? vector : { ...vector, termIoi: network };

/**
 * A UE that changed the Record-Route in its answer would lead the caller's requests past the network:
 * it must end as it was sent. §5.2.6.4.4
 */
function heldToRoute(response: SipResponse, sent: SipRequest): SipResponse {
  if (response.status >= 300) return response;
  const text = (message: SipMessage): string => message.raw('Record-Route').join(',');
  if (text(response) === text(sent)) return response;
  const expected = sent.all(RecordRoute);
  const given = response.all(RecordRoute).slice(-expected.length);
  const same =
    given.length === expected.length &&
    given.every(({ uri }, at) => uriText(uri) === uriText(expected[at]!.uri));
  return same ? response : response.with(set(RecordRoute, ...expected));
}
