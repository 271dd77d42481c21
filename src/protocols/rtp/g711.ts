// ITU-T G.711: A-law and µ-law, by tables made once. Linear samples are 16 bits, of which A-law
// keeps 13 and µ-law 14.

export type G711Law = 'PCMA' | 'PCMU';

/** µ-law adds this before it looks for the segment, and clips so that the sum fits. */
const uLawBias = 0x84;
const uLawClip = 32635;

const aLawDecode = new Int16Array(256);
const uLawDecode = new Int16Array(256);
/** Indexed by the sample's upper 13 bits, offset to be positive. */
const aLawEncode = new Uint8Array(8192);
/** Indexed by the sample's upper 14 bits, offset to be positive. */
const uLawEncode = new Uint8Array(16384);

for (let code = 0; code < 256; code++) {
  aLawDecode[code] = expandALaw(code);
  uLawDecode[code] = expandULaw(code);
}
for (let i = 0; i < 8192; i++) aLawEncode[i] = compressALaw((i - 4096) << 3);
for (let i = 0; i < 16384; i++) uLawEncode[i] = compressULaw((i - 8192) << 2);

/** Decodes `count` octets from `at` into `samples` from `to`. */
export function g711Decode(
  law: G711Law,
  octets: Uint8Array,
  at: number,
  count: number,
  samples: Int16Array,
  to = 0,
): void {
  const table = law === 'PCMA' ? aLawDecode : uLawDecode;
  for (let i = 0; i < count; i++) samples[to + i] = table[octets[at + i]!]!;
}

/** Encodes `count` samples into `octets` from `at`. */
export function g711Encode(
  law: G711Law,
  samples: Int16Array,
  count: number,
  octets: Uint8Array,
  at = 0,
): void {
  if (law === 'PCMA') {
    for (let i = 0; i < count; i++) octets[at + i] = aLawEncode[(samples[i]! >> 3) + 4096]!;
  } else {
    for (let i = 0; i < count; i++) octets[at + i] = uLawEncode[(samples[i]! >> 2) + 8192]!;
  }
}

/** Table 1a of G.711, the even bits inverted as the line carries them. */
function expandALaw(code: number): number {
  const value = code ^ 0x55;
  const segment = (value >> 4) & 7;
  const step = value & 0x0f;
  const magnitude = segment === 0 ? (step << 4) + 8 : ((step << 4) + 0x108) << (segment - 1);
  return (value & 0x80) !== 0 ? magnitude : -magnitude;
}

function compressALaw(sample: number): number {
  const positive = sample >= 0;
  // Negative values are taken in one's complement, so that both signs have the same steps.
  const magnitude = (positive ? sample : ~sample) >> 4;
  const segment = magnitude < 16 ? 0 : 28 - Math.clz32(magnitude);
  const step = segment === 0 ? magnitude & 0x0f : (magnitude >> (segment - 1)) & 0x0f;
  return ((segment << 4) | step | (positive ? 0x80 : 0)) ^ 0x55;
}

/** Table 2a of G.711, all bits inverted. */
function expandULaw(code: number): number {
  const value = ~code & 0xff;
  const segment = (value >> 4) & 7;
  const magnitude = (((value & 0x0f) << 3) + uLawBias) << segment;
  return (value & 0x80) !== 0 ? uLawBias - magnitude : magnitude - uLawBias;
}

function compressULaw(sample: number): number {
  const negative = sample < 0;
  const magnitude = Math.min(negative ? -sample : sample, uLawClip) + uLawBias;
  const segment = 24 - Math.clz32(magnitude);
  const step = (magnitude >> (segment + 3)) & 0x0f;
  return ~((negative ? 0x80 : 0) | (segment << 4) | step) & 0xff;
}
