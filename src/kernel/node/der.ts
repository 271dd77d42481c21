// Distinguished Encoding Rules, ITU-T X.690 §10: as much as a certificate needs.

type Octets = Uint8Array;

export function tagged(tag: number, ...content: readonly Octets[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([Buffer.from([tag]), lengthOf(body.length), body]);
}

export const sequence = (...items: readonly Octets[]): Buffer => tagged(0x30, ...items);
export const set = (...items: readonly Octets[]): Buffer => tagged(0x31, ...items);
export const octetString = (octets: Octets): Buffer => tagged(0x04, octets);
export const utf8String = (text: string): Buffer => tagged(0x0c, Buffer.from(text));
export const ia5 = (text: string): Buffer => Buffer.from(text, 'latin1');
export const isTrue: Buffer = tagged(0x01, Buffer.from([0xff]));

/** An unsigned number, most significant octet first. */
export function integer(octets: Octets): Buffer {
  let start = 0;
  while (start < octets.length - 1 && octets[start] === 0) start++;
  const significant = octets.subarray(start);
  // A leading bit of one would make it negative.
  const sign = significant[0]! >= 0x80 ? Buffer.from([0]) : Buffer.alloc(0);
  return tagged(0x02, sign, significant);
}

/** Bits are counted from the most significant of the first octet; `unused` at the end are not meant. */
export const bitString = (octets: Octets, unused = 0): Buffer =>
  tagged(0x03, Buffer.from([unused]), octets);

export function objectIdentifier(dotted: string): Buffer {
  const [first, second, ...others] = dotted.split('.').map(Number) as [number, number, ...number[]];
  return tagged(0x06, Buffer.from([first * 40 + second, ...others.flatMap(base128)]));
}

/** UTCTime until 2049, GeneralizedTime after it: RFC 5280 §4.1.2.5. */
export function time(instant: number): Buffer {
  const digits = new Date(instant).toISOString().replace(/[-:T]|\.\d+/g, '');
  return digits < '2050' ? tagged(0x17, ia5(digits.slice(2))) : tagged(0x18, ia5(digits));
}

function base128(value: number): number[] {
  const octets = [value & 0x7f];
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) octets.unshift((rest & 0x7f) | 0x80);
  return octets;
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest & 0xff);
  return Buffer.from([0x80 | octets.length, ...octets]);
}
