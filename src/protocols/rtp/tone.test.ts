import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '#kernel/simulation';
import { g711Decode, g711Encode } from './g711.ts';
import { goertzel, Listener, ToneGenerator } from './tone.ts';

const rate = 8000;
const tone = (frequencies: number[], level: number, seconds = 1) => {
  const samples = new Int16Array(rate * seconds);
  new ToneGenerator(rate, frequencies, level).read(samples, samples.length);
  return samples;
};
const listen = (...sounds: Int16Array[]) => {
  const listener = new Listener(rate);
  for (const sound of sounds) listener.hear(sound, sound.length);
  return listener;
};

test('a tone is recognised at its frequency, loudness and length, through G.711 too', () => {
  for (const hertz of [300, 425, 440, 1000, 1004, 2000, 3100]) {
    for (const law of ['PCMA', 'PCMU'] as const) {
      const samples = tone([hertz], -10);
      const octets = new Uint8Array(samples.length);
      g711Encode(law, samples, samples.length, octets);
      g711Decode(law, octets, 0, octets.length, samples);
      const heard = listen(samples).heard();
      assert.ok(Math.abs(heard.tone!.hertz - hertz) <= 5, `${hertz} ${law} ${heard.tone!.hertz}`);
      assert.equal(heard.tone?.seconds, 1);
      // -10 dBm0 is 13.14 dB under a full-scale sine of RMS 23170.
      assert.ok(Math.abs(heard.rms - 5104) < 100, `${heard.rms}`);
    }
  }
});

test('of several tones the longest is named, and each is counted', () => {
  const listener = listen(tone([400], -10, 1), tone([1000], -20, 2), new Int16Array(rate));
  assert.deepEqual(listener.heard().tone, { hertz: 1000, seconds: 2 });
  assert.equal(listener.heard().seconds, 3);
  assert.equal(listener.heardTone(400), 1);
  assert.equal(listener.heardTone(600), 0);
});

test('silence, noise and two tones at once are no tone', () => {
  assert.deepEqual(listen(new Int16Array(rate)).heard(), { seconds: 0, rms: 0, tone: undefined });
  const random = new SeededRandom(1, 'noise');
  const noise = Int16Array.from({ length: rate }, () => (random.fraction() - 0.5) * 20000);
  const heard = listen(noise).heard();
  assert.equal(heard.seconds, 1);
  assert.equal(heard.tone, undefined);
  assert.equal(listen(tone([697, 1209], -10)).heard().tone, undefined);
});

test('both tones of a pair are found by Goertzel, and others are not', () => {
  const samples = tone([697, 1209], -10);
  assert.ok(goertzel(samples, 0, 800, rate, 697) > 0.45);
  assert.ok(goertzel(samples, 0, 800, rate, 1209) > 0.45);
  assert.ok(goertzel(samples, 0, 800, rate, 941) < 0.01);
});
