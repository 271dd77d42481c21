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
import { forwardToFirstAble } from './reassignment.ts';
import { candidates } from './selection.ts';

export async function register(icscf: ICscf, tx: ServerTransaction): Promise<void> {
  const refusal = checkRequest(tx.request, icscf.sip);
  if (refusal !== undefined) return tx.respond(refusal);
  const { request } = takeRoute(tx.request, uri => icscf.isOurs(uri));

  const impu = impuOf(required(request, To).uri);
  const impi = impiOf(request);
  const visitedNetwork = request.get(PVisitedNetworkId)?.network ?? icscf.config.home;
  const ask = (type: Parameters<typeof icscf.cx.userAuthorization>[0]['type']) =>
    icscf.cx.userAuthorization({ impi, impu, visitedNetwork, type });

  const uaa = await ask(isDeregistration(request) ? 'DE_REGISTRATION' : 'REGISTRATION');
  const refused = refusalOf(uaa);
  if (refused !== undefined) {
    icscf.decide('i-cscf.register', tx.request, {
      chose: String(refused.status),
      because: refused.because,
      clause: 'TS 24.229 §5.3.1.3',
    });
    return tx.reply(refused.status);
  }

  await forwardToFirstAble(icscf, tx, {
    decision: 'i-cscf.select',
    clause: 'TS 24.229 §5.3.1.2',
    first: candidates(uaa, uaa.server === undefined ? icscf.config.sCscfs : []),
    // An assigned S-CSCF that fails may be replaced, by one whose capabilities fit (§5.3.1.3).
    others: async failed => {
      const again = await ask('REGISTRATION_AND_CAPABILITIES');
      if (refusalOf(again) !== undefined) return [];
      return candidates({ capabilities: again.capabilities }, icscf.config.sCscfs, failed);
    },
    towards: uri => request.with(requestUri(parseUri(uri))),
  });
}

/** What the HSS's answer means for the UE where it is not «go on»; §5.3.1.3, TS 29.228 §6.1.1. */
function refusalOf(uaa: UserAuthorizationAnswer): { status: number; because: string } | undefined {
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
    case 'DIAMETER_TOO_BUSY':
      return { status: 503, because: 'the HSS is overloaded' };
    case 'DIAMETER_UNABLE_TO_DELIVER':
      return { status: 504, because: 'no HSS answered on Cx' };
    default:
      return { status: 480, because: `the HSS answered ${uaa.result}` };
  }
}
