// Who is registered over which flow: what the P-CSCF remembers of each successful REGISTER
// (TS 24.229 §5.2.2), in memory for speed and in the store to outlive the process.

import { createHash } from 'node:crypto';
import type { Json, Store, Write } from '#kernel/host';
import { eachEntry } from '#kernel/stored';
import type { Instant } from '#kernel/time';

export interface Binding {
  readonly impi: string;
  /** Contact URI as the UE gave it. */
  readonly contact: string;
  /** Of several flows to one contact, which (RFC 5626 §4.2). */
  readonly regId?: string;
  /** Id of the flow its REGISTER came by. */
  readonly flow: string;
  /** P-Associated-URI in order: the first is the default identity. Header values as received. */
  readonly associated: readonly string[];
  /** The same as canonical public identities. */
  readonly impus: readonly string[];
  /** Service-Route values in order, as received (RFC 3608). */
  readonly serviceRoute: readonly string[];
  readonly expires: Instant;
}

const TABLE = 'binding';

/**
 * A subscriber's name in flow tokens: short, and nobody's identity to whoever reads it. Two with one
 * name would need 2^24 subscribers to be expected, and could then use each other's dialogs if they
 * knew them.
 */
export const userTag = (impi: string): string =>
  createHash('sha256').update(impi, 'latin1').digest().subarray(0, 6).toString('base64url');

export class Bindings {
  readonly #store: Store;
  /** By user tag. Whose REGISTERs are refused at the bound is not in it, so it is bounded too. */
  readonly #byUser = new Map<string, readonly Binding[]>();
  readonly #byFlow = new Map<string, Set<Binding>>();
  /** Flow and public identity: thousands may share the flow of a gateway or a load generator. */
  readonly #byFlowAndImpu = new Map<string, Binding>();
  #size = 0;
  #sweeping: Iterator<readonly Binding[]> | undefined;

  constructor(store: Store) {
    this.#store = store;
  }

  get size(): number {
    return this.#size;
  }

  /**
   * Reads what a former process stored. Connections died with it, and what spoke over them will
   * register anew; datagram flows are as good as before (RFC 5626 §5.1).
   */
  async restore(now: Instant): Promise<void> {
    const gone: Write[] = [];
    await eachEntry(this.#store, TABLE, (key, value) => {
      const binding = value as unknown as Binding;
      if (binding.expires > now && binding.flow.startsWith('udp|')) this.#add(binding);
      else gone.push({ table: TABLE, key, value: undefined });
    });
    if (gone.length > 0) await this.#store.commit(gone);
  }

  /**
   * Who speaks over this flow: the binding that holds the first of the `claimed` identities that
   * any holds, or the only one there is. Undefined where nobody is registered, or the choice would
   * be a guess.
   */
  speaker(flow: string, claimed: readonly string[], now: Instant): Binding | undefined {
    for (const impu of claimed) {
      const binding = this.#byFlowAndImpu.get(`${flow} ${impu}`);
      if (binding !== undefined && binding.expires > now) return binding;
    }
    let only: Binding | undefined;
    for (const binding of this.#byFlow.get(flow) ?? []) {
      if (binding.expires <= now) continue;
      if (only !== undefined && only.impi !== binding.impi) return undefined;
      only = binding;
    }
    return only;
  }

  /** Whether anybody is registered over the flow. */
  known(flow: string, now: Instant): boolean {
    for (const binding of this.#byFlow.get(flow) ?? []) if (binding.expires > now) return true;
    return false;
  }

  ofUser(tag: string, now: Instant): readonly Binding[] {
    return (this.#byUser.get(tag) ?? []).filter(binding => binding.expires > now);
  }

  ofImpi(impi: string): readonly Binding[] {
    return (this.#byUser.get(userTag(impi)) ?? []).filter(binding => binding.impi === impi);
  }

  /** Resolves once it would survive the process. A store that fails leaves what was before. */
  async put(binding: Binding): Promise<void> {
    const before = this.#forget(binding);
    this.#add(binding);
    try {
      await this.#store.commit([
        { table: TABLE, key: keyOf(binding), value: binding as unknown as Json },
      ]);
    } catch (error) {
      if (this.#forget(binding) === binding && before !== undefined) this.#add(before);
      throw error;
    }
  }

  remove(binding: Pick<Binding, 'impi' | 'contact' | 'regId'>): Promise<void> {
    if (this.#forget(binding) === undefined) return Promise.resolve();
    return this.#store.commit([{ table: TABLE, key: keyOf(binding), value: undefined }]);
  }

  /**
   * Forgets what has lapsed among the next `most` subscribers: a million are no pause. Resolves to
   * whether everybody has been looked at.
   */
  async sweep(now: Instant, most: number): Promise<boolean> {
    const lapsed: Write[] = [];
    this.#sweeping ??= this.#byUser.values();
    let next = this.#sweeping.next();
    for (let looked = 0; !next.done; next = this.#sweeping.next()) {
      for (const binding of next.value) {
        if (binding.expires > now) continue;
        this.#forget(binding);
        lapsed.push({ table: TABLE, key: keyOf(binding), value: undefined });
      }
      if (++looked === most) break;
    }
    if (next.done) this.#sweeping = undefined;
    if (lapsed.length > 0) await this.#store.commit(lapsed);
    return this.#sweeping === undefined;
  }

  *all(): Iterable<Binding> {
    for (const bindings of this.#byUser.values()) yield* bindings;
  }

  #add(binding: Binding): void {
    const user = userTag(binding.impi);
    this.#byUser.set(user, [...(this.#byUser.get(user) ?? []), binding]);
    this.#size++;
    const { flow } = binding;
    const bound = this.#byFlow.get(flow);
    if (bound === undefined) this.#byFlow.set(flow, new Set([binding]));
    else bound.add(binding);
    for (const impu of binding.impus) this.#byFlowAndImpu.set(`${flow} ${impu}`, binding);
  }

  #forget(which: Pick<Binding, 'impi' | 'contact' | 'regId'>): Binding | undefined {
    const user = userTag(which.impi);
    const held = this.#byUser.get(user) ?? [];
    const binding = held.find(each => keyOf(each) === keyOf(which));
    if (binding === undefined) return undefined;
    if (held.length === 1) this.#byUser.delete(user);
    else
      this.#byUser.set(
        user,
        held.filter(each => each !== binding),
      );
    this.#size--;
    const { flow } = binding;
    const bound = this.#byFlow.get(flow);
    bound?.delete(binding);
    if (bound?.size === 0) this.#byFlow.delete(flow);
    for (const impu of binding.impus) this.#release(`${flow} ${impu}`, binding, impu, bound);
    return binding;
  }

  /** Another binding of the same flow may hold the same identity: a second contact of one user. */
  #release(key: string, binding: Binding, impu: string, bound: ReadonlySet<Binding> | undefined) {
    if (this.#byFlowAndImpu.get(key) !== binding) return;
    this.#byFlowAndImpu.delete(key);
    if (bound === undefined || bound.size > MOST_LOOKED_AT) return;
    for (const other of bound) if (other.impus.includes(impu)) this.#byFlowAndImpu.set(key, other);
  }
}

/** On a flow that thousands share, nobody is looked for one by one. */
const MOST_LOOKED_AT = 32;

const keyOf = ({ impi, contact, regId }: Pick<Binding, 'impi' | 'contact' | 'regId'>): string =>
  regId === undefined ? `${impi} ${contact}` : `${impi} ${contact} ${regId}`;
