// Answers the STUN Binding requests that a client sends over its SIP flow on UDP to keep the NAT
// open and to learn whether its address changed: RFC 5626 §4.4.2 and §8, RFC 5389.

import type { Address } from '#kernel/host';

const magicCookie = 0x2112a442;
const bindingRequest = 0x0001;
const bindingSuccess = 0x0101;
const xorMappedAddress = 0x0020;
const headerOctets = 20;

/** True for a datagram that is STUN and so cannot be SIP: its first two bits are zero. */
export function isStun(datagram: Uint8Array): boolean {
  if (datagram.length < headerOctets || (datagram[0]! & 0xc0) !== 0) return false;
  return new DataView(datagram.buffer, datagram.byteOffset).getUint32(4) === magicCookie;
}

/** The success response to a Binding request; undefined for any other STUN message. */
export function bindingResponse(datagram: Uint8Array, from: Address): Uint8Array | undefined {
  const request = new DataView(datagram.buffer, datagram.byteOffset, datagram.length);
  if (request.getUint16(0) !== bindingRequest) return undefined;
  const address = octetsOf(from.host);
  if (address === undefined) return undefined;

  const answer = new Uint8Array(headerOctets + 8 + address.length);
  const view = new DataView(answer.buffer);
  view.setUint16(0, bindingSuccess);
  view.setUint16(2, 8 + address.length);
  answer.set(datagram.subarray(4, headerOctets), 4); // cookie and transaction id
  view.setUint16(20, xorMappedAddress);
  view.setUint16(22, 4 + address.length);
  answer[25] = address.length === 4 ? 1 : 2;
  view.setUint16(26, from.port ^ (magicCookie >>> 16));
  // The mask is the cookie, and for IPv6 the transaction id after it: octets 4 to 20.
  for (let i = 0; i < address.length; i++) answer[28 + i] = address[i]! ^ answer[4 + i]!;
  return answer;
}

/** The octets of an IP literal. */
function octetsOf(host: string): Uint8Array | undefined {
  if (!host.includes(':')) {
    const parts = host.split('.').map(Number);
    return parts.length === 4 && parts.every(part => part >= 0 && part <= 255)
      ? Uint8Array.from(parts)
      : undefined;
  }
  const [head = '', tail] = host.split('%')[0]!.split('::');
  const groups = (text: string | undefined): number[] =>
    text === undefined || text === '' ? [] : text.split(':').flatMap(group => groupOctets(group));
  const before = groups(head);
  const after = groups(tail);
  if (before.length + after.length > 16) return undefined;
  const octets = new Uint8Array(16);
  octets.set(before, 0);
  octets.set(after, 16 - after.length);
  return octets;
}

function groupOctets(group: string): number[] {
  if (group.includes('.')) return group.split('.').map(Number); // ::ffff:192.0.2.1
  const value = Number.parseInt(group, 16);
  return [value >> 8, value & 0xff];
}
