// Call screening: the AS as a SIP proxy (TS 24.229 §5.7.4). A caller on the list is refused, any
// other request goes back to the S-CSCF as it came (TS 24.611 §4.5.2, ICB).

import type { ServerTransaction } from '#sip/endpoint';
import { PAssertedIdentity, PServedUser } from '#sip/headers';
import { checkRequest, forward, nextHop, takeRoute } from '#sip/proxy';
import { impuOf } from '#sip/uri';
import type { As } from './as.ts';

export async function screen(as: As, tx: ServerTransaction): Promise<void> {
  const refusal = checkRequest(tx.request, as.sip);
  if (refusal !== undefined) return tx.respond(refusal);
  const { request } = takeRoute(tx.request, uri => as.isOurs(uri));

  const callers = request.all(PAssertedIdentity).map(({ uri }) => impuOf(uri));
  const served = request.get(PServedUser)?.uri;
  const unwanted = callers.find(caller => as.config.rejected.includes(caller));
  as.decide('as.screening', tx.request, {
    chose: unwanted === undefined ? 'let through' : '603',
    because:
      unwanted === undefined
        ? `${callers.join(', ') || 'an anonymous caller'} is not on the list`
        : `${unwanted} is on the list of callers refused${served ? ` for ${impuOf(served)}` : ''}`,
    clause: 'TS 24.611 §4.5.2.6.2',
  });
  if (unwanted !== undefined) return tx.reply(603);
  await forward(as.sip, tx, [{ request, target: { uri: nextHop(request) } }]);
}
