// Recently used values of a table whose writer we alone are. What is durable may be forgotten here at
// any time; what is here is always what is durable.

export class Cache<V> {
  readonly #bound: number;
  readonly #values = new Map<string, V>();
  /** Values being fetched; a write takes its key out, so that what was read before it is not kept. */
  readonly #reads = new Map<string, Promise<V | undefined>>();

  /** Keeps at most `bound` values and drops those unused for longest. */
  constructor(bound: number) {
    this.#bound = bound;
  }

  get size(): number {
    return this.#values.size;
  }

  get(key: string): V | undefined {
    const value = this.#values.get(key);
    if (value === undefined) return undefined;
    this.#values.delete(key);
    this.#values.set(key, value);
    return value;
  }

  /** The value, fetched where it is not here; several who ask at once share one fetch. */
  read(key: string, fetch: () => Promise<V | undefined>): Promise<V | undefined> {
    const value = this.get(key);
    if (value !== undefined) return Promise.resolve(value);
    const underWay = this.#reads.get(key);
    if (underWay !== undefined) return underWay;
    const read = fetch().then(
      fetched => {
        if (this.#reads.get(key) === read) {
          this.#reads.delete(key);
          if (fetched !== undefined) this.#keep(key, fetched);
        }
        return fetched;
      },
      error => {
        if (this.#reads.get(key) === read) this.#reads.delete(key);
        throw error;
      },
    );
    this.#reads.set(key, read);
    return read;
  }

  /** What has just been made durable. */
  put(key: string, value: V): void {
    this.#reads.delete(key);
    this.#keep(key, value);
  }

  drop(key: string): void {
    this.#reads.delete(key);
    this.#values.delete(key);
  }

  #keep(key: string, value: V): void {
    this.#values.delete(key);
    this.#values.set(key, value);
    if (this.#values.size <= this.#bound) return;
    const [oldest] = this.#values.keys();
    this.#values.delete(oldest!);
  }
}
