// Offer and answer over the life of one dialog, RFC 3264 and RFC 6337: a pure machine that writes
// our descriptions, takes the peer's, and says what was agreed. m= lines keep their place for good.

import { assert } from '#kernel/errors';
import { agree } from './agree.ts';
import { describeStream, refuseStream } from './describe.ts';
import { both, type Direction, directionOf, receives, reversed, sends } from './direction.ts';
import { connectionText, connectionTo, originText } from './fields.ts';
import { formatsOf, type RtpFormat, sameFormat } from './format.ts';
import { line } from './line.ts';
import { SdpError } from './sdp-error.ts';
import { type MediaDescription, SessionDescription } from './session-description.ts';
import { type AgreedStream, isCodec, type LocalStream } from './stream.ts';

export interface NegotiationSetting {
  /** Decimal digits, unique on this host (RFC 8866 §5.2). */
  readonly sessionId: string;
  /** The address in o= and c=, an IP literal. */
  readonly host: string;
  readonly username?: string;
  /** Ours, in the order of our first offer. */
  readonly streams: readonly LocalStream[];
}

/** What became of an m= line on our side. */
interface Slot {
  /** undefined: not ours to serve, refused for good. */
  readonly local: LocalStream | undefined;
  /** The description last sent for it. */
  readonly sent: MediaDescription;
}

export type NegotiationState = 'new' | 'offered' | 'offer received' | 'agreed';

export class Negotiation {
  readonly #setting: NegotiationSetting;
  #slots: readonly Slot[] = [];
  #version = 0;
  #sent: SessionDescription | undefined;
  #remoteOffer: SessionDescription | undefined;
  #agreed: readonly AgreedStream[] = [];
  #settled = false;
  #pendingOffer = false;
  /** The slots before the offer in flight, for `withdraw`. */
  #before: readonly Slot[] = [];
  /** We hold the peer: nothing it sends is wanted. */
  #holding = false;
  /** The peer still listens, as far as it has said. */
  #peerListens = true;

  constructor(setting: NegotiationSetting) {
    this.#setting = setting;
  }

  get state(): NegotiationState {
    if (this.#pendingOffer) return 'offered';
    if (this.#remoteOffer !== undefined) return 'offer received';
    return this.#settled ? 'agreed' : 'new';
  }

  /** The streams in use since the last complete exchange. */
  get agreed(): readonly AgreedStream[] {
    return this.#agreed;
  }

  get holding(): boolean {
    return this.#holding;
  }

  /** The peer holds us: it does not listen. */
  get held(): boolean {
    return !this.#peerListens;
  }

  /**
   * More could flow than was agreed last: an offer made before the peer's own was answered after it
   * (RFC 3261 §14.1 has it sent again as it was). A new offer puts it right.
   */
  get stale(): boolean {
    const wished = directionOf(this.#peerListens, !this.#holding);
    return this.state === 'agreed' && this.#agreed.some(stream => stream.direction !== wished);
  }

  /** From the next description on we do (not) listen; the caller makes the offer that says so. */
  hold(holding: boolean): void {
    this.#holding = holding;
  }

  /** Our offer: the first, or a new one that keeps every m= line where it was (RFC 3264 §8). */
  offer(): SessionDescription {
    assert(this.state === 'new' || this.state === 'agreed', `no offer while ${this.state}`);
    this.#before = this.#slots;
    const used = new Set(this.#slots.map(slot => slot.local));
    const added = this.#setting.streams.filter(stream => !used.has(stream));
    this.#slots = [
      ...this.#slots.map(slot => ({
        local: slot.local,
        sent: slot.local === undefined ? refuseStream(slot.sent) : this.#offered(slot.local, slot),
      })),
      // A stream that was never in the dialog joins only before anything was agreed.
      ...(this.#settled ? [] : added.map(local => ({ local, sent: this.#offered(local) }))),
    ];
    this.#pendingOffer = true;
    return this.#describe();
  }

  /**
   * An offer of ours went out again as it was made before: after 491, or to refresh the session.
   * Its lines must be those of this dialog.
   */
  resent(offer: SessionDescription): void {
    assert(this.state === 'agreed', `no offer while ${this.state}`);
    assert(
      offer.media.length === this.#slots.length,
      'an offer of ours has the lines of the dialog',
    );
    this.#before = this.#slots;
    this.#slots = this.#slots.map(({ local }, i) => ({ local, sent: offer.media[i]! }));
    this.#pendingOffer = true;
  }

  /** The answer to our offer. Throws an SdpError (488) when it answers another offer. */
  receiveAnswer(answer: SessionDescription): readonly AgreedStream[] {
    assert(this.#pendingOffer, 'an answer needs an offer');
    if (answer.media.length !== this.#slots.length) {
      throw new SdpError('the answer has another number of m= lines than the offer', {
        clause: 'RFC 3264 §6',
        status: 488,
      });
    }
    this.#pendingOffer = false;
    this.#settled = true;
    return this.#settle(answer, 'answer');
  }

  /** An offer of ours under way was refused (488, 491 …): all stays as it was (RFC 3261 §14.1). */
  withdraw(): void {
    if (!this.#pendingOffer) return;
    this.#pendingOffer = false;
    this.#slots = this.#before;
  }

  /**
   * The peer's offer. 'unacceptable' when it shares no stream with us: answer 488 and nothing has
   * changed. Throws an SdpError (488) when it drops m= lines (RFC 3264 §8).
   */
  receiveOffer(offer: SessionDescription): 'acceptable' | 'unacceptable' {
    assert(!this.#pendingOffer, 'offers crossed: 491');
    if (offer.media.length < this.#slots.length) {
      throw new SdpError('a new offer has fewer m= lines than before', {
        clause: 'RFC 3264 §8',
        status: 488,
      });
    }
    const serving = this.#assign(offer);
    const removesAll = this.#settled && offer.media.every(media => media.disabled);
    if (serving.every(local => local === undefined) && !removesAll) return 'unacceptable';
    this.#remoteOffer = offer;
    for (const [i, local] of serving.entries()) local?.preconditions?.receive(offer.media[i]!);
    return 'acceptable';
  }

  /** We refuse the peer's offer after all. */
  refuseOffer(): void {
    this.#remoteOffer = undefined;
  }

  /** Our answer to the offer received; with it the session is agreed. */
  answer(): SessionDescription {
    const offer = this.#remoteOffer;
    assert(offer !== undefined, 'an answer needs an offer');
    const serving = this.#assign(offer);
    this.#slots = offer.media.map((media, i) => {
      const local = serving[i];
      if (local === undefined) return { local, sent: refuseStream(media) };
      const sent = describeStream(local, {
        kind: 'answer',
        protocol: media.line.protocol,
        formats: commonFormats(formatsOf(media), local.formats),
        direction: both(this.#wish(), reversed(offer.directionOf(media))),
        sessionHost: this.#setting.host,
      });
      return { local, sent };
    });
    this.#remoteOffer = undefined;
    this.#settled = true;
    this.#settle(offer, 'offer');
    return this.#describe();
  }

  /** The same negotiation for another dialog of a forked INVITE: only the offer is shared. */
  fork(): Negotiation {
    const copies = new Map(
      this.#setting.streams.map(stream => [
        stream,
        { ...stream, preconditions: stream.preconditions?.copy() },
      ]),
    );
    const other = new Negotiation({ ...this.#setting, streams: [...copies.values()] });
    const copied = (slots: readonly Slot[]) =>
      slots.map(({ local, sent }) => ({ local: local && copies.get(local), sent }));
    other.#slots = copied(this.#slots);
    other.#before = copied(this.#before);
    other.#version = this.#version;
    other.#sent = this.#sent;
    other.#pendingOffer = this.#pendingOffer;
    other.#holding = this.#holding;
    return other;
  }

  /**
   * Which of our streams serves each m= line of the peer's offer. A line keeps its stream; a stream
   * without a line takes the first it fits, also one that was refused before (RFC 3264 §8.1).
   */
  #assign(offer: SessionDescription): readonly (LocalStream | undefined)[] {
    const taken = new Set(this.#slots.flatMap(slot => slot.local ?? []));
    return offer.media.map((media, i) => {
      const before = this.#slots[i]?.local;
      if (before !== undefined) return serves(before, media) ? before : undefined;
      const found = this.#setting.streams.find(
        stream => !taken.has(stream) && serves(stream, media),
      );
      if (found !== undefined) taken.add(found);
      return found;
    });
  }

  #offered(local: LocalStream, slot?: Slot): MediaDescription {
    return describeStream(local, {
      kind: 'offer',
      protocol: slot?.sent.line.protocol ?? 'RTP/AVP',
      formats: renumbered(local.formats, slot === undefined ? [] : formatsOf(slot.sent)),
      direction: directionOf(this.#peerListens, !this.#holding),
      sessionHost: this.#setting.host,
    });
  }

  /** What we would like, the peer aside. */
  #wish(): Direction {
    return directionOf(true, !this.#holding);
  }

  #settle(remote: SessionDescription, kind: 'offer' | 'answer'): readonly AgreedStream[] {
    this.#agreed = this.#slots.flatMap((slot, index) => {
      const media = remote.media[index]!;
      if (slot.local === undefined || slot.sent.disabled) return [];
      if (kind === 'answer') slot.local.preconditions?.receive(media);
      const direction = remote.directionOf(media);
      // An answer to an offer in which we did not send says nothing about the peer's listening.
      if (kind === 'offer' || sends(slot.sent.ownDirection ?? 'sendrecv')) {
        this.#peerListens = receives(direction);
      }
      const stream = agree(index, slot.local, slot.sent, remote, media);
      return stream === undefined ? [] : [stream];
    });
    return this.#agreed;
  }

  /** The whole description; its version rises when anything in it changed (RFC 3264 §8). */
  #describe(): SessionDescription {
    const { host, sessionId, username } = this.#setting;
    const media = this.#slots.map(slot => slot.sent);
    const made = (version: number) =>
      new SessionDescription(
        [
          line('v', '0'),
          line(
            'o',
            originText({
              username: username ?? '-',
              sessionId,
              version: String(version),
              addressType: connectionTo(host).addressType,
              address: host,
            }),
          ),
          line('s', '-'),
          line('c', connectionText(connectionTo(host))),
          line('t', '0 0'),
        ],
        media,
      );
    const same = made(this.#version);
    if (this.#sent !== undefined && same.text() === this.#sent.text()) return this.#sent;
    this.#version++;
    this.#sent = made(this.#version);
    return this.#sent;
  }
}

/** Whether our stream can answer that m= line at all. */
function serves(local: LocalStream, media: MediaDescription): boolean {
  return (
    !media.disabled &&
    local.media === media.line.media &&
    /^RTP\/AVPF?$/.test(media.line.protocol) &&
    commonFormats(formatsOf(media), local.formats).some(isCodec)
  );
}

/** The offer's formats that we know too, in its order and under its numbers (RFC 3264 §6.1). */
function commonFormats(offered: readonly RtpFormat[], ours: readonly RtpFormat[]): RtpFormat[] {
  const common = offered.flatMap(format => {
    const own = ours.find(candidate => sameFormat(candidate, format));
    return own === undefined ? [] : [{ ...own, payloadType: format.payloadType }];
  });
  const rates = new Set(common.filter(isCodec).map(format => format.clockRate));
  return common.filter(format => rates.has(format.clockRate));
}

/** Ours under the numbers they already have in this dialog, which must not change (RFC 3264 §8.3.2). */
function renumbered(ours: readonly RtpFormat[], known: readonly RtpFormat[]): RtpFormat[] {
  const taken = new Set(known.map(format => format.payloadType));
  return ours.map(format => {
    const before = known.find(candidate => sameFormat(candidate, format));
    if (before !== undefined) return { ...format, payloadType: before.payloadType };
    let { payloadType } = format;
    for (let next = 96; taken.has(payloadType) && next < 128; next++) payloadType = next;
    taken.add(payloadType);
    return { ...format, payloadType };
  });
}
