// A user agent over an endpoint: the sessions, subscriptions and plain requests of one party.
// RFC 3261 §8, §13; what differs between a UE, an echo and a B2BUA is in its options and callbacks.

import { assert } from '#kernel/errors';
import type { Host } from '#kernel/host';
import { type Duration, inSeconds } from '#kernel/time';
import type { Dialog } from './dialog.ts';
import type { ServerTransaction, SipEndpoint } from './endpoint.ts';
import type { Target } from './flow.ts';
import {
  Accept,
  Authorization,
  CallId,
  Contact,
  CSeq,
  From,
  MaxForwards,
  MinSE,
  nameAddr,
  ProxyAuthorization,
  Require,
  Route,
  Supported,
  To,
  Unsupported,
} from './headers.ts';
import {
  addRaw,
  type Edit,
  fields,
  request as makeRequest,
  type SipRequest,
  type SipResponse,
  set,
} from './message.ts';
import { withParams } from './params.ts';
import { nextHop } from './proxy/route.ts';
import { DialogTable } from './ua/dialog-table.ts';
import { Exchange, type ExchangeHost } from './ua/exchange.ts';
import { IncomingSession } from './ua/incoming-session.ts';
import type { Leg } from './ua/leg.ts';
import { MergedRequests } from './ua/merged.ts';
import { type AcceptOptions, Notifier } from './ua/notifier.ts';
import {
  defaultAllow,
  defaultSupported,
  type RequestParts,
  type SendOptions,
  type UserAgentOptions,
} from './ua/options.ts';
import { type InviteParts, OutgoingSession } from './ua/outgoing-session.ts';
import type { InviteSession } from './ua/session.ts';
import { isTooSmall, leastSessionExpires } from './ua/session-timer.ts';
import { type SubscribeParts, Subscription } from './ua/subscription.ts';

export { Exchange } from './ua/exchange.ts';
export {
  IncomingSession,
  type ProvisionalParts,
  type ResponseParts,
} from './ua/incoming-session.ts';
export { Leg } from './ua/leg.ts';
export type { Modification, ModifyOptions } from './ua/modify.ts';
export { type AcceptOptions, type Notification, Notifier } from './ua/notifier.ts';
export type { RequestParts, SendOptions, UserAgentOptions } from './ua/options.ts';
export { type InviteParts, OutgoingSession } from './ua/outgoing-session.ts';
export { sdpOf, withSdp } from './ua/sdp.ts';
export { InviteSession, type SessionEnd, type SessionState } from './ua/session.ts';
export { type SubscribeParts, Subscription, type SubscriptionEnd } from './ua/subscription.ts';

const defaultMaxSessions = 10_000;

export class UserAgent implements ExchangeHost {
  readonly host: Host;
  readonly endpoint: SipEndpoint;
  readonly options: UserAgentOptions;
  readonly supported: readonly string[];
  readonly dialogs = new DialogTable();
  readonly sessions = new Set<InviteSession>();
  /** A call comes in; it has to be answered or refused, now or later. */
  onInvite: (session: IncomingSession) => void = session => session.reject(480);
  /** Any other request outside dialogs. What it throws is answered by the endpoint. */
  onRequest: (tx: ServerTransaction) => void | Promise<void> = tx => this.#byDefault(tx);
  readonly #merged = new MergedRequests();

  constructor(endpoint: SipEndpoint, host: Host, options: UserAgentOptions) {
    this.endpoint = endpoint;
    this.host = host;
    this.options = options;
    this.supported = options.supported ?? defaultSupported;
    if (options.attach !== false) endpoint.onRequest = tx => this.receive(tx);
  }

  // ------------------------------------------------------------------------------ requests

  /** A request outside dialogs, with a Call-ID and a From tag of its own. */
  build(method: string, parts: RequestParts): SipRequest {
    const from = parts.from ?? this.options.from;
    assert(from !== undefined, 'a request needs a From: give it, or the user agent one');
    const tagged = { ...from, params: withParams(from.params, { tag: this.host.random.hex(6) }) };
    const route = parts.route ?? current(this.options.route) ?? [];
    return makeRequest(
      method,
      parts.uri,
      set(MaxForwards, 70),
      ...(route.length === 0 ? [] : [set(Route, ...route)]),
      set(From, tagged),
      set(To, parts.to ?? nameAddr(parts.uri)),
      set(CallId, parts.callId ?? this.host.random.hex(12)),
      set(CSeq, { sequence: 1, method }),
      ...(this.options.edits?.(method) ?? []),
      ...(parts.edits ?? []),
    );
  }

  /** Sends it, answers challenges, and resolves with the final response. Never rejects. */
  request(request: SipRequest, options: SendOptions = {}): Promise<SipResponse> {
    return this.exchange(request, options).final;
  }

  /** The same with every response: `exchange.onResponse`. */
  exchange(request: SipRequest, options: SendOptions = {}): Exchange {
    const first = request.get(CSeq)?.sequence ?? 1;
    let tries = 0;
    const again = (extra: readonly Edit[]): SipRequest =>
      tries++ === 0
        ? request
        : request.with(
            set(CSeq, { sequence: first + tries - 1, method: request.method }),
            ...extra,
          );
    return new Exchange(this, again, options);
  }

  invite(parts: InviteParts): OutgoingSession {
    const session = new OutgoingSession(this, parts);
    this.sessions.add(session);
    return session;
  }

  subscribe(parts: SubscribeParts): Subscription {
    return new Subscription(this, parts);
  }

  /** Takes a SUBSCRIBE that begins a dialog: see `Notifier.accept`. */
  accept(tx: ServerTransaction, options: AcceptOptions = {}): Notifier | undefined {
    return Notifier.accept(this, tx, options);
  }

  // ------------------------------------------------------------------------------ receiving

  /** True for a request of a dialog of ours. Throws SipError. */
  owns(request: SipRequest): boolean {
    if (request.get(To)?.params.get('tag') === undefined) return false;
    if (this.dialogs.find(request) !== undefined) return true;
    return request.method === 'NOTIFY' && this.dialogs.findHalf(request) !== undefined;
  }

  /** What the endpoint hands over. Throws, or rejects with, a SipError that deserves its answer. */
  receive(tx: ServerTransaction): void | Promise<void> {
    const { request } = tx;
    const user = this.dialogs.find(request);
    if (user !== undefined) return user.receive(tx);
    if (request.method === 'ACK') return;
    if (request.get(To)?.params.get('tag') !== undefined) {
      if (this.dialogs.findHalf(request)?.begin(tx)) return;
      tx.reply(481);
      return;
    }
    if (this.#merged.isMerged(request, tx.now)) {
      tx.reply(482); // §8.2.2.2
      return;
    }
    const unknown = request.all(Require).filter(tag => !this.#takes(tag));
    if (unknown.length > 0) {
      tx.reply(420, set(Unsupported, ...unknown)); // §8.2.2.3
      return;
    }
    if (request.method === 'INVITE') this.#invited(tx);
    else if (request.method === 'NOTIFY' || request.method === 'BYE') tx.reply(481);
    else return this.onRequest(tx);
  }

  #invited(tx: ServerTransaction): void {
    if (this.sessions.size >= (this.options.maxSessions ?? defaultMaxSessions)) {
      tx.reply(486);
      return;
    }
    if (isTooSmall(tx.request, this.minSe)) {
      tx.reply(422, this.minSeEdit()); // RFC 4028 §9
      return;
    }
    const session = new IncomingSession(this, tx);
    this.sessions.add(session);
    this.dialogs.add(session.leg);
    tx.reply(100);
    this.onInvite(session);
  }

  #takes(tag: string): boolean {
    return this.supported.some(each => each.toLowerCase() === tag.toLowerCase());
  }

  #byDefault(tx: ServerTransaction): void {
    if (tx.request.method !== 'OPTIONS') {
      tx.reply(501);
      return;
    }
    const sdp = { type: 'application/sdp', params: new Map() };
    tx.reply(200, ...this.#capabilities(), set(Accept, sdp)); // §11.2
  }

  /** Ends every session as its state wants. */
  stop(): void {
    for (const session of [...this.sessions]) session.hangup();
  }

  // --------------------------------------------- for sessions, subscriptions and notifiers

  authorise(challenge: SipResponse, request: SipRequest): readonly Edit[] | undefined {
    return this.options.authorise?.(challenge, request);
  }

  targetFor(request: SipRequest): Target {
    const { target } = this.options;
    if (target === undefined) return { uri: nextHop(request) };
    return typeof target === 'function' ? target(request) : target;
  }

  get minSe(): Duration {
    return Math.max(this.options.minSe ?? 0, leastSessionExpires);
  }

  minSeEdit(): Edit {
    return set(MinSE, inSeconds(this.minSe));
  }

  contactEdits(): readonly Edit[] {
    return [set(Contact, current(this.options.contact)!)];
  }

  /** What INVITE and UPDATE carry besides. */
  sessionEdits(method: string): readonly Edit[] {
    if (method !== 'INVITE' && method !== 'UPDATE') return [];
    return [...this.contactEdits(), ...this.#capabilities()];
  }

  responseEdits(method: string, status: number): readonly Edit[] {
    const own = this.options.edits?.(method, status) ?? [];
    if (status >= 300 || (method !== 'INVITE' && method !== 'UPDATE')) return own;
    const capable = status >= 200 ? this.#capabilities() : [this.#allow()];
    return [...this.contactEdits(), ...capable, ...own];
  }

  /** Sends a request within a dialog; a challenged one again, with the next sequence number. */
  inDialog(dialog: Dialog, method: string, edits: readonly Edit[]): Exchange {
    const own = this.options.edits?.(method) ?? [];
    const options = this.options.target === undefined ? { target: dialog.target } : {};
    return new Exchange(this, extra => dialog.request(method, ...own, ...edits, ...extra), options);
  }

  /** The ACK to a 2xx, with the credentials of its INVITE. §13.2.2.4 */
  makeAck(dialog: Dialog, invite: SipRequest, edits: readonly Edit[]): SipRequest {
    return dialog.ack(
      invite.get(CSeq)?.sequence ?? 1,
      fields(...invite.lines(Authorization), ...invite.lines(ProxyAuthorization)),
      ...(this.options.edits?.('ACK') ?? []),
      ...edits,
    );
  }

  sendAck(ack: SipRequest): void {
    this.endpoint.sendAck(ack, this.targetFor(ack));
  }

  remember(leg: Leg): void {
    this.dialogs.add(leg);
  }

  forget(leg: Leg): void {
    this.dialogs.remove(leg);
  }

  sessionEnded(session: InviteSession): void {
    this.sessions.delete(session);
  }

  #allow(): Edit {
    return addRaw('Allow', (this.options.allow ?? defaultAllow).join(', '));
  }

  #capabilities(): readonly Edit[] {
    return [this.#allow(), set(Supported, ...this.supported)];
  }
}

function current<T>(value: T | (() => T) | undefined): T | undefined {
  return typeof value === 'function' ? (value as () => T)() : value;
}
