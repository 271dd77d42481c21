// What an offer and its answer came to, in the terms of an audio stream: RFC 3264 read for RFC 3551.

import { type Duration, ms } from '#kernel/time';
import { receives, sends } from '#sdp/direction';
import { type RtpFormat, rtpFormat } from '#sdp/format';
import type { Preconditions } from '#sdp/preconditions';
import { type AgreedStream, isEvents, type LocalStream } from '#sdp/stream';
import { audioRate } from './audio-source.ts';
import type { AudioParameters, AudioStream } from './audio-stream.ts';
import type { G711Law } from './g711.ts';

const PAYLOAD_TYPES = { PCMA: 8, PCMU: 0 } as const;
const TELEPHONE_EVENT = rtpFormat(101, 'telephone-event', audioRate, { fmtp: '0-15' });

/** Our end of a G.711 stream, to be offered or to answer with; codecs by preference. */
export function localAudio(
  stream: AudioStream,
  codecs: readonly G711Law[],
  packetTime: Duration,
  preconditions?: Preconditions,
): LocalStream {
  return {
    media: 'audio',
    ...stream.local,
    formats: [
      ...codecs.map(codec => rtpFormat(PAYLOAD_TYPES[codec], codec, audioRate)),
      TELEPHONE_EVENT,
    ],
    ptime: packetTime,
    maxptime: undefined,
    bandwidth: [
      ['AS', 80],
      ['RS', 800],
      ['RR', 2400],
    ],
    preconditions,
  };
}

/** `early`: before the answer a stream only listens. */
export function audioParameters(
  agreed: AgreedStream,
  options: { readonly early?: boolean; readonly packetTime?: Duration } = {},
): AudioParameters {
  const { remote, remoteRtcp, direction, rtcp } = agreed;
  return {
    remote,
    remoteRtcp,
    sends: sends(direction) && options.early !== true,
    receives: receives(direction),
    codec: lawOf(agreed.send),
    payloadType: agreed.send.payloadType,
    events: agreed.sendEvents?.payloadType,
    receive: new Map(
      agreed.receive.map(format => [
        format.payloadType,
        isEvents(format) ? 'telephone-event' : lawOf(format),
      ]),
    ),
    packetTime: agreed.ptime ?? options.packetTime ?? ms(20),
    rtcp,
  };
}

const lawOf = (format: RtpFormat): G711Law =>
  format.encoding.toUpperCase() === 'PCMU' ? 'PCMU' : 'PCMA';
