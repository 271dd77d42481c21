// The RTP header, RFC 3550 §5.1, read from and written into buffers the caller owns. One view is
// reused for every packet: the user plane makes no object per packet.

/** The fixed header without CSRCs or extension. */
export const rtpHeaderOctets = 12;

/** A payload larger than this is not sound on an Ethernet path. */
export const rtpMaxOctets = 1500;

/** What `read` last found. The octets belong to whoever handed them over. */
export class RtpView {
  octets: Uint8Array = new Uint8Array(0);
  marker = false;
  payloadType = 0;
  sequence = 0;
  timestamp = 0;
  ssrc = 0;
  payloadStart = 0;
  /** Without padding. */
  payloadEnd = 0;

  /** True when `octets` are an RTP packet; otherwise the view is not to be read. */
  read(octets: Uint8Array): boolean {
    if (octets.length < rtpHeaderOctets || octets[0]! >> 6 !== 2) return false;
    const csrcs = octets[0]! & 0x0f;
    let start = rtpHeaderOctets + 4 * csrcs;
    if ((octets[0]! & 0x10) !== 0) {
      if (start + 4 > octets.length) return false;
      start += 4 + 4 * ((octets[start + 2]! << 8) | octets[start + 3]!);
    }
    const padding = (octets[0]! & 0x20) !== 0 ? octets[octets.length - 1]! : 0;
    if ((octets[0]! & 0x20) !== 0 && padding === 0) return false;
    if (start > octets.length - padding) return false;
    this.octets = octets;
    this.marker = (octets[1]! & 0x80) !== 0;
    this.payloadType = octets[1]! & 0x7f;
    this.sequence = (octets[2]! << 8) | octets[3]!;
    this.timestamp = uint32(octets, 4);
    this.ssrc = uint32(octets, 8);
    this.payloadStart = start;
    this.payloadEnd = octets.length - padding;
    return true;
  }
}

/** Writes a header without CSRCs or extension at the front of `into`; the payload follows it. */
export function writeRtpHeader(
  into: Uint8Array,
  marker: boolean,
  payloadType: number,
  sequence: number,
  timestamp: number,
  ssrc: number,
): void {
  into[0] = 0x80;
  into[1] = (marker ? 0x80 : 0) | (payloadType & 0x7f);
  into[2] = (sequence >> 8) & 0xff;
  into[3] = sequence & 0xff;
  putUint32(into, 4, timestamp);
  putUint32(into, 8, ssrc);
}

/** RTCP on the RTP port (RFC 5761 §4): its packet types read as RTP payload types 64 to 95. */
export const looksLikeRtcp = (octets: Uint8Array): boolean =>
  octets.length >= 8 && octets[0]! >> 6 === 2 && octets[1]! >= 192 && octets[1]! <= 223;

export function uint32(octets: Uint8Array, at: number): number {
  return (
    ((octets[at]! << 24) | (octets[at + 1]! << 16) | (octets[at + 2]! << 8) | octets[at + 3]!) >>> 0
  );
}

export function putUint32(into: Uint8Array, at: number, value: number): void {
  into[at] = (value >>> 24) & 0xff;
  into[at + 1] = (value >>> 16) & 0xff;
  into[at + 2] = (value >>> 8) & 0xff;
  into[at + 3] = value & 0xff;
}

/** The signed distance from `b` to `a` among sequence numbers of 16 bits. */
export const sequenceDistance = (a: number, b: number): number => ((a - b) << 16) >> 16;

/** The signed distance from `b` to `a` among timestamps of 32 bits. */
export const timestampDistance = (a: number, b: number): number => (a - b) | 0;
