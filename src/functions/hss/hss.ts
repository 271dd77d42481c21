// The home subscriber server: records, authentication, registration state, Cx. TS 23.002 §4.1.1.1,
// TS 29.228. What it keeps is in the host's store; whoever runs it sees the records through it.

import { Cx } from '#diameter/cx';
import { DiameterNode, type PeerStatus } from '#diameter/node';
import { UsageError } from '#kernel/errors';
import type { Address, Host } from '#kernel/host';
import { Queue } from '#kernel/wait';
import { type HssConfig, type HssSettings, hssConfig } from './config.ts';
import { type HssParts, serveCx } from './cx.ts';
import { Database, type Entry } from './database.ts';
import { canonicalImpu, fullImpi, setsOf } from './identities.ts';
import { Profiles } from './profile.ts';
import { type Changes, Provisioning } from './provisioning.ts';
import { Psis } from './psis.ts';
import { type Pushed, Pushes, type Reason } from './pushes.ts';
import { psiKey, Registrations } from './registrations.ts';
import { RecordError, type SubscriberInput } from './subscriber.ts';
import {
  type CsvSource,
  exportCsv,
  type ImportOptions,
  type ImportReport,
  importCsv,
} from './transfer.ts';
import { Undelivered } from './undelivered.ts';
import {
  type RegistrationView,
  registrationViews,
  type SubscriberView,
  subscriberView,
} from './view.ts';

export type { HssConfig, HssSettings } from './config.ts';
export { CsvError, type LineProblem } from './csv.ts';
export type { Pushed, Reason, ReasonCode } from './pushes.ts';
export { RecordError, type SubscriberInput } from './subscriber.ts';
export {
  type CsvSource,
  type GenerateOptions,
  generateSubscribers,
  type ImportOptions,
  type ImportReport,
} from './transfer.ts';
export type { RegistrationView, SubscriberView } from './view.ts';

export interface Page {
  /** In the order of their keys, after this one. */
  readonly after?: string;
  /** At most; default 100, never above 1000. */
  readonly limit?: number;
}

/** Makes an HSS; `start` makes it reachable. */
export const hss = (settings: HssSettings, host: Host): Hss => new Hss(settings, host);

export class Hss {
  readonly config: HssConfig;
  readonly #parts: HssParts;
  readonly #provisioning: Provisioning;
  #node: DiameterNode | undefined;
  #isOpen = false;

  /** Without `start`, everything about records works and nobody is told of changes. */
  constructor(settings: HssSettings, host: Host) {
    this.config = hssConfig(settings);
    const { home, limits, psis } = this.config;
    this.#parts = {
      host,
      config: this.config,
      database: new Database(host.store, { home, cached: limits.cached }),
      registrations: new Registrations(host.store, limits.cached),
      profiles: new Profiles(this.config),
      queue: new Queue({ perKey: limits.waitingPerSubscription, total: limits.waiting }),
      pushes: new Pushes(host, this.config),
      undelivered: new Undelivered(host),
      psis: new Psis(psis),
    };
    this.#provisioning = new Provisioning(this.#parts);
  }

  /**
   * Readies the database: the indexes are those of the home domain, a new one has the subscribers
   * of the settings. `start` does so too. Throws a UsageError for a subscriber that cannot be.
   */
  async open(): Promise<void> {
    if (this.#isOpen) return;
    const { host, database } = this.#parts;
    const reindexed = await database.reindex();
    if (reindexed > 0) host.log.info('hss indexed anew', { records: reindexed });
    await this.#parts.undelivered.load();
    if ((await host.store.get('about', 'born')) === undefined) await this.#seed();
    this.#isOpen = true;
  }

  /**
   * Serves Cx. Resolves to the addresses bound on the wire; rejects with an AddressError where one
   * is taken.
   */
  async start(): Promise<readonly Address[]> {
    await this.open();
    const { identity, realm, listen, peers, timeout } = this.config.diameter;
    const node = new DiameterNode(this.#parts.host, {
      identity,
      realm,
      applications: [Cx],
      timeout,
      load: () => this.#parts.queue.waiting / this.config.limits.waiting,
      allowedPeers: peer => peers.includes('*') || peers.includes(peer.toLowerCase()),
    });
    this.#node = node;
    node.onPeerChange = peer => {
      if (peer.state === 'open' && peer.identity !== undefined) this.#catchUp(peer.identity);
    };
    serveCx(this.#parts, node);
    this.#parts.pushes.node = node;
    node.serveLocal(identity);
    try {
      const bound: Address[] = [];
      for (const address of listen) bound.push(await node.listen(address));
      return bound;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    const node = this.#node;
    this.#node = undefined;
    this.#parts.pushes.node = undefined;
    await node?.stop();
  }

  get isRunning(): boolean {
    return this.#node !== undefined;
  }

  /** The state of every Diameter peer. */
  peers(): readonly PeerStatus[] {
    return this.#node?.peers() ?? [];
  }

  // ------------------------------------------------------------------------------ records

  /** Throws a RecordError that lists what is wrong, or whose identity is claimed. */
  async add(input: SubscriberInput): Promise<SubscriberView> {
    return subscriberView(this.#parts, await this.#provisioning.add(input));
  }

  async get(imsi: string): Promise<SubscriberView | undefined> {
    const entry = await this.#parts.database.get(imsi);
    return entry === undefined ? undefined : subscriberView(this.#parts, entry);
  }

  /** By what a person calls him: IMSI, MSISDN with or without '+', name, IMPI or IMPU. */
  async find(text: string): Promise<SubscriberView | undefined> {
    const entry = await this.#find(text);
    return entry === undefined ? undefined : subscriberView(this.#parts, entry);
  }

  async list(page: Page = {}): Promise<readonly SubscriberView[]> {
    const entries = await this.#parts.database.list(pageOf(page));
    return Promise.all(entries.map(entry => subscriberView(this.#parts, entry)));
  }

  count(): Promise<number> {
    return this.#parts.database.count();
  }

  /**
   * Changes the fields that `changes` names; null takes a value away. Resolves when it is durable and
   * S-CSCFs concerned have answered, or could not. undefined: no such record. Throws a RecordError.
   */
  async patch(
    imsi: string,
    changes: Changes,
  ): Promise<{ subscriber: SubscriberView; pushed: readonly Pushed[] } | undefined> {
    const done = await this.#provisioning.change(imsi, changes);
    if (done === undefined) return undefined;
    return { subscriber: await subscriberView(this.#parts, done.entry), pushed: done.pushed };
  }

  /** Ends his registrations too. undefined: no such record. */
  remove(imsi: string): Promise<{ readonly pushed: readonly Pushed[] } | undefined> {
    return this.#provisioning.remove(imsi);
  }

  importCsv(source: CsvSource, options: ImportOptions = {}): Promise<ImportReport> {
    return importCsv(this.#parts, this.#provisioning, source, options);
  }

  /** CSV text in pieces. Throws a UsageError where secrets are asked of a running network. */
  exportCsv(options: { readonly withSecrets?: boolean } = {}): AsyncIterable<string> {
    if (options.withSecrets === true && this.isRunning) {
      throw new UsageError(
        'secrets are exported only from the data directory of a stopped network',
      );
    }
    return exportCsv(this.#parts, options);
  }

  // ------------------------------------------------------------------------------ registrations

  /** Subscriptions that are registered, kept as unregistered, or authenticating. */
  async registrations(page: Page = {}): Promise<readonly RegistrationView[]> {
    const rows = await this.#parts.registrations.list(pageOf(page));
    const views = rows.map(([key, row]) => registrationViews(this.#parts, key, row));
    return (await Promise.all(views)).flat();
  }

  /**
   * Network-initiated de-registration of the implicit set that the identity belongs to, or with an
   * IMPI of that one alone. undefined: nothing of the kind is registered. TS 29.228 §6.1.3
   */
  async deregister(
    identity: string,
    reason: Reason = { code: 'PERMANENT_TERMINATION' },
  ): Promise<readonly Pushed[] | undefined> {
    const psi = this.#parts.psis.find(identity);
    const entry = await this.#find(identity);
    if (entry === undefined) {
      if (psi === undefined) return undefined;
      return this.#provisioning.deregister(psiKey(psi.identity), reason);
    }
    const { imsi } = entry.subscriber;
    const isImpi = entry.identities.impis.some(({ impi }) => impi === identity);
    if (isImpi) return this.#provisioning.deregister(imsi, reason, { impis: [identity] });
    const impu = canonicalImpu(identity) ?? identity;
    const known = entry.identities.impus.find(one => one.impu === impu);
    const isSeveral = setsOf(entry.identities).length > 1;
    const which = known !== undefined && isSeveral ? { set: known.set ?? '' } : {};
    return this.#provisioning.deregister(imsi, reason, which);
  }

  async #find(text: string): Promise<Entry | undefined> {
    const { database } = this.#parts;
    const { home } = this.config;
    const imsi =
      (await database.get(text))?.subscriber.imsi ??
      (await database.find('msisdn', text.replace(/^\+/, ''))) ??
      (await database.find('impu', canonicalImpu(text) ?? `sip:${fullImpi(text, home)}`)) ??
      (await database.find('impi', fullImpi(text, home)));
    return imsi === undefined ? undefined : database.get(imsi);
  }

  #catchUp(host: string): void {
    this.#provisioning.catchUp(host).catch((error: unknown) => {
      this.#parts.host.log.error('hss cannot catch up', { scscf: host, error: String(error) });
    });
  }

  /** The subscribers that the network is born with; once, however many are left of them later. */
  async #seed(): Promise<void> {
    const { host } = this.#parts;
    const entries = this.config.subscribers.map((input, at) => {
      try {
        return this.#provisioning.read(input);
      } catch (error) {
        throw inSettings(error, at);
      }
    });
    for (const [at, entry] of entries.entries()) {
      try {
        // One at a time, so that two of them that collide are told apart.
        const isThere = (await this.#parts.database.get(entry.subscriber.imsi)) !== undefined;
        if (!isThere) await this.#provisioning.addAll([entry]);
      } catch (error) {
        throw inSettings(error, at);
      }
    }
    await host.store.commit([{ table: 'about', key: 'born', value: host.clock.now() }]);
  }
}

function inSettings(error: unknown, at: number): unknown {
  if (!(error instanceof RecordError)) return error;
  const lines = error.problems.map(
    ({ field, message }) => `subscribers[${at}].${field}: ${message}`,
  );
  return new UsageError(lines.join('\n'));
}

function pageOf(page: Page): { limit: number; after?: string } {
  const limit = Math.min(Math.max(page.limit ?? 100, 1), 1000);
  return page.after === undefined ? { limit } : { limit, after: page.after };
}
