// What a changed record means for the S-CSCF that serves the subscriber: which registrations end, and
// what it is to be told. TS 29.228 §6.5.2, §6.1.3.1, §6.2.2.1

import { type AuthItem, digestItems } from './auc.ts';
import type { HssConfig } from './config.ts';
import type { Entry } from './database.ts';
import { AKA_SCHEME, DIGEST_SCHEME } from './identities.ts';
import type { Profiles } from './profile.ts';
import type { Reason } from './pushes.ts';
import { type Registration, stateOf } from './registrations.ts';
import { isNewCard } from './subscriber.ts';

export interface Termination {
  readonly impis: readonly string[];
  readonly reason: Reason;
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

/** `after` is undefined where the record is removed. */
export function effectsOf(
  before: Entry,
  after: Entry | undefined,
  registration: Registration,
  rules: { readonly profiles: Profiles; readonly config: HssConfig },
): Effects {
  const state = stateOf(registration);
  if (state === 'not registered') return { terminations: [], updates: [] };
  const ended = endedBy(before, after, registration);
  if (
    after === undefined ||
    ended.some(({ impis }) => impis.length === registration.impis.length)
  ) {
    return { terminations: ended, updates: [] };
  }
  const gone = ended.flatMap(({ impis }) => impis);
  const left = registration.impis.filter(impi => !gone.includes(impi));
  return { terminations: ended, updates: updatesOf(before, after, left, rules) };
}

function endedBy(
  before: Entry,
  after: Entry | undefined,
  registration: Registration,
): readonly Termination[] {
  const { impis } = registration;
  const all = (code: Reason['code'], info: string): readonly Termination[] => [
    { impis, reason: { code, info } },
  ];
  if (impis.length === 0) {
    if (after !== undefined && !after.subscriber.suspended) return [];
    const kept = before.identities.impis.slice(0, 1).map(({ impi }) => impi);
    return [{ impis: kept, reason: { code: 'REMOVE_S_CSCF', info: 'no longer a subscriber' } }];
  }
  if (after === undefined) return all('PERMANENT_TERMINATION', 'no longer a subscriber');
  if (after.subscriber.suspended) return all('PERMANENT_TERMINATION', 'suspended');
  // A PPR may not change the default identity of a registered set; §6.5.2.1
  if (before.identities.impus[0]?.impu !== after.identities.impus[0]?.impu) {
    return all('SERVER_CHANGE', 'another default public identity');
  }
  const known = new Map(after.identities.impis.map(({ impi, scheme }) => [impi, scheme]));
  const removed = impis.filter(impi => !known.has(impi));
  const isOtherCard = isNewCard(after.subscriber, before.subscriber);
  const otherCard = isOtherCard ? impis.filter(impi => known.get(impi) === AKA_SCHEME) : [];
  return [
    ...termination(removed, 'the private identity is gone'),
    ...termination(otherCard, 'another card has taken its place'),
  ];
}

function termination(impis: readonly string[], info: string): readonly Termination[] {
  return impis.length === 0 ? [] : [{ impis, reason: { code: 'PERMANENT_TERMINATION', info } }];
}

function updatesOf(
  before: Entry,
  after: Entry,
  left: readonly string[],
  { profiles, config }: { readonly profiles: Profiles; readonly config: HssConfig },
): readonly Update[] {
  const updates: Update[] = [];
  const impi = left[0] ?? after.identities.impis[0]?.impi;
  if (impi === undefined) return [];
  const userData = profiles.userData(after, impi);
  if (userData !== profiles.userData(before, impi)) {
    updates.push({ impi, userData, because: 'the profile has changed' });
  }
  const login = after.identities.impis.find(({ scheme }) => scheme === DIGEST_SCHEME)?.impi;
  const isOtherPassword =
    after.subscriber.password !== before.subscriber.password ||
    after.subscriber.digest?.join() !== before.subscriber.digest?.join();
  if (login !== undefined && isOtherPassword && left.includes(login)) {
    const { home: realm, digestAlgorithms: algorithms } = config;
    const [auth] = digestItems(after.subscriber, { impi: login, realm, algorithms, count: 1 });
    updates.push({ impi: login, auth: auth!, because: 'the password has changed' });
  }
  return updates;
}
