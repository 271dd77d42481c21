import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Listener, ToneGenerator } from './tone.ts';
import { parseWav, resampled, WavError, writeWav } from './wav.ts';

const tone = (sampleRate: number, hertz: number) => {
  const samples = new Int16Array(sampleRate);
  new ToneGenerator(sampleRate, [hertz]).read(samples, samples.length);
  return { sampleRate, samples };
};

/** A WAV of other formats than we write: header fields, an odd-sized chunk before the data. */
function wav(tag: number, bits: number, data: Uint8Array, channels = 1, rate = 8000): Uint8Array {
  const fmt = Buffer.alloc(16);
  fmt.writeUInt16LE(tag, 0);
  fmt.writeUInt16LE(channels, 2);
  fmt.writeUInt32LE(rate, 4);
  fmt.writeUInt16LE(bits, 14);
  const chunk = (id: string, content: Uint8Array) => {
    const size = Buffer.alloc(4);
    size.writeUInt32LE(content.length);
    return Buffer.concat([Buffer.from(id), size, content, Buffer.alloc(content.length & 1)]);
  };
  return Buffer.concat([
    Buffer.from('RIFF\0\0\0\0WAVE'),
    chunk('fmt ', fmt),
    chunk('LIST', Buffer.from('abc')),
    chunk('data', data),
  ]);
}

test('what is written is read', () => {
  for (const rate of [8000, 16000]) {
    assert.deepEqual(parseWav(writeWav(tone(rate, 440))), tone(rate, 440));
  }
});

test('G.711 files are read, past chunks of other kinds', () => {
  const sound = parseWav(wav(6, 8, Uint8Array.of(0xd5, 0xaa)));
  assert.deepEqual([...sound.samples], [8, 32256]);
  assert.deepEqual(
    [...parseWav(wav(7, 8, Uint8Array.of(0xff, 0x00), 1, 16000)).samples],
    [0, -32124],
  );
});

test('what cannot be played is refused by name', () => {
  for (const [octets, reason] of [
    [Buffer.from('ID3 something'), /not a WAV/],
    [wav(1, 8, Uint8Array.of(1)), /format 1 of 8 bits/],
    [wav(1, 16, Uint8Array.of(1, 0), 2), /2 channels/],
    [wav(1, 16, Uint8Array.of(1, 0), 1, 44100), /44100 Hz/],
    [wav(1, 16, new Uint8Array(0)).slice(0, 36), /no data chunk/],
  ] as const) {
    assert.throws(() => parseWav(octets), { name: 'WavError', message: reason });
  }
});

test('a file cut short is played as far as it goes, and no octets throw anything but WavError', () => {
  const whole = writeWav(tone(8000, 440));
  assert.equal(parseWav(whole.slice(0, 1044)).samples.length, 500);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(60), (noise, keep) => {
      const octets = Buffer.concat([whole.subarray(0, keep), noise]);
      try {
        parseWav(octets);
      } catch (error) {
        if (!(error instanceof WavError)) throw error;
      }
    }),
    { seed: 1, numRuns: 1000 },
  );
});

test('a tone keeps its pitch from 16 to 8 kHz and back', () => {
  for (const [from, to] of [
    [16000, 8000],
    [8000, 16000],
    [8000, 8000],
  ] as const) {
    const sound = resampled(tone(from, 1000), to);
    const listener = new Listener(to);
    listener.hear(sound.samples, sound.samples.length);
    assert.equal(sound.samples.length, to);
    assert.ok(listener.heardTone(1000) > 0.9, `${from} to ${to}`);
  }
});
