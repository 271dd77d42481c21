// What the identities of one record must agree about: sets, aliases, profiles. TS 23.228 §4.3.3,
// §5.2.1a.

import { DERIVED, type ImpiText, type ImpuText, readImpi, readImpu } from './identity-text.ts';
import type { Problem, Subscriber } from './subscriber.ts';

type Found<T> = readonly (readonly [text: string, item: T])[];

/** `profiles`: names of the network's service profiles. */
export function identityProblems(
  subscriber: Subscriber,
  profiles: readonly string[],
): readonly Problem[] {
  const { profile, impus, impis } = subscriber;
  if (profile === undefined && impus === undefined && impis === undefined) return [];
  const publics = itemsOf(impus, readImpu);
  const hasDerived = impus?.includes(DERIVED) ?? true;
  return [
    ...profileProblems(profile, publics, profiles),
    ...setProblems(publics, hasDerived),
    ...aliasProblems(publics),
    ...impiProblems(itemsOf(impis, readImpi), publics, hasDerived),
  ];
}

function itemsOf<T extends object>(
  texts: readonly string[] | undefined,
  read: (text: string) => T | { readonly wrong: string },
): Found<T> {
  const found: [string, T][] = [];
  for (const text of texts ?? []) {
    const item = text === DERIVED ? { wrong: '' } : read(text);
    if (!('wrong' in item)) found.push([text, item]);
  }
  return found;
}

function profileProblems(
  ofRecord: string | undefined,
  publics: Found<ImpuText>,
  profiles: readonly string[],
): readonly Problem[] {
  const known = profiles.length === 0 ? 'none' : profiles.join(', ');
  const message = (name: string) =>
    `"${name}" is no service profile of this network; it has ${known}`;
  const isUnknown = (name: string | undefined): name is string =>
    name !== undefined && !profiles.includes(name);
  const wrong = publics.map(([, item]) => item.profile).filter(isUnknown);
  return [
    ...(isUnknown(ofRecord) ? [{ field: 'profile' as const, message: message(ofRecord) }] : []),
    ...[...new Set(wrong)].map(name => ({ field: 'impus' as const, message: message(name) })),
  ];
}

function setProblems(publics: Found<ImpuText>, hasDerived: boolean): readonly Problem[] {
  const problems: Problem[] = [];
  const add = (message: string): void => void problems.push({ field: 'impus', message });
  const seen = new Set<string>();
  for (const [, { impu }] of publics) {
    if (seen.has(impu)) add(`"${impu}" stands there twice`);
    seen.add(impu);
  }
  for (const set of new Set(publics.map(([, item]) => item.set))) {
    if (set === '' && hasDerived) continue;
    const distinct = publics.some(([, item]) => item.set === set && !item.wildcarded);
    const name = set === '' ? 'the implicit set without a name' : `the implicit set "${set}"`;
    if (!distinct) add(`${name} has wildcarded identities alone; one must be there to register by`);
  }
  return problems;
}

/** Aliases are of one set and one service profile. TS 23.228 §4.3.3.2a */
function aliasProblems(publics: Found<ImpuText>): readonly Problem[] {
  const groups = new Map<string, ImpuText>();
  const problems: Problem[] = [];
  for (const [, item] of publics) {
    if (item.alias === undefined) continue;
    const first = groups.get(item.alias);
    if (first === undefined) groups.set(item.alias, item);
    else if (first.set !== item.set || first.profile !== item.profile) {
      const what = first.set !== item.set ? 'implicit set' : 'service profile';
      const message = `"${item.impu}" and "${first.impu}" are aliases, but of another ${what} each`;
      problems.push({ field: 'impus', message });
    }
  }
  return problems;
}

function impiProblems(
  privates: Found<ImpiText>,
  publics: Found<ImpuText>,
  hasDerived: boolean,
): readonly Problem[] {
  const problems: Problem[] = [];
  const sets = new Set(publics.map(([, { set }]) => set));
  if (hasDerived) sets.add('');
  const seen = new Set<string>();
  for (const [, { impi, sets: named = [] }] of privates) {
    if (seen.has(impi)) problems.push({ field: 'impis', message: `"${impi}" stands there twice` });
    seen.add(impi);
    const unknown = named.find(set => !sets.has(set));
    if (unknown === undefined) continue;
    const message = `"${impi}" is for the implicit set "${unknown}", which no IMPU has`;
    problems.push({ field: 'impis', message });
  }
  return problems;
}
