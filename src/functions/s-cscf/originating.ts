// Initial requests from a user whom this S-CSCF serves, or on his behalf. TS 24.229 §5.4.3.2

import type { ServerTransaction } from '#sip/endpoint';
import { enumLookup } from '#sip/enum';
import { nameAddr, PAccessNetworkInfo, PAssertedIdentity, PServedUser, Route } from '#sip/headers';
import { add, type Edit, prepend, remove, requestUri, type SipRequest } from '#sip/message';
import type { Branch } from '#sip/proxy';
import { impuOf, isSipUri, isTelUri, parseUri, sipUri, type Uri, uriText } from '#sip/uri';
import { originates } from './charging.ts';
import { sessionStatus } from './cx.ts';
import { revealed } from './gruu.ts';
import { loose } from './isc.ts';
import {
  type Dialled,
  dialledNumber,
  domainOf,
  globalNumber,
  isHome,
  portabilityOfUri,
  portedUser,
  routingNumber,
  withoutPortability,
} from './numbers.ts';
import type { Profile } from './profile.ts';
import type { SCscf } from './s-cscf.ts';
import { busy, type Group, proceed, type Targets, type Treatment } from './treatment.ts';

/** Who asks: a UE by its Service-Route, or an AS on a user's behalf (§5.7.3). */
export type Origin = 'user' | 'application server';

export async function originate(
  scscf: SCscf,
  tx: ServerTransaction,
  request: SipRequest,
  origin: Origin,
): Promise<void> {
  const refuse = (status: number, because: string): void => {
    scscf.decide('originating', {
      chose: String(status),
      because,
      clause: 'TS 24.229 §5.4.3.2',
      about: request,
    });
    tx.reply(status);
  };

  const served = servedUserOf(request);
  if (served === undefined)
    return refuse(403, 'nobody vouches for the caller: no P-Asserted-Identity');

  let profile: Profile;
  let registered = true;
  const set = scscf.registrar.ofImpu(served);
  if (set !== undefined && set.bindings.length > 0) profile = set.profile;
  else if (origin === 'user') return refuse(403, `${served} is not registered here`);
  else {
    registered = false;
    const found = await scscf.unregisteredProfile(served);
    if (found.profile === undefined) {
      return refuse(sessionStatus(found.result), `no profile of ${served}: ${found.result}`);
    }
    profile = found.profile;
  }
  const identity = profile.find(served);
  if (identity === undefined) return refuse(403, `${served} is not in its own profile`);
  if (identity.barred) return refuse(403, `${served} is barred`);

  const asked = impuOf(request.uri);
  const session = scscf.sessions.begin('orig', served, asked, tx);
  if (session === undefined) return tx.reply(503, busy);
  scscf.decide('originating', {
    chose: served,
    because: origin === 'user' ? 'the Service-Route led here' : 'an application server acts for it',
    clause: 'TS 24.229 §5.4.3.2',
    about: request,
  });
  const treatment: Treatment = {
    side: 'orig',
    sessionCase: registered ? 'ORIGINATING_REGISTERED' : 'ORIGINATING_UNREGISTERED',
    served,
    registered,
    profile,
    from: 0,
    asked,
    session,
    first: true,
  };
  const plain = origin === 'user' ? withoutPortability(request.uri) : request.uri;
  const vouched = request.with(
    ...asserted(request, served, profile),
    ...(plain === request.uri ? [] : [requestUri(plain)]),
  );
  await proceed(scscf, tx, vouched, treatment, targetsOfOriginating);
}

/** P-Served-User, or the first asserted identity (§5.4.3.2 step 1). */
export function servedUserOf(request: SipRequest): string | undefined {
  const named = request.get(PServedUser) ?? request.all(PAssertedIdentity)[0];
  return named === undefined ? undefined : impuOf(named.uri);
}

/**
 * The other spelling of the asserted identity beside it: networks behind us know the caller by his
 * number (§5.4.3.2 step 4A). The user may not have asserted more than one himself.
 */
function asserted(request: SipRequest, served: string, profile: Profile): readonly Edit[] {
  const values = request.all(PAssertedIdentity);
  if (values.length !== 1 || impuOf(values[0]!.uri) !== served) return [];
  const alias = profile.alias(served);
  return alias === undefined ? [] : [add(PAssertedIdentity, nameAddr(parseUri(alias)))];
}

// ---------------------------------------------------------------------------- where it goes

/** Behind the application servers: number analysis, then the network of whoever is called. */
export function targetsOfOriginating(
  scscf: SCscf,
  received: SipRequest,
  treatment: Treatment,
): Targets | Promise<Targets> {
  const { config, host } = scscf;
  const meant = revealed(scscf, received.uri);
  const request =
    meant === undefined || meant === received.uri ? received : received.with(requestUri(meant));
  const decide = (chose: string, because: string): void =>
    scscf.decide('number analysis', {
      chose,
      because,
      clause: 'TS 24.229 §5.4.3.2 step 10',
      about: request,
    });
  if (meant === undefined) {
    decide('404', 'the temporary GRUU stands for no device, or for one no more');
    return { kind: 'refuse', status: 404 };
  }
  const dialled = dialledNumber(request.uri, config, callerNumber(treatment));
  if (dialled === undefined) {
    if (!isSipUri(request.uri)) {
      const status = isTelUri(request.uri) ? 484 : 416;
      decide(String(status), `${uriText(request.uri)} can be reached from nowhere`);
      return { kind: 'refuse', status };
    }
    return hostTargets(scscf, request, decide);
  }

  const { enumSuffix } = config.numbers;
  // RFC 4694 §5: where somebody asked already, nobody asks again
  if (enumSuffix === undefined || dialled.portability !== undefined) {
    return numberTargets(scscf, request, dialled, [], decide);
  }
  return enumLookup(dialled.number, enumSuffix, host.network.dns).then(found =>
    numberTargets(scscf, request, dialled, found, decide),
  );
}

/** `found` is what the DNS says of the number, the best first. */
function numberTargets(
  scscf: SCscf,
  request: SipRequest,
  asked: Dialled,
  found: readonly Uri[],
  decide: (chose: string, because: string) => void,
): Targets {
  const { config } = scscf;
  const { number, certain } = asked;
  const groups: Group[] = [];
  const byName = found.find(isSipUri);
  const ported = byName === undefined ? found.map(portabilityOfUri).find(Boolean) : undefined;
  const dialled = ported === undefined ? asked : { ...asked, portability: ported };
  const domain = byName === undefined ? domainOf(routingNumber(dialled), config) : undefined;
  const user = portedUser(number, dialled.portability);
  const uri =
    byName ??
    (domain === undefined ? undefined : sipUri({ user, host: domain, params: { user: 'phone' } }));
  if (uri !== undefined) {
    const because = byName === undefined ? `is of ${domain} by the ENUM table` : 'has it in ENUM';
    decide(uriText(uri), `${routingNumber(dialled)} ${because}`);
    const found = hostTargets(scscf, request, () => {}, uri);
    if (found.kind === 'try') groups.push(...found.groups);
  }
  // digits may be somebody's name as well
  if (!certain && globalNumber(userOf(request.uri)) !== number) {
    const found = hostTargets(scscf, request, () => {});
    if (found.kind === 'try') groups.push(...found.groups);
  }
  if (config.numbers.breakout !== undefined) {
    const bgcf = parseUri(config.numbers.breakout);
    const uri = sipUri({ user, host: config.home, params: { user: 'phone' } });
    const edits = [requestUri(uri), prepend(Route, nameAddr(loose(bgcf)))];
    groups.push(group(scscf, request, edits, { uri: bgcf, point: 'Mi' }));
  }
  if (groups.length > 0) return { kind: 'try', groups };
  decide('404', `${number} is nobody's here, and there is no way out to other networks`);
  return { kind: 'refuse', status: 404 };
}

/** By the domain of the Request-URI: home users through the I-CSCF, others through the IBCF. */
function hostTargets(
  scscf: SCscf,
  request: SipRequest,
  decide: (chose: string, because: string) => void,
  uri: Uri = request.uri,
): Targets {
  const { config } = scscf;
  const host = isSipUri(uri) ? uri.host : '';
  const next = request.get(Route)?.uri;
  if (next !== undefined) {
    // an AS, or the UE by way of its P-CSCF, chose the way itself
    decide(uriText(next), 'a Route is left');
    return { kind: 'try', groups: [group(scscf, request, [], { uri: next })] };
  }
  if (isHome(host, config)) {
    decide(config.icscf, `${host} is the home domain: its I-CSCF finds the user`);
    const target = { uri: parseUri(config.icscf), point: 'Mw' };
    return { kind: 'try', groups: [group(scscf, request, [requestUri(uri)], target)] };
  }
  if (config.interconnect === undefined) {
    decide('404', `${host} is another network, and no interconnection leads there`);
    return { kind: 'refuse', status: 404 };
  }
  const ibcf = parseUri(config.interconnect);
  decide(config.interconnect, `${host} is another network`);
  const edits = [
    requestUri(uri),
    prepend(Route, nameAddr(loose(ibcf))),
    remove(PAccessNetworkInfo),
  ];
  return { kind: 'try', groups: [group(scscf, request, edits, { uri: ibcf, point: 'Mx' })] };
}

/** Passed over where nobody has the number there. */
function group(
  scscf: SCscf,
  request: SipRequest,
  edits: readonly Edit[],
  target: Branch['target'],
): Group {
  const { config, host } = scscf;
  const outward = request.with(
    remove(PServedUser),
    originates(request, config.home, host),
    ...edits,
  );
  return {
    branches: [{ request: outward, target }],
    passesOver: failure => failure.status === 404,
  };
}

const userOf = (uri: Uri): string => (isSipUri(uri) ? (uri.user ?? '') : '');

/** The caller's own number, by which subscriber numbers are completed. */
function callerNumber({ served, profile }: Treatment): string | undefined {
  const number = /^(?:sip|tel):(\+\d+)/;
  const own = number.exec(served)?.[1];
  return (
    own ?? profile.shown.map(impu => number.exec(impu)?.[1]).find(found => found !== undefined)
  );
}
