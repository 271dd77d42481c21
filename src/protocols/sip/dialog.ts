// A dialog: what two user agents keep of each other between requests. RFC 3261 §12, RFC 6665 §4.4.

import type { Json } from '#kernel/host';
import type { Point } from '#kernel/trace';
import { SipError } from './error.ts';
import type { Target } from './flow.ts';
import { fieldOf, type HeaderField } from './header.ts';
import {
  CallId,
  Contact,
  CSeq,
  From,
  MaxForwards,
  type NameAddr,
  nameAddr,
  RecordRoute,
  Route,
  To,
} from './headers.ts';
import type { SipResponse } from './message.ts';
import { type Edit, fields, request, type SipMessage, type SipRequest, set } from './message.ts';
import { copied } from './text.ts';
import { isSipUri, parseUri, type Uri, uriText } from './uri.ts';

export type DialogState = 'early' | 'confirmed' | 'terminated';

interface Parts {
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
  /** Values of From and To as they go into our requests, tags included. */
  readonly local: string;
  readonly remote: string;
  readonly remoteTarget: Uri;
  readonly routeSet: readonly Uri[];
  readonly localSequence: number;
  readonly remoteSequence: number | undefined;
  readonly state: DialogState;
}

/** Highest sequence number a dialog begins with: §8.1.1.5 wants it below 2**31. */
const maxSequence = 2_147_483_647;

export class Dialog {
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
  state: DialogState;
  /** Of the last request we sent. */
  localSequence: number;
  /** Of the last request taken from the peer. */
  remoteSequence: number | undefined;
  /** The reference point of what `target` leads to. */
  point: Point | undefined;
  readonly #from: HeaderField;
  readonly #to: HeaderField;
  readonly #callId: HeaderField;
  #remoteTarget: Uri;
  #routeSet: readonly Uri[];
  #routes: readonly HeaderField[] = [];

  private constructor(parts: Parts) {
    this.callId = parts.callId;
    this.localTag = parts.localTag;
    this.remoteTag = parts.remoteTag;
    this.state = parts.state;
    this.localSequence = parts.localSequence;
    this.remoteSequence = parts.remoteSequence;
    this.#from = fieldOf('From', parts.local);
    this.#to = fieldOf('To', parts.remote);
    this.#callId = fieldOf('Call-ID', parts.callId);
    this.#remoteTarget = parts.remoteTarget;
    this.#routeSet = parts.routeSet;
    this.#routes = routeFields(parts.routeSet);
  }

  /** At the caller, from a response with a To tag. §12.1.2. Throws SipError. */
  static fromUac(sent: SipRequest, response: SipResponse): Dialog {
    const remoteTag = response.get(To)?.params.get('tag') ?? '';
    return new Dialog({
      callId: copied(sent.get(CallId) ?? ''),
      localTag: copied(sent.get(From)?.params.get('tag') ?? ''),
      remoteTag: copied(remoteTag),
      local: copied(sent.raw('From')[0] ?? ''),
      remote: copied(response.raw('To')[0] ?? ''),
      remoteTarget: contactOf(response) ?? copyOf(sent.uri),
      routeSet: recordedRoutes(response).reverse(),
      localSequence: sent.get(CSeq)?.sequence ?? 1,
      remoteSequence: undefined,
      state: response.status < 200 ? 'early' : 'confirmed',
    });
  }

  /** At the callee; `localTag` is the To tag of our responses. §12.1.1. Throws SipError. */
  static fromUas(received: SipRequest, localTag: string): Dialog {
    const target = contactOf(received);
    if (target === undefined) {
      throw new SipError(400, 'Contact: a request that begins a dialog needs one', {
        header: 'Contact',
        clause: 'RFC 3261 §8.1.1.8',
        request: received,
      });
    }
    return new Dialog({
      callId: copied(received.get(CallId) ?? ''),
      localTag,
      remoteTag: copied(received.get(From)?.params.get('tag') ?? ''),
      local: `${copied(received.raw('To')[0] ?? '')};tag=${localTag}`,
      remote: copied(received.raw('From')[0] ?? ''),
      remoteTarget: target,
      routeSet: recordedRoutes(received),
      localSequence: 0,
      remoteSequence: received.get(CSeq)?.sequence,
      state: 'early',
    });
  }

  /** At a subscriber whose NOTIFY came before the response to its SUBSCRIBE. RFC 6665 §4.4.1 */
  static fromNotify(sent: SipRequest, notify: SipRequest): Dialog {
    return new Dialog({
      callId: copied(sent.get(CallId) ?? ''),
      localTag: copied(sent.get(From)?.params.get('tag') ?? ''),
      remoteTag: copied(notify.get(From)?.params.get('tag') ?? ''),
      local: copied(sent.raw('From')[0] ?? ''),
      remote: copied(notify.raw('From')[0] ?? ''),
      remoteTarget: contactOf(notify) ?? copyOf(sent.uri),
      routeSet: recordedRoutes(notify),
      localSequence: sent.get(CSeq)?.sequence ?? 1,
      remoteSequence: undefined,
      state: 'early',
    });
  }

  static restore(stored: Json): Dialog {
    const kept = stored as unknown as Kept;
    return new Dialog({
      ...kept,
      remoteTarget: parseUri(kept.remoteTarget),
      routeSet: kept.routeSet.map(parseUri),
      remoteSequence: kept.remoteSequence ?? undefined,
    });
  }

  serialise(): Json {
    const kept: Kept = {
      callId: this.callId,
      localTag: this.localTag,
      remoteTag: this.remoteTag,
      local: this.#from.value,
      remote: this.#to.value,
      remoteTarget: uriText(this.#remoteTarget),
      routeSet: this.#routeSet.map(uriText),
      localSequence: this.localSequence,
      remoteSequence: this.remoteSequence ?? null,
      state: this.state,
    };
    return kept as unknown as Json;
  }

  get id(): string {
    return dialogId(this.callId, this.localTag, this.remoteTag);
  }

  get remoteTarget(): Uri {
    return this.#remoteTarget;
  }

  get routeSet(): readonly NameAddr[] {
    return this.#routeSet.map(uri => nameAddr(uri));
  }

  /** Where a request of this dialog goes next: the first route, else the remote target. §12.2.1.1 */
  get target(): Target {
    const uri = this.#routeSet[0] ?? this.#remoteTarget;
    return this.point === undefined ? { uri } : { uri, point: this.point };
  }

  /** A request within the dialog, with the next sequence number. Contact and body are the caller's. */
  request(method: string, ...edits: readonly Edit[]): SipRequest {
    this.localSequence = Math.min(this.localSequence + 1, maxSequence);
    return this.#make(method, this.localSequence, edits);
  }

  /** The ACK to a 2xx: the sequence number of its INVITE. §13.2.2.4 */
  ack(sequence: number, ...edits: readonly Edit[]): SipRequest {
    return this.#make('ACK', sequence, edits);
  }

  #make(method: string, sequence: number, edits: readonly Edit[]): SipRequest {
    const [first] = this.#routeSet;
    const strict = first !== undefined && !(isSipUri(first) && first.params.has('lr'));
    const uri = strict ? first : this.#remoteTarget;
    const routes = strict
      ? routeFields([...this.#routeSet.slice(1), this.#remoteTarget])
      : this.#routes;
    return request(
      method,
      uri,
      set(MaxForwards, 70),
      fields(...routes, this.#from, this.#to, this.#callId),
      set(CSeq, { sequence, method }),
      ...edits,
    );
  }

  /**
   * Notes the sequence number of a request from the peer; false where it is older than one taken
   * before, which deserves 500 (§12.2.2). Throws SipError.
   */
  accepts(received: SipRequest): boolean {
    const sequence = received.get(CSeq)?.sequence ?? 0;
    if (this.remoteSequence !== undefined && sequence <= this.remoteSequence) return false;
    this.remoteSequence = sequence;
    return true;
  }

  /** Takes the peer's Contact over: target refresh requests and their 2xx. §12.2. Throws SipError. */
  refreshTarget(message: SipMessage): void {
    const contact = contactOf(message);
    if (contact !== undefined) this.#remoteTarget = contact;
  }

  /** The 2xx decides the route set: what an early response said of it may have been less. §13.2.2.4 */
  confirm(response?: SipResponse): void {
    this.state = 'confirmed';
    if (response === undefined) return;
    this.refreshTarget(response);
    this.#routeSet = recordedRoutes(response).reverse();
    this.#routes = routeFields(this.#routeSet);
  }
}

interface Kept extends Omit<Parts, 'remoteTarget' | 'routeSet' | 'remoteSequence'> {
  readonly remoteTarget: string;
  readonly routeSet: readonly string[];
  readonly remoteSequence: number | null;
}

export function dialogId(callId: string, localTag: string, remoteTag: string): string {
  return `${callId}\n${localTag}\n${remoteTag}`;
}

const routeFields = (uris: readonly Uri[]): readonly HeaderField[] =>
  uris.map(uri => fieldOf(Route.name, `<${uriText(uri)}>`));

const recordedRoutes = (message: SipMessage): Uri[] =>
  message.all(RecordRoute).map(route => copyOf(route.uri));

const contactOf = (message: SipMessage): Uri | undefined => {
  const uri = message.get(Contact)?.uri;
  return uri === undefined || uri.scheme === '*' ? undefined : copyOf(uri);
};

/** Holds on to nothing of the message it came in. */
const copyOf = (uri: Uri): Uri => parseUri(copied(uriText(uri)));
