// Which identities are the same subscriber's: IMSI, IMPI and IMPUs that one registration carried
// together. A call carries two people's and joins nothing.

import type { Keys, TraceEvent } from '#kernel/trace';

/** Every identity that the keys carry. */
export function identitiesOf(keys: Keys): readonly string[] {
  const identities = [...(keys.impus ?? [])];
  if (keys.impi !== undefined) identities.push(keys.impi);
  if (keys.imsi !== undefined) identities.push(keys.imsi);
  return identities;
}

/** 'alice', '+15550100001', '001010000000001': how people name an identity. */
export function userPart(identity: string): string {
  const afterScheme = identity.replace(/^(sips?|tel):/i, '');
  const at = afterScheme.indexOf('@');
  return at === -1 ? afterScheme : afterScheme.slice(0, at);
}

/** Whether somebody who says `asked` means `identity`: whole, or by its user part, with + or not. */
export function isMeant(identity: string, asked: string): boolean {
  if (identity === asked) return true;
  const user = userPart(identity);
  return user === asked || (user.startsWith('+') && user.slice(1) === asked);
}

/** Groups identities as registrations and Diameter show them to belong together. */
export class Aliases {
  readonly #groups = new Map<string, Set<string>>();
  #answers = new Map<string, ReadonlySet<string>>();

  /** Learns from an event of a story that concerns one subscriber. */
  learn(event: TraceEvent): void {
    if (event.kind !== 'message') return;
    const isOneSubscribers =
      event.protocol === 'diameter' || event.message.summary() === 'REGISTER';
    if (isOneSubscribers) this.join(identitiesOf(event.message.keys()));
  }

  /** All identities of whoever is meant. */
  of(asked: string): ReadonlySet<string> {
    const known = this.#answers.get(asked);
    if (known !== undefined) return known;
    const found = new Set<string>([asked]);
    for (const [identity, group] of this.#groups) {
      if (!isMeant(identity, asked)) continue;
      for (const alias of group) found.add(alias);
    }
    this.#answers.set(asked, found);
    return found;
  }

  /** These are known to be one subscriber's. */
  join(identities: readonly string[]): void {
    if (identities.length < 2) return;
    const first = this.#groups.get(identities[0]!);
    if (first !== undefined && identities.every(identity => first.has(identity))) return;
    const joined = new Set<string>();
    for (const identity of identities) {
      joined.add(identity);
      for (const alias of this.#groups.get(identity) ?? []) joined.add(alias);
    }
    for (const identity of joined) this.#groups.set(identity, joined);
    this.#answers = new Map();
  }
}
