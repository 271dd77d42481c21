// Adding, changing and removing records while the network runs. Records change one at a time, so that
// two never claim one identity; a subscription's own procedures take turns with its changes; what
// S-CSCFs must know goes out once the change is durable.

import { assert } from '#kernel/errors';
import { Queue } from '#kernel/wait';
import type { HssParts } from './cx.ts';
import { type Database, type Entry, isSameCard, refuse } from './database.ts';
import { type Effects, effectsOf, type Termination } from './effects.ts';
import { impisOf, impusOf } from './identities.ts';
import type { Pushed, Reason } from './pushes.ts';
import {
  type Holder,
  intoRow,
  NOT_REGISTERED,
  ofSet,
  type Row,
  setsIn,
  without,
} from './registrations.ts';
import {
  changed,
  isNewCard,
  type Problem,
  type SubscriberInput,
  subscriberFrom,
} from './subscriber.ts';
import type { Owed } from './undelivered.ts';

export type Changes = Omit<SubscriberInput, 'imsi'> & { readonly imsi?: string };

/** A change that is durable, and what S-CSCFs said of it. */
export interface Changed {
  readonly entry: Entry;
  readonly pushed: readonly Pushed[];
}

export class Provisioning {
  readonly #hss: HssParts;
  #changes = 0;
  readonly #turns = new Queue({ perKey: 1000, total: 1000 });

  constructor(hss: HssParts) {
    this.#hss = hss;
  }

  /** Throws a RecordError naming what is wrong or what collides. */
  async add(input: SubscriberInput): Promise<Entry> {
    const entry = this.read(input);
    await this.addAll([entry]);
    return entry;
  }

  /** The record that `input` means, not stored. Throws a RecordError. */
  read(input: SubscriberInput): Entry {
    const { database, config } = this.#hss;
    return database.entryOf(subscriberFrom(input, config));
  }

  /** Counts what was added, changed and removed since the start. */
  get changes(): number {
    return this.#changes;
  }

  /**
   * All or none; none of them is stored yet. Throws a RecordError on the first that collides. Whoever
   * knows that they do not, as of `changes`, spares the look.
   */
  async addAll(entries: readonly Entry[], checkedAt?: number): Promise<void> {
    const { database, host } = this.#hss;
    await this.#inTurn(async () => {
      if (checkedAt !== this.#changes) {
        for (const entry of entries) refuse(await this.conflictsOfNew(entry));
      }
      const writes = entries.flatMap(entry => database.writes(entry, undefined, true));
      writes.push(database.countWrite((await database.count()) + entries.length));
      await host.store.commit(writes);
      for (const entry of entries) database.committed(entry, undefined, true);
      this.#changes++;
    });
  }

  async conflictsOfNew(entry: Entry): Promise<readonly Problem[]> {
    const { imsi } = entry.subscriber;
    if ((await this.#hss.database.get(imsi)) !== undefined) {
      return [{ field: 'imsi', message: `${imsi} is a subscriber already`, taken: true }];
    }
    return this.conflicts(entry);
  }

  /** Identities that are another subscriber's, or a service's. */
  async conflicts(entry: Entry): Promise<readonly Problem[]> {
    const service = entry.identities.impus.find(
      ({ impu }) => this.#hss.psis.exactly(impu) !== undefined,
    );
    if (service === undefined) return this.#hss.database.conflicts(entry);
    const field = entry.subscriber.impus === undefined ? 'name' : 'impus';
    return [{ field, message: `${service.impu} is a service of the network` }];
  }

  /** undefined when there is no such record. Throws a RecordError. */
  async change(imsi: string, changes: Changes): Promise<Changed | undefined> {
    const { database, config } = this.#hss;
    const done = await this.#inTurn(() =>
      this.#replace(imsi, async before => {
        const entry = database.entryOf(changed(before.subscriber, changes, config));
        refuse(await this.conflicts(entry));
        const newCard =
          isNewCard(entry.subscriber, before.subscriber) ||
          (changes.sqn ?? undefined) !== undefined;
        return { entry, newCard };
      }),
    );
    if (done === undefined) return undefined;
    assert(done.entry !== undefined, 'a change leaves a record');
    return { entry: done.entry, pushed: await this.#push(imsi, done.effects, done.holder) };
  }

  /** undefined when there is no such record. */
  async remove(imsi: string): Promise<{ readonly pushed: readonly Pushed[] } | undefined> {
    const done = await this.#inTurn(() =>
      this.#replace(imsi, async () => ({ entry: undefined, newCard: true })),
    );
    if (done === undefined) return undefined;
    return { pushed: await this.#push(imsi, done.effects, done.holder) };
  }

  /**
   * Ends registrations by the operator's will: of these IMPIs, or all; of one implicit set, or every
   * one. undefined when none of them is registered, nor is a profile kept for them.
   */
  async deregister(
    key: string,
    reason: Reason,
    which: { readonly impis?: readonly string[]; readonly set?: string } = {},
  ): Promise<readonly Pushed[] | undefined> {
    const { queue, registrations, database } = this.#hss;
    const ended = await queue.run(key, async () => {
      const row = await registrations.get(key);
      const { holder } = row;
      if (holder === undefined) return undefined;
      const entry = await database.get(key);
      const sets = setsIn(row).filter(set => which.set === undefined || set === which.set);
      const isOnly = row.others === undefined;
      let after: Row = row;
      const terminations: Termination[] = [];
      for (const set of sets) {
        const registration = ofSet(row, set);
        const impis = registration.impis.filter(impi => which.impis?.includes(impi) ?? true);
        const wasKept = registration.impis.length === 0 && registration.unregistered;
        if (impis.length === 0 && !wasKept) continue;
        after = intoRow(after, set, without(registration, impis, false));
        const impus =
          entry === undefined ? [] : impusOf(entry.identities, set).map(one => one.impu);
        terminations.push({
          impis: wasKept ? this.#anyImpi(key, entry, set) : impis,
          reason: wasKept ? { ...reason, code: 'REMOVE_S_CSCF' } : reason,
          impus,
          ...(isOnly ? {} : { set }),
        });
      }
      if (terminations.length === 0) return undefined;
      await registrations.set(key, after);
      return { holder, terminations };
    });
    if (ended === undefined) return undefined;
    const { holder, terminations } = ended;
    return this.#push(key, { terminations, updates: [] }, holder);
  }

  #anyImpi(key: string, entry: Entry | undefined, set: string): readonly string[] {
    const psi = this.#hss.psis.byKey(key);
    if (psi !== undefined) return [psi.impi];
    if (entry === undefined) return [];
    return impisOf(entry.identities, set)
      .slice(0, 1)
      .map(({ impi }) => impi);
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    return this.#turns.run('records', change);
  }

  /** Puts another record, or none, in the place of one, with all that follows in one commit. */
  async #replace(
    imsi: string,
    make: (before: Entry) => Promise<{ entry: Entry | undefined; newCard: boolean }>,
  ) {
    const { database, registrations, queue, host } = this.#hss;
    return queue.run(imsi, async () => {
      const before = await database.get(imsi);
      if (before === undefined) return undefined;
      const { entry, newCard } = await make(before);
      const registration = await registrations.get(imsi);
      const effects = effectsOf(before, entry, registration, this.#hss);
      const after = afterwards(registration, entry, effects, impi =>
        isProvenBy(database, before, entry, newCard, impi),
      );
      const writes = database.writes(entry, before, newCard);
      if (after !== registration) writes.push(registrations.write(imsi, after));
      if (entry === undefined) writes.push(database.countWrite((await database.count()) - 1));
      await host.store.commit(writes);
      database.committed(entry, before, newCard);
      this.#changes++;
      if (after !== registration) registrations.committed(imsi, after);
      return { entry, effects, holder: registration.holder };
    });
  }

  /** Tells an S-CSCF that can be reached again what it is owed. */
  async catchUp(host: string): Promise<void> {
    const { undelivered } = this.#hss;
    for (const owed of undelivered.of(host)) {
      // What was true when we began may have been settled while we told of another subscription.
      if (!undelivered.of(host).includes(owed)) continue;
      const pushed = await this.#tell(owed);
      if (pushed.some(({ outcome }) => outcome === 'undelivered')) return;
      await undelivered.done(owed);
    }
  }

  async #tell({ key, holder, ended, profile }: Owed): Promise<readonly Pushed[]> {
    const { registrations, database, profiles, pushes } = this.#hss;
    const told: Pushed[] = [];
    for (const termination of ended) told.push(await this.#terminate(key, holder, termination));
    const entry = await database.get(key);
    const row = await registrations.get(key);
    if (!profile || entry === undefined || row.holder?.host !== holder.host) return told;
    for (const set of setsIn(row)) {
      const impi = ofSet(row, set).impis[0] ?? impisOf(entry.identities, set)[0]?.impi;
      if (impi === undefined) continue;
      const userData = profiles.userData(entry, impi, set, row.holder.features);
      told.push(await pushes.update(holder, impi, { userData }, 'it changed while you were away'));
    }
    return told;
  }

  async #push(
    imsi: string,
    { terminations, updates }: Effects,
    holder: Holder | undefined,
  ): Promise<readonly Pushed[]> {
    if (holder === undefined || terminations.length + updates.length === 0) return [];
    const { pushes, undelivered } = this.#hss;
    const pushed = await Promise.all([
      ...terminations.map(termination => this.#terminate(imsi, holder, termination)),
      ...updates.map(({ impi, because, ...what }) => pushes.update(holder, impi, what, because)),
    ]);
    const isAway = pushed.map(({ outcome }) => outcome === 'undelivered');
    const ended = terminations.filter((_, at) => isAway[at]);
    const profile = updates.some((_, at) => isAway[terminations.length + at]);
    if (ended.length > 0 || profile) await undelivered.add({ key: imsi, holder, ended, profile });
    return this.#followUp(imsi, holder, pushed);
  }

  /** What the answers to PPRs ask for. TS 29.228 table 6.2.2.1.1 */
  async #followUp(
    imsi: string,
    holder: Holder,
    pushed: readonly Pushed[],
  ): Promise<readonly Pushed[]> {
    const more: Pushed[] = [];
    for (const { command, result, impis } of pushed) {
      if (command !== 'PPR') continue;
      if (result === 'DIAMETER_ERROR_TOO_MUCH_DATA') {
        const reason: Reason = { code: 'SERVER_CHANGE', info: 'the profile is too large there' };
        more.push(...((await this.deregister(imsi, reason)) ?? []));
      } else if (result === 'DIAMETER_ERROR_USER_UNKNOWN') {
        await this.#forget(imsi, holder, impis);
      }
    }
    return [...pushed, ...more];
  }

  async #terminate(
    key: string,
    holder: Holder,
    { impis, reason, set, impus }: Termination,
  ): Promise<Pushed> {
    const pushed = await this.#hss.pushes.terminate(holder, impis, reason, impus);
    // An SAR that crossed our RTR spoke of what the S-CSCF has dropped since.
    if (pushed.outcome === 'done') await this.#forget(key, holder, impis, set);
    return pushed;
  }

  /** The S-CSCF does not hold these, of one set or of every one: neither do we. */
  async #forget(key: string, holder: Holder, impis: readonly string[], of?: string): Promise<void> {
    const { queue, registrations } = this.#hss;
    await queue.run(key, async () => {
      const row = await registrations.get(key);
      if (row.holder?.host !== holder.host) return;
      let after: Row = row;
      for (const set of setsIn(row)) {
        const registration = ofSet(row, set);
        const isThere = registration.impis.some(impi => impis.includes(impi));
        if (!isThere || (of !== undefined && of !== set)) continue;
        after = intoRow(after, set, without(registration, impis, false));
      }
      if (after !== row) await registrations.set(key, after);
    });
  }
}

/** Where the subscription stands once the change is made and the terminated IMPIs are gone. */
function afterwards(
  row: Row,
  entry: Entry | undefined,
  effects: Effects,
  isProven: (impi: string) => boolean,
): Row {
  if (entry === undefined) return NOT_REGISTERED;
  let after: Row = row;
  for (const set of setsIn(row)) {
    const registration = ofSet(row, set);
    const gone = effects.terminations
      .filter(one => (one.set ?? set) === set)
      .flatMap(({ impis }) => impis);
    const known = impisOf(entry.identities, set).map(({ impi }) => impi);
    // Vectors of another card prove nothing any more.
    const pending = registration.pending.filter(impi => known.includes(impi) && isProven(impi));
    if (gone.length === 0 && pending.length === registration.pending.length) continue;
    const settled =
      registration.impis.length === 0 && gone.length === 0
        ? { ...registration, pending }
        : without({ ...registration, pending }, gone, false);
    after = intoRow(after, set, settled);
  }
  return after;
}

/** Whether what was given out to prove the IMPI still does. */
function isProvenBy(
  database: Database,
  before: Entry,
  after: Entry | undefined,
  newCard: boolean,
  impi: string,
): boolean {
  if (newCard || after === undefined) return false;
  const [was, is] = [before, after].map(entry =>
    database.loginsOf(entry).find(login => login.impi === impi),
  );
  return isSameCard(was?.card, is?.card);
}
