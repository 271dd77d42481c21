// What two descriptions of one stream come to, seen from our end (RFC 3264 §6.1, §7).

import { directionOf, receives, sends } from './direction.ts';
import { formatsOf, type RtpFormat, sameFormat } from './format.ts';
import type { MediaDescription, SessionDescription } from './session-description.ts';
import { type AgreedStream, isCodec, isEvents, type LocalStream } from './stream.ts';

/** undefined when the peer refused the stream, gave no address, or shares no codec. */
export function agree(
  index: number,
  local: LocalStream,
  sent: MediaDescription,
  remote: SessionDescription,
  media: MediaDescription,
): AgreedStream | undefined {
  const connection = remote.connectionOf(media);
  if (media.disabled || connection === undefined || media.line.media !== local.media) {
    return undefined;
  }
  const ours = formatsOf(sent);
  const theirs = formatsOf(media).filter(format => ours.some(own => sameFormat(own, format)));
  const send = theirs.find(isCodec);
  if (send === undefined) return undefined;

  const wanted = sent.ownDirection ?? 'sendrecv';
  const theirDirection = remote.directionOf(media);
  const { port } = media.line;
  // c=0.0.0.0 is the old way to hold (RFC 3264 §8.4).
  const nowhere = connection.address === '0.0.0.0' || connection.address === '::';
  return {
    index,
    local,
    direction: directionOf(
      sends(wanted) && receives(theirDirection) && !nowhere,
      receives(wanted) && sends(theirDirection),
    ),
    remote: { host: connection.address, port },
    remoteRtcp: { host: connection.address, port: rtcpPort(media, port) },
    send,
    sendEvents: eventsFor(send, theirs),
    receive: ours,
    ptime: ptimeOf(media),
    rtcp: media.bandwidth('RS') !== 0 || media.bandwidth('RR') !== 0,
  };
}

/** The telephone-event format that goes with a codec: the same clock rate (RFC 4733 §2.1). */
function eventsFor(codec: RtpFormat, formats: readonly RtpFormat[]): RtpFormat | undefined {
  return formats.find(format => isEvents(format) && format.clockRate === codec.clockRate);
}

/** a=rtcp (RFC 3605), else the next port. An address in it is not followed. */
function rtcpPort(media: MediaDescription, port: number): number {
  const given = /^(\d{1,5})\b/.exec(media.attribute('rtcp') ?? '');
  const chosen = given === null ? port + 1 : Number(given[1]);
  return chosen > 0 && chosen < 65536 ? chosen : port;
}

/** a=ptime as a whole number of milliseconds between 10 and 200. */
function ptimeOf(media: MediaDescription): number | undefined {
  const given = Number(media.attribute('ptime') ?? Number.NaN);
  return given >= 10 && given <= 200 ? Math.round(given) : undefined;
}
