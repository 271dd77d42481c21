// The Address format: a family of the IANA address family numbers, then the address. RFC 6733 §4.3.1

import { assert } from '#kernel/errors';
import { DiameterError } from './errors.ts';

const FAMILY = { ipv4: 1, ipv6: 2, e164: 8 } as const;

/** Octets with the family for an IPv4 or IPv6 literal or the digits of an E.164 number. */
export function addressOctets(text: string): Uint8Array {
  const v4 = ipv4Octets(text);
  if (v4 !== undefined) return Uint8Array.from([0, FAMILY.ipv4, ...v4]);
  if (text.includes(':')) {
    const v6 = ipv6Octets(text);
    assert(v6 !== undefined, `not an address: ${text}`);
    return Uint8Array.from([0, FAMILY.ipv6, ...v6]);
  }
  assert(/^\d{1,15}$/.test(text), `not an address: ${text}`);
  return Uint8Array.from([0, FAMILY.e164, ...Buffer.from(text, 'latin1')]);
}

/** The literal (IPv6 as RFC 5952 §4 writes it) or the E.164 digits in `octets[start, end)`. */
export function addressText(octets: Buffer, start: number, end: number): string {
  const length = end - start - 2;
  if (length < 1) throw fault('DIAMETER_INVALID_AVP_LENGTH', 'an address of no octets', start);
  const family = octets.readUInt16BE(start);
  const at = start + 2;
  switch (family) {
    case FAMILY.ipv4:
      if (length !== 4) throw fault('DIAMETER_INVALID_AVP_LENGTH', 'IPv4 not of 4 octets', start);
      return `${octets[at]}.${octets[at + 1]}.${octets[at + 2]}.${octets[at + 3]}`;
    case FAMILY.ipv6:
      if (length !== 16) throw fault('DIAMETER_INVALID_AVP_LENGTH', 'IPv6 not of 16 octets', start);
      return ipv6Text(octets, at);
    case FAMILY.e164: {
      const digits = octets.toString('latin1', at, end);
      if (!/^\d{1,15}$/.test(digits)) {
        throw fault('DIAMETER_INVALID_AVP_VALUE', 'not an E.164 number', start);
      }
      return digits;
    }
    default:
      throw fault('DIAMETER_INVALID_AVP_VALUE', `address family ${family}`, start);
  }
}

const fault = (
  result: 'DIAMETER_INVALID_AVP_LENGTH' | 'DIAMETER_INVALID_AVP_VALUE',
  message: string,
  offset: number,
) => new DiameterError(result, message, { offset, clause: 'RFC 6733 §4.3.1' });

function ipv4Octets(text: string): number[] | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  const octets = parts.map(part => (/^\d{1,3}$/.test(part) ? Number(part) : 256));
  return octets.every(octet => octet < 256) ? octets : undefined;
}

function ipv6Octets(text: string): number[] | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map(half =>
    half === '' ? [] : half.split(':').flatMap(groupOctets),
  );
  if (head === undefined || head.includes(-1) || tail?.includes(-1)) return undefined;
  if (tail === undefined) return head.length === 16 ? head : undefined;
  const zeros = 16 - head.length - tail.length;
  return zeros < 2 ? undefined : [...head, ...new Array<number>(zeros).fill(0), ...tail];
}

/** The two octets of one group, four for the dotted IPv4 ending, -1 where it is neither. */
function groupOctets(group: string): number[] {
  if (group.includes('.')) return ipv4Octets(group) ?? [-1];
  if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return [-1];
  const value = Number.parseInt(group, 16);
  return [value >> 8, value & 0xff];
}

function ipv6Text(octets: Buffer, start: number): string {
  const groups = Array.from({ length: 8 }, (_, index) => octets.readUInt16BE(start + 2 * index));
  let [longest, length] = [-1, 1]; // a single zero group is not shortened
  for (let from = 0; from < 8; from++) {
    let to = from;
    while (to < 8 && groups[to] === 0) to++;
    if (to - from > length) [longest, length] = [from, to - from];
  }
  const hex = groups.map(group => group.toString(16));
  if (longest < 0) return hex.join(':');
  return `${hex.slice(0, longest).join(':')}::${hex.slice(longest + length).join(':')}`;
}
