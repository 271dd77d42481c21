// Recently used values of a table whose writer we alone are. What is durable may be forgotten here at
// any time; what is here is always what is durable.

export class Cache<V> {
  readonly #half: number;
  // Two generations: what is used moves to the young one, and when that is full the old one goes as a
  // whole. A map that loses its oldest entry with every new one is slow to find the next oldest.
  #young = new Map<string, V>();
  #old = new Map<string, V>();
  /** Values being fetched; a write takes its key out, so that what was read before it is not kept. */
  readonly #reads = new Map<string, Promise<V | undefined>>();

  /** Keeps at most `bound` values, among them always the half used last. */
  constructor(bound: number) {
    this.#half = Math.max(1, Math.floor(bound / 2));
  }

  get(key: string): V | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.#keep(key, old);
    return old;
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
    this.#young.delete(key);
    this.#old.delete(key);
  }

  #keep(key: string, value: V): void {
    this.#old.delete(key);
    this.#young.set(key, value);
    if (this.#young.size < this.#half) return;
    this.#old = this.#young;
    this.#young = new Map();
  }
}
