import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type G711Law, g711Decode, g711Encode } from './g711.ts';

const decode = (law: G711Law, code: number) => {
  const samples = new Int16Array(1);
  g711Decode(law, Uint8Array.of(code), 0, 1, samples);
  return samples[0]!;
};
const encode = (law: G711Law, sample: number) => {
  const octets = new Uint8Array(1);
  g711Encode(law, Int16Array.of(sample), 1, octets);
  return octets[0]!;
};

test('the ends and the middle of both laws are those of G.711', () => {
  for (const [law, code, sample] of [
    ['PCMA', 0xd5, 8],
    ['PCMA', 0x55, -8],
    ['PCMA', 0xaa, 32256],
    ['PCMA', 0x2a, -32256],
    ['PCMU', 0xff, 0],
    ['PCMU', 0x80, 32124],
    ['PCMU', 0x00, -32124],
    ['PCMU', 0xfe, 8],
  ] as const) {
    assert.equal(decode(law, code), sample, `${law} ${code.toString(16)}`);
    assert.equal(encode(law, sample), code, `${law} ${sample}`);
  }
  assert.equal(encode('PCMA', 32767), 0xaa);
  assert.equal(encode('PCMA', -32768), 0x2a);
  assert.equal(encode('PCMU', 32767), 0x80);
  assert.equal(encode('PCMU', -32768), 0x00);
});

test('every code survives decoding and encoding, and decoding is monotonous', () => {
  for (const law of ['PCMA', 'PCMU'] as const) {
    for (let code = 0; code < 256; code++) {
      // µ-law has two zeros; negative zero comes back as zero.
      const expected = law === 'PCMU' && code === 0x7f ? 0xff : code;
      assert.equal(encode(law, decode(law, code)), expected, `${law} ${code}`);
    }
    const values = Array.from({ length: 65536 }, (_, i) => decode(law, encode(law, i - 32768)));
    for (let i = 1; i < values.length; i++) assert.ok(values[i]! >= values[i - 1]!, `${law} ${i}`);
  }
});

test('a sample comes back within the step of its segment', () => {
  for (const law of ['PCMA', 'PCMU'] as const) {
    for (let sample = -32000; sample <= 32000; sample += 7) {
      const error = Math.abs(decode(law, encode(law, sample)) - sample);
      assert.ok(error <= Math.max(16, Math.abs(sample) / 16), `${law} ${sample} off by ${error}`);
    }
  }
});
