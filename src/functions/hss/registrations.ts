// Where each subscription stands: which of its IMPIs are registered, which S-CSCF serves it, whose
// authentication is under way. One implicit registration set per subscription, so its state is one.
// TS 29.228 §6.1.2.1, §6.5.

import type { Json, Store, Write } from '#kernel/host';
import { Cache } from './cache.ts';

/** An S-CSCF as SIP and as Diameter know it. */
export interface Holder {
  readonly server: string;
  /** Origin-Host and Origin-Realm of its SAR: where RTR and PPR go. */
  readonly host: string;
  readonly realm: string;
}

export interface Registration {
  /** Server-Name of the S-CSCF assigned, from MAR or SAR. */
  readonly server: string | undefined;
  /** Who holds the registrations or the profile: the S-CSCF of the last SAR that assigned. */
  readonly holder: Holder | undefined;
  /** IMPIs that are registered. */
  readonly impis: readonly string[];
  /** IMPIs that were given vectors and did not answer yet: the authentication pending flag. */
  readonly pending: readonly string[];
  /** An S-CSCF keeps the profile though nobody is registered. */
  readonly unregistered: boolean;
  /** The S-CSCF reassignment pending flag: another S-CSCF may take over. TS 23.380 §4.3 */
  readonly reassign: boolean;
}

export type State = 'registered' | 'unregistered' | 'not registered';

export const NOT_REGISTERED: Registration = {
  server: undefined,
  holder: undefined,
  impis: [],
  pending: [],
  unregistered: false,
  reassign: false,
};

export function stateOf(registration: Registration): State {
  if (registration.impis.length > 0) return 'registered';
  return registration.unregistered ? 'unregistered' : 'not registered';
}

/** The IMPI has proven itself, or its authentication came to nothing. */
export const settled = (pending: readonly string[], impi: string | undefined): readonly string[] =>
  impi === undefined ? pending : pending.filter(other => other !== impi);

/**
 * The state after these IMPIs are gone. The S-CSCF's name goes with the last of them, unless it is to
 * be kept for an unregistered user, or somebody of the subscription is authenticating there.
 */
export function without(
  registration: Registration,
  gone: readonly string[],
  keepServerName: boolean,
): Registration {
  const impis = registration.impis.filter(impi => !gone.includes(impi));
  const pending = registration.pending.filter(impi => !gone.includes(impi));
  if (impis.length > 0) return { ...registration, impis, pending };
  if (keepServerName) return { ...registration, impis, pending, unregistered: true };
  const server = pending.length > 0 ? registration.server : undefined;
  return { ...NOT_REGISTERED, pending, server };
}

export class Registrations {
  readonly #store: Store;
  readonly #cache: Cache<Registration>;

  constructor(store: Store, cached: number) {
    this.#store = store;
    this.#cache = new Cache(cached);
  }

  /** `key` is an IMSI, or what `psiKey` gives. */
  async get(key: string): Promise<Registration> {
    const cached = this.#cache.get(key);
    if (cached !== undefined) return cached;
    const read = this.#cache.read(key, async () => {
      const json = await this.#store.get('registration', key);
      return json === undefined ? NOT_REGISTERED : fromJson(json);
    });
    return (await read) ?? NOT_REGISTERED;
  }

  /** Makes it durable, with `others` in one commit, and only then true. */
  async set(key: string, registration: Registration, others: readonly Write[] = []): Promise<void> {
    await this.#store.commit([this.write(key, registration), ...others]);
    this.committed(key, registration);
  }

  write(key: string, registration: Registration): Write {
    return { table: 'registration', key, value: toJson(registration) };
  }

  committed(key: string, registration: Registration): void {
    this.#cache.put(key, registration);
  }

  /** Those that are anything but not registered, in the order of their keys. */
  async list(options: {
    after?: string;
    limit: number;
  }): Promise<readonly (readonly [key: string, registration: Registration])[]> {
    const rows = await this.#store.scan('registration', options);
    return rows.map(([key, json]) => [key, fromJson(json)] as const);
  }
}

export const psiKey = (identity: string): string => `psi ${identity}`;

/** undefined, which removes the row, where there is nothing to remember. */
function toJson(registration: Registration): Json | undefined {
  const { server, holder, impis, pending, unregistered, reassign } = registration;
  if (server === undefined && impis.length === 0 && pending.length === 0) return undefined;
  return {
    ...(server === undefined ? {} : { server }),
    ...(holder === undefined ? {} : { holder: { ...holder } }),
    ...(impis.length === 0 ? {} : { impis }),
    ...(pending.length === 0 ? {} : { pending }),
    ...(unregistered ? { unregistered } : {}),
    ...(reassign ? { reassign } : {}),
  };
}

const fromJson = (json: Json): Registration => ({
  ...NOT_REGISTERED,
  ...(json as Partial<Registration>),
});
