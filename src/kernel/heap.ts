// A binary heap of what happens at a time, earliest first, and in the order asked for among equals.

export interface Timed {
  readonly time: number;
  /** Breaks ties; no two entries of one heap share it. */
  readonly sequence: number;
}

const earlier = (a: Timed, b: Timed): boolean =>
  a.time < b.time || (a.time === b.time && a.sequence < b.sequence);

export class Heap<T extends Timed> {
  readonly #entries: T[] = [];

  get size(): number {
    return this.#entries.length;
  }

  /** The earliest entry, left where it is. */
  get top(): T | undefined {
    return this.#entries[0];
  }

  push(entry: T): void {
    const entries = this.#entries;
    let at = entries.length;
    entries.push(entry);
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      const above = entries[parent]!;
      if (!earlier(entry, above)) break;
      entries[at] = above;
      at = parent;
    }
    entries[at] = entry;
  }

  pop(): T | undefined {
    const entries = this.#entries;
    const first = entries[0];
    const last = entries.pop();
    if (last === undefined || entries.length === 0) return first;
    const size = entries.length;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && earlier(entries[child + 1]!, entries[child]!)) child++;
      if (!earlier(entries[child]!, last)) break;
      entries[at] = entries[child]!;
      at = child;
    }
    entries[at] = last;
    return first;
  }
}
