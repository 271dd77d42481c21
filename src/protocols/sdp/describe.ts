// Writing media descriptions: our stream as an m= section, a refused stream as port zero.

import type { Direction } from './direction.ts';
import { type MediaLine, mediaLineText } from './fields.ts';
import { formatAttributes, type RtpFormat } from './format.ts';
import { line, type SdpLine } from './line.ts';
import { MediaDescription, setMediaLine } from './session-description.ts';
import type { LocalStream } from './stream.ts';

/** Our stream as it stands in an offer or answer. */
export function describeStream(
  stream: LocalStream,
  what: {
    readonly kind: 'offer' | 'answer';
    readonly protocol: string;
    readonly formats: readonly RtpFormat[];
    readonly direction: Direction;
    /** The session's c= host; a stream elsewhere says so itself. */
    readonly sessionHost: string;
  },
): MediaDescription {
  const media: MediaLine = {
    media: stream.media,
    port: stream.port,
    portCount: undefined,
    protocol: what.protocol,
    formats: what.formats.map(format => String(format.payloadType)),
  };
  const lines: SdpLine[] = [line('m', mediaLineText(media))];
  const attribute = (value: string) => lines.push(line('a', value));
  if (stream.host !== what.sessionHost) {
    lines.push(line('c', `IN ${stream.host.includes(':') ? 'IP6' : 'IP4'} ${stream.host}`));
  }
  for (const [type, value] of stream.bandwidth) lines.push(line('b', `${type}:${value}`));
  for (const format of what.formats) {
    const { rtpmap, fmtp } = formatAttributes(format);
    attribute(`rtpmap:${rtpmap}`);
    if (fmtp !== undefined) attribute(`fmtp:${fmtp}`);
  }
  if (stream.ptime !== undefined) attribute(`ptime:${stream.ptime}`);
  if (stream.maxptime !== undefined) attribute(`maxptime:${stream.maxptime}`);
  if (stream.rtcpPort !== stream.port + 1) attribute(`rtcp:${stream.rtcpPort}`);
  attribute(what.direction);
  const described = new MediaDescription(lines);
  const { preconditions } = stream;
  // A peer that does without preconditions is not shown any in answers (RFC 3312 §11).
  if (preconditions === undefined || preconditions.peerUses === false) return described;
  return described.with(...preconditions.attributes(what.kind));
}

/** The stream refused or taken down: port zero, the formats repeated (RFC 3264 §6, §8.2). */
export function refuseStream(media: MediaDescription): MediaDescription {
  return new MediaDescription([media.lines[0]!]).with(
    setMediaLine({ ...media.line, port: 0, portCount: undefined }),
  );
}
