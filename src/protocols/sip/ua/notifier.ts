// The notifier's side of an event package: RFC 6665 §4.2.

import type { Json, Timer } from '#kernel/host';
import { type Instant, inSeconds, seconds } from '#kernel/time';
import { Dialog } from '../dialog.ts';
import { Event, Expires, MinExpires, RecordRoute, SubscriptionState } from '../headers.ts';
import { body, type Edit, fields, type SipRequest, type SipResponse, set } from '../message.ts';
import type { ServerTransaction } from '../server-transaction.ts';
import type { UserAgent } from '../user-agent.ts';
import type { DialogUser } from './dialog-table.ts';
import type { EventValue } from './options.ts';

export interface AcceptOptions {
  /** Seconds granted where the subscriber asks for none. Default 3600. */
  readonly defaultExpires?: number;
  /** Most seconds granted. Default: what is asked. */
  readonly maxExpires?: number;
  /** Least seconds taken; less gets 423. Default 0. */
  readonly minExpires?: number;
  /** Added to the 200. */
  readonly edits?: readonly Edit[];
}

export interface Notification {
  readonly state?: 'pending' | 'active' | 'terminated';
  /** Of 'terminated': 'deactivated', 'rejected', 'timeout', 'noresource' … RFC 6665 §4.1.3 */
  readonly reason?: string;
  readonly contentType?: string;
  readonly body?: Uint8Array | string;
  readonly edits?: readonly Edit[];
}

/** NOTIFYs that wait for the one before; with more the subscriber is too slow and is let go. */
const maxQueued = 100;

interface Kept {
  readonly dialog: Json;
  readonly event: string;
  readonly eventId: string | null;
  readonly until: Instant;
}

export class Notifier implements DialogUser {
  readonly ua: UserAgent;
  readonly dialog: Dialog;
  readonly event: EventValue;
  /** When the subscription ends unless it is refreshed. */
  until: Instant;
  ended = false;
  /** After each SUBSCRIBE in the dialog is answered: the subscriber is owed the state (§4.2.1.2). */
  onRefresh: (request: SipRequest) => void = () => void this.notify({});
  /** 'unsubscribed', 'timeout', 'failed' (its NOTIFY was refused or not answered), or our reason. */
  onEnded: (reason: string) => void = () => {};
  readonly #options: AcceptOptions;
  #expiry: Timer | undefined;
  /** The subscriber asked to end: the next NOTIFY is the last. */
  #last = false;
  #queued = 0;
  #chain: Promise<unknown> = Promise.resolve();

  constructor(
    ua: UserAgent,
    dialog: Dialog,
    event: EventValue,
    until: Instant,
    options: AcceptOptions,
  ) {
    this.ua = ua;
    this.dialog = dialog;
    this.event = event;
    this.until = until;
    this.#options = options;
    ua.dialogs.add(this);
    this.#watch();
  }

  /**
   * Answers a SUBSCRIBE that begins a dialog; undefined where it was refused with 423. The caller
   * owes a NOTIFY at once. A fetch (Expires 0) gives a notifier whose first NOTIFY is its last.
   * Throws SipError.
   */
  static accept(
    ua: UserAgent,
    tx: ServerTransaction,
    options: AcceptOptions,
  ): Notifier | undefined {
    const event = tx.request.get(Event);
    if (event === undefined) {
      tx.reply(489);
      return undefined;
    }
    const dialog = Dialog.fromUas(tx.request, tx.localTag);
    dialog.confirm();
    const granted = grant(tx, options);
    if (granted === undefined) return undefined;
    const until = ua.host.clock.now() + seconds(granted);
    const notifier = new Notifier(ua, dialog, copyOf(event), until, options);
    notifier.#answer(tx, granted);
    return notifier;
  }

  /** From what `serialise` gave, after a restart. */
  static restore(ua: UserAgent, stored: Json, options: AcceptOptions = {}): Notifier {
    const kept = stored as unknown as Kept;
    const params = new Map(kept.eventId === null ? [] : [['id', kept.eventId] as const]);
    const event = { package: kept.event, params };
    return new Notifier(ua, Dialog.restore(kept.dialog), event, kept.until, options);
  }

  serialise(): Json {
    const kept: Kept = {
      dialog: this.dialog.serialise(),
      event: this.event.package,
      eventId: this.event.params.get('id') ?? null,
      until: this.until,
    };
    return kept as unknown as Json;
  }

  /** Sends a NOTIFY, after those before it are answered. Undefined where the subscription is over. */
  notify(notification: Notification): Promise<SipResponse | undefined> {
    if (this.ended) return Promise.resolve(undefined);
    if (this.#queued >= maxQueued) {
      this.#end('failed');
      return Promise.resolve(undefined);
    }
    this.#queued++;
    const terminates = this.#last || notification.state === 'terminated';
    const reason = notification.reason ?? (this.#last ? 'timeout' : 'noresource');
    const sent = this.#chain.then(async () => {
      this.#queued--;
      if (this.ended) return undefined;
      const edits = this.#edits(notification, terminates ? reason : undefined);
      const { final } = this.ua.inDialog(this.dialog, 'NOTIFY', edits);
      if (terminates) this.#end(this.#last ? 'unsubscribed' : reason);
      const response = await final;
      if (isFatal(response.status)) this.#end('failed'); // §4.2.2
      return response;
    });
    this.#chain = sent;
    return sent;
  }

  receive(tx: ServerTransaction): void {
    const { request } = tx;
    if (request.method !== 'SUBSCRIBE') {
      tx.reply(405);
      return;
    }
    if (!this.dialog.accepts(request)) {
      tx.reply(500);
      return;
    }
    const granted = grant(tx, this.#options);
    if (granted === undefined) return;
    this.dialog.refreshTarget(request);
    this.until = this.ua.host.clock.now() + seconds(granted);
    this.#watch();
    this.#answer(tx, granted);
    const before = this.#queued;
    this.onRefresh(request);
    // §4.2.1.3: who unsubscribes hears so, even where the owner has nothing to say
    if (this.#last && this.#queued === before) void this.notify({});
  }

  #answer(tx: ServerTransaction, granted: number): void {
    this.#last = granted === 0;
    tx.reply(
      200,
      fields(...tx.request.lines(RecordRoute)),
      set(Expires, granted),
      ...this.ua.contactEdits(),
      ...this.ua.responseEdits('SUBSCRIBE', 200),
      ...(this.#options.edits ?? []),
    );
  }

  #edits(notification: Notification, reason: string | undefined): readonly Edit[] {
    const left = Math.max(0, inSeconds(this.until - this.ua.host.clock.now()));
    const state =
      reason === undefined
        ? { state: notification.state ?? 'active', params: new Map([['expires', String(left)]]) }
        : { state: 'terminated', params: new Map([['reason', reason]]) };
    const { contentType, body: octets } = notification;
    return [
      set(Event, this.event),
      set(SubscriptionState, state),
      ...this.ua.contactEdits(),
      ...(notification.edits ?? []),
      ...(contentType === undefined || octets === undefined ? [] : [body(contentType, octets)]),
    ];
  }

  #watch(): void {
    this.#expiry?.cancel();
    const { clock } = this.ua.host;
    this.#expiry = clock.after(Math.max(0, this.until - clock.now()), () => {
      if (!this.#last) void this.notify({ state: 'terminated', reason: 'timeout' });
    });
  }

  #end(reason: string): void {
    if (this.ended) return;
    this.ended = true;
    this.#expiry?.cancel();
    this.dialog.state = 'terminated';
    this.ua.dialogs.remove(this);
    this.onEnded(reason);
  }
}

/** Seconds granted; undefined where the request was refused. Throws SipError. */
function grant(tx: ServerTransaction, options: AcceptOptions): number | undefined {
  const asked = tx.request.get(Expires) ?? options.defaultExpires ?? 3600;
  const least = options.minExpires ?? 0;
  if (asked > 0 && asked < least) {
    tx.reply(423, set(MinExpires, least));
    return undefined;
  }
  return Math.min(asked, options.maxExpires ?? asked);
}

/** Responses to a NOTIFY that say the subscription is gone: RFC 6665 §4.2.2, RFC 5057. */
function isFatal(status: number): boolean {
  return (
    status === 481 ||
    status === 408 ||
    status === 404 ||
    status === 410 ||
    status === 416 ||
    status === 480 ||
    status === 489 ||
    status === 501 ||
    status === 604
  );
}

const copyOf = (event: EventValue): EventValue => ({
  package: event.package,
  params: new Map(event.params),
});
