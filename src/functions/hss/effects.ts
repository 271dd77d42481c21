// What a changed record means for the S-CSCF that serves the subscriber: which registrations end, and
// what it is to be told. TS 29.228 §6.5.2, §6.1.3.1, §6.2.2.1

import { type AuthItem, digestItems } from './auc.ts';
import type { HssConfig } from './config.ts';
import { type Database, type Entry, isSameCard } from './database.ts';
import { impisOf, impusOf, type Login } from './identities.ts';
import type { Profiles } from './profile.ts';
import type { Reason } from './pushes.ts';
import { ofSet, type Registration, type Row, setsIn, stateOf } from './registrations.ts';

export interface Termination {
  readonly impis: readonly string[];
  readonly reason: Reason;
  /** The implicit set that is left; undefined: every one. */
  readonly set?: string;
  /** Its identities: S-CSCFs that need them spelled out are among us. Default all of the IMPIs. */
  readonly impus?: readonly string[];
}

export interface Update {
  readonly impi: string;
  readonly userData?: string;
  readonly auth?: AuthItem;
  readonly because: string;
}

export interface Effects {
  readonly terminations: readonly Termination[];
  readonly updates: readonly Update[];
}

export interface Rules {
  readonly profiles: Profiles;
  readonly config: HssConfig;
  readonly database: Database;
}

/** A record before and after, and the logins of both. */
interface Change {
  readonly before: Entry;
  readonly after: Entry | undefined;
  readonly loginsBefore: readonly Login[];
  readonly loginsAfter: readonly Login[];
}

/** `after` is undefined where the record is removed. */
export function effectsOf(
  before: Entry,
  after: Entry | undefined,
  row: Row,
  rules: Rules,
): Effects {
  const { database } = rules;
  const change: Change = {
    before,
    after,
    loginsBefore: database.loginsOf(before),
    loginsAfter: after === undefined ? [] : database.loginsOf(after),
  };
  const sets = setsIn(row).filter(set => stateOf(ofSet(row, set)) !== 'not registered');
  // One set alone need not be told from others.
  const isOnly = row.others === undefined;
  const terminations: Termination[] = [];
  const updates: Update[] = [];
  for (const set of sets) {
    const registration = ofSet(row, set);
    const ended = endedBy(change, set, registration);
    const impus = impusOf(before.identities, set).map(({ impu }) => impu);
    terminations.push(...ended.map(one => ({ ...one, impus, ...(isOnly ? {} : { set }) })));
    const isOver = ended.some(({ impis }) => impis.length === registration.impis.length);
    if (after === undefined || isOver) continue;
    const gone = ended.flatMap(({ impis }) => impis);
    const left = registration.impis.filter(impi => !gone.includes(impi));
    updates.push(...profileUpdates(before, after, set, left, registration, rules));
    updates.push(...passwordUpdates(change, after, left, rules.config));
  }
  return { terminations, updates: withoutDoubles(updates) };
}

function endedBy(
  { before, after, loginsBefore, loginsAfter }: Change,
  set: string,
  registration: Registration,
): readonly Termination[] {
  const { impis } = registration;
  const all = (code: Reason['code'], info: string): readonly Termination[] => [
    { impis, reason: { code, info } },
  ];
  const isThere = after !== undefined && impusOf(after.identities, set).length > 0;
  if (impis.length === 0) {
    if (isThere && !after.subscriber.suspended) return [];
    const kept = impisOf(before.identities, set)
      .slice(0, 1)
      .map(({ impi }) => impi);
    return [{ impis: kept, reason: { code: 'REMOVE_S_CSCF', info: 'no longer a subscriber' } }];
  }
  if (after === undefined) return all('PERMANENT_TERMINATION', 'no longer a subscriber');
  if (!isThere) return all('PERMANENT_TERMINATION', 'its implicit set is gone');
  if (after.subscriber.suspended) return all('PERMANENT_TERMINATION', 'suspended');
  // A PPR may not change the default identity of a registered set; §6.5.2.1
  const defaultOf = (entry: Entry) => impusOf(entry.identities, set)[0]?.impu;
  if (defaultOf(before) !== defaultOf(after)) {
    return all('SERVER_CHANGE', 'another default public identity');
  }
  const known = new Set(impisOf(after.identities, set).map(({ impi }) => impi));
  const cardOf = (logins: readonly Login[], impi: string) =>
    logins.find(login => login.impi === impi)?.card;
  const removed = impis.filter(impi => !known.has(impi));
  const otherCard = impis.filter(
    impi =>
      known.has(impi) &&
      cardOf(loginsAfter, impi) !== undefined &&
      !isSameCard(cardOf(loginsBefore, impi), cardOf(loginsAfter, impi)),
  );
  return [
    ...termination(removed, 'the private identity is gone'),
    ...termination(otherCard, 'another card has taken its place'),
  ];
}

function termination(impis: readonly string[], info: string): readonly Termination[] {
  return impis.length === 0 ? [] : [{ impis, reason: { code: 'PERMANENT_TERMINATION', info } }];
}

function profileUpdates(
  before: Entry,
  after: Entry,
  set: string,
  left: readonly string[],
  { holder }: Registration,
  { profiles }: Rules,
): readonly Update[] {
  const impi = left[0] ?? impisOf(after.identities, set)[0]?.impi;
  if (impi === undefined) return [];
  const userData = profiles.userData(after, impi, set, holder?.features);
  return userData === profiles.userData(before, impi, set, holder?.features)
    ? []
    : [{ impi, userData, because: 'the profile has changed' }];
}

function passwordUpdates(
  { before, loginsBefore, loginsAfter }: Change,
  after: Entry,
  left: readonly string[],
  { home: realm, digestAlgorithms }: HssConfig,
): readonly Update[] {
  const { digest } = after.subscriber;
  const isOtherDigest = digest?.join() !== before.subscriber.digest?.join();
  const algorithms = digest ?? digestAlgorithms;
  return loginsAfter.flatMap(({ impi, password }) => {
    if (password === undefined || !left.includes(impi)) return [];
    const known = loginsBefore.find(login => login.impi === impi)?.password;
    if (known === password && !isOtherDigest) return [];
    const [auth] = digestItems({ impi, password, realm, algorithms, count: 1 });
    return [{ impi, auth: auth!, because: 'the password has changed' }];
  });
}

/** A password is told once, however many sets it registers. */
const withoutDoubles = (updates: readonly Update[]): readonly Update[] =>
  updates.filter(
    (one, at) =>
      one.auth === undefined ||
      updates.findIndex(other => other.auth !== undefined && other.impi === one.impi) === at,
  );
