// Sessions that pass here, for whoever asks which calls there are and for the network to end one.
// Routing needs none of it: what that needs travels in our Record-Route. TS 24.229 §5.4.5

import type { Host, Json, Timer } from '#kernel/host';
import { eachEntry } from '#kernel/stored';
import type { Instant } from '#kernel/time';
import { Dialog } from '#sip/dialog';
import type { ServerTransaction } from '#sip/endpoint';
import {
  CallId,
  CSeq,
  From,
  PAssertedIdentity,
  PChargingVector,
  Reason,
  RecordRoute,
  To,
} from '#sip/headers';
import { type SipRequest, type SipResponse, set } from '#sip/message';
import { copied } from '#sip/text';
import { cancelFor } from '#sip/transaction/follow-up';
import { impuOf } from '#sip/uri';
import type { Side } from './marks.ts';
import type { SCscf } from './s-cscf.ts';

import type { Treatment } from './treatment.ts';

const TABLE = 'sessions';

/** A call as people see it: what one S-CSCF knows of both its ends. */
export interface CallStatus {
  readonly id: string;
  readonly callId: string;
  readonly icid: string | undefined;
  readonly caller: string;
  readonly callee: string;
  readonly state: 'setting up' | 'ringing' | 'answered';
  readonly since: Instant;
  readonly answered: Instant | undefined;
  /** On whose behalf it passes here. */
  readonly served: readonly { readonly impu: string; readonly side: Side }[];
}

interface Facts {
  readonly id: string;
  readonly side: Side;
  readonly served: string;
  readonly caller: string;
  readonly callee: string;
  readonly callId: string;
  readonly callerTag: string;
  readonly icid: string | undefined;
  readonly since: Instant;
}

interface Session extends Facts {
  state: CallStatus['state'];
  answered: Instant | undefined;
  /** The highest CSeq that each side has sent: a BYE of ours comes after it (RFC 3261 §12.2.1.1). */
  sent: { caller: number; callee: number };
  /** As if we were the caller, from here to the callee; and the other way. */
  towards: { readonly callee: Dialog; readonly caller: Dialog } | undefined;
  /** Ends a session that is not answered yet. */
  abort: (() => void) | undefined;
  tokens: readonly string[];
  seen: Instant;
  timer: Timer | undefined;
}

export class Sessions {
  readonly #scscf: SCscf;
  readonly #host: Host;
  readonly #table = new Map<string, Session>();

  constructor(scscf: SCscf) {
    this.#scscf = scscf;
    this.#host = scscf.host;
  }

  get size(): number {
    return this.#table.size;
  }

  /** A new session of an INVITE; any other request gets a name that stands for none. Undefined: full. */
  begin(side: Side, served: string, asked: string, tx: ServerTransaction): string | undefined {
    const { request } = tx;
    if (request.method !== 'INVITE') return NONE;
    if (this.#table.size >= this.#scscf.config.sessions.maximum) return undefined;
    const from = request.get(From);
    const vouched = request.all(PAssertedIdentity)[0]?.uri ?? from?.uri;
    const icid = request.get(PChargingVector)?.icid;
    const now = this.#host.clock.now();
    const session: Session = {
      id: this.#host.random.hex(8),
      side,
      served,
      caller: side === 'orig' ? served : copied(vouched === undefined ? '' : impuOf(vouched)),
      callee: side === 'term' ? served : copied(asked),
      callId: copied(request.get(CallId) ?? ''),
      callerTag: copied(from?.params.get('tag') ?? ''),
      icid: icid === undefined ? undefined : copied(icid),
      since: now,
      state: 'setting up',
      answered: undefined,
      sent: { caller: request.get(CSeq)?.sequence ?? 0, callee: 0 },
      towards: undefined,
      abort: () => tx.onCancel?.(cancelFor(request, [set(Reason, released)])),
      tokens: [],
      seen: now,
      timer: undefined,
    };
    this.#table.set(session.id, session);
    return session.id;
  }

  /** A response to the INVITE that began it passes. */
  answered(treatment: Treatment, request: SipRequest, received: SipResponse): void {
    const session = this.#table.get(treatment.session);
    if (session === undefined || session.state === 'answered') return;
    if (received.status === 180) session.state = 'ringing';
    if (received.status < 200 || received.status > 299) return;
    session.state = 'answered';
    session.abort = undefined;
    session.answered = this.#host.clock.now();
    session.towards = {
      callee: Dialog.fromUac(request, this.#behindUs(received, session.id)),
      caller: Dialog.fromUas(request, copied(received.get(To)?.params.get('tag') ?? '')),
    };
    // PRACK and UPDATE may have gone before the answer
    session.towards.callee.localSequence = session.sent.caller;
    session.towards.caller.localSequence = session.sent.callee;
    this.#wait(session);
    this.#keep(session.id, toJson(session));
  }

  /** The response with those Record-Route values alone that were added behind our first passage. */
  #behindUs(received: SipResponse, id: string): SipResponse {
    const routes = received.all(RecordRoute);
    const last = routes.findLastIndex(
      route => this.#scscf.markOf(route.uri, received.get(CallId) ?? '')?.session === id,
    );
    return last < 0 ? received : received.with(set(RecordRoute, ...routes.slice(0, last)));
  }

  /** Identifiers that application servers may use as long as the session lasts. */
  keepUntilEnd(id: string, tokens: readonly string[]): void {
    const session = this.#table.get(id);
    if (session === undefined) this.#scscf.isc.forget(tokens);
    else if (tokens.length > 0) session.tokens = [...session.tokens, ...tokens];
  }

  /** Not answered, and never will be. */
  failed(id: string): void {
    const session = this.#table.get(id);
    if (session !== undefined && session.state !== 'answered') this.#forget(session);
  }

  /** A request within the dialog passes: both ends still live, and count on. */
  seen(id: string, request: SipRequest): void {
    const session = this.#table.get(id);
    if (session === undefined || request.get(CallId) !== session.callId) return;
    session.seen = this.#host.clock.now();
    const fromCaller = request.get(From)?.params.get('tag') === session.callerTag;
    const side = fromCaller ? 'caller' : 'callee';
    const sequence = request.get(CSeq)?.sequence ?? 0;
    session.sent[side] = Math.max(session.sent[side], sequence);
    if (session.towards === undefined) return;
    const dialog = fromCaller ? session.towards.callee : session.towards.caller;
    dialog.localSequence = Math.max(dialog.localSequence, sequence);
    if (refreshesTarget.has(request.method)) {
      (fromCaller ? session.towards.caller : session.towards.callee).refreshTarget(request);
    }
  }

  /** The BYE of the dialog that began it was answered. */
  ended(id: string, callId: string): void {
    const session = this.#table.get(id);
    if (session === undefined || session.callId !== callId) return; // an AS's other leg
    this.#forget(session);
  }

  calls(): readonly CallStatus[] {
    const calls = new Map<string, CallStatus>();
    for (const session of this.#table.values()) {
      const key = session.icid ?? session.callId;
      const other = calls.get(key);
      const { id, callId, icid, caller, callee, state, since, answered, served, side } = session;
      const also = { impu: served, side };
      if (other !== undefined) {
        // the two ends of one call, both ours
        const callee_ = side === 'term' ? callee : other.callee;
        calls.set(key, { ...other, callee: callee_, served: [...other.served, also] });
        continue;
      }
      calls.set(key, {
        id,
        callId,
        icid,
        caller,
        callee,
        state,
        since,
        answered,
        served: [also],
      });
    }
    return [...calls.values()];
  }

  /** Ends a session from the network's side (§5.4.5.1). False where there is none of that name. */
  release(id: string, because: string): boolean {
    const session = this.#table.get(id);
    if (session === undefined) return false;
    this.#scscf.decide('release', {
      chose: session.state === 'answered' ? 'BYE to both ends' : 'CANCEL',
      because,
      clause: 'TS 24.229 §5.4.5.1',
      keys: { callId: session.callId, impus: [session.served] },
    });
    if (session.towards === undefined) session.abort?.();
    else {
      for (const dialog of [session.towards.callee, session.towards.caller]) {
        const bye = dialog.request('BYE', set(Reason, released));
        const { uri } = dialog.target as { uri: Parameters<typeof impuOf>[0] };
        this.#scscf.sip.request(bye, { uri, point: this.#scscf.isc.pointOf(uri) });
      }
      this.#forget(session);
    }
    return true;
  }

  /** Every session on behalf of identities that are served no longer (§5.4.1.4, §5.4.1.5). */
  releaseOf(impus: readonly string[], because: string): void {
    if (this.#table.size === 0) return;
    const gone = new Set(impus);
    for (const session of [...this.#table.values()]) {
      if (gone.has(session.served)) this.release(session.id, because);
    }
  }

  async restore(): Promise<void> {
    await eachEntry(this.#host.store, TABLE, (_id, value) => {
      const session = fromJson(value);
      this.#table.set(session.id, session);
      this.#wait(session);
    });
  }

  stop(): void {
    for (const session of this.#table.values()) session.timer?.cancel();
    this.#table.clear();
  }

  #forget(session: Session): void {
    session.timer?.cancel();
    this.#table.delete(session.id);
    this.#scscf.isc.forget(session.tokens);
    if (session.answered !== undefined) this.#keep(session.id, undefined);
  }

  /** Nothing waits for it: a call whose record is lost goes on all the same. */
  #keep(key: string, value: Json | undefined): void {
    this.#host.store.commit([{ table: TABLE, key, value }]).catch(error => {
      this.#host.log.warn('s-cscf.session not stored', { session: key, error: String(error) });
    });
  }

  #wait(session: Session): void {
    const { idle } = this.#scscf.config.sessions;
    const left = session.seen + idle - this.#host.clock.now();
    session.timer = this.#host.clock.after(Math.max(0, left), () => {
      if (session.seen + idle > this.#host.clock.now()) this.#wait(session);
      else this.#forget(session);
    });
  }
}

/** Stands in a Record-Route for no session: a subscription's, say. */
export const NONE = '0';

/** Methods whose Contact is a new remote target (RFC 3261 §12.2, RFC 3311 §5.1). */
const refreshesTarget: ReadonlySet<string> = new Set(['INVITE', 'UPDATE']);

const released = {
  protocol: 'SIP',
  params: new Map([
    ['cause', '503'],
    ['text', 'Released by the network'],
  ]),
};

function toJson(session: Session): Json {
  const { id, side, served, caller, callee, callId, callerTag, icid, since, answered } = session;
  return {
    ...{ id, side, served, caller, callee, callId, callerTag, since },
    icid: icid ?? null,
    answered: answered ?? null,
    towardsCallee: session.towards?.callee.serialise() ?? null,
    towardsCaller: session.towards?.caller.serialise() ?? null,
  };
}

function fromJson(value: Json): Session {
  const kept = value as unknown as Omit<Facts, 'icid'> & {
    readonly icid: string | null;
    readonly answered: Instant;
    readonly towardsCallee: Json;
    readonly towardsCaller: Json;
  };
  const { towardsCallee, towardsCaller, ...facts } = kept;
  return {
    ...facts,
    icid: kept.icid ?? undefined,
    state: 'answered',
    sent: { caller: 0, callee: 0 },
    towards: { callee: Dialog.restore(towardsCallee), caller: Dialog.restore(towardsCaller) },
    abort: undefined,
    tokens: [],
    seen: kept.answered,
    timer: undefined,
  };
}
