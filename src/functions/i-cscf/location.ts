// Requests other than REGISTER at the I-CSCF: ask the HSS who serves the user called, and send it
// there. TS 24.229 §5.3.2

import type { LocationInfoAnswer } from '#diameter/cx';
import type { ServerTransaction } from '#sip/endpoint';
import { nameAddr, PAssertedIdentity, PServedUser, Route } from '#sip/headers';
import { type Edit, prepend, raw, type SipRequest } from '#sip/message';
import { checkRequest, takeRoute } from '#sip/proxy';
import { impuOf, isSipUri, parseUri, sipUri, telUri, type Uri } from '#sip/uri';
import type { ICscf } from './i-cscf.ts';
import { type Refusal, refuse, unanswered } from './query.ts';
import { forwardToFirstAble } from './reassignment.ts';
import { candidates, replacements } from './selection.ts';

export async function locate(icscf: ICscf, tx: ServerTransaction): Promise<void> {
  const refusal = checkRequest(tx.request, icscf.sip);
  if (refusal !== undefined) return tx.respond(refusal);
  const { request, own } = takeRoute(tx.request, uri => icscf.isOurs(uri));

  // `orig` in the Route by which an AS sent it: on behalf of the identity it serves (§5.3.2.1A).
  const originating = own.some(({ uri }) => isSipUri(uri) && uri.params.has('orig'));
  const user = originating ? servedUser(request) : request.uri;
  if (user === undefined) {
    const because =
      'it says in whose name it comes neither by P-Served-User nor P-Asserted-Identity';
    return refuse(icscf, tx, 'i-cscf.locate', 'TS 24.229 §5.3.2.1A', { status: 403, because });
  }
  const impu = impuOf(asked(user));
  const clause = originating ? 'TS 24.229 §5.3.2.1A' : 'TS 24.229 §5.3.2.1';
  const ask = (type?: 'REGISTRATION_AND_CAPABILITIES') =>
    icscf.cx.locationInfo({ impu, originating, ...(type === undefined ? {} : { type }) });

  const lia = await ask();
  const refused = refusalOf(lia, impu);
  if (refused !== undefined) return refuse(icscf, tx, 'i-cscf.locate', clause, refused);
  await forwardToFirstAble(icscf, tx, {
    decision: 'i-cscf.locate',
    clause,
    first: candidates(lia, lia.server === undefined ? icscf.config.sCscfs : []),
    others: async failed => {
      const again = await ask('REGISTRATION_AND_CAPABILITIES');
      return refusalOf(again, impu) === undefined ? replacements(icscf.config, again, failed) : [];
    },
    towards: uri =>
      request.with(
        prepend(Route, nameAddr(loose(parseUri(uri), originating))),
        ...profileKey(lia.wildcardedImpu),
      ),
  });
}

/** Whom an application server speaks for (TS 24.229 §5.3.2.1A, RFC 5502). */
const servedUser = (request: SipRequest): Uri | undefined =>
  (request.get(PServedUser) ?? request.get(PAssertedIdentity))?.uri;

/** The wildcarded identity that the one called matches, which the S-CSCF has the profile by. */
function profileKey(wildcarded: string | undefined): readonly Edit[] {
  return wildcarded === undefined ? [] : [raw('P-Profile-Key', `<${wildcarded}>`)];
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
function refusalOf(lia: LocationInfoAnswer, impu: string): Refusal | undefined {
  switch (lia.result) {
    case 'DIAMETER_SUCCESS':
    case 'DIAMETER_UNREGISTERED_SERVICE':
      return undefined;
    case 'DIAMETER_ERROR_USER_UNKNOWN':
      return { status: 404, because: `the HSS knows nobody called ${impu}` };
    case 'DIAMETER_ERROR_IDENTITY_NOT_REGISTERED':
      return { status: 480, because: `${impu} is not registered and has no services for that` };
    default:
      return unanswered(lia.result);
  }
}
