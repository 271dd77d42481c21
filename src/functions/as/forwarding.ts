// Unconditional forwarding: the AS as a back-to-back user agent that re-targets the call
// (TS 24.229 §5.7.5, TS 24.604 §4.5.2.6). Descriptions and media pass from end to end.

import { nameAddr, From, HistoryInfo, PAssertedIdentity, PChargingVector, Privacy, PServedUser, Route } from '#sip/headers';
import { required } from '#sip/identities';
import { add, type Edit, fields } from '#sip/message';
import { takeRoute } from '#sip/proxy';
import { impuOf, parseUri, type Uri, uriText } from '#sip/uri';
import type { IncomingSession, OutgoingSession } from '#sip/user-agent';
import type { As } from './as.ts';

/** Diversions after which a call goes no further (TS 24.604 §4.5.2.6.1). */
const MOST_DIVERSIONS = 5;

export class Forwarding {
  readonly #as: As;

  constructor(as: As) {
    this.#as = as;
  }

  serve(incoming: IncomingSession): void {
    const { request } = incoming;
    const served = impuOf(request.get(PServedUser)?.uri ?? request.uri);
    const target = this.#as.config.forward.get(served);
    const diversions = request.all(HistoryInfo).filter(({ uri }) => hasCause(uri)).length;
    this.#as.decide('as.forwarding', request, {
      chose: diversions >= MOST_DIVERSIONS ? '480' : (target ?? 'not forwarded'),
      because:
        diversions >= MOST_DIVERSIONS
          ? `the call has been diverted ${diversions} times`
          : target === undefined
            ? `${served} forwards no calls`
            : `${served} forwards every call`,
      clause: 'TS 24.604 §4.5.2.6.1',
    });
    if (diversions >= MOST_DIVERSIONS) return incoming.reject(480);
    this.#connect(incoming, target === undefined ? request.uri : parseUri(target), target !== undefined);
  }

  #connect(incoming: IncomingSession, target: Uri, diverted: boolean): void {
    const { request } = incoming;
    // The S-CSCF knows the call again by the rest of the Route: its original dialog identifier.
    const { request: beyond } = takeRoute(request, uri => this.#as.isOurs(uri));
    const outgoing = this.#as.ua.invite({
      uri: target,
      from: required(request, From),
      route: beyond.all(Route),
      edits: this.#carried(incoming, target, diverted),
      ...(incoming.offer !== undefined && { offer: incoming.offer }),
    });
    join(incoming, outgoing);
  }

  /** What of the first leg the second one has to say as well. */
  #carried(incoming: IncomingSession, target: Uri, diverted: boolean): readonly Edit[] {
    const { request } = incoming;
    const edits: Edit[] = [PAssertedIdentity, PChargingVector, Privacy, PServedUser].map(header =>
      fields(...request.lines(header)),
    );
    if (!diverted) return edits;
    const index = request.all(HistoryInfo).length;
    const entry = (uri: Uri, at: string) => nameAddr(uri, { index: at });
    edits.push(
      fields(...request.lines(HistoryInfo)),
      ...(index === 0 ? [add(HistoryInfo, entry(request.uri, '1'))] : []),
      add(HistoryInfo, entry(withCause(target), index === 0 ? '1.1' : `1${'.1'.repeat(index)}`)),
    );
    return edits;
  }
}

/** cause=302: unconditional (RFC 4458 §2). */
function withCause(uri: Uri): Uri {
  return parseUri(`${uriText(uri)};cause=302`);
}

const hasCause = (uri: Uri): boolean => 'params' in uri && uri.params.has('cause');

/** Joins the two legs: what one side says or answers, the other hears. */
function join(incoming: IncomingSession, outgoing: OutgoingSession): void {
  outgoing.onProvisional = response => {
    const sdp = response.body.length > 0 ? response.body : undefined;
    void incoming.provisional(response.status, sdp === undefined ? {} : { sdp });
  };
  outgoing.onAnswered = response => {
    incoming.answer(response.body.length > 0 ? { sdp: response.body } : {});
  };
  // A new offer on one leg is made on the other, and its answer brought back.
  incoming.onOffer = async sdp => (await outgoing.modify(sdp)).answer;
  outgoing.onOffer = async sdp => (await incoming.modify(sdp)).answer;
  incoming.onEnded = () => outgoing.hangup();
  outgoing.onEnded = end => {
    if (incoming.state === 'early' || incoming.state === 'calling') incoming.reject(end.status ?? 480);
    else incoming.hangup();
  };
}
