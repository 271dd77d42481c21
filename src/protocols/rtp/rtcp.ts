// RTCP compound packets, RFC 3550 §6: sender and receiver reports, source description, goodbye.
// They are few, so they are plain objects. Packet types not listed pass as `other`.

import { ProtocolError } from '#kernel/errors';
import { putUint32, uint32 } from './rtp-packet.ts';

/** §6.4.1. */
export interface ReportBlock {
  readonly ssrc: number;
  /** Of the last interval, in 1/256. */
  readonly fractionLost: number;
  /** Signed, 24 bits. */
  readonly lost: number;
  readonly highestSequence: number;
  /** In units of the RTP clock. */
  readonly jitter: number;
  /** Middle 32 bits of the NTP time of the last SR, 0 for none. */
  readonly lastSr: number;
  /** In 1/65536 s. */
  readonly delaySinceLastSr: number;
}

/** NTP time as seconds since 1900 and a fraction in 1/2^32 s (RFC 3550 §4). */
export interface NtpTime {
  readonly seconds: number;
  readonly fraction: number;
}

export type RtcpPacket =
  | {
      readonly kind: 'SR';
      readonly ssrc: number;
      readonly ntp: NtpTime;
      readonly rtpTimestamp: number;
      readonly packets: number;
      readonly octets: number;
      readonly blocks: readonly ReportBlock[];
    }
  | { readonly kind: 'RR'; readonly ssrc: number; readonly blocks: readonly ReportBlock[] }
  | { readonly kind: 'SDES'; readonly ssrc: number; readonly cname: string }
  | { readonly kind: 'BYE'; readonly ssrc: number; readonly reason: string }
  | { readonly kind: 'other'; readonly type: number; readonly octets: Uint8Array };

export class RtcpError extends ProtocolError {
  override readonly name = 'RtcpError';
}

const packetTypes = { SR: 200, RR: 201, SDES: 202, BYE: 203 } as const;
const cnameItem = 1;
const blockOctets = 24;
/** Packets in one datagram; a compound of more is refused. */
const maxPackets = 32;

/** Reads a compound packet. Throws an RtcpError on anything else. */
export function parseRtcp(octets: Uint8Array): RtcpPacket[] {
  const packets: RtcpPacket[] = [];
  let at = 0;
  while (at < octets.length) {
    if (at + 4 > octets.length || octets[at]! >> 6 !== 2) throw malformed('not version 2', at);
    const end = at + 4 * (1 + ((octets[at + 2]! << 8) | octets[at + 3]!));
    if (end > octets.length) throw malformed('length beyond the datagram', at);
    if (packets.length === maxPackets) throw malformed(`more than ${maxPackets} packets`, at);
    packets.push(parseOne(octets, at, end));
    at = end;
  }
  if (packets.length === 0) throw malformed('empty', 0);
  return packets;
}

function parseOne(octets: Uint8Array, at: number, end: number): RtcpPacket {
  const count = octets[at]! & 0x1f;
  const type = octets[at + 1]!;
  const need = (size: number) => {
    if (at + size > end) throw malformed(`packet type ${type} too short`, at);
  };
  switch (type) {
    case packetTypes.SR:
      need(28 + count * blockOctets);
      return {
        kind: 'SR',
        ssrc: uint32(octets, at + 4),
        ntp: { seconds: uint32(octets, at + 8), fraction: uint32(octets, at + 12) },
        rtpTimestamp: uint32(octets, at + 16),
        packets: uint32(octets, at + 20),
        octets: uint32(octets, at + 24),
        blocks: parseBlocks(octets, at + 28, count),
      };
    case packetTypes.RR:
      need(8 + count * blockOctets);
      return {
        kind: 'RR',
        ssrc: uint32(octets, at + 4),
        blocks: parseBlocks(octets, at + 8, count),
      };
    case packetTypes.SDES: {
      if (count === 0) break;
      need(8);
      return { kind: 'SDES', ssrc: uint32(octets, at + 4), cname: findCname(octets, at + 8, end) };
    }
    case packetTypes.BYE: {
      if (count === 0) break;
      need(4 + 4 * count);
      const text = at + 4 + 4 * count;
      const length = text < end ? octets[text]! : 0;
      if (text + 1 + length > end && length > 0) throw malformed('reason beyond the BYE', text);
      return {
        kind: 'BYE',
        ssrc: uint32(octets, at + 4),
        reason: Buffer.from(octets.subarray(text + 1, text + 1 + length)).toString(),
      };
    }
  }
  return { kind: 'other', type, octets: octets.slice(at, end) };
}

function parseBlocks(octets: Uint8Array, from: number, count: number): ReportBlock[] {
  return Array.from({ length: count }, (_, i) => {
    const at = from + i * blockOctets;
    return {
      ssrc: uint32(octets, at),
      fractionLost: octets[at + 4]!,
      lost: (uint32(octets, at + 4) << 8) >> 8,
      highestSequence: uint32(octets, at + 8),
      jitter: uint32(octets, at + 12),
      lastSr: uint32(octets, at + 16),
      delaySinceLastSr: uint32(octets, at + 20),
    };
  });
}

/** The CNAME of the first chunk; '' where it has none. */
function findCname(octets: Uint8Array, from: number, end: number): string {
  let at = from;
  while (at < end && octets[at] !== 0) {
    const length = at + 1 < end ? octets[at + 1]! : 0;
    if (at + 2 + length > end) throw malformed('item beyond the SDES', at);
    if (octets[at] === cnameItem) {
      return Buffer.from(octets.subarray(at + 2, at + 2 + length)).toString();
    }
    at += 2 + length;
  }
  return '';
}

/** A compound packet in the order given; §6.1 wants a report first and an SDES with CNAME. */
export function encodeRtcp(packets: readonly RtcpPacket[]): Uint8Array {
  return Buffer.concat(packets.map(encodeOne));
}

function encodeOne(packet: RtcpPacket): Uint8Array {
  switch (packet.kind) {
    case 'SR': {
      const made = framed(packetTypes.SR, packet.blocks.length, 28 + 24 * packet.blocks.length);
      putUint32(made, 4, packet.ssrc);
      putUint32(made, 8, packet.ntp.seconds);
      putUint32(made, 12, packet.ntp.fraction);
      putUint32(made, 16, packet.rtpTimestamp);
      putUint32(made, 20, packet.packets);
      putUint32(made, 24, packet.octets);
      putBlocks(made, 28, packet.blocks);
      return made;
    }
    case 'RR': {
      const made = framed(packetTypes.RR, packet.blocks.length, 8 + 24 * packet.blocks.length);
      putUint32(made, 4, packet.ssrc);
      putBlocks(made, 8, packet.blocks);
      return made;
    }
    case 'SDES': {
      const cname = Buffer.from(packet.cname).subarray(0, 255);
      // The chunk ends with at least one zero octet, on a 32-bit boundary.
      const made = framed(packetTypes.SDES, 1, 8 + 4 * Math.ceil((2 + cname.length + 1) / 4));
      putUint32(made, 4, packet.ssrc);
      made[8] = cnameItem;
      made[9] = cname.length;
      made.set(cname, 10);
      return made;
    }
    case 'BYE': {
      const reason = Buffer.from(packet.reason).subarray(0, 255);
      const extra = reason.length === 0 ? 0 : 4 * Math.ceil((1 + reason.length) / 4);
      const made = framed(packetTypes.BYE, 1, 8 + extra);
      putUint32(made, 4, packet.ssrc);
      if (extra > 0) {
        made[8] = reason.length;
        made.set(reason, 9);
      }
      return made;
    }
    case 'other':
      return packet.octets;
  }
}

function framed(type: number, count: number, size: number): Uint8Array {
  const made = new Uint8Array(size);
  made[0] = 0x80 | count;
  made[1] = type;
  made[2] = (size / 4 - 1) >> 8;
  made[3] = (size / 4 - 1) & 0xff;
  return made;
}

function putBlocks(into: Uint8Array, from: number, blocks: readonly ReportBlock[]): void {
  for (const [i, block] of blocks.entries()) {
    const at = from + i * blockOctets;
    putUint32(into, at, block.ssrc);
    putUint32(into, at + 4, block.lost & 0xffffff);
    into[at + 4] = block.fractionLost;
    putUint32(into, at + 8, block.highestSequence);
    putUint32(into, at + 12, block.jitter);
    putUint32(into, at + 16, block.lastSr);
    putUint32(into, at + 20, block.delaySinceLastSr);
  }
}

/** 1900-01-01 is this many seconds before 1970-01-01. */
const ntpEpoch = 2_208_988_800;

/** NTP time of an instant in milliseconds since 1970. */
export function ntpTime(now: number): NtpTime {
  const whole = Math.floor(now / 1000);
  return {
    seconds: (whole + ntpEpoch) >>> 0,
    fraction: Math.floor(((now - whole * 1000) / 1000) * 0x1_0000_0000) >>> 0,
  };
}

/** The middle 32 bits: what LSR carries, and arithmetic on round trips uses. */
export const ntpMiddle = (ntp: NtpTime): number =>
  (((ntp.seconds & 0xffff) << 16) | (ntp.fraction >>> 16)) >>> 0;

function malformed(what: string, offset: number): RtcpError {
  return new RtcpError(`RTCP: ${what}`, { offset, clause: 'RFC 3550 §6' });
}
