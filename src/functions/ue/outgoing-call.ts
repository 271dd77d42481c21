// A call the UE makes. TS 24.229 §5.1.3.1, §5.1.2A.1; preconditions by RFC 3312.

import type { Timer } from '#kernel/host';
import { Negotiation } from '#sdp/negotiation';
import { Preconditions } from '#sdp/preconditions';
import {
  AcceptContact,
  nameAddr,
  PEarlyMedia,
  PPreferredIdentity,
  PPreferredService,
  Privacy,
  Require,
  Supported,
} from '#sip/headers';
import { type Edit, type SipResponse, set } from '#sip/message';
import { params } from '#sip/params';
import { parseUri, type Uri } from '#sip/uri';
import type { Leg, OutgoingSession } from '#sip/user-agent';
import { Call, calleeOf, type Party } from './call.ts';
import type { CallAgent } from './call-agent.ts';
import { type Gm, mmtel } from './gm.ts';
import { CallMedia, type Saying } from './media.ts';

export interface CallOptions {
  /** Preconditions; default by the UE's configuration. */
  readonly preconditions?: boolean;
  /** What is said once the call is answered; default silence. */
  readonly say?: Saying;
  readonly record?: boolean;
  /** Withhold our identity from the callee (RFC 3323, TS 24.607). */
  readonly anonymous?: boolean;
}

const mmtelService = 'urn:urn-7:3gpp-service.ims.icsi.mmtel';

export class OutgoingCall extends Call {
  readonly direction = 'outgoing';
  declare readonly session: OutgoingSession;
  readonly #ua: CallAgent;
  #peer: Party;
  /** Forks whose resources are being reserved, or are there. */
  readonly #reserving = new Set<Leg>();
  #noAnswer: Timer | undefined;

  /** Sends the INVITE. Rejects with an AddressError where no port for media is free. */
  static async begin(
    gm: Gm,
    ua: CallAgent,
    target: Uri,
    options: CallOptions,
  ): Promise<OutgoingCall> {
    const { config, host } = gm;
    const wanted = options.preconditions ?? config.calls.preconditions;
    const media = await CallMedia.open(host, config);
    const preconditions = wanted
      ? new Preconditions({
          reserved: config.calls.reservation > 0 ? 'none' : 'sendrecv',
          local: 'mandatory',
          remote: 'optional',
        })
      : undefined;
    const negotiation = new Negotiation({
      sessionId: sessionId(gm),
      host: config.address,
      streams: [media.describe(preconditions)],
    });
    if (options.anonymous === true) gm.withholding++; // §5.1.2A.1.1: no public GRUU then
    const session = ua.invite({
      uri: target,
      from: options.anonymous === true ? anonymous : gm.from(),
      offer: negotiation.offer().encode(),
      edits: [
        set(PPreferredIdentity, nameAddr(gm.identity)),
        ...inviteEdits(wanted),
        ...(options.anonymous === true ? [set(Privacy, ['id'])] : []),
      ],
    });
    const call = new OutgoingCall(gm, ua, session, media, negotiation, calleeOf(session.request));
    if (options.anonymous === true) {
      void call.ended.then(() => {
        gm.withholding--;
      });
    }
    if (options.say !== undefined) call.say(options.say);
    if (options.record === true) call.record();
    return call;
  }

  private constructor(
    gm: Gm,
    ua: CallAgent,
    session: OutgoingSession,
    media: CallMedia,
    negotiation: Negotiation,
    peer: Party,
  ) {
    super(gm, session, media, negotiation);
    this.#ua = ua;
    this.#peer = peer;
    session.onProvisional = response => this.#provisional(response);
    session.onAnswered = (response, leg) => this.#answered(response, leg);
    this.#noAnswer = gm.host.clock.after(gm.config.calls.noAnswer, () => this.#unanswered());
    void this.ended.then(() => this.#noAnswer?.cancel());
  }

  /** Whom we called, and once answered whom we talk to. */
  get peer(): Party {
    return this.#peer;
  }

  #provisional(response: SipResponse): void {
    if (response.status === 180) this.enter('ringing');
  }

  #answered(response: SipResponse, leg: Leg): void {
    this.#noAnswer?.cancel();
    this.#peer = calleeOf(response);
    this.enter('talking');
    this.agreed(leg);
  }

  #unanswered(): void {
    this.outcome ??= { kind: 'unanswered' };
    this.session.hangup();
  }

  /** Our resources follow the answer; the callee hears of them and may ring. §5.1.3.1 */
  protected progressed(leg: Leg): void {
    if (this.#isPastRinging()) return;
    const preconditions = this.#preconditionsOf(leg);
    if (preconditions === undefined) return;
    if (preconditions.refused !== undefined) {
      this.giveUp(preconditions.refused);
      return;
    }
    if (preconditions.peerUses !== true || this.#reserving.has(leg)) return;
    this.#reserving.add(leg);
    if (preconditions.localMet && !preconditions.owesConfirmation) return;
    const { clock } = this.gm.host;
    clock.after(this.gm.config.calls.reservation, () => void this.#reserved(leg));
  }

  async #reserved(leg: Leg): Promise<void> {
    const preconditions = this.#preconditionsOf(leg);
    const negotiation = this.negotiationOf(leg);
    if (preconditions === undefined || this.#isPastRinging()) return;
    preconditions.reserve('sendrecv');
    await this.#ua.pracked(leg.dialog);
    if (this.#isPastRinging()) return;
    if (negotiation.state !== 'agreed') return;
    this.decide(
      'UPDATE',
      'our resources are reserved and the callee waits for them',
      'TS 24.229 §5.1.3.1',
    );
    const { response } = await this.session.modify(negotiation.offer().encode(), {
      method: 'UPDATE',
      leg,
      edits: [requirePrecondition],
    });
    if (response !== undefined && response.status < 300) return;
    negotiation.withdraw();
    if (response?.status === 580) this.giveUp('the callee cannot reserve its resources');
  }

  #isPastRinging(): boolean {
    return this.state === 'talking' || this.state === 'ended';
  }

  #preconditionsOf(leg: Leg): Preconditions | undefined {
    return this.negotiationOf(leg).agreed[0]?.local.preconditions;
  }
}

/** RFC 3312 §11: what states preconditions within a dialog requires them. */
const requirePrecondition: Edit = set(Require, 'precondition');

/** What an INVITE of a UE asks for and offers: §5.1.3.1, §5.1.2A.1.1, TS 24.628 §4.7.2.1. */
function inviteEdits(preconditions: boolean): Edit[] {
  return [
    set(AcceptContact, { params: params({ '+g.3gpp.icsi-ref': mmtel }) }),
    set(PPreferredService, mmtelService),
    set(PEarlyMedia, 'supported'),
    set(Supported, '100rel', 'timer', ...(preconditions ? ['precondition'] : [])),
  ];
}

/** RFC 3323 §4.1.1.3 */
const anonymous = nameAddr(parseUri('sip:anonymous@anonymous.invalid'), undefined, 'Anonymous');

/** A session id in decimal digits, unlike any other of this host. */
export const sessionId = (gm: Gm): string => String(Number.parseInt(gm.host.random.hex(6), 16) + 1);
