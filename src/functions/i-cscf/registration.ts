// REGISTER at the I-CSCF: ask the HSS whether the user may register and where, send it there, and to
// another S-CSCF where that one fails. TS 24.229 §5.3.1

import type { UserAuthorizationAnswer } from '#diameter/cx';
import type { ServerTransaction } from '#sip/endpoint';
import { PVisitedNetworkId, To } from '#sip/headers';
import { impiOf, isDeregistration, required } from '#sip/identities';
import { requestUri } from '#sip/message';
import { checkRequest, takeRoute } from '#sip/proxy';
import { impuOf, parseUri } from '#sip/uri';
import type { ICscf } from './i-cscf.ts';
import { type Refusal, refuse, unanswered } from './query.ts';
import { forwardToFirstAble } from './reassignment.ts';
import { candidates, replacements } from './selection.ts';

export async function register(icscf: ICscf, tx: ServerTransaction): Promise<void> {
  const refusal = checkRequest(tx.request, icscf.sip);
  if (refusal !== undefined) return tx.respond(refusal);
  const { request } = takeRoute(tx.request, uri => icscf.isOurs(uri));

  const impu = impuOf(required(request, To).uri);
  const impi = impiOf(request, icscf.config.home);
  const visitedNetwork = request.get(PVisitedNetworkId)?.network ?? icscf.config.home;
  const ask = (type: Parameters<typeof icscf.cx.userAuthorization>[0]['type']) =>
    icscf.cx.userAuthorization({ impi, impu, visitedNetwork, type });

  const uaa = await ask(isDeregistration(request) ? 'DE_REGISTRATION' : 'REGISTRATION');
  const refused = refusalOf(uaa);
  if (refused !== undefined) {
    return refuse(icscf, tx, 'i-cscf.register', 'TS 24.229 §5.3.1.3', refused);
  }
  await forwardToFirstAble(icscf, tx, {
    decision: 'i-cscf.select',
    clause: 'TS 24.229 §5.3.1.2',
    first: candidates(uaa, uaa.server === undefined ? icscf.config.sCscfs : []),
    // An assigned S-CSCF that fails may be replaced, by one whose capabilities fit (§5.3.1.3).
    others: async failed => {
      const again = await ask('REGISTRATION_AND_CAPABILITIES');
      return refusalOf(again) === undefined ? replacements(icscf.config, again, failed) : [];
    },
    towards: uri => request.with(requestUri(parseUri(uri))),
    handsBack: status => (status >= 300 && status < 400) || status === 480, // §5.3.1.3
  });
}

/** What the HSS's answer means for the UE where it is not «go on»; §5.3.1.3, TS 29.228 §6.1.1. */
function refusalOf(uaa: UserAuthorizationAnswer): Refusal | undefined {
  switch (uaa.result) {
    case 'DIAMETER_SUCCESS':
    case 'DIAMETER_FIRST_REGISTRATION':
    case 'DIAMETER_SUBSEQUENT_REGISTRATION':
      return undefined;
    case 'DIAMETER_ERROR_USER_UNKNOWN':
      return { status: 403, because: 'the HSS does not know the user' };
    case 'DIAMETER_ERROR_IDENTITIES_DONT_MATCH':
      return { status: 403, because: 'the public identity is not one of this private identity' };
    case 'DIAMETER_ERROR_ROAMING_NOT_ALLOWED':
      return { status: 403, because: 'the user may not roam in the visited network' };
    case 'DIAMETER_AUTHORIZATION_REJECTED':
      return { status: 403, because: 'the HSS refuses this user to register' };
    case 'DIAMETER_ERROR_IDENTITY_NOT_REGISTERED':
      return { status: 403, because: 'the HSS says there is no registration to end' };
    default:
      return unanswered(uaa.result);
  }
}
