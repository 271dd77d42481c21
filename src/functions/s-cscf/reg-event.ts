// The notifier of registration state: TS 24.229 §5.4.2.1, RFC 3680, RFC 6665. Who may watch is the
// user himself, his P-CSCF, and the application servers of his profile.

import type { Json, Timer } from '#kernel/host';
import { eachEntry } from '#kernel/stored';
import { type Instant, inSeconds, seconds } from '#kernel/time';
import { Dialog, dialogId } from '#sip/dialog';
import type { ServerTransaction } from '#sip/endpoint';
import {
  Accept,
  CallId,
  Contact,
  Event,
  Expires,
  From,
  MinExpires,
  PAssertedIdentity,
  RecordRoute,
  SubscriptionState,
  To,
} from '#sip/headers';
import { body, type Edit, fields, type SipRequest, set } from '#sip/message';
import { NO_PARAMS, type Params } from '#sip/params';
import { type Reginfo, reginfoText, reginfoType } from '#sip/reginfo';
import { copied } from '#sip/text';
import { impuOf, isSipUri, parseUri, type Uri } from '#sip/uri';
import type { ContactChange } from './binding.ts';
import { fullDocument, partialDocument } from './reg-document.ts';
import type { RegistrationSet } from './registrar.ts';
import type { SCscf } from './s-cscf.ts';

import { busy } from './treatment.ts';

const TABLE = 'subscriptions';

type What = readonly ContactChange[] | 'full';

interface Subscription {
  readonly token: string;
  /** The identity subscribed to. */
  readonly impu: string;
  /** The `id` of its Event, which every NOTIFY repeats. RFC 6665 §8.4 */
  readonly eventId: string | undefined;
  readonly dialog: Dialog;
  expires: Instant;
  version: number;
  timer: Timer | undefined;
  /** A NOTIFY is on its way: what happens meanwhile waits, bounded by becoming a full state. */
  sending: boolean;
  waiting: { readonly what: What; readonly registration: RegistrationSet } | undefined;
  /** The watcher's picture is not ours any more: after a restart. */
  stale: boolean;
}

export class RegEvent {
  readonly #scscf: SCscf;
  readonly #byDialog = new Map<string, Subscription>();
  readonly #byImpu = new Map<string, Set<Subscription>>();

  constructor(scscf: SCscf) {
    this.#scscf = scscf;
  }

  get size(): number {
    return this.#byDialog.size;
  }

  /** Whether a SUBSCRIBE is for registration state that is kept here. */
  concerns(request: SipRequest): boolean {
    return this.#scscf.registrar.ofImpu(impuOf(request.uri)) !== undefined;
  }

  /** A new subscription. §5.4.2.1.1 */
  subscribe(tx: ServerTransaction, request: SipRequest): void {
    const refusal = this.#refusal(request);
    if (refusal !== undefined) tx.reply(...refusal);
    else this.#begin(tx, request);
  }

  #refusal(request: SipRequest): readonly [status: number, ...edits: readonly Edit[]] | undefined {
    const registration = this.#scscf.registrar.ofImpu(impuOf(request.uri));
    if (registration === undefined) return [404];
    const watcher = this.#authorised(request, registration);
    this.#scscf.decide('subscription', {
      chose: watcher ?? '403',
      because: watcher === undefined ? 'neither the user, nor his P-CSCF, nor his AS' : 'may watch',
      clause: 'TS 24.229 §5.4.2.1.1',
      about: request,
    });
    if (watcher === undefined) return [403];
    if (!accepts(request)) return [406];
    if (this.#granted(request) === undefined) return [423, this.#minimum()];
    const { perSet, total } = this.#scscf.config.regEvent.subscriptions;
    const full = this.#of(registration).length >= perSet || this.#byDialog.size >= total;
    return full ? [503, busy] : undefined;
  }

  #begin(tx: ServerTransaction, request: SipRequest): void {
    const { host } = this.#scscf;
    const granted = this.#granted(request) ?? 0;
    const subscription: Subscription = {
      token: `reg-${host.random.hex(8)}`,
      impu: impuOf(request.uri),
      eventId: eventIdOf(request),
      dialog: Dialog.fromUas(request, tx.localTag),
      expires: host.clock.now() + granted,
      version: 0,
      timer: undefined,
      sending: false,
      waiting: undefined,
      stale: false,
    };
    subscription.dialog.confirm();
    this.#add(subscription);
    this.#accepted(tx, request, subscription, granted);
  }

  /** A SUBSCRIBE within a dialog: refresh or end. RFC 6665 §4.2.1 */
  refresh(tx: ServerTransaction): void {
    const { request } = tx;
    const localTag = request.get(To)?.params.get('tag') ?? '';
    const remoteTag = request.get(From)?.params.get('tag') ?? '';
    const subscription = this.#byDialog.get(
      dialogId(request.get(CallId) ?? '', localTag, remoteTag),
    );
    const granted = this.#granted(request);
    // RFC 6665 §4.2.1: the dialog, and the id of the event
    if (subscription === undefined || eventIdOf(request) !== subscription.eventId) tx.reply(481);
    else if (!subscription.dialog.accepts(request)) tx.reply(500);
    else if (granted === undefined) tx.reply(423, this.#minimum());
    else {
      subscription.dialog.refreshTarget(request);
      subscription.expires = this.#scscf.host.clock.now() + granted;
      this.#accepted(tx, request, subscription, granted);
    }
  }

  #minimum(): Edit {
    return set(MinExpires, inSeconds(this.#scscf.config.regEvent.minimum));
  }

  /** Contacts of a set changed. */
  changed(registration: RegistrationSet, changes: readonly ContactChange[]): void {
    if (changes.length === 0) return;
    for (const subscription of this.#of(registration)) {
      this.#notify(subscription, registration, changes);
    }
  }

  /** Identities came to, or went from, a set by a new profile. */
  identitiesChanged(registration: RegistrationSet, before: readonly string[]): void {
    const gone = before.filter(impu => !registration.profile.shown.includes(impu));
    const watching = new Set(this.#of(registration));
    for (const impu of gone) for (const other of this.#byImpu.get(impu) ?? []) watching.add(other);
    for (const subscription of watching) this.#notify(subscription, registration, 'full', gone);
  }

  async restore(): Promise<void> {
    await eachEntry(this.#scscf.host.store, TABLE, (token, value) => {
      const kept = value as {
        impu: string;
        eventId?: string;
        dialog: Json;
        expires: Instant;
        version: number;
      };
      const dialog = Dialog.restore(kept.dialog);
      // what was sent after the last time it was kept, no watcher will see twice
      dialog.localSequence += SKIPPED;
      this.#add({
        token,
        impu: kept.impu,
        eventId: kept.eventId,
        dialog,
        expires: kept.expires,
        version: kept.version + SKIPPED,
        timer: undefined,
        sending: false,
        waiting: undefined,
        stale: true,
      });
    });
    for (const subscription of this.#byDialog.values()) this.#wait(subscription);
  }

  stop(): void {
    for (const subscription of this.#byDialog.values()) subscription.timer?.cancel();
    this.#byDialog.clear();
    this.#byImpu.clear();
  }

  /** Who watches, if he may. */
  #authorised(request: SipRequest, registration: RegistrationSet): string | undefined {
    for (const { uri } of request.all(PAssertedIdentity)) {
      const watcher = impuOf(uri);
      if (registration.profile.shown.includes(watcher)) return watcher;
      if (isHop(uri, registration) || isServer(uri, registration)) return watcher;
    }
    return undefined;
  }

  /** How long it may last; undefined: too short. */
  #granted(request: SipRequest): number | undefined {
    const { minimum, maximum } = this.#scscf.config.regEvent;
    const asked = request.get(Expires);
    const granted = asked === undefined ? maximum : Math.min(seconds(asked), maximum);
    return granted > 0 && granted < minimum ? undefined : granted;
  }

  #accepted(
    tx: ServerTransaction,
    request: SipRequest,
    subscription: Subscription,
    granted: number,
  ): void {
    tx.reply(
      200,
      fields(...request.lines(RecordRoute)),
      set(Contact, this.#scscf.contact(subscription.token)),
      set(Expires, inSeconds(granted)),
    );
    this.#keep(subscription);
    this.#wait(subscription);
    const registration = this.#scscf.registrar.ofImpu(subscription.impu);
    if (registration !== undefined) this.#notify(subscription, registration, 'full');
  }

  /** Sends the state, or remembers to when the NOTIFY before is answered. */
  #notify(
    subscription: Subscription,
    registration: RegistrationSet,
    what: What,
    gone: readonly string[] = [],
  ): void {
    if (subscription.sending) {
      const before = subscription.waiting?.what ?? [];
      const all = before === 'full' || what === 'full' ? 'full' : [...before, ...what];
      subscription.waiting = { what: all.length > MAX_WAITING ? 'full' : all, registration };
      return;
    }
    const { host } = this.#scscf;
    const now = host.clock.now();
    const version = subscription.version++;
    const document =
      what === 'full' || subscription.stale
        ? fullDocument(registration, version, now, gone)
        : partialDocument(registration, what, version, now);
    subscription.stale = false;
    // §5.4.2.1.2: nothing is left to be watched
    const over = registration.bindings.length === 0 ? 'noresource' : this.#overBy(subscription);
    this.#send(subscription, document, over);
  }

  #overBy(subscription: Subscription): string | undefined {
    return subscription.expires <= this.#scscf.host.clock.now() ? 'timeout' : undefined;
  }

  #send(subscription: Subscription, document: Reginfo, over: string | undefined): void {
    const { sip, host, isc } = this.#scscf;
    const { dialog } = subscription;
    const left = Math.max(0, inSeconds(subscription.expires - host.clock.now()));
    const state =
      over === undefined
        ? { state: 'active', params: new Map([['expires', String(left)]]) }
        : { state: 'terminated', params: new Map([['reason', over]]) };
    const notify = dialog.request(
      'NOTIFY',
      set(Contact, this.#scscf.contact(subscription.token)),
      set(Event, { package: 'reg', params: idOf(subscription) }),
      set(SubscriptionState, state),
      body(reginfoType, reginfoText(document)),
    );
    if (over !== undefined) this.#remove(subscription);
    subscription.sending = true;
    const { uri } = dialog.target as { readonly uri: Uri };
    const sent = sip.request(notify, { uri, point: isc.pointOf(uri) });
    sent.final.then(
      final => {
        subscription.sending = false;
        if (final.status >= 300) return this.#remove(subscription); // RFC 6665 §4.2.2
        const { waiting } = subscription;
        if (waiting === undefined || this.#byDialog.get(dialog.id) !== subscription) return;
        subscription.waiting = undefined;
        this.#notify(subscription, waiting.registration, waiting.what);
      },
      () => {},
    );
  }

  #of(registration: RegistrationSet): readonly Subscription[] {
    return registration.profile.identities.flatMap(({ impu }) => [
      ...(this.#byImpu.get(impu) ?? []),
    ]);
  }

  #add(subscription: Subscription): void {
    this.#byDialog.set(subscription.dialog.id, subscription);
    const others = this.#byImpu.get(subscription.impu);
    if (others === undefined) this.#byImpu.set(subscription.impu, new Set([subscription]));
    else others.add(subscription);
  }

  #remove(subscription: Subscription): void {
    subscription.timer?.cancel();
    if (!this.#byDialog.delete(subscription.dialog.id)) return;
    const others = this.#byImpu.get(subscription.impu);
    others?.delete(subscription);
    if (others?.size === 0) this.#byImpu.delete(subscription.impu);
    this.#store(subscription.token, undefined);
  }

  #wait(subscription: Subscription): void {
    subscription.timer?.cancel();
    const { clock } = this.#scscf.host;
    const delay = Math.max(0, subscription.expires - clock.now());
    subscription.timer = clock.after(delay, () => {
      const registration = this.#scscf.registrar.ofImpu(subscription.impu);
      if (registration === undefined) this.#remove(subscription);
      else this.#notify(subscription, registration, 'full');
    });
  }

  #keep({ token, impu, eventId, dialog, expires, version }: Subscription): void {
    const named = eventId === undefined ? {} : { eventId };
    this.#store(token, { impu, ...named, dialog: dialog.serialise(), expires, version });
  }

  #store(key: string, value: Json | undefined): void {
    this.#scscf.host.store.commit([{ table: TABLE, key, value }]).catch(error => {
      this.#scscf.host.log.warn('s-cscf.subscription not stored', { error: String(error) });
    });
  }
}

/** Contact changes that wait for a NOTIFY to be answered, before they become one full state. */
const MAX_WAITING = 20;

/** Further than one process counts between two refreshes. */
const SKIPPED = 100_000;

const eventIdOf = (request: SipRequest): string | undefined => {
  const id = request.get(Event)?.params.get('id');
  return id == null ? undefined : copied(id);
};

const idOf = ({ eventId }: Subscription): Params =>
  eventId === undefined ? NO_PARAMS : new Map([['id', eventId]]);

/** Reginfo is what the package sends by default (RFC 3680 §4.5). */
const accepts = (request: SipRequest): boolean => {
  const accepted = request.all(Accept);
  return (
    accepted.length === 0 ||
    accepted.some(({ type }) => [reginfoType, 'application/*', '*/*'].includes(type))
  );
};

/** A proxy on the path by which the user registered: his P-CSCF. */
function isHop(uri: Uri, { bindings }: RegistrationSet): boolean {
  if (!isSipUri(uri)) return false;
  return bindings.some(({ path }) =>
    path.some(hop => {
      const proxy = parseUri(hop);
      return isSipUri(proxy) && proxy.host === uri.host;
    }),
  );
}

/** An application server that the user's profile names. */
function isServer(uri: Uri, { profile }: RegistrationSet): boolean {
  if (!isSipUri(uri)) return false;
  return profile.subscription.serviceProfiles.some(({ filterCriteria }) =>
    filterCriteria.some(({ applicationServer }) => {
      const server = parseUri(applicationServer.serverName);
      return isSipUri(server) && server.host === uri.host;
    }),
  );
}
