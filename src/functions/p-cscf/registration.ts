// REGISTER at the P-CSCF. TS 24.229 §5.2.2

import { seconds } from '#kernel/time';
import type { ServerTransaction } from '#sip/endpoint';
import {
  Authorization,
  Contact,
  Expires,
  nameAddr,
  PAssociatedUri,
  Path,
  PVisitedNetworkId,
  Require,
  ServiceRoute,
  To,
  WwwAuthenticate,
} from '#sip/headers';
import { impiOf, required } from '#sip/identities';
import { add, prepend, remove, type SipRequest, type SipResponse, set } from '#sip/message';
import { NO_PARAMS } from '#sip/params';
import { checkRequest, forward, takeRoute } from '#sip/proxy';
import { impuOf, parseUri, uriText } from '#sip/uri';
import type { Binding } from './bindings.ts';
import { chargingVector, newIcid } from './charging.ts';
import type { PCscf } from './p-cscf.ts';
import { untrusted, withoutUntrusted } from './trust.ts';

export async function register(pcscf: PCscf, tx: ServerTransaction): Promise<void> {
  const refusal = checkRequest(tx.request, pcscf.sip);
  if (refusal !== undefined) return tx.respond(refusal);
  if (pcscf.bindings.size >= pcscf.config.bindings) {
    pcscf.decide('p-cscf.register', tx.request, {
      chose: '503',
      because: `all ${pcscf.config.bindings} bindings are taken`,
    });
    return pcscf.busy(tx);
  }
  const { request } = takeRoute(tx.request, uri => pcscf.isOurs(uri));
  const { impi, mark, because } = protection(pcscf, tx, request);
  pcscf.decide('p-cscf.register', tx.request, {
    chose: `integrity-protected="${mark ?? '(none)'}"`,
    because,
    clause: 'TS 24.229 §5.2.2.1, §7.2A.2',
  });

  const maker = pcscf.config.name;
  await forward(
    pcscf.sip,
    tx,
    [
      {
        request: marked(pcscf.fromUe(request), mark).with(
          prepend(Path, nameAddr(pcscf.pathUri(tx.flow))),
          add(Require, 'path'),
          set(PVisitedNetworkId, { network: pcscf.config.visitedNetwork, params: NO_PARAMS }),
          chargingVector(newIcid(pcscf.host.random, maker), maker, pcscf.config.visitedNetwork),
        ),
        target: { uri: parseUri(pcscf.config.icscf), point: 'Mw' },
        timeout: pcscf.config.registerTimeout,
      },
    ],
    {
      onResponse: response => towardsUe(pcscf, response),
      onFinal: response => registered(pcscf, tx, impi, response),
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
  const impi = impiOf(request);
  const credentials = request.get(Authorization);
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

function marked(request: SipRequest, mark: string | undefined): SipRequest {
  const credentials = request.get(Authorization);
  if (credentials === undefined || mark === undefined) return request;
  const params = new Map(credentials.params).set('integrity-protected', mark);
  return request.with(set(Authorization, { ...credentials, params }));
}

/** Takes out what is not for the UE; the Path has served its purpose at the S-CSCF. §5.2.2.1 */
function towardsUe(pcscf: PCscf, response: SipResponse): SipResponse {
  const outgoing = pcscf.towardsUe(response).with(remove(Path));
  return response.status === 401 ? withoutKeys(outgoing) : outgoing;
}

/** Keeps what a 200 to a REGISTER promises before the UE reads it. §5.2.2.1 */
async function registered(
  pcscf: PCscf,
  tx: ServerTransaction,
  impi: string,
  response: SipResponse,
): Promise<undefined> {
  const isQuery = !tx.request.has(Contact);
  if (response.status < 200 || response.status > 299 || isQuery) return;
  for (const binding of bindingsAsked(pcscf, tx, impi, response)) {
    if (binding.expires > tx.now) await pcscf.bindings.put(binding);
    else await pcscf.bindings.remove(binding);
    pcscf.onBinding(binding, tx);
  }
}

/** The bindings of this REGISTER as the 200 confirms them; a contact it leaves out has gone. */
function bindingsAsked(
  pcscf: PCscf,
  tx: ServerTransaction,
  impi: string,
  response: SipResponse,
): readonly Binding[] {
  const associated = response.all(PAssociatedUri);
  const fallback = [required(tx.request, To)];
  const identities = associated.length > 0 ? associated : fallback;
  const confirmed = new Map(
    response.all(Contact).flatMap(contact => {
      if (contact.uri.scheme === '*') return [];
      const given = Number(contact.params.get('expires') ?? response.get(Expires) ?? 0);
      return [[uriText(contact.uri), given] as const];
    }),
  );
  const base = {
    impi,
    flow: tx.flow.id,
    associated: identities.map(identity => PAssociatedUri.format(identity)),
    impus: identities.map(identity => impuOf(identity.uri)),
    serviceRoute: response.all(ServiceRoute).map(value => ServiceRoute.format(value)),
  };
  const contacts = tx.request.all(Contact);
  if (contacts.some(contact => contact.uri.scheme === '*')) {
    return pcscf.bindings.ofImpi(impi).map(binding => ({ ...binding, expires: tx.now }));
  }
  return contacts.map(contact => {
    const text = uriText(contact.uri);
    return { ...base, contact: text, expires: tx.now + seconds(confirmed.get(text) ?? 0) };
  });
}

/** CK and IK are for the P-CSCF's security association and never for the UE (TS 33.203 §6.1.1). */
function withoutKeys(response: SipResponse): SipResponse {
  const challenges = response.all(WwwAuthenticate).map(challenge => {
    const params = new Map(challenge.params);
    params.delete('ck');
    params.delete('ik');
    return { ...challenge, params };
  });
  return response.with(set(WwwAuthenticate, ...challenges));
}
