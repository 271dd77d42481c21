// Public service identities, distinct and wildcarded. TS 23.228 §5.4.12, TS 23.003 §13.5

import { closest, type Wildcard } from '#sip/wildcarded';
import type { Psi } from './config.ts';
import { canonicalImpu } from './identities.ts';
import { psiKey } from './registrations.ts';

export class Psis {
  readonly #distinct: ReadonlyMap<string, Psi>;
  readonly #wildcarded: readonly (Wildcard & { readonly psi: Psi })[];
  readonly #byKey: ReadonlyMap<string, Psi>;

  constructor(psis: readonly Psi[]) {
    this.#distinct = new Map(psis.map(psi => [psi.identity, psi]));
    this.#wildcarded = psis.flatMap(psi =>
      psi.wildcard === undefined ? [] : [{ ...psi.wildcard, psi }],
    );
    this.#byKey = new Map(psis.map(psi => [psiKey(psi.identity), psi]));
  }

  /** The service an identity is of: the distinct one, else the closest wildcarded one. */
  find(identity: string): Psi | undefined {
    const canonical = canonicalImpu(identity) ?? identity;
    const distinct = this.#distinct.get(canonical);
    if (distinct !== undefined || this.#wildcarded.length === 0) return distinct;
    return closest(this.#wildcarded, canonical)?.psi;
  }

  /** The service itself, as a distinct identity or a wildcard is written. */
  exactly(identity: string): Psi | undefined {
    return this.#distinct.get(identity);
  }

  /** By its key in the registrations table. */
  byKey(key: string): Psi | undefined {
    return this.#byKey.get(key);
  }
}
