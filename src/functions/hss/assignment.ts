// S-CSCF registration and de-registration notification. TS 29.228 §6.1.2, §8.1

import type { ServerAssignment, ServerAssignmentRequest } from '#diameter/cx';
import { DiameterError } from '#diameter/errors';
import type { RequestContext } from '#diameter/node';
import { isSuccessName } from '#diameter/result';
import type { Write } from '#kernel/host';
import type { Psi } from './config.ts';
import { type HssParts, type Outcome, type Procedure, psiOf, subscriptionOf } from './cx.ts';
import type { Entry } from './database.ts';
import { featuresIn } from './features.ts';
import { AKA_SCHEME, impisOf } from './identities.ts';
import {
  type Holder,
  impisIn,
  intoRow,
  NOT_REGISTERED,
  ofSet,
  psiKey,
  type Registration,
  type Row,
  settled,
  stateOf,
  without,
} from './registrations.ts';
import { remember, restorationFor } from './restoration.ts';

type Answer = Outcome<typeof ServerAssignment>;
type AssignmentType = ServerAssignmentRequest['type'];

const clause = (step: number): string => `TS 29.228 §6.1.2.1 step ${step}`;

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

/** One request while it is answered: what it is about and where that stands. */
interface Assignment {
  readonly hss: HssParts;
  readonly request: ServerAssignmentRequest;
  /** The S-CSCF that asks. */
  readonly holder: Holder;
  /** Of the registrations table. */
  readonly key: string;
  readonly row: Row;
  /** The implicit registration set. */
  readonly set: string;
  /** The subscription as that set sees it. */
  readonly registration: Registration;
  /** undefined for a PSI. */
  readonly entry: Entry | undefined;
  /** The IMPI of the request, or any one where it names none. */
  readonly impi: string;
  /** Every IMPI that may register the set. */
  readonly impis: readonly string[];
  readonly wildcard: string | undefined;
  readonly userData: () => string;
}

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

/** Makes durable, then true, what has become of the set. */
function put(
  { hss, key, row, set }: Assignment,
  after: Registration,
  others: readonly Write[] = [],
): Promise<void> {
  return hss.registrations.set(key, intoRow(row, set, after), others);
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
  if (moved) await hss.registrations.set(key, intoRow(elsewhere(row), set, after), owed);
  else await put(assignment, after, owed);
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
  if (rest.length > 0) void hss.pushes.terminate(old, rest, { code: 'SERVER_CHANGE', info });
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

async function deregister(assignment: Assignment, mayKeep: boolean): Promise<Answer> {
  const { hss, request, registration } = assignment;
  const gone = request.impi === undefined ? registration.impis : [request.impi];
  const isHolder = registration.holder?.server === request.server;
  if (isOfAnother(assignment) && !isHolder) return alreadyRegistered(assignment);
  const because = () => `${request.type} of ${gone.join(' and ') || 'nobody'} by ${request.server}`;

  if (isOfAnother(assignment)) {
    // Another S-CSCF was assigned meanwhile: its name stays, the old one's registrations go.
    const impis = registration.impis.filter(impi => !gone.includes(impi));
    const kept: Registration = { ...registration, impis, unregistered: false };
    await put(assignment, impis.length > 0 ? kept : { ...kept, holder: undefined });
    return { answer: { result: 'DIAMETER_SUCCESS' }, because, clause: clause(5) };
  }
  const wasServed = stateOf(registration) !== 'not registered';
  const keep = mayKeep && hss.config.keepServerName && wasServed;
  const after = without(registration, gone, keep);
  await put(assignment, after);
  if (mayKeep && after.server === undefined) {
    return {
      answer: { result: 'DIAMETER_SUCCESS_SERVER_NAME_NOT_STORED' },
      because: () => `${because()}; its name is not kept`,
      clause: clause(5),
    };
  }
  return {
    answer: { result: 'DIAMETER_SUCCESS' },
    because: () => `${because()}; the identity is ${stateOf(after)}`,
    clause: clause(5),
  };
}

/** The authentication came to nothing: the name goes unless the identity was served before. */
async function giveUp(assignment: Assignment): Promise<Answer> {
  const { request, registration, impi } = assignment;
  if (isOfAnother(assignment)) return alreadyRegistered(assignment);
  const pending = settled(registration.pending, impi);
  const state = stateOf(registration);
  const after =
    state === 'not registered' && pending.length === 0
      ? NOT_REGISTERED
      : { ...registration, pending };
  await put(assignment, after);
  return {
    answer: { result: 'DIAMETER_SUCCESS' },
    because: () => `${request.type} of ${impi}; the identity stays ${state}`,
    clause: clause(5),
  };
}

const isOfAnother = ({ registration, request }: Assignment): boolean =>
  registration.server !== undefined &&
  registration.server !== request.server &&
  !registration.reassign;

function alreadyRegistered({ registration, request }: Assignment): Answer {
  return {
    answer: {
      result: 'DIAMETER_ERROR_IDENTITY_ALREADY_REGISTERED',
      server: registration.server,
    },
    because: () => `${request.server} asks, but ${registration.server} is assigned`,
    clause: 'TS 29.228 §8.1.2',
  };
}

function success(assignment: Assignment, because: () => string): Answer {
  const { hss, request, impi, impis, wildcard, userData } = assignment;
  const restoration = restorationFor(request, assignment.registration);
  const { charging } = hss.config;
  const isWanted = request.userDataAlreadyAvailable !== 'USER_DATA_ALREADY_AVAILABLE';
  return {
    answer: {
      result: 'DIAMETER_SUCCESS',
      impi,
      ...(isWanted ? { userData: userData() } : {}),
      ...(isWanted && Object.keys(charging).length > 0 ? { chargingInformation: charging } : {}),
      ...(impis.length > 1 ? { associated: { impis } } : {}),
      ...(wildcard === undefined ? {} : { wildcardedImpu: wildcard }),
      ...(restoration.length === 0 ? {} : { restorationInfo: restoration }),
    },
    because: () => `${because()}; profile ${isWanted ? 'given' : 'there already'}`,
    clause: clause(5),
  };
}
