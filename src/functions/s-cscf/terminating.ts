// Initial requests to a user, or to a public service, whom this S-CSCF serves. TS 24.229 §5.4.3.3

import type { ServerTransaction } from '#sip/endpoint';
import {
  nameAddr,
  PAssertedIdentity,
  PCalledPartyId,
  Privacy,
  PServedUser,
  RequestDisposition,
  Route,
} from '#sip/headers';
import { type Edit, remove, requestUri, type SipRequest, set } from '#sip/message';
import type { Branch } from '#sip/proxy';
import { impuOf, isSipUri, isTelUri, parseUri, type Uri, uriText } from '#sip/uri';
import { type Binding, byPreference, flowsByDevice } from './binding.ts';
import { sessionStatus } from './cx.ts';
import { ofGruu } from './gruu.ts';
import { globalNumber, isHome } from './numbers.ts';
import { targetsOfOriginating } from './originating.ts';
import type { Profile } from './profile.ts';
import type { SCscf } from './s-cscf.ts';
import {
  busy,
  type FindTargets,
  type Group,
  proceed,
  type Targets,
  type Treatment,
} from './treatment.ts';

export async function terminate(
  scscf: SCscf,
  tx: ServerTransaction,
  request: SipRequest,
): Promise<void> {
  const refuse = (status: number, because: string): void => {
    scscf.decide('terminating', {
      chose: String(status),
      because,
      clause: 'TS 24.229 §5.4.3.3',
      about: request,
    });
    tx.reply(status);
  };

  const names = namesOf(request.uri, scscf);
  const [asked] = names;
  if (asked === undefined) return refuse(404, `${uriText(request.uri)} is no user of ours`);

  const registeredSet = names.map(name => scscf.registrar.ofImpu(name)).find(found => found);
  let profile: Profile | undefined = registeredSet?.profile;
  if (profile === undefined) {
    const found = await scscf.unregisteredProfile(asked);
    if (found.profile === undefined) {
      return refuse(
        sessionStatus(found.result),
        `the HSS gave no profile of ${asked}: ${found.result}`,
      );
    }
    profile = found.profile;
  }
  const identity = names.map(name => profile.find(name)).find(found => found);
  if (identity === undefined) return refuse(404, `${asked} is not in the profile the HSS gave`);
  if (identity.barred) return refuse(404, `${asked} is barred`);

  const served = identity.impu;
  const registered = scscf.registrar.isRegistered(served); // asked after every await
  const session = scscf.sessions.begin('term', served, asked, tx);
  if (session === undefined) return tx.reply(503, busy);
  scscf.decide('terminating', {
    chose: served,
    because: registered ? 'it is registered here' : 'it is served here though not registered',
    clause: 'TS 24.229 §5.4.3.3',
    about: request,
  });
  const treatment: Treatment = {
    side: 'term',
    sessionCase: registered ? 'TERMINATING_REGISTERED' : 'TERMINATING_UNREGISTERED',
    served,
    registered,
    profile,
    from: 0,
    asked: impuOf(request.uri),
    session,
    first: true,
  };
  await proceed(scscf, tx, request, treatment, targetsOfTerminating);
}

/**
 * The identities that a Request-URI may mean, as we and the HSS may know it: a number in a SIP URI
 * and the tel URI of the number are one.
 */
function namesOf(uri: Uri, scscf: SCscf): readonly string[] {
  const impu = impuOf(uri);
  if (isTelUri(uri)) return [impu, `${impu.replace(/^tel:/, 'sip:')}@${scscf.config.home}`];
  if (!isSipUri(uri) || uri.user === undefined) return [];
  if (!isHome(uri.host, scscf.config) && scscf.registrar.ofImpu(impu) === undefined) return [];
  const number = globalNumber(uri.user.split(';')[0]!);
  return number === undefined ? [impu] : [impu, `tel:${number}`];
}

// ---------------------------------------------------------------------------- AS sent it back

/**
 * A request that an AS sends on by its original dialog identifier. One to somebody else is a
 * diversion: on behalf of the served user, to where the AS says (§5.4.3.3 step 3, §5.7.4).
 */
export async function goOn(
  scscf: SCscf,
  tx: ServerTransaction,
  request: SipRequest,
  treatment: Treatment,
): Promise<void> {
  if (treatment.side === 'orig') {
    await proceed(scscf, tx, request, treatment, targetsOfOriginating);
    return;
  }
  const now = impuOf(request.uri);
  const same = now === treatment.asked || treatment.profile.find(now) !== undefined;
  if (same) {
    await proceed(scscf, tx, request, treatment, targetsOfTerminating);
    return;
  }
  scscf.decide('terminating', {
    chose: `on to ${now}`,
    because: `an application server of ${treatment.served} changed the Request-URI`,
    clause: 'TS 24.229 §5.4.3.3 step 3',
    about: request,
  });
  const diverted: Treatment = {
    ...treatment,
    sessionCase: 'ORIGINATING_CDIV',
    from: 0,
    asked: now,
  };
  const known = treatment.sessionCase === 'ORIGINATING_CDIV';
  await proceed(scscf, tx, request, known ? treatment : diverted, targetsOfOriginating);
}

// ---------------------------------------------------------------------------- where it goes

/** Behind the application servers: the contacts, by q, each by its Path. */
const targetsOfTerminating: FindTargets = (scscf, request, treatment): Targets => {
  const decide = (chose: string, because: string): void =>
    scscf.decide('contacts', {
      chose,
      because,
      clause: 'TS 24.229 §5.4.3.3',
      about: request,
    });
  const set_ = scscf.registrar.ofImpu(treatment.served);
  const flows = ofGruu(request.uri, set_?.bindings ?? []);
  const bindings = flowsByDevice(flows).map(device => device[0]!);
  if (bindings.length === 0) {
    decide('480', `${treatment.served} is not registered`);
    return { kind: 'refuse', status: 480 };
  }
  const noFork = request
    .all(RequestDisposition)
    .some(disposition => disposition.toLowerCase() === 'no-fork');
  const groups = byPreference(bindings);
  const chosen = noFork ? [[groups[0]![0]!]] : groups;
  decide(
    chosen.map(group => group.map(({ uri }) => uri).join(' and ')).join(', then '),
    `${bindings.length} contact(s) of ${treatment.served}`,
  );
  return {
    kind: 'try',
    groups: chosen.map(group => towardsDevices(request, group, flows)),
  };
};

/** One flow of each device, the others of it in reserve. RFC 5626 §5.3 */
function towardsDevices(
  request: SipRequest,
  group: readonly Binding[],
  flows: readonly Binding[],
): Group {
  const reserves = new Map<Branch, Branch>();
  const branches = group.map(binding => {
    const device = flowsByDevice(flows).find(each => each.includes(binding)) ?? [binding];
    const all = device.map(flow => towardsContact(request, flow));
    for (const [at, branch] of all.entries()) {
      const next = all[at + 1];
      if (next !== undefined) reserves.set(branch, next);
    }
    return all[0]!;
  });
  return { branches, reserves, serial: true };
}

function towardsContact(request: SipRequest, binding: Binding): Branch {
  const contact = parseUri(binding.uri);
  const path = binding.path.map(parseUri);
  const edits: Edit[] = [
    requestUri(contact),
    set(Route, ...path.map(hop => nameAddr(hop))),
    set(PCalledPartyId, nameAddr(request.uri)),
    remove(PServedUser),
  ];
  // RFC 3325 §7: asserted identities stay inside where the caller asked so
  if (request.get(Privacy)?.includes('id')) edits.push(remove(PAssertedIdentity));
  return { request: request.with(...edits), target: { uri: path[0] ?? contact, point: 'Mw' } };
}
