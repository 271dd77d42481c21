// Every SIP request that reaches an S-CSCF, on Mw or ISC, and the procedure it belongs to.
// TS 24.229 §5.4.1 (REGISTER), §5.4.2 (reg event), §5.4.3 (everything else).

import { Unavailable } from '#kernel/errors';
import type { ServerTransaction } from '#sip/endpoint';
import { Event, type NameAddr, Route, To } from '#sip/headers';
import type { SipRequest } from '#sip/message';
import { checkRequest, takeRoute } from '#sip/proxy';
import { isSipUri, type Uri } from '#sip/uri';
import { originate } from './originating.ts';
import { register } from './registration.ts';
import type { SCscf } from './s-cscf.ts';
import { pass } from './subsequent.ts';
import { goOn, terminate } from './terminating.ts';
import { busy } from './treatment.ts';

/** Serves one request; rejects with what the endpoint answers: a SipError by its status. */
export async function serve(scscf: SCscf, tx: ServerTransaction): Promise<void> {
  try {
    await dispatch(scscf, tx);
  } catch (error) {
    // a queue at its bound, or a store that cannot keep what we would promise
    if (!(error instanceof Unavailable) || tx.answered || tx.request.method === 'ACK') throw error;
    scscf.host.log.warn('s-cscf.unavailable', { error: error.message });
    tx.reply(503, busy);
  }
}

async function dispatch(scscf: SCscf, tx: ServerTransaction): Promise<void> {
  if (tx.request.method === 'REGISTER') return register(scscf, tx);

  const { request, own } = takeRoute(tx.request, uri => scscf.isOurs(uri));
  if (request.method === 'ACK') return pass(scscf, tx, request, own);
  const refusal = checkRequest(tx.request, { name: scscf.sip.name, supported: ['path'] });
  if (refusal !== undefined) return tx.respond(refusal);

  if (scscf.isOurs(request.uri) && request.get(Route) === undefined)
    return toUs(scscf, tx, request);
  if (request.get(To)?.params.has('tag')) return pass(scscf, tx, request, own);
  return initial(scscf, tx, request, own);
}

/** A request for the S-CSCF itself, which is a notifier and nothing else. */
function toUs(scscf: SCscf, tx: ServerTransaction, request: SipRequest): void {
  if (request.method === 'SUBSCRIBE') scscf.regEvent.refresh(tx);
  else if (request.method === 'OPTIONS') tx.reply(200);
  else tx.reply(request.get(To)?.params.has('tag') ? 481 : 404);
}

async function initial(
  scscf: SCscf,
  tx: ServerTransaction,
  request: SipRequest,
  own: readonly NameAddr[],
): Promise<void> {
  const treatment = scscf.isc.continued(own);
  if (treatment !== undefined) return goOn(scscf, tx, request, treatment);
  if (own.some(({ uri }) => scscf.isc.isOdi(uri))) {
    scscf.decide('original dialog', {
      chose: '403',
      because: 'the original dialog identifier is not, or no longer, known',
      clause: 'TS 24.229 §5.4.3.2',
      about: request,
    });
    return tx.reply(403);
  }
  if (request.method === 'SUBSCRIBE' && request.get(Event)?.package === 'reg') {
    if (scscf.regEvent.concerns(request)) return scscf.regEvent.subscribe(tx, request);
  }
  if (own.some(({ uri }) => userOf(uri) === 'orig')) return originate(scscf, tx, request, 'user');
  if (own.some(({ uri }) => isSipUri(uri) && uri.params.has('orig'))) {
    return originate(scscf, tx, request, 'application server');
  }
  return terminate(scscf, tx, request);
}

const userOf = (uri: Uri): string | undefined => (isSipUri(uri) ? uri.user : undefined);
