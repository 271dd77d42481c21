// Requests other than REGISTER at the I-CSCF: ask the HSS who serves the user called, and send it
// there. TS 24.229 §5.3.2

import type { LocationInfoAnswer } from '#diameter/cx';
import type { ServerTransaction } from '#sip/endpoint';
import { nameAddr, Route } from '#sip/headers';
import { prepend } from '#sip/message';
import { checkRequest, takeRoute } from '#sip/proxy';
import { impuOf, isSipUri, parseUri, sipUri, telUri, type Uri } from '#sip/uri';
import type { ICscf } from './i-cscf.ts';
import { forwardToFirstAble } from './reassignment.ts';
import { candidates } from './selection.ts';

export async function locate(icscf: ICscf, tx: ServerTransaction): Promise<void> {
  const refusal = checkRequest(tx.request, icscf.sip);
  if (refusal !== undefined) return tx.respond(refusal);
  const { request, own } = takeRoute(tx.request, uri => icscf.isOurs(uri));

  // `orig` in the Route by which an AS sent it: on behalf of the identity it serves (§5.3.2.1A).
  const originating = own.some(({ uri }) => isSipUri(uri) && uri.params.has('orig'));
  const impu = impuOf(asked(request.uri));
  const ask = (type?: 'REGISTRATION_AND_CAPABILITIES') =>
    icscf.cx.locationInfo({ impu, originating, ...(type === undefined ? {} : { type }) });

  const lia = await ask();
  const refused = refusalOf(lia, impu);
  if (refused !== undefined) {
    icscf.decide('i-cscf.locate', tx.request, {
      chose: String(refused.status),
      because: refused.because,
      clause: 'TS 24.229 §5.3.2.1',
    });
    return tx.reply(refused.status);
  }
  await forwardToFirstAble(icscf, tx, {
    decision: 'i-cscf.locate',
    clause: 'TS 24.229 §5.3.2.1',
    first: candidates(lia, lia.server === undefined ? icscf.config.sCscfs : []),
    others: async failed => {
      const again = await ask('REGISTRATION_AND_CAPABILITIES');
      if (refusalOf(again, impu) !== undefined) return [];
      return candidates({ capabilities: again.capabilities }, icscf.config.sCscfs, failed);
    },
    towards: uri => {
      const server = parseUri(uri);
      return request.with(prepend(Route, nameAddr(loose(server, originating))));
    },
  });
}

/** A SIP URI that stands for a number is looked up as that number (§5.3.2.1 step 1). */
function asked(uri: Uri): Uri {
  if (!isSipUri(uri) || uri.params.get('user') !== 'phone' || !uri.user?.startsWith('+'))
    return uri;
  return telUri(uri.user.split(';')[0] ?? uri.user);
}

function loose(uri: Uri, originating: boolean): Uri {
  if (!isSipUri(uri)) return uri;
  const params = new Map(uri.params).set('lr', null);
  if (originating) params.set('orig', null);
  return sipUri({ ...uri, params });
}

/** What the HSS's answer means for the caller where it is not «go on»; §5.3.2.1, TS 29.228 §6.1.4. */
function refusalOf(
  lia: LocationInfoAnswer,
  impu: string,
): { status: number; because: string } | undefined {
  switch (lia.result) {
    case 'DIAMETER_SUCCESS':
    case 'DIAMETER_UNREGISTERED_SERVICE':
      return undefined;
    case 'DIAMETER_ERROR_USER_UNKNOWN':
      return { status: 404, because: `the HSS knows nobody called ${impu}` };
    case 'DIAMETER_ERROR_IDENTITY_NOT_REGISTERED':
      return { status: 480, because: `${impu} is not registered and has no services for that` };
    case 'DIAMETER_TOO_BUSY':
      return { status: 503, because: 'the HSS is overloaded' };
    case 'DIAMETER_UNABLE_TO_DELIVER':
      return { status: 504, because: 'no HSS answered on Cx' };
    default:
      return { status: 480, because: `the HSS answered ${lia.result}` };
  }
}
