// Where each subscription stands: which of its IMPIs are registered, which S-CSCF serves it, whose
// authentication is under way. One S-CSCF serves a whole subscription (TS 23.228 §4.3.3.4); each of
// its implicit registration sets, mostly one, has a state of its own. TS 29.228 §6.1.2.1, §6.5.

import type { ServerAssignmentRequest } from '#diameter/cx';
import type { Json, Store, Write } from '#kernel/host';
import { Cache } from './cache.ts';

/** An S-CSCF as SIP and as Diameter know it. */
export interface Holder {
  readonly server: string;
  /** Origin-Host and Origin-Realm of its SAR: where RTR and PPR go. */
  readonly host: string;
  readonly realm: string;
  /** Bits of FEATURES that it told it has. TS 29.229 §7.2 */
  readonly features?: number;
}

/** Restoration information of one IMPI, as its S-CSCF left it. TS 23.380 §4.2 */
export type Restoration = NonNullable<ServerAssignmentRequest['restorationInfo']>;

/** The state of one implicit registration set. */
interface SetState {
  /** IMPIs that are registered. */
  readonly impis: readonly string[];
  /** IMPIs that were given vectors and did not answer yet: the authentication pending flag. */
  readonly pending: readonly string[];
  /** An S-CSCF keeps the profile though nobody is registered. */
  readonly unregistered: boolean;
  readonly restoration?: readonly Restoration[];
}

/** A subscription as one of its implicit registration sets sees it. */
export interface Registration extends SetState {
  /** Server-Name of the S-CSCF assigned, from MAR or SAR. */
  readonly server: string | undefined;
  /** Who holds the registrations or the profile: the S-CSCF of the last SAR that assigned. */
  readonly holder: Holder | undefined;
  /** The S-CSCF reassignment pending flag: another S-CSCF may take over. TS 23.380 §4.3 */
  readonly reassign: boolean;
}

/** A subscription: its unnamed set, and the others by name where they are in any state at all. */
export interface Row extends Registration {
  readonly others?: Readonly<Record<string, SetState>>;
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

const EMPTY: SetState = { impis: [], pending: [], unregistered: false };

const isEmpty = ({ impis, pending, unregistered }: SetState): boolean =>
  impis.length === 0 && pending.length === 0 && !unregistered;

/** The subscription as this set sees it. */
export function ofSet(row: Row, set: string): Registration {
  if (set === '' && row.others === undefined) return row;
  const { server, holder, reassign } = row;
  return { server, holder, reassign, ...stateIn(row, set) };
}

function stateIn(row: Row, set: string): SetState {
  if (set !== '') return row.others?.[set] ?? EMPTY;
  const { impis, pending, unregistered, restoration } = row;
  return { impis, pending, unregistered, ...(restoration === undefined ? {} : { restoration }) };
}

/** The subscription with what has become of one set; its S-CSCF stays while any set needs it. */
export function intoRow(row: Row, set: string, after: Registration): Row {
  if (set === '' && row.others === undefined) return after;
  const { server, holder, reassign, ...state } = after;
  const others = { ...row.others };
  if (set !== '') others[set] = state;
  for (const name of Object.keys(others)) if (isEmpty(others[name]!)) delete others[name];
  const unnamed = set === '' ? state : stateIn(row, '');
  const isLeft = [unnamed, ...Object.values(others)].some(one => !isEmpty(one));
  const served = server === undefined && isLeft ? row : { server, holder, reassign };
  return {
    server: served.server,
    holder: served.holder,
    reassign: served.reassign,
    ...unnamed,
    ...(Object.keys(others).length === 0 ? {} : { others }),
  };
}

/** The sets that are in any state. */
export const setsIn = (row: Row): readonly string[] => [
  ...(isEmpty(row) ? [] : ['']),
  ...Object.keys(row.others ?? {}),
];

/** IMPIs registered with any set. */
export function impisIn(row: Row): readonly string[] {
  if (row.others === undefined) return row.impis;
  return [...new Set([row, ...Object.values(row.others)].flatMap(({ impis }) => impis))];
}

/** Of all sets the one that says most. */
export function stateOfRow(row: Row): State {
  const states = setsIn(row).map(set => stateOf(ofSet(row, set)));
  if (states.includes('registered')) return 'registered';
  return states.includes('unregistered') ? 'unregistered' : 'not registered';
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
  const { restoration, ...rest } = registration;
  const kept = restoration?.filter(({ impi }) => !gone.includes(impi)) ?? [];
  const restored = kept.length === 0 ? {} : { restoration: kept };
  if (impis.length > 0) return { ...rest, impis, pending, ...restored };
  if (keepServerName) return { ...rest, impis, pending, unregistered: true };
  const server = pending.length > 0 ? registration.server : undefined;
  return { ...NOT_REGISTERED, pending, server };
}

export class Registrations {
  readonly #store: Store;
  readonly #cache: Cache<Row>;

  constructor(store: Store, cached: number) {
    this.#store = store;
    this.#cache = new Cache(cached);
  }

  /** `key` is an IMSI, or what `psiKey` gives. */
  async get(key: string): Promise<Row> {
    const cached = this.#cache.get(key);
    if (cached !== undefined) return cached;
    const read = this.#cache.read(key, async () => {
      const json = await this.#store.get('registration', key);
      return json === undefined ? NOT_REGISTERED : fromJson(json);
    });
    return (await read) ?? NOT_REGISTERED;
  }

  /** Makes it durable, with `others` in one commit, and only then true. */
  async set(key: string, registration: Row, others: readonly Write[] = []): Promise<void> {
    await this.#store.commit([this.write(key, registration), ...others]);
    this.committed(key, registration);
  }

  write(key: string, registration: Row): Write {
    return { table: 'registration', key, value: toJson(registration) };
  }

  committed(key: string, registration: Row): void {
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
function toJson(row: Row): Json | undefined {
  const { server, holder, reassign, others } = row;
  if (server === undefined && isEmpty(row) && others === undefined) return undefined;
  const named = Object.entries(others ?? {}).map(([set, state]) => [set, stateJson(state)]);
  return {
    ...(server === undefined ? {} : { server }),
    ...(holder === undefined ? {} : { holder: { ...holder } }),
    ...stateJson(row),
    ...(reassign ? { reassign } : {}),
    ...(named.length === 0 ? {} : { others: Object.fromEntries(named) as Json }),
  };
}

function stateJson({ impis, pending, unregistered, restoration }: SetState) {
  return {
    ...(impis.length === 0 ? {} : { impis }),
    ...(pending.length === 0 ? {} : { pending }),
    ...(unregistered ? { unregistered } : {}),
    ...(restoration === undefined ? {} : { restoration: restoration as unknown as Json }),
  };
}

function fromJson(json: Json): Row {
  const { others, ...row } = json as Partial<Row>;
  const named = Object.entries(others ?? {}).map(([set, state]) => [set, { ...EMPTY, ...state }]);
  return {
    ...NOT_REGISTERED,
    ...row,
    ...(named.length === 0
      ? {}
      : { others: Object.fromEntries(named) as Record<string, SetState> }),
  };
}
