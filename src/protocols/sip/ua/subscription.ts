// The subscriber's side of an event package: RFC 6665 §4.1.

import type { Timer } from '#kernel/host';
import { type Duration, seconds } from '#kernel/time';
import { Dialog } from '../dialog.ts';
import type { Target } from '../flow.ts';
import {
  CallId,
  CSeq,
  Event,
  Expires,
  From,
  MinExpires,
  SubscriptionState,
  To,
} from '../headers.ts';
import { response as responseTo, type SipRequest, type SipResponse, set } from '../message.ts';
import type { ServerTransaction } from '../server-transaction.ts';
import type { UserAgent } from '../user-agent.ts';
import type { DialogUser, HalfDialogUser } from './dialog-table.ts';
import { Exchange } from './exchange.ts';
import type { EventValue, RequestParts } from './options.ts';

export interface SubscribeParts extends RequestParts {
  /** 'reg', or with an id. */
  readonly event: EventValue;
  /** Asked for; the notifier decides. */
  readonly expires: Duration;
  readonly target?: Target;
}

/** What ended a subscription: a NOTIFY's reason, or what went wrong. */
export interface SubscriptionEnd {
  /** 'deactivated', 'probation', 'rejected', 'timeout', 'giveup', 'noresource', 'refused', 'lost'. */
  readonly reason: string;
  readonly retryAfter?: number;
  readonly response?: SipResponse;
}

export class Subscription implements HalfDialogUser {
  readonly ua: UserAgent;
  state: 'trying' | 'pending' | 'active' | 'terminated' = 'trying';
  dialog: Dialog | undefined;
  /** Each NOTIFY, before it is answered; what it throws is answered instead. */
  onNotify: (request: SipRequest, state: string) => void = () => {};
  onEnded: (end: SubscriptionEnd) => void = () => {};
  readonly #parts: SubscribeParts;
  readonly #exchange: Exchange;
  readonly #callId: string;
  readonly #tag: string;
  #user: DialogUser | undefined;
  #expires: number;
  #tries = 0;
  #refresh: Timer | undefined;
  #timerN: Timer | undefined;
  #stopping = false;

  constructor(ua: UserAgent, parts: SubscribeParts) {
    this.ua = ua;
    this.#parts = parts;
    this.#expires = Math.round(parts.expires / 1000);
    const edits = [...this.#edits(), ...(parts.edits ?? [])];
    const request = ua.build('SUBSCRIBE', { ...parts, edits });
    this.#callId = request.get(CallId) ?? '';
    this.#tag = request.get(From)?.params.get('tag') ?? '';
    ua.dialogs.addHalf(this.#callId, this.#tag, this);
    this.#exchange = new Exchange(
      ua,
      extra => {
        const sequence = (request.get(CSeq)?.sequence ?? 1) + this.#tries++;
        return request.with(
          set(CSeq, { sequence, method: 'SUBSCRIBE' }),
          set(Expires, this.#expires),
          ...extra,
        );
      },
      parts.target === undefined ? {} : { target: parts.target },
    );
    this.#exchange.onResponse = response => this.#subscribed(response);
  }

  /** Ends the subscription; `onEnded` follows the notifier's last NOTIFY. */
  stop(): void {
    if (this.#stopping || this.state === 'terminated') return;
    this.#stopping = true;
    this.#refresh?.cancel();
    if (this.dialog === undefined) {
      this.#end({ reason: 'stopped' });
      return;
    }
    this.#waitForNotify();
    this.ua.inDialog(this.dialog, 'SUBSCRIBE', [...this.#edits(), set(Expires, 0)]);
  }

  // ------------------------------------------------------------------------- SUBSCRIBE

  #edits() {
    const { event } = this.#parts;
    return [set(Event, event), set(Expires, this.#expires), ...this.ua.contactEdits()];
  }

  #subscribed(response: SipResponse): void {
    if (this.state === 'terminated' || response.status < 200) return;
    if (response.status >= 300) {
      const least = response.status === 423 ? response.get(MinExpires) : undefined;
      if (least !== undefined && least > this.#expires) {
        this.#expires = least;
        this.#exchange.again([]);
      } else this.#end({ reason: 'refused', response });
      return;
    }
    if (this.dialog === undefined && response.get(To)?.params.has('tag')) {
      this.#begin(Dialog.fromUac(this.#exchange.request, response));
    }
    this.#granted(response.get(Expires) ?? this.#expires);
    if (this.state === 'trying') this.#waitForNotify();
  }

  /** TS 24.229 §5.1.1.3: 600 s before the end where it lasts over 1200 s, else at half of it. */
  #granted(expires: number): void {
    this.#refresh?.cancel();
    if (this.#stopping || expires === 0) return;
    const wait = expires > 1200 ? expires - 600 : expires / 2;
    this.#refresh = this.ua.host.clock.after(seconds(Math.max(wait, 1)), () => void this.#renew());
  }

  async #renew(): Promise<void> {
    if (this.dialog === undefined || this.state === 'terminated') return;
    const response = await this.ua.inDialog(this.dialog, 'SUBSCRIBE', this.#edits()).final;
    if (this.#stopping || this.#isOver()) return;
    if (response.status < 300) this.#granted(response.get(Expires) ?? this.#expires);
    else this.#end({ reason: 'lost', response }); // §4.1.2.2: 481 and the like end it
  }

  #isOver(): boolean {
    return this.state === 'terminated';
  }

  /** RFC 6665 §4.1.2.4 */
  #waitForNotify(): void {
    this.#timerN?.cancel();
    const wait = 64 * this.ua.endpoint.timers.t1;
    this.#timerN = this.ua.host.clock.after(wait, () => this.#end({ reason: 'no NOTIFY came' }));
  }

  // ---------------------------------------------------------------------------- NOTIFY

  /** A NOTIFY whose tag is new: it makes the dialog, or is of another fork. */
  begin(tx: ServerTransaction): boolean {
    if (this.dialog !== undefined || tx.request.method !== 'NOTIFY') return false;
    // As the 2xx would have said it: the notifier's tag is the From tag of its NOTIFY.
    const sent = this.#exchange.request;
    const dialog = Dialog.fromNotify(sent, tx.request);
    this.#begin(dialog);
    void this.#receive(tx);
    return true;
  }

  #begin(dialog: Dialog): void {
    this.dialog = dialog;
    dialog.confirm();
    this.#user = { dialog, receive: tx => this.#receive(tx) };
    this.ua.dialogs.add(this.#user);
  }

  #receive(tx: ServerTransaction): void {
    const { request } = tx;
    const { dialog } = this;
    const event = request.get(Event);
    const { event: asked } = this.#parts;
    if (request.method !== 'NOTIFY' || dialog === undefined) {
      tx.reply(request.method === 'NOTIFY' ? 481 : 405);
      return;
    }
    if (event === undefined || event.package !== asked.package) {
      tx.reply(489);
      return;
    }
    if (event.params.get('id') !== asked.params.get('id')) {
      tx.reply(489);
      return;
    }
    if (!dialog.accepts(request)) {
      tx.reply(500);
      return;
    }
    dialog.refreshTarget(request);
    const state = request.get(SubscriptionState);
    if (state === undefined) {
      tx.reply(400);
      return;
    }
    if (!this.#stopping) this.#timerN?.cancel();
    this.onNotify(request, state.state);
    tx.respond(responseTo(request, 200, ...this.ua.responseEdits('NOTIFY', 200)));
    if (state.state === 'terminated') {
      const retry = Number(state.params.get('retry-after') ?? Number.NaN);
      this.#end({
        reason: state.params.get('reason') ?? 'terminated',
        ...(Number.isFinite(retry) ? { retryAfter: retry } : {}),
      });
      return;
    }
    this.state = state.state === 'pending' ? 'pending' : 'active';
    const left = Number(state.params.get('expires') ?? Number.NaN);
    if (Number.isFinite(left)) this.#granted(left);
  }

  #end(end: SubscriptionEnd): void {
    if (this.state === 'terminated') return;
    this.state = 'terminated';
    this.#refresh?.cancel();
    this.#timerN?.cancel();
    this.ua.dialogs.removeHalf(this.#callId, this.#tag);
    if (this.#user !== undefined) this.ua.dialogs.remove(this.#user);
    if (this.dialog !== undefined) this.dialog.state = 'terminated';
    this.onEnded(end);
  }
}
