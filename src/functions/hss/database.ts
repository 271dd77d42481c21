// The subscriber records and the indexes that lead to them, on the host's store. A record and its
// index entries are committed together, so that no crash leaves one without the other.

import { type Domain, type HeSequence, sqnFrom, startingAt } from '#aka/sequence';
import type { Json, Store, Write } from '#kernel/host';
import { closest, type Wildcard, wildcardOf } from '#sip/wildcarded';
import { Cache } from './cache.ts';
import { type Card, type Identities, identitiesOf, type Login, loginsOf } from './identities.ts';
import { DERIVED } from './identity-text.ts';
import { type FieldName, type Problem, RecordError, type Subscriber } from './subscriber.ts';

// Tables: subscriber (imsi → record), authentication (imsi → where its SQN stands), and from each
// identity to its imsi: impi, impu, msisdn, and wildcard of those impus that are wildcarded. `about`
// holds what concerns the database as a whole.
const INDEXES = ['impi', 'impu', 'msisdn', 'wildcard'] as const;
type Index = (typeof INDEXES)[number];

/** A record with its identities. */
export interface Entry {
  readonly subscriber: Subscriber;
  readonly identities: Identities;
}

export interface DatabaseOptions {
  readonly home: string;
  /** Records, sequences and index entries kept in memory, each. */
  readonly cached: number;
}

/** Where an index entry comes from, to say which field collides. */
interface Key {
  readonly index: Index;
  readonly key: string;
  readonly field: FieldName;
}

export class Database {
  readonly #store: Store;
  readonly #home: string;
  readonly #entries: Cache<Entry>;
  readonly #sequences: Cache<HeSequence>;
  readonly #index: Cache<string>;
  /** Few, and all in memory: who stands behind them is asked of every identity nobody has. */
  readonly #wildcards = new Map<string, Wildcard & { readonly imsi: string }>();

  constructor(store: Store, options: DatabaseOptions) {
    this.#store = store;
    this.#home = options.home;
    this.#entries = new Cache(options.cached);
    this.#sequences = new Cache(options.cached);
    this.#index = new Cache(options.cached * 4);
  }

  entryOf(subscriber: Subscriber): Entry {
    return { subscriber, identities: identitiesOf(subscriber, this.#home) };
  }

  get(imsi: string): Promise<Entry | undefined> {
    return this.#entries.read(imsi, async () => {
      const json = await this.#store.get('subscriber', imsi);
      return json === undefined ? undefined : this.entryOf(fromJson(json));
    });
  }

  /** What proves the record's private identities. */
  loginsOf({ subscriber }: Entry): readonly Login[] {
    return loginsOf(subscriber, this.#home);
  }

  /** The IMSI a canonical IMPU leads to: his who has it, else his whose wildcard matches it. */
  async owner(
    impu: string,
  ): Promise<{ readonly imsi: string; readonly wildcard?: string } | undefined> {
    const imsi = await this.find('impu', impu);
    if (imsi !== undefined || this.#wildcards.size === 0)
      return imsi === undefined ? undefined : { imsi };
    const wildcard = closest(this.#wildcards.values(), impu);
    return wildcard === undefined ? undefined : { imsi: wildcard.imsi, wildcard: wildcard.text };
  }

  /** The IMSI that an IMPI, a canonical IMPU or an MSISDN leads to. */
  find(index: Index, key: string): Promise<string | undefined> {
    return this.#index.read(`${index} ${key}`, async () => {
      const imsi = await this.#store.get(index, key);
      return typeof imsi === 'string' ? imsi : undefined;
    });
  }

  /** Records in the order of their IMSI, after `after`. */
  async list(options: { after?: string; limit: number }): Promise<readonly Entry[]> {
    const rows = await this.#store.scan('subscriber', options);
    return rows.map(([, json]) => this.entryOf(fromJson(json)));
  }

  async count(): Promise<number> {
    const count = await this.#store.get('about', 'subscribers');
    return typeof count === 'number' ? count : 0;
  }

  /** Where a card's SQN stands. */
  async sequence(card: Pick<Card, 'key' | 'sqn'>): Promise<HeSequence> {
    const sequence = await this.#sequences.read(card.key, async () => {
      const json = await this.#store.get('authentication', card.key);
      return json === undefined
        ? startingAt(sqnFrom(Buffer.from(card.sqn, 'hex')))
        : sequenceFrom(json);
    });
    return sequence!;
  }

  /** `key`: the card's. */
  sequenceWrite(key: string, sequence: HeSequence): Write {
    return { table: 'authentication', key, value: sequenceJson(sequence) };
  }

  /** To be called once the write is durable. */
  sequenceCommitted(key: string, sequence: HeSequence): void {
    this.#sequences.put(key, sequence);
  }

  /** What collides with a record of another IMSI: nothing if it may be stored. */
  async conflicts(entry: Entry): Promise<readonly Problem[]> {
    const { imsi } = entry.subscriber;
    const problems: Problem[] = [];
    for (const { index, key, field } of keysOf(entry)) {
      const owner = await this.find(index, key);
      if (owner === undefined || owner === imsi) continue;
      if (problems.some(problem => problem.field === field)) continue;
      problems.push({
        field,
        message: `${key} belongs to the subscriber ${owner} already`,
        taken: true,
      });
    }
    return problems;
  }

  /**
   * The writes that put `entry` in the place of `before`; to be followed by `committed`. With
   * `newCard` the sequence starts where the record says; so does that of another card of his that is new.
   */
  writes(entry: Entry | undefined, before: Entry | undefined, newCard: boolean): Write[] {
    const imsi = (entry ?? before)!.subscriber.imsi;
    const value = entry === undefined ? undefined : (entry.subscriber as unknown as Json);
    const writes: Write[] = [{ table: 'subscriber', key: imsi, value }];
    const kept = new Set(entry === undefined ? [] : keysOf(entry).map(nameOf));
    for (const key of before === undefined ? [] : keysOf(before)) {
      if (!kept.has(nameOf(key))) writes.push({ table: key.index, key: key.key, value: undefined });
    }
    for (const key of entry === undefined ? [] : keysOf(entry)) {
      writes.push({ table: key.index, key: key.key, value: imsi });
    }
    if (newCard) writes.push({ table: 'authentication', key: imsi, value: undefined });
    for (const key of this.#otherCards(entry, before)) {
      writes.push({ table: 'authentication', key, value: undefined });
    }
    return writes;
  }

  countWrite(count: number): Write {
    return { table: 'about', key: 'subscribers', value: count };
  }

  /** Brings what is in memory up to what was just made durable. */
  committed(entry: Entry | undefined, before: Entry | undefined, newCard: boolean): void {
    const imsi = (entry ?? before)!.subscriber.imsi;
    for (const key of before === undefined ? [] : keysOf(before)) {
      this.#index.drop(nameOf(key));
      if (key.index === 'wildcard') this.#wildcards.delete(key.key);
    }
    for (const key of entry === undefined ? [] : keysOf(entry)) {
      this.#index.put(nameOf(key), imsi);
      if (key.index === 'wildcard') this.#keepWildcard(key.key, imsi);
    }
    for (const key of this.#otherCards(entry, before)) this.#sequences.drop(key);
    if (entry === undefined) this.#entries.drop(imsi);
    else this.#entries.put(imsi, entry);
    if (newCard) this.#sequences.drop(imsi);
  }

  /** Sequence keys of cards beside the record's own that are not what they were. */
  #otherCards(entry: Entry | undefined, before: Entry | undefined): readonly string[] {
    const otherOf = (one: Entry | undefined): readonly Card[] =>
      one?.subscriber.impis === undefined
        ? []
        : this.loginsOf(one).flatMap(({ card }) =>
            card === undefined || card.key === one.subscriber.imsi ? [] : [card],
          );
    const kept = new Map(otherOf(entry).map(card => [card.key, card]));
    return otherOf(before)
      .filter(card => !isSameCard(card, kept.get(card.key)))
      .map(({ key }) => key);
  }

  #keepWildcard(text: string, imsi: string): void {
    const wildcard = wildcardOf(text);
    if (wildcard !== undefined) this.#wildcards.set(text, { ...wildcard, imsi });
  }

  /**
   * Makes the indexes anew where the home domain is another than they were made for. Gives the
   * number of records that were gone through.
   */
  async reindex(): Promise<number> {
    for (const [text, imsi] of await this.#store.scan('wildcard')) {
      this.#keepWildcard(text, String(imsi));
    }
    const made = await this.#store.get('about', 'home');
    if (made === this.#home) return 0;
    const writes: Write[] = [{ table: 'about', key: 'home', value: this.#home }];
    let records = 0;
    if (made !== undefined) {
      for (const index of INDEXES) {
        for (const [key] of await this.#store.scan(index)) {
          writes.push({ table: index, key, value: undefined });
        }
      }
      for (const entry of await this.list({ limit: Number.MAX_SAFE_INTEGER })) {
        writes.push(...this.writes(entry, undefined, false));
        records++;
      }
    }
    await this.#store.commit(writes);
    return records;
  }
}

const nameOf = (key: Key): string => `${key.index} ${key.key}`;

/** Every index entry of a record, with the field it comes from. */
function keysOf(entry: Entry): readonly Key[] {
  const { imsi, msisdn, name, impi, impus, impis } = entry.subscriber;
  const keys: Key[] = [];
  for (const identity of entry.identities.impis) {
    const derived = identity.impi.startsWith(imsi) ? 'imsi' : 'name';
    const isOther = impis?.some(text => text.startsWith(`${identity.impi};`)) ?? false;
    const field = isOther ? 'impis' : impi === undefined ? derived : 'impi';
    keys.push({ index: 'impi', key: identity.impi, field });
  }
  for (const { impu, wildcarded } of entry.identities.impus) {
    const derived = impu.startsWith(`sip:${imsi}@`)
      ? 'imsi'
      : name !== undefined && impu.startsWith(`sip:${name}@`)
        ? 'name'
        : 'msisdn';
    const isOwn = impus !== undefined && !(impus.includes(DERIVED) && isDerived(impu, impus));
    keys.push({ index: 'impu', key: impu, field: isOwn ? 'impus' : derived });
    if (wildcarded) keys.push({ index: 'wildcard', key: impu, field: 'impus' });
  }
  if (msisdn !== undefined) keys.push({ index: 'msisdn', key: msisdn, field: 'msisdn' });
  return keys;
}

const isDerived = (impu: string, impus: readonly string[]): boolean =>
  !impus.some(text => text === impu || text.startsWith(`${impu};`));

export const isSameCard = (a: Card | undefined, b: Card | undefined): boolean =>
  a?.k === b?.k && a?.opc === b?.opc && a?.algorithm === b?.algorithm;

/** Every key of a record as text, and its field: to find doubles within one file. */
export const uniqueKeys = (entry: Entry): readonly (readonly [key: string, field: FieldName])[] => [
  [`imsi ${entry.subscriber.imsi}`, 'imsi'],
  ...keysOf(entry).map(key => [nameOf(key), key.field] as const),
];

const sequenceJson = (sequence: HeSequence): Json => ({
  seq: sequence.seq,
  requesters: sequence.requesters.map(({ domain, name, ind }) => [domain, name, ind]),
});

function sequenceFrom(json: Json): HeSequence {
  const { seq, requesters } = json as { seq: number; requesters: [Domain, string, number][] };
  return { seq, requesters: requesters.map(([domain, name, ind]) => ({ domain, name, ind })) };
}

/** What `undefined` was when it was stored is undefined again. */
function fromJson(json: Json): Subscriber {
  return { ...EMPTY, ...(json as object) } as Subscriber;
}

const EMPTY = {
  msisdn: undefined,
  name: undefined,
  k: undefined,
  opc: undefined,
  op: undefined,
  password: undefined,
  impi: undefined,
  impus: undefined,
  digest: undefined,
  suspended: false,
  algorithm: 'milenage',
  impis: undefined,
  profile: undefined,
  capabilities: undefined,
};

/** Throws the record's conflicts, if any. */
export function refuse(problems: readonly Problem[]): void {
  if (problems.length > 0) throw new RecordError(problems);
}
