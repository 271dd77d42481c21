// REGISTER at the P-CSCF. TS 24.229 §5.2.2

import { inSeconds } from '#kernel/time';
import type { DigestValue } from '#sip/digest';
import type { ServerTransaction } from '#sip/endpoint';
import {
  Authorization,
  Contact,
  FlowTimer,
  nameAddr,
  Path,
  PVisitedNetworkId,
  Require,
  Route,
  Supported,
  To,
  Via,
  WwwAuthenticate,
} from '#sip/headers';
import { credentialsFor, impiOf, required } from '#sip/identities';
import { add, type Edit, remove, type SipRequest, type SipResponse, set } from '#sip/message';
import { NO_PARAMS, withParams } from '#sip/params';
import { checkRequest, forward, takeRoute } from '#sip/proxy';
import { impuOf, parseUri, type SipUri } from '#sip/uri';
import { userTag } from './bindings.ts';
import { chargingVector, newIcid } from './charging.ts';
import type { PCscf } from './p-cscf.ts';
import { keepWhatIsPromised } from './promises.ts';

export async function register(pcscf: PCscf, tx: ServerTransaction): Promise<void> {
  const refusal = checkRequest(tx.request, pcscf.sip);
  if (refusal !== undefined) return tx.respond(refusal);
  const { request } = takeRoute(tx.request, uri => pcscf.isOurs(uri));
  const { impi, mark, because } = protection(pcscf, tx, request);
  const { bindings, config } = pcscf;
  // Who is registered already may renew and end it at the bound too.
  if (bindings.size >= config.bindings && bindings.ofImpi(impi).length === 0) {
    pcscf.decide('p-cscf.register', tx.request, {
      chose: '503',
      because: `all ${config.bindings} bindings are taken`,
    });
    return pcscf.busy(tx);
  }
  pcscf.decide('p-cscf.register', tx.request, {
    chose: `integrity-protected="${mark ?? '(none)'}"`,
    because,
    clause: 'TS 24.229 §5.2.2.1, §7.2A.2',
  });

  const maker = config.name;
  await forward(
    pcscf.sip,
    tx,
    [
      {
        request: marked(pcscf.fromUe(request), config.home, mark).with(
          remove(Route), // the home network is where the P-CSCF says
          set(Path, nameAddr(pathUri(pcscf, tx, impi))),
          ...requirePath(request),
          set(PVisitedNetworkId, { network: config.visitedNetwork, params: NO_PARAMS }),
          chargingVector(newIcid(pcscf.host.random, maker), maker, config.visitedNetwork),
        ),
        target: { uri: parseUri(config.icscf), point: 'Mw' },
        timeout: config.registerTimeout,
        unheard: config.coreTimeout,
      },
    ],
    {
      onResponse: response => towardsUe(pcscf, response).with(...flowTimer(pcscf, tx, response)),
      onFinal: response => keepWhatIsPromised(pcscf, tx, impi, response),
    },
  );
}

/**
 * What the S-CSCF is told of the protection of this REGISTER (§5.2.2.1 to §5.2.2.4): `yes` needs an
 * IPsec association; TLS and the source of an authenticated REGISTER vouch for digest.
 */
function protection(
  pcscf: PCscf,
  tx: ServerTransaction,
  request: SipRequest,
): { impi: string; mark: string | undefined; because: string } {
  const { home } = pcscf.config;
  const impi = impiOf(request, home);
  const credentials = credentialsToMark(request, home);
  if (credentials === undefined) {
    return {
      impi,
      mark: undefined,
      because: 'no Authorization to mark: digest without credentials',
    };
  }
  if (/^AKAv/i.test(credentials.params.get('algorithm') ?? '')) {
    return { impi, mark: 'no', because: 'AKA, and no security association protects this flow' };
  }
  const authenticated = pcscf.bindings.speaker(
    tx.flow.id,
    [impuOf(required(request, To).uri)],
    tx.now,
  );
  const same = authenticated?.impi === impi;
  if (tx.flow.protocol === 'tls' || tx.flow.protocol === 'wss') {
    return same
      ? { impi, mark: 'tls-yes', because: 'TLS connection of an authenticated REGISTER' }
      : { impi, mark: 'tls-pending', because: 'TLS connection not yet authenticated' };
  }
  return same
    ? { impi, mark: 'ip-assoc-yes', because: 'same source as the authenticated REGISTER' }
    : { impi, mark: 'ip-assoc-pending', because: 'this source is not yet authenticated' };
}

/** One set of credentials goes on, so that what is marked is what the S-CSCF reads. */
const credentialsToMark = (request: SipRequest, home: string): DigestValue | undefined =>
  credentialsFor(request, home) ?? request.get(Authorization);

function marked(request: SipRequest, home: string, mark: string | undefined): SipRequest {
  const credentials = credentialsToMark(request, home);
  if (credentials === undefined || mark === undefined) return request;
  const params = new Map(credentials.params).set('integrity-protected', mark);
  return request.with(set(Authorization, { ...credentials, params }));
}

/** Takes out what is not for the UE; the Path has served its purpose at the S-CSCF. §5.2.2.1 */
function towardsUe(pcscf: PCscf, response: SipResponse): SipResponse {
  return withoutKeys(pcscf.towardsUe(response).with(remove(Path)));
}

/** `ob` tells the registrar that we keep the flow of a UE that does outbound (RFC 5626 §5.1). */
function pathUri(pcscf: PCscf, tx: ServerTransaction, impi: string): SipUri {
  const uri = pcscf.coreUri(tx.flow, userTag(impi));
  const { request } = tx;
  const does =
    request.all(Via).length === 1 &&
    request.all(Supported).some(tag => tag.toLowerCase() === 'outbound') &&
    request.all(Contact).some(contact => contact.params.has('reg-id'));
  return does ? { ...uri, params: withParams(uri.params, { ob: null }) } : uri;
}

/** How often we want to hear from a UE whose flow we keep. RFC 5626 §5.4 */
function flowTimer(pcscf: PCscf, tx: ServerTransaction, response: SipResponse): readonly Edit[] {
  const isKept =
    response.status >= 200 &&
    response.status < 300 &&
    response.all(Require).some(tag => tag.toLowerCase() === 'outbound');
  if (!isKept) return [];
  const { reliable, unreliable } = pcscf.config.flowTimer;
  return [set(FlowTimer, inSeconds(tx.flow.reliable ? reliable : unreliable))];
}

const requirePath = (request: SipRequest): readonly Edit[] =>
  request.all(Require).some(tag => tag.toLowerCase() === 'path') ? [] : [add(Require, 'path')];

/** CK and IK are for the P-CSCF's security association and never for the UE (TS 33.203 §6.1.1). */
function withoutKeys(response: SipResponse): SipResponse {
  if (!response.has(WwwAuthenticate)) return response;
  const challenges = response.all(WwwAuthenticate).map(challenge => {
    const params = new Map(challenge.params);
    params.delete('ck');
    params.delete('ik');
    return { ...challenge, params };
  });
  return response.with(set(WwwAuthenticate, ...challenges));
}
