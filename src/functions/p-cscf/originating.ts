// Requests from a UE other than REGISTER. TS 24.229 §5.2.6.3

import { isGenerated, type ServerTransaction } from '#sip/endpoint';
import {
  Contact,
  From,
  type NameAddr,
  PAssertedIdentity,
  PPreferredIdentity,
  RecordRoute,
  Route,
} from '#sip/headers';
import { required } from '#sip/identities';
import { prepend, remove, response, type SipRequest, type SipResponse, set } from '#sip/message';
import { checkRequest, forward, takeRoute } from '#sip/proxy';
import { impuOf, uriText } from '#sip/uri';
import { alternativeService } from './alternative-service.ts';
import { type Binding, userTag } from './bindings.ts';
import { chargingVector, newIcid } from './charging.ts';
import { isEmergency, refuseEmergency } from './emergency.ts';
import type { PCscf } from './p-cscf.ts';

/** A request that opens a dialog, or stands alone. §5.2.6.3.3, §5.2.6.3.11 */
export async function originate(pcscf: PCscf, tx: ServerTransaction): Promise<void> {
  const refusal = checkRequest(tx.request, pcscf.sip);
  if (refusal !== undefined) return tx.respond(refusal);
  if (isEmergency(tx.request.uri, pcscf.config.emergencyNumbers)) return refuseEmergency(pcscf, tx);

  const binding = pcscf.bindings.speaker(tx.flow.id, claimed(tx.request), tx.now);
  if (binding === undefined) {
    pcscf.decide('p-cscf.identity', tx.request, {
      chose: '403',
      because: pcscf.bindings.known(tx.flow.id, tx.now)
        ? 'several are registered over this flow and the request names none of them'
        : 'nobody is registered over the flow the request came by',
      clause: 'TS 24.229 §5.2.6.3.2A',
    });
    return tx.reply(403);
  }

  const { request } = takeRoute(tx.request, uri => pcscf.isOurs(uri));
  const route = routeFor(pcscf, tx, request, binding);
  if (route === undefined) return tx.reply(400);

  const identity = assertedIdentity(pcscf, request, binding);
  const maker = pcscf.config.name;
  let heard = false;
  const recorded = pcscf.recordRoute(tx.flow, userTag(binding.impi), request, 'core');
  await forward(
    pcscf.sip,
    tx,
    [
      {
        request: pcscf
          .fromUe(request)
          .with(
            remove(PPreferredIdentity),
            set(PAssertedIdentity, identity),
            set(Route, ...route),
            chargingVector(newIcid(pcscf.host.random, maker), maker, pcscf.config.visitedNetwork),
            prepend(RecordRoute, ...recorded),
          ),
        target: pcscf.nextHop(route[0]),
        unheard: pcscf.config.coreTimeout,
      },
    ],
    {
      onResponse: received => {
        if (!isGenerated(received)) heard = true;
        return pcscf.towardsUe(received);
      },
      onFinal: () => (heard ? undefined : sCscfIsAway(pcscf, tx)),
      timerC: pcscf.config.timerC,
    },
  );
}

/** The S-CSCF serves nobody now; by registering anew the UE is assigned another. TS 24.229 §5.2.6.3, TS 23.380 §4.4 */
function sCscfIsAway(pcscf: PCscf, tx: ServerTransaction): SipResponse | undefined {
  if (tx.cancelled !== undefined) return undefined;
  pcscf.decide('p-cscf.restoration', tx.request, {
    chose: '504',
    because: 'the S-CSCF of the user cannot be reached, or says nothing',
    clause: 'TS 24.229 §5.2.6.3, TS 23.380 §4.4',
  });
  const reason = 'the S-CSCF does not answer';
  const service = { type: 'restoration', reason, action: 'initial-registration' } as const;
  return response(tx.request, 504, ...alternativeService(pcscf, service));
}

/** The identities a request claims, as far as they say who of a shared flow speaks. */
function claimed(request: SipRequest): readonly string[] {
  const named = [...request.all(PPreferredIdentity), required(request, From)];
  const contact = request.get(Contact);
  if (contact !== undefined) named.push(contact);
  return named.map(({ uri }) => impuOf(uri));
}

/**
 * The identity the network vouches for: the one the UE prefers if it is registered with it, else
 * its default one, whatever From says. §5.2.6.3.2A
 */
function assertedIdentity(pcscf: PCscf, request: SipRequest, binding: Binding): NameAddr {
  const preferred = request.all(PPreferredIdentity).map(({ uri }) => impuOf(uri));
  const held = preferred.map(impu => binding.impus.indexOf(impu)).find(index => index >= 0);
  const value = PAssertedIdentity.parse(binding.associated[held ?? 0] ?? '');
  const from = impuOf(required(request, From).uri);
  pcscf.decide('p-cscf.identity', request, {
    chose: uriText(value.uri),
    because:
      held !== undefined
        ? 'the UE prefers it and is registered with it'
        : preferred.length > 0
          ? `the UE prefers ${preferred.join(', ')}, which it is not registered with: its default identity`
          : binding.impus.includes(from)
            ? 'the default identity of the registration'
            : `From claims ${from}, which it is not registered with: its default identity`,
    clause: 'TS 24.229 §5.2.6.3.2A',
  });
  return value;
}

/** The Service-Route of the registration, which the UE's own Route must equal; §5.2.6.3.3 */
function routeFor(
  pcscf: PCscf,
  tx: ServerTransaction,
  request: SipRequest,
  binding: Binding,
): readonly NameAddr[] | undefined {
  const stored = binding.serviceRoute.map(value => Route.parse(value));
  const given = request.all(Route);
  const same =
    given.length === stored.length &&
    given.every((value, index) => uriText(value.uri) === uriText((stored[index] ?? value).uri));
  if (same) return stored;
  const clause = 'TS 24.229 §5.2.6.3.3';
  const difference =
    given.length === 0
      ? 'the UE gave no Route'
      : 'the UE gave another Route than its Service-Route';
  if (pcscf.config.strictRoute) {
    pcscf.decide('p-cscf.route', tx.request, {
      chose: '400',
      because: `${difference}, and pcscf.strictRoute refuses that`,
      clause,
    });
    return undefined;
  }
  pcscf.decide('p-cscf.route', tx.request, {
    chose: stored.map(value => uriText(value.uri)).join(', ') || 'none',
    because: `${difference}: replaced by the one stored at registration`,
    clause,
  });
  return stored;
}
