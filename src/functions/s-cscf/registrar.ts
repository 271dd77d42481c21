// Who is registered here: implicit registration sets, their profiles and contacts. Memory is the
// truth; every change is durable before it is promised, and restored at start. TS 24.229 §5.4.1,
// TS 23.228 §5.2.1a. Callers hold the subscription's queue while they change a set.

import type { ImsSubscription } from '#diameter/cx-user-data';
import type { Host, Json, Timer, Write } from '#kernel/host';
import { eachEntry } from '#kernel/stored';
import type { Instant } from '#kernel/time';
import { closest, type Wildcard } from '#sip/wildcarded';
import { type Binding, fromJson, toJson } from './binding.ts';
import { type ChargingAddresses, Profile } from './profile.ts';

const PROFILES = 'profiles';
const BINDINGS = 'bindings';

/** An implicit registration set. Its fields change only through the registrar. */
export interface RegistrationSet {
  /** Its name in the store and in the queue: the default IMPU it had when it was made. */
  readonly id: string;
  readonly profile: Profile;
  /** Every private identity of the subscription that we know. */
  readonly impis: readonly string[];
  /** None: the profile is here for services of an unregistered user. */
  readonly bindings: readonly Binding[];
  /** When a profile without bindings goes. */
  readonly until: Instant | undefined;
}

/** What a set becomes; what is absent stays. */
export interface SetChange {
  readonly profile?: Profile;
  readonly impis?: readonly string[];
  readonly bindings?: readonly Binding[];
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export class Registrar {
  /** A set has contacts whose time is over, or a profile whose time is. */
  onDue: (set: RegistrationSet) => void = () => {};

  readonly #host: Host;
  readonly #sets = new Map<string, Mutable<RegistrationSet>>();
  readonly #byImpu = new Map<string, Mutable<RegistrationSet>>();
  /** By the text of the wildcarded identity: few of the sets have one. */
  readonly #wildcards = new Map<string, Wildcard & { readonly set: Mutable<RegistrationSet> }>();
  readonly #byImpi = new Map<string, Set<Mutable<RegistrationSet>>>();
  readonly #timers = new Map<string, Timer>();

  constructor(host: Host) {
    this.#host = host;
  }

  get size(): number {
    return this.#sets.size;
  }

  sets(): IterableIterator<RegistrationSet> {
    return this.#sets.values();
  }

  ofImpu(impu: string): RegistrationSet | undefined {
    const distinct = this.#byImpu.get(impu);
    if (distinct !== undefined || this.#wildcards.size === 0) return distinct;
    return closest(this.#wildcards.values(), impu)?.set;
  }

  ofImpi(impi: string): readonly RegistrationSet[] {
    return [...(this.#byImpi.get(impi) ?? [])];
  }

  isRegistered(impu: string): boolean {
    return (this.ofImpu(impu)?.bindings.length ?? 0) > 0;
  }

  /** The key under which procedures of a user queue: its set, or its identity while it has none. */
  queueKey(impu: string, impi?: string): string {
    const set = this.ofImpu(impu) ?? (impi === undefined ? undefined : this.#first(impi));
    return set?.id ?? impu;
  }

  /** The set that holds an identity of the profile, or the one that would be made of it. */
  idOf(profile: Profile): string {
    return this.#holding(profile)?.id ?? profile.defaultImpu ?? profile.subscription.impi;
  }

  #first(impi: string): RegistrationSet | undefined {
    for (const set of this.#byImpi.get(impi) ?? []) return set;
    return undefined;
  }

  /**
   * Makes the change durable, then true. The set is the one that holds an identity of the profile
   * already, or a new one. Rejects with Unavailable, and changes nothing, where the store fails.
   */
  async put(of: RegistrationSet | Profile, change: SetChange): Promise<RegistrationSet> {
    const known = of instanceof Profile ? this.#holding(of) : this.#sets.get(of.id);
    const profile = change.profile ?? (of instanceof Profile ? of : of.profile);
    const bound = change.bindings ?? known?.bindings ?? [];
    const next: Mutable<RegistrationSet> = {
      id: known?.id ?? this.idOf(profile),
      profile,
      impis: change.impis ?? known?.impis ?? [profile.subscription.impi],
      bindings: bound,
      until: bound.length === 0 ? known?.until : undefined,
    };
    if (next.until !== undefined) return this.#apply(next); // still lent, whatever it says now
    const writes: Write[] = [];
    if (known?.profile !== profile || known.impis !== next.impis || known.until !== next.until) {
      writes.push({ table: PROFILES, key: next.id, value: profileJson(next) });
    }
    const bindings = next.bindings.length === 0 ? undefined : next.bindings.map(toJson);
    if (bindings !== undefined || (known?.bindings.length ?? 0) > 0) {
      writes.push({ table: BINDINGS, key: next.id, value: bindings });
    }
    await this.#host.store.commit(writes);

    return this.#apply(next);
  }

  /** False for a set that is here no longer: who waited for his turn has nothing left to change. */
  holds(set: RegistrationSet): boolean {
    return this.#sets.get(set.id) === set;
  }

  /** A profile to serve an unregistered user by, for a while. Not stored: the HSS has it. */
  lend(profile: Profile, until: Instant): void {
    if (this.#holding(profile) !== undefined) return;
    const id = this.idOf(profile);
    this.#apply({ id, profile, impis: [profile.subscription.impi], bindings: [], until });
  }

  /** Forgets a set, its profile too. */
  async remove(set: RegistrationSet): Promise<void> {
    await this.#host.store.commit([
      { table: PROFILES, key: set.id, value: undefined },
      { table: BINDINGS, key: set.id, value: undefined },
    ]);
    const current = this.#sets.get(set.id);
    if (current === undefined) return;
    current.bindings = [];
    this.#unindex(current);
    this.#sets.delete(set.id);
    this.#timers.get(set.id)?.cancel();
    this.#timers.delete(set.id);
  }

  /** What survived a restart. Contacts whose time passed meanwhile come due at once. */
  async restore(): Promise<void> {
    const bindings = new Map<string, Json>();
    await eachEntry(this.#host.store, BINDINGS, (id, value) => bindings.set(id, value));
    await eachEntry(this.#host.store, PROFILES, (id, value) => {
      this.#apply(setFromJson(id, value, bindings.get(id)));
    });
  }

  stop(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }

  #holding(profile: Profile): RegistrationSet | undefined {
    for (const { impu } of profile.identities) {
      const set = this.#byImpu.get(impu);
      if (set !== undefined) return set;
    }
    return undefined;
  }

  #apply(next: Mutable<RegistrationSet>): RegistrationSet {
    let set = this.#sets.get(next.id);
    if (set === undefined) {
      set = next;
      this.#sets.set(next.id, set);
      this.#index(set);
    } else {
      const reindex = set.profile !== next.profile || set.impis !== next.impis;
      if (reindex) this.#unindex(set);
      Object.assign(set, next);
      if (reindex) this.#index(set);
    }
    this.#wait(set);
    return set;
  }

  #index(set: Mutable<RegistrationSet>): void {
    for (const { impu } of set.profile.identities) this.#byImpu.set(impu, set);
    for (const wildcard of set.profile.wildcards) {
      this.#wildcards.set(wildcard.text, { ...wildcard, set });
    }
    for (const impi of set.impis) {
      const sets = this.#byImpi.get(impi);
      if (sets === undefined) this.#byImpi.set(impi, new Set([set]));
      else sets.add(set);
    }
  }

  #unindex(set: Mutable<RegistrationSet>): void {
    for (const { impu } of set.profile.identities) {
      if (this.#byImpu.get(impu) === set) this.#byImpu.delete(impu);
      if (this.#wildcards.get(impu)?.set === set) this.#wildcards.delete(impu);
    }
    for (const impi of set.impis) {
      const sets = this.#byImpi.get(impi);
      sets?.delete(set);
      if (sets?.size === 0) this.#byImpi.delete(impi);
    }
  }

  /** One timer per set, for whatever is due first. */
  #wait(set: RegistrationSet): void {
    this.#timers.get(set.id)?.cancel();
    this.#timers.delete(set.id);
    let due = set.until;
    for (const { expires } of set.bindings) {
      if (due === undefined || expires < due) due = expires;
    }
    if (due === undefined) return;
    const delay = Math.max(0, due - this.#host.clock.now());
    const timer = this.#host.clock.after(delay, () => {
      this.#timers.delete(set.id);
      this.onDue(set);
    });
    this.#timers.set(set.id, timer);
  }
}

function profileJson(set: RegistrationSet): Json {
  const { subscription, charging } = set.profile;
  return {
    subscription: subscription as unknown as Json,
    charging: (charging ?? null) as unknown as Json,
    impis: set.impis,
  };
}

function setFromJson(id: string, value: Json, bindings: Json | undefined): RegistrationSet {
  const stored = value as {
    readonly subscription: unknown;
    readonly charging: unknown;
    readonly impis: readonly string[];
  };
  return {
    id,
    profile: new Profile(
      stored.subscription as ImsSubscription,
      (stored.charging ?? undefined) as ChargingAddresses | undefined,
    ),
    impis: stored.impis,
    bindings: bindings === undefined ? [] : (bindings as readonly Json[]).map(fromJson),
    until: undefined,
  };
}
