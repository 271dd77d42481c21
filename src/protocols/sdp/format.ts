// RTP payload formats of a stream: the static types of RFC 3551 §6, rtpmap and fmtp (RFC 8866
// §6.6, §6.15), and whether two of them are the same format under other numbers.

import { sdpLimits } from './line.ts';
import type { MediaDescription } from './session-description.ts';

export interface RtpFormat {
  readonly payloadType: number;
  /** As spelled; compared without regard to case (RFC 4855 §3). */
  readonly encoding: string;
  /** Hz of the RTP clock. */
  readonly clockRate: number;
  readonly channels: number;
  /** The parameters of a=fmtp, verbatim. */
  readonly fmtp: string | undefined;
}

const staticFormats: ReadonlyMap<number, readonly [encoding: string, clockRate: number]> = new Map([
  [0, ['PCMU', 8000]],
  [3, ['GSM', 8000]],
  [4, ['G723', 8000]],
  [8, ['PCMA', 8000]],
  [9, ['G722', 8000]],
  [13, ['CN', 8000]],
  [15, ['G728', 8000]],
  [18, ['G729', 8000]],
  [31, ['H261', 90000]],
  [34, ['H263', 90000]],
]);

/** A format by its parts; one channel unless said otherwise. */
export function rtpFormat(
  payloadType: number,
  encoding: string,
  clockRate: number,
  options: { readonly channels?: number; readonly fmtp?: string } = {},
): RtpFormat {
  return {
    payloadType,
    encoding,
    clockRate,
    channels: options.channels ?? 1,
    fmtp: options.fmtp,
  };
}

/** The formats of an RTP stream in its order of preference; numbers without a meaning are left out. */
export function formatsOf(media: MediaDescription): RtpFormat[] {
  const maps = byPayloadType(media.attributes('rtpmap'));
  const parameters = byPayloadType(media.attributes('fmtp'));
  const formats: RtpFormat[] = [];
  for (const text of media.line.formats.slice(0, sdpLimits.formats)) {
    const payloadType = /^\d{1,3}$/.test(text) ? Number(text) : 128;
    if (payloadType > 127) continue;
    const mapped = parseRtpmap(maps.get(payloadType)) ?? staticFormats.get(payloadType);
    if (mapped === undefined) continue;
    formats.push({
      payloadType,
      encoding: mapped[0],
      clockRate: mapped[1],
      channels: mapped[2] ?? 1,
      fmtp: parameters.get(payloadType),
    });
  }
  return formats;
}

/** Values of the attribute lines that say a format: rtpmap always, fmtp where there is one. */
export function formatAttributes(format: RtpFormat): { rtpmap: string; fmtp: string | undefined } {
  const { payloadType, encoding, clockRate, channels, fmtp } = format;
  return {
    rtpmap: `${payloadType} ${encoding}/${clockRate}${channels > 1 ? `/${channels}` : ''}`,
    fmtp: fmtp === undefined ? undefined : `${payloadType} ${fmtp}`,
  };
}

/** The same encoding at the same rate, whatever the number (RFC 3264 §6.1). */
export function sameFormat(a: RtpFormat, b: RtpFormat): boolean {
  return (
    a.encoding.toLowerCase() === b.encoding.toLowerCase() &&
    a.clockRate === b.clockRate &&
    a.channels === b.channels &&
    sameFraming(a, b)
  );
}

/** Parameters of an fmtp value `a=1;b=2`; names in lower case, flags as ''. */
export function fmtpParameters(fmtp: string | undefined): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const part of (fmtp ?? '').split(';')) {
    const [name = '', ...value] = part.trim().split('=');
    if (name !== '') parameters.set(name.toLowerCase(), value.join('=').trim());
  }
  return parameters;
}

/** AMR and AMR-WB: octet-aligned and bandwidth-efficient framing do not mix (RFC 4867 §8.3.1). */
function sameFraming(a: RtpFormat, b: RtpFormat): boolean {
  if (!/^amr(-wb)?$/i.test(a.encoding)) return true;
  const aligned = (format: RtpFormat) =>
    (fmtpParameters(format.fmtp).get('octet-align') ?? '0') === '1';
  return aligned(a) === aligned(b);
}

function parseRtpmap(
  text: string | undefined,
): readonly [encoding: string, clockRate: number, channels?: number] | undefined {
  const match = /^([^/\s]+)\/(\d{1,9})(?:\/(\d{1,3}))?\s*$/.exec(text ?? '');
  if (match === null) return undefined;
  return [match[1]!, Number(match[2]), match[3] === undefined ? 1 : Number(match[3])];
}

function byPayloadType(values: readonly string[]): Map<number, string> {
  const found = new Map<number, string>();
  for (const value of values) {
    const match = /^\s*(\d{1,3})\s+(.*)$/.exec(value);
    if (match !== null && !found.has(Number(match[1]))) found.set(Number(match[1]), match[2]!);
  }
  return found;
}
