// Requests of the core for a UE that open a dialog, or stand alone. TS 24.229 §5.2.6.4

import { isGenerated, type ServerTransaction } from '#sip/endpoint';
import {
  type NameAddr,
  PAssertedIdentity,
  PCalledPartyId,
  PChargingVector,
  type PChargingVectorValue,
  PPreferredIdentity,
} from '#sip/headers';
import { remove, type SipResponse, set } from '#sip/message';
import { checkRequest, forward, takeRoute } from '#sip/proxy';
import type { PCscf } from './p-cscf.ts';
import { withoutUntrusted } from './trust.ts';

export async function terminate(pcscf: PCscf, tx: ServerTransaction): Promise<void> {
  const refusal = checkRequest(tx.request, pcscf.sip);
  if (refusal !== undefined) return tx.respond(refusal);

  const { request, own } = takeRoute(tx.request, uri => pcscf.isOurs(uri));
  const way = pcscf.ueTarget(own, request);
  if (way === undefined) {
    pcscf.decide('p-cscf.flow', tx.request, {
      chose: '430',
      because:
        own.length === 0 ? 'no Route names a flow of ours' : 'the flow its Route names is gone',
      clause: 'RFC 5626 §5.3.1',
    });
    return tx.reply(own.length === 0 ? 404 : 430);
  }
  const vector = request.get(PChargingVector);
  const called = request.get(PCalledPartyId);
  await forward(
    pcscf.sip,
    tx,
    [
      {
        request: pcscf.towardsUe(request).with(...pcscf.recordRoute(way.flow, request, 'ue')),
        target: way.target,
      },
    ],
    {
      onResponse: response => answered(response, called, vector),
      timerC: pcscf.config.timerC,
    },
  );
}

/** What a UE answers is as little trusted as what it asks; §5.2.6.4.4 */
function answered(
  response: SipResponse,
  called: NameAddr | undefined,
  vector: PChargingVectorValue | undefined,
): SipResponse {
  if (isGenerated(response)) return response;
  let outgoing = withoutUntrusted(response).with(remove(PPreferredIdentity));
  // The identity that was called is the one that answers.
  if (called !== undefined) {
    outgoing = outgoing.with(set(PAssertedIdentity, { ...called, params: new Map() }));
  }
  if (vector !== undefined) outgoing = outgoing.with(set(PChargingVector, vector));
  return outgoing;
}
