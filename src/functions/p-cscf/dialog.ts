// Requests inside a dialog, from either side, and the ACK that completes one. The way is what the
// Record-Route of the dialog says; the P-CSCF needs no memory of it. TS 24.229 §5.2.6.3.5, §5.2.6.4.5

import { isGenerated, type ServerTransaction } from '#sip/endpoint';
import type { Target } from '#sip/flow';
import { type NameAddr, PPreferredIdentity } from '#sip/headers';
import { remove, type SipRequest } from '#sip/message';
import { checkRequest, forward, forwardAck, nextHop, takeRoute } from '#sip/proxy';
import type { PCscf } from './p-cscf.ts';
import { withoutUntrusted } from './trust.ts';

export async function withinDialog(pcscf: PCscf, tx: ServerTransaction): Promise<void> {
  const isAck = tx.request.method === 'ACK';
  const refusal = checkRequest(tx.request, pcscf.sip);
  if (refusal !== undefined) return isAck ? undefined : tx.respond(refusal);
  const { request, own } = takeRoute(tx.request, uri => pcscf.isOurs(uri));

  const way =
    tx.flow.point === 'Gm' ? fromUe(pcscf, tx, request, own) : fromCore(pcscf, request, own);
  if ('refused' in way) {
    pcscf.decide('p-cscf.dialog', tx.request, {
      chose: isAck ? 'dropped' : String(way.refused),
      because: way.because,
      clause: 'TS 24.229 §5.2.6.3',
    });
    return isAck ? undefined : tx.reply(way.refused);
  }
  if (isAck) return forwardAck(pcscf.sip, tx, way.request, way.target);
  await forward(pcscf.sip, tx, [way], {
    onResponse: response =>
      tx.flow.point === 'Gm' || isGenerated(response)
        ? pcscf.towardsUe(response)
        : withoutUntrusted(response),
    timerC: pcscf.config.timerC,
  });
}

type Way =
  | { readonly request: SipRequest; readonly target: Target }
  | { readonly refused: number; readonly because: string };

/**
 * A UE speaks only over a flow it is registered by, in dialogs of its own, and its Route, once ours is
 * off, leads to the S-CSCF that serves it and to nobody else: never an open relay, and no way around
 * the services of either side.
 */
function fromUe(
  pcscf: PCscf,
  tx: ServerTransaction,
  request: SipRequest,
  own: readonly NameAddr[],
): Way {
  if (!pcscf.bindings.known(tx.flow.id, tx.now)) {
    return { refused: 403, because: 'nobody is registered over the flow the request came by' };
  }
  const named = pcscf.flowNamed(own);
  if (named === undefined) {
    return { refused: 403, because: 'no Route of ours, signed, says which dialog this is' };
  }
  // The flow the dialog began on may be gone; the user who began it is who registers over this one.
  const speaker = pcscf.bindings.ofUser(named.user, tx.now).find(({ flow }) => flow === tx.flow.id);
  if (speaker === undefined) {
    return { refused: 403, because: 'the dialog is of somebody not registered over this flow' };
  }
  const next = nextHop(request);
  if (!pcscf.serves(next, speaker)) {
    return { refused: 403, because: 'the Route leads elsewhere than to the S-CSCF of the user' };
  }
  return {
    request: withoutUntrusted(request).with(remove(PPreferredIdentity)),
    target: { uri: next, point: 'Mw' },
  };
}

function fromCore(pcscf: PCscf, request: SipRequest, own: readonly NameAddr[]): Way {
  const way = pcscf.ueTarget(own, request, 'where the user is now');
  if (way === undefined) return { refused: 430, because: 'the flow to the UE is gone' };
  return { request: pcscf.towardsUe(request), target: way.target };
}
