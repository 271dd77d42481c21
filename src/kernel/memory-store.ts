// A store that lasts as long as the process: for tests, for `store: memory`, and as the base of the
// simulation's, which delays, fails and forgets.

import { assert } from './errors.ts';
import type { Json, Store, Write } from './host.ts';

export interface ScanOptions {
  readonly prefix?: string;
  readonly after?: string;
  readonly limit?: number;
}

export class MemoryStore implements Store {
  /** Values as JSON text, so that nobody holds a reference into the store. */
  readonly #tables = new Map<string, Map<string, string>>();

  async get(table: string, key: string): Promise<Json | undefined> {
    const text = this.#tables.get(table)?.get(key);
    return text === undefined ? undefined : JSON.parse(text);
  }

  async scan(
    table: string,
    options: ScanOptions = {},
  ): Promise<readonly (readonly [string, Json])[]> {
    const { prefix = '', after, limit = Number.POSITIVE_INFINITY } = options;
    const found: [string, string][] = [];
    for (const entry of this.#tables.get(table) ?? []) {
      const [key] = entry;
      if (key.startsWith(prefix) && (after === undefined || compareKeys(key, after) > 0)) {
        found.push(entry);
      }
    }
    found.sort(([a], [b]) => compareKeys(a, b));
    return found.slice(0, limit).map(([key, text]) => [key, JSON.parse(text)] as const);
  }

  async commit(writes: readonly Write[]): Promise<void> {
    this.apply(writes.map(encodeWrite));
  }

  /** What `commit` does once the writes are taken. */
  protected apply(writes: readonly EncodedWrite[]): void {
    for (const { table, key, text } of writes) {
      const entries = this.#tables.get(table);
      if (text === undefined) entries?.delete(key);
      else if (entries === undefined) this.#tables.set(table, new Map([[key, text]]));
      else entries.set(key, text);
    }
  }
}

export interface EncodedWrite {
  readonly table: string;
  readonly key: string;
  /** The value as JSON text; undefined removes the key. */
  readonly text: string | undefined;
}

/** Checks a write and takes its value as it is now. The same rules hold in every store. */
export function encodeWrite(write: Write): EncodedWrite {
  const { table, key, value } = write;
  assert(/^[a-z][a-z0-9_-]{0,62}$/.test(table), `a table named '${table}'`);
  assert(key.isWellFormed() && !key.includes('\0'), 'a store key that is not plain text');
  return { table, key, text: value === undefined ? undefined : JSON.stringify(value) };
}

/** By code points, as a database compares UTF-8; JavaScript's own order is by UTF-16 units. */
export function compareKeys(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  for (let at = 0; at < shared; at++) {
    const x = a.charCodeAt(at);
    const y = b.charCodeAt(at);
    if (x === y) continue;
    const surrogates = Number(isSurrogate(x)) - Number(isSurrogate(y));
    return surrogates === 0 ? x - y : surrogates;
  }
  return a.length - b.length;
}

const isSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdfff;
