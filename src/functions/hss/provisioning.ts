// Adding, changing and removing records while the network runs. Records change one at a time, so that
// two never claim one identity; a subscription's own procedures take turns with its changes; what
// S-CSCFs must know goes out once the change is durable.

import { assert } from '#kernel/errors';
import { Queue } from '#kernel/wait';
import type { HssParts } from './cx.ts';
import { type Entry, refuse } from './database.ts';
import { type Effects, effectsOf } from './effects.ts';
import type { Pushed, Reason } from './pushes.ts';
import { type Holder, NOT_REGISTERED, type Registration, without } from './registrations.ts';
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
    const service = entry.identities.impus.find(({ impu }) => this.#hss.psis.has(impu));
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
   * Ends registrations by the operator's will: of these IMPIs, or all. undefined when none of them
   * is registered, nor is a profile kept for them.
   */
  async deregister(
    key: string,
    reason: Reason,
    which?: readonly string[],
  ): Promise<readonly Pushed[] | undefined> {
    const { queue, registrations } = this.#hss;
    const ended = await queue.run(key, async () => {
      const registration = await registrations.get(key);
      const { holder } = registration;
      const impis = registration.impis.filter(impi => which?.includes(impi) ?? true);
      const wasKept = registration.impis.length === 0 && registration.unregistered;
      if (holder === undefined || (impis.length === 0 && !wasKept)) return undefined;
      await registrations.set(key, without(registration, impis, false));
      return { holder, impis, wasKept };
    });
    if (ended === undefined) return undefined;
    const { holder, wasKept } = ended;
    const impis = wasKept ? await this.#anyImpi(key) : ended.impis;
    const code = wasKept ? 'REMOVE_S_CSCF' : reason.code;
    const terminations = [{ impis, reason: { ...reason, code } }];
    return this.#push(key, { terminations, updates: [] }, holder);
  }

  async #anyImpi(key: string): Promise<readonly string[]> {
    const psi = [...this.#hss.psis.values()].find(({ identity }) => key.endsWith(` ${identity}`));
    if (psi !== undefined) return [psi.impi];
    const entry = await this.#hss.database.get(key);
    return entry === undefined ? [] : entry.identities.impis.slice(0, 1).map(({ impi }) => impi);
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
      const after = afterwards(registration, entry, newCard, effects);
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
    for (const { impis, reason } of ended) {
      told.push(await this.#terminate(key, holder, impis, reason));
    }
    const entry = await database.get(key);
    const registration = await registrations.get(key);
    if (!profile || entry === undefined || registration.holder?.host !== holder.host) return told;
    const impi = registration.impis[0] ?? entry.identities.impis[0]?.impi;
    if (impi === undefined) return told;
    const userData = profiles.userData(entry, impi);
    told.push(await pushes.update(holder, impi, { userData }, 'it changed while you were away'));
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
      ...terminations.map(({ impis, reason }) => this.#terminate(imsi, holder, impis, reason)),
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
    impis: readonly string[],
    reason: Reason,
  ): Promise<Pushed> {
    const pushed = await this.#hss.pushes.terminate(holder, impis, reason);
    // An SAR that crossed our RTR spoke of what the S-CSCF has dropped since.
    if (pushed.outcome === 'done') await this.#forget(key, holder, impis);
    return pushed;
  }

  /** The S-CSCF does not hold these: neither do we. */
  async #forget(key: string, holder: Holder, impis: readonly string[]): Promise<void> {
    const { queue, registrations } = this.#hss;
    await queue.run(key, async () => {
      const registration = await registrations.get(key);
      const isThere = registration.impis.some(impi => impis.includes(impi));
      if (!isThere || registration.holder?.host !== holder.host) return;
      await registrations.set(key, without(registration, impis, false));
    });
  }
}

/** Where the subscription stands once the change is made and the terminated IMPIs are gone. */
function afterwards(
  registration: Registration,
  entry: Entry | undefined,
  newCard: boolean,
  effects: Effects,
): Registration {
  if (entry === undefined) return NOT_REGISTERED;
  const gone = effects.terminations.flatMap(({ impis }) => impis);
  const known = entry.identities.impis.map(({ impi }) => impi);
  const valid = (impi: string): boolean => known.includes(impi);
  // Vectors of another card prove nothing any more.
  const pending = newCard ? [] : registration.pending.filter(valid);
  if (gone.length === 0 && pending.length === registration.pending.length) return registration;
  if (registration.impis.length === 0 && gone.length === 0) return { ...registration, pending };
  return without({ ...registration, pending }, gone, false);
}
