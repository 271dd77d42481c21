// IP packets around what crossed a link, as a capture on the wire would have them: IPv4 (RFC 791),
// IPv6 (RFC 8200), UDP (RFC 768), TCP (RFC 9293), their checksums right.

import type { Address } from '#kernel/host';

const PROTOCOL_TCP = 6;
const PROTOCOL_UDP = 17;
const TIME_TO_LIVE = 64;

export const TCP_FLAG = { fin: 0x01, syn: 0x02, rst: 0x04, psh: 0x08, ack: 0x10 } as const;

export interface TcpFields {
  readonly sequence: number;
  readonly acknowledgment: number;
  /** Of TCP_FLAG. */
  readonly flags: number;
  /** Already padded to whole words. */
  readonly options?: Uint8Array;
}

/** A whole IP packet of the family that the addresses are of. */
export function udpPacket(
  source: Address,
  destination: Address,
  payload: Uint8Array,
  identification: number,
): Buffer {
  const datagram = Buffer.alloc(8 + payload.length);
  datagram.writeUInt16BE(source.port, 0);
  datagram.writeUInt16BE(destination.port, 2);
  datagram.writeUInt16BE(datagram.length, 4);
  datagram.set(payload, 8);
  const checksum = transportChecksum(source.host, destination.host, PROTOCOL_UDP, datagram);
  datagram.writeUInt16BE(checksum === 0 ? 0xffff : checksum, 6); // zero would mean none
  return ipPacket(source.host, destination.host, PROTOCOL_UDP, datagram, identification);
}

export function tcpPacket(
  source: Address,
  destination: Address,
  fields: TcpFields,
  payload: Uint8Array,
  identification: number,
): Buffer {
  const options = fields.options ?? new Uint8Array(0);
  const header = 20 + options.length;
  const segment = Buffer.alloc(header + payload.length);
  segment.writeUInt16BE(source.port, 0);
  segment.writeUInt16BE(destination.port, 2);
  segment.writeUInt32BE(fields.sequence >>> 0, 4);
  segment.writeUInt32BE(fields.acknowledgment >>> 0, 8);
  segment.writeUInt16BE(((header / 4) << 12) | fields.flags, 12);
  segment.writeUInt16BE(0xffff, 14); // the window, scaled by the option of the SYN
  segment.set(options, 20);
  segment.set(payload, header);
  const checksum = transportChecksum(source.host, destination.host, PROTOCOL_TCP, segment);
  segment.writeUInt16BE(checksum, 16);
  return ipPacket(source.host, destination.host, PROTOCOL_TCP, segment, identification);
}

function ipPacket(
  source: string,
  destination: string,
  protocol: number,
  payload: Buffer,
  identification: number,
): Buffer {
  return source.includes(':')
    ? ipv6Packet(source, destination, protocol, payload)
    : ipv4Packet(source, destination, protocol, payload, identification);
}

function ipv4Packet(
  source: string,
  destination: string,
  protocol: number,
  payload: Buffer,
  identification: number,
): Buffer {
  const packet = Buffer.alloc(20 + payload.length);
  packet.writeUInt8(0x45, 0); // version 4, five words of header
  packet.writeUInt16BE(packet.length, 2);
  packet.writeUInt16BE(identification & 0xffff, 4);
  packet.writeUInt16BE(0x4000, 6); // do not fragment
  packet.writeUInt8(TIME_TO_LIVE, 8);
  packet.writeUInt8(protocol, 9);
  packet.set(addressOctets(source), 12);
  packet.set(addressOctets(destination), 16);
  packet.writeUInt16BE(finish(sum(packet.subarray(0, 20))), 10);
  packet.set(payload, 20);
  return packet;
}

function ipv6Packet(
  source: string,
  destination: string,
  protocol: number,
  payload: Buffer,
): Buffer {
  const packet = Buffer.alloc(40 + payload.length);
  packet.writeUInt8(0x60, 0); // version 6
  packet.writeUInt16BE(payload.length, 4);
  packet.writeUInt8(protocol, 6);
  packet.writeUInt8(TIME_TO_LIVE, 7);
  packet.set(addressOctets(source), 8);
  packet.set(addressOctets(destination), 24);
  packet.set(payload, 40);
  return packet;
}

/** Over the pseudo header of either family, the header with its checksum zero, and the payload. */
function transportChecksum(
  source: string,
  destination: string,
  protocol: number,
  segment: Buffer,
): number {
  let total = sum(segment) + protocol + segment.length;
  total += sum(addressOctets(source)) + sum(addressOctets(destination));
  return finish(total);
}

/** Big-endian 16-bit words, the last padded with zero. */
function sum(octets: Uint8Array): number {
  let total = 0;
  for (let at = 0; at < octets.length; at += 2) {
    total += (octets[at]! << 8) | (octets[at + 1] ?? 0);
  }
  return total;
}

/** RFC 1071: carries folded in, complemented. */
function finish(total: number): number {
  let folded = total;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x10000);
  return ~folded & 0xffff;
}

/** Four octets, or sixteen. */
export function addressOctets(host: string): Uint8Array {
  if (!host.includes(':')) return Uint8Array.from(host.split('.'), Number);
  const [head = '', tail] = host.split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':').flatMap(groupOctets));
  const before = groups(head);
  const after = groups(tail ?? '');
  const octets = new Uint8Array(16);
  octets.set(before, 0);
  octets.set(after, 16 - after.length);
  return octets;
}

/** A group of IPv6 text: 'fd00', or the dotted end of a mapped IPv4 address. */
function groupOctets(group: string): number[] {
  if (group.includes('.')) return group.split('.').map(Number);
  const value = Number.parseInt(group, 16);
  return [value >> 8, value & 0xff];
}
