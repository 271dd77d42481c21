// Who is registered over which flow: what the P-CSCF remembers of each successful REGISTER
// (TS 24.229 §5.2.2), in memory for speed and in the store to outlive the process.

import type { Json, Store, Write } from '#kernel/host';
import type { Instant } from '#kernel/time';

export interface Binding {
  readonly impi: string;
  /** Contact URI as the UE gave it. */
  readonly contact: string;
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

export class Bindings {
  readonly #store: Store;
  readonly #byKey = new Map<string, Binding>();
  readonly #byFlow = new Map<string, Set<Binding>>();
  /** Flow and public identity: thousands may share the flow of a gateway or a load generator. */
  readonly #byFlowAndImpu = new Map<string, Binding>();

  constructor(store: Store) {
    this.#store = store;
  }

  get size(): number {
    return this.#byKey.size;
  }

  /** Reads what a former process stored. */
  async restore(): Promise<void> {
    for (const [, value] of await this.#store.scan(TABLE)) this.#add(value as unknown as Binding);
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
    const bound = this.#byFlow.get(flow);
    if (bound?.size !== 1) return undefined;
    const [only] = bound;
    return only !== undefined && only.expires > now ? only : undefined;
  }

  /** Whether anybody is registered over the flow. */
  known(flow: string): boolean {
    return this.#byFlow.has(flow);
  }

  find(impi: string, contact: string): Binding | undefined {
    return this.#byKey.get(keyOf({ impi, contact }));
  }

  ofImpi(impi: string): readonly Binding[] {
    return [...this.#byKey.values()].filter(binding => binding.impi === impi);
  }

  ofImpu(impu: string): readonly Binding[] {
    return [...this.#byKey.values()].filter(binding => binding.impus.includes(impu));
  }

  /** Resolves once it would survive the process. */
  put(binding: Binding): Promise<void> {
    this.#forget(keyOf(binding));
    this.#add(binding);
    return this.#store.commit([
      { table: TABLE, key: keyOf(binding), value: binding as unknown as Json },
    ]);
  }

  remove(binding: Pick<Binding, 'impi' | 'contact'>): Promise<void> {
    const key = keyOf(binding);
    if (!this.#forget(key)) return Promise.resolve();
    return this.#store.commit([{ table: TABLE, key, value: undefined }]);
  }

  /** Forgets what has lapsed. */
  sweep(now: Instant): Promise<void> {
    const lapsed: Write[] = [];
    for (const [key, binding] of this.#byKey) {
      if (binding.expires > now) continue;
      this.#forget(key);
      lapsed.push({ table: TABLE, key, value: undefined });
    }
    return lapsed.length === 0 ? Promise.resolve() : this.#store.commit(lapsed);
  }

  all(): Iterable<Binding> {
    return this.#byKey.values();
  }

  #add(binding: Binding): void {
    this.#byKey.set(keyOf(binding), binding);
    const { flow } = binding;
    const bound = this.#byFlow.get(flow);
    if (bound === undefined) this.#byFlow.set(flow, new Set([binding]));
    else bound.add(binding);
    for (const impu of binding.impus) this.#byFlowAndImpu.set(`${flow} ${impu}`, binding);
  }

  #forget(key: string): boolean {
    const binding = this.#byKey.get(key);
    if (binding === undefined) return false;
    this.#byKey.delete(key);
    const { flow } = binding;
    const bound = this.#byFlow.get(flow);
    bound?.delete(binding);
    if (bound?.size === 0) this.#byFlow.delete(flow);
    for (const impu of binding.impus) {
      const held = `${flow} ${impu}`;
      if (this.#byFlowAndImpu.get(held) === binding) this.#byFlowAndImpu.delete(held);
    }
    return true;
  }
}

const keyOf = ({ impi, contact }: Pick<Binding, 'impi' | 'contact'>): string =>
  `${impi} ${contact}`;
