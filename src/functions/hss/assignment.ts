// S-CSCF registration and de-registration notification. TS 29.228 §6.1.2, §8.1

import type { ServerAssignment, ServerAssignmentRequest } from '#diameter/cx';
import { DiameterError } from '#diameter/errors';
import type { RequestContext } from '#diameter/node';
import { isSuccessName } from '#diameter/result';
import {
  type Answer,
  type Assignment,
  alreadyRegistered,
  clause,
  isOfAnother,
  put,
  success,
} from './assignment-steps.ts';
import type { Psi } from './config.ts';
import { type HssParts, type Procedure, psiOf, subscriptionOf } from './cx.ts';
import type { Entry } from './database.ts';
import { deregister, giveUp } from './deregistration.ts';
import { featuresIn } from './features.ts';
import { AKA_SCHEME, impisOf } from './identities.ts';
import {
  type Holder,
  impisIn,
  intoRow,
  ofSet,
  psiKey,
  type Registration,
  type Row,
  settled,
  stateOf,
} from './registrations.ts';
import { remember } from './restoration.ts';

type AssignmentType = ServerAssignmentRequest['type'];

const DEREGISTRATIONS: readonly AssignmentType[] = [
  'TIMEOUT_DEREGISTRATION',
  'USER_DEREGISTRATION',
  'TIMEOUT_DEREGISTRATION_STORE_SERVER_NAME',
  'USER_DEREGISTRATION_STORE_SERVER_NAME',
  'ADMINISTRATIVE_DEREGISTRATION',
  'DEREGISTRATION_TOO_MUCH_DATA',
];

/** What may be said of a service identity, which never registers. */
const OF_A_PSI: readonly AssignmentType[] = [
  'NO_ASSIGNMENT',
  'UNREGISTERED_USER',
  'TIMEOUT_DEREGISTRATION',
  'ADMINISTRATIVE_DEREGISTRATION',
  'DEREGISTRATION_TOO_MUCH_DATA',
];

/** The S-CSCF serves this user now, or no longer; it is given the profile. */
export const serverAssignment: Procedure<typeof ServerAssignment> = async (
  hss,
  request,
  context,
) => {
  const { type, impus } = request;
  checkPresence(request);
  const psi = impus.length === 1 ? await psiOf(hss, impus[0]!) : undefined;
  if (psi !== undefined) return psiAssignment(hss, psi, request, context);

  const found = await subscriptionOf(hss, request.impi, impus);
  if (found.kind === 'refused') {
    const step = found.result === 'DIAMETER_ERROR_USER_UNKNOWN' ? 1 : 2;
    return { answer: { result: found.result }, because: found.because, clause: clause(step) };
  }
  if (impus.length > 1 && !DEREGISTRATIONS.includes(type)) {
    return {
      answer: { result: 'DIAMETER_AVP_OCCURS_TOO_MANY_TIMES' },
      because: () => `${type} is about one identity, not ${impus.length}`,
      clause: clause(3),
    };
  }
  const { entry, sets, wildcard } = found;
  const of = (set: string): Promise<Answer> =>
    setAssignment({ hss, request, context, entry, set, wildcard });
  const [first, ...rest] = sets;
  let outcome = await of(first);
  // A de-registration may be of several sets; the others follow the first unless it is refused.
  for (const set of rest) {
    if (!isSuccessName(outcome.answer.result)) return outcome;
    outcome = await of(set);
  }
  return outcome;
};

async function setAssignment(asked: {
  readonly hss: HssParts;
  readonly request: ServerAssignmentRequest;
  readonly context: RequestContext;
  readonly entry: Entry;
  readonly set: string;
  readonly wildcard: string | undefined;
}): Promise<Answer> {
  const { hss, request, context, entry, set, wildcard } = asked;
  const impis = impisOf(entry.identities, set).map(({ impi }) => impi);
  const key = entry.subscriber.imsi;
  const row = await hss.registrations.get(key);
  const registration = ofSet(row, set);
  const impi = request.impi ?? registration.impis[0] ?? impis[0] ?? entry.subscriber.imsi;
  const features = featuresIn(request.features);
  return byType({
    hss,
    request,
    holder: holderOf(request, context),
    key,
    row,
    set,
    registration,
    entry,
    impi,
    impis,
    wildcard,
    userData: () => hss.profiles.userData(entry, impi, set, features),
  });
}

function holderOf(
  { server, features }: ServerAssignmentRequest,
  { origin }: RequestContext,
): Holder {
  const told = featuresIn(features);
  return { server, ...origin, ...(told === 0 ? {} : { features: told }) };
}

// Table 6.1.2.1: which identities a type needs.
function checkPresence({ type, impi, impus }: ServerAssignmentRequest): void {
  const missing = (name: string): DiameterError =>
    new DiameterError('DIAMETER_MISSING_AVP', `${type} needs a ${name}`, {
      clause: 'TS 29.228 table 6.1.2.1',
    });
  if (DEREGISTRATIONS.includes(type)) {
    if (impi === undefined && impus.length === 0) throw missing('User-Name or Public-Identity');
    return;
  }
  if (impus.length === 0) throw missing('Public-Identity');
  const needsImpi = type !== 'UNREGISTERED_USER' && type !== 'NO_ASSIGNMENT';
  if (needsImpi && impi === undefined) throw missing('User-Name');
}

async function psiAssignment(
  hss: HssParts,
  psi: Psi,
  request: ServerAssignmentRequest,
  context: RequestContext,
): Promise<Answer> {
  if (!psi.active) {
    return {
      answer: { result: 'DIAMETER_ERROR_USER_UNKNOWN' },
      because: () => `the service identity ${psi.identity} is not active`,
      clause: clause(3),
    };
  }
  if (!OF_A_PSI.includes(request.type)) {
    return {
      answer: { result: 'DIAMETER_ERROR_IN_ASSIGNMENT_TYPE' },
      because: () => `${request.type} is not for a service identity, which never registers`,
      clause: clause(4),
    };
  }
  const key = psiKey(psi.identity);
  const row = await hss.registrations.get(key);
  return byType({
    hss,
    request,
    holder: holderOf(request, context),
    key,
    row,
    set: '',
    registration: row,
    entry: undefined,
    impi: psi.impi,
    impis: [psi.impi],
    wildcard: psi.wildcard?.text,
    userData: () => hss.profiles.psiUserData(psi),
  });
}

function byType(assignment: Assignment): Promise<Answer> | Answer {
  switch (assignment.request.type) {
    case 'REGISTRATION':
    case 'RE_REGISTRATION':
      return register(assignment);
    case 'UNREGISTERED_USER':
      return serveUnregistered(assignment);
    case 'NO_ASSIGNMENT':
      return download(assignment);
    case 'TIMEOUT_DEREGISTRATION':
    case 'USER_DEREGISTRATION':
    case 'ADMINISTRATIVE_DEREGISTRATION':
    case 'DEREGISTRATION_TOO_MUCH_DATA':
      return deregister(assignment, false);
    case 'TIMEOUT_DEREGISTRATION_STORE_SERVER_NAME':
    case 'USER_DEREGISTRATION_STORE_SERVER_NAME':
      return deregister(assignment, true);
    case 'AUTHENTICATION_FAILURE':
    case 'AUTHENTICATION_TIMEOUT':
      return giveUp(assignment);
    case 'AAA_USER_DATA_REQUEST':
    case 'PGW_UPDATE':
    case 'RESTORATION':
      return {
        answer: { result: 'DIAMETER_ERROR_IN_ASSIGNMENT_TYPE' },
        because: () => `${assignment.request.type} is of SWx, not of Cx`,
        clause: 'TS 29.229 §6.3.15',
      };
  }
}

async function register(assignment: Assignment): Promise<Answer> {
  const { hss, request, registration, row, holder, key, set, impi } = assignment;
  if (isOfAnother(assignment)) return alreadyRegistered(assignment);
  const { impis, pending } = registration;
  const isKnown = impis.includes(impi) || pending.includes(impi);
  if (!isKnown && (request.type === 'RE_REGISTRATION' || isAka(assignment))) {
    return {
      answer: { result: 'DIAMETER_ERROR_IN_ASSIGNMENT_TYPE' },
      because: () => `${impi} is not registered, and no vectors of its are outstanding`,
      clause: 'TS 29.228 §8.1.3',
    };
  }
  // Registrations at another S-CSCF end with the first one here. §8.1.1
  const left = registration.holder;
  const all = impisIn(row);
  const moved = all.length > 0 && left !== undefined && left.host !== holder.host;
  const before = moved ? [] : impis;
  const after: Registration = {
    server: request.server,
    holder,
    impis: before.includes(impi) ? before : [...before, impi],
    pending: settled(pending, impi),
    unregistered: false,
    reassign: false,
    ...remember(request, registration),
  };
  const owed = hss.undelivered.settled(key, holder.host, impi, set);
  // What was registered of other sets was there too, and ends with it.
  if (moved) await hss.registrations.set(key, intoRow(elsewhere(row), set, after), owed.writes);
  else await put(assignment, after, owed.writes);
  owed.committed();
  return {
    ...success(assignment, () => {
      const others = before.filter(other => other !== impi);
      const beside = others.length === 0 ? '' : `, beside ${others.join(' and ')}`;
      return `${impi} is registered at ${request.server}${beside}`;
    }),
    ...(moved ? { after: () => leaveOld(assignment, left, all) } : {}),
  };
}

/** The subscription with nobody registered any more; who authenticates goes on. */
function elsewhere(row: Row): Row {
  const none = <S extends object>(state: S) => ({ ...state, impis: [], unregistered: false });
  if (row.others === undefined) return none(row);
  const others = Object.entries(row.others).map(([set, state]) => [set, none(state)]);
  return { ...none(row), others: Object.fromEntries(others) };
}

// A vector proves a card once, and only as long as the K that made it is the subscriber's: what was
// not asked for, or was withdrawn since, proves nothing.
const isAka = ({ entry, impi }: Assignment): boolean =>
  entry?.identities.impis.some(
    identity => identity.impi === impi && identity.scheme === AKA_SCHEME,
  ) ?? false;

/** The old S-CSCF is told: first of the one that moved, then of those still to move. §8.1.1 */
function leaveOld(assignment: Assignment, old: Holder, impis: readonly string[]): void {
  const { hss, impi, request } = assignment;
  const [first, ...rest] = impis.includes(impi)
    ? [impi, ...impis.filter(other => other !== impi)]
    : impis;
  const info = `now served by ${request.server}`;
  const impus = assignment.entry?.identities.impus.map(({ impu }) => impu) ?? [];
  void hss.pushes.terminate(old, [first!], { code: 'NEW_SERVER_ASSIGNED', info }, impus);
  if (rest.length > 0) void hss.pushes.terminate(old, rest, { code: 'SERVER_CHANGE', info }, impus);
}

async function serveUnregistered(assignment: Assignment): Promise<Answer> {
  const { request, registration, holder } = assignment;
  if (isOfAnother(assignment)) return alreadyRegistered(assignment);
  const unregistered = stateOf(registration) !== 'registered';
  const { server } = request;
  await put(assignment, { ...registration, server, holder, unregistered, reassign: false });
  return success(assignment, () =>
    unregistered
      ? `${server} serves the identity as unregistered`
      : `${server} serves the identity, which is registered`,
  );
}

/** NO_ASSIGNMENT: the S-CSCF lost the profile, or wants it anew. */
function download(assignment: Assignment): Answer {
  const { request, registration } = assignment;
  if (registration.server !== request.server && !registration.reassign) {
    return {
      answer: { result: 'DIAMETER_UNABLE_TO_COMPLY' },
      because: () =>
        `${request.server} asks for the profile, but ${registration.server ?? 'no S-CSCF'} is assigned`,
      clause: clause(5),
    };
  }
  return success(assignment, () => `${request.server} is assigned and asks for the profile`);
}
