// Tones: made, and found again in what arrived, so that a test or a person can say what was heard.

/** Makes a tone of one or two frequencies, without a click between blocks. */
export class ToneGenerator {
  readonly #steps: readonly number[];
  readonly #amplitude: number;
  #at = 0;

  /** Frequencies in Hz; level in dBm0, where a full-scale sine is +3.14 dBm0 (ITU-T G.711 §4). */
  constructor(sampleRate: number, frequencies: readonly number[], level = -10) {
    this.#steps = frequencies.map(frequency => (2 * Math.PI * frequency) / sampleRate);
    this.#amplitude = (32767 * 10 ** ((level - 3.14) / 20)) / Math.max(1, frequencies.length);
  }

  /** Fills the first `count` samples. */
  read(samples: Int16Array, count: number): void {
    for (let i = 0; i < count; i++, this.#at++) {
      let sum = 0;
      for (const step of this.#steps) sum += Math.sin(step * this.#at);
      samples[i] = Math.round(sum * this.#amplitude);
    }
  }
}

/** The share of a block's power at one frequency, 0 to 1, by Goertzel's recurrence. */
export function goertzel(
  samples: Int16Array,
  from: number,
  count: number,
  sampleRate: number,
  frequency: number,
): number {
  const coefficient = 2 * Math.cos((2 * Math.PI * frequency) / sampleRate);
  let s1 = 0;
  let s2 = 0;
  let power = 0;
  for (let i = 0; i < count; i++) {
    const x = samples[from + i]!;
    const s0 = x + coefficient * s1 - s2;
    s2 = s1;
    s1 = s0;
    power += x * x;
  }
  if (power === 0) return 0;
  return Math.min(1, (2 * (s1 * s1 + s2 * s2 - coefficient * s1 * s2)) / (power * count));
}

/** A block quieter than this (RMS of 16-bit samples) counts as silence: about -50 dBm0. */
const silence = 64;
/** A block is a tone when this share of its power lies at one frequency. */
const purity = 0.8;
/** Different frequencies counted; enough for any tone plan, and a bound for noise. */
const maxFrequencies = 256;

/** What was heard, for people and tests. */
export interface Heard {
  /** Seconds that were not silent. */
  readonly seconds: number;
  /** Root mean square over those, in 16-bit samples. */
  readonly rms: number;
  /** The tone heard longest, to the next 10 Hz, and for how long. */
  readonly tone: { readonly hertz: number; readonly seconds: number } | undefined;
}

/** Listens in blocks of 40 ms: how long there was sound, how loud, and which tones. */
export class Listener {
  readonly #sampleRate: number;
  readonly #block: Int16Array;
  readonly #tones = new Map<number, number>();
  #filled = 0;
  #blocks = 0;
  #power = 0;

  constructor(sampleRate: number) {
    this.#sampleRate = sampleRate;
    this.#block = new Int16Array(sampleRate / 25);
  }

  hear(samples: Int16Array, count: number): void {
    for (let i = 0; i < count; i++) {
      this.#block[this.#filled++] = samples[i]!;
      if (this.#filled === this.#block.length) this.#judge();
    }
  }

  heard(): Heard {
    let best: [hertz: number, blocks: number] | undefined;
    for (const tone of this.#tones) if (best === undefined || tone[1] > best[1]) best = tone;
    return {
      seconds: this.#blocks / 25,
      rms: this.#blocks === 0 ? 0 : Math.sqrt(this.#power / this.#blocks),
      tone: best === undefined ? undefined : { hertz: best[0], seconds: best[1] / 25 },
    };
  }

  /** Seconds of a tone within 10 Hz of the one asked for. */
  heardTone(hertz: number): number {
    const near = [-10, 0, 10].map(offset => this.#tones.get(toTen(hertz) + offset) ?? 0);
    return near.reduce((sum, blocks) => sum + blocks, 0) / 25;
  }

  #judge(): void {
    this.#filled = 0;
    const block = this.#block;
    let power = 0;
    for (const x of block) power += x * x;
    power /= block.length;
    if (power < silence * silence) return;
    this.#blocks++;
    this.#power += power;
    const key = this.#toneOf(block);
    if (key === undefined) return;
    const before = this.#tones.get(key);
    if (before !== undefined || this.#tones.size < maxFrequencies) {
      this.#tones.set(key, (before ?? 0) + 1);
    }
  }

  /** The frequency, to the next 10 Hz, where nearly all of the block's power lies. */
  #toneOf(block: Int16Array): number | undefined {
    const estimate = mainFrequency(block, this.#sampleRate);
    if (estimate === undefined) return undefined;
    let best = { hertz: 0, share: 0 };
    for (let offset = -60; offset <= 60; offset += 10) {
      const hertz = toTen(estimate) + offset;
      const share = goertzel(block, 0, block.length, this.#sampleRate, hertz);
      if (share > best.share) best = { hertz, share };
    }
    return best.share < purity ? undefined : best.hertz;
  }
}

const toTen = (hertz: number): number => Math.round(hertz / 10) * 10;

/**
 * The frequency of a single tone: a sine obeys x[n] + x[n-2] = 2·cos(ω)·x[n-1], and least squares
 * give the cosine. Noise shifts it a little; for anything but a tone it means nothing, which
 * Goertzel then tells.
 */
function mainFrequency(samples: Int16Array, sampleRate: number): number | undefined {
  let numerator = 0;
  let denominator = 0;
  for (let i = 2; i < samples.length; i++) {
    const middle = samples[i - 1]!;
    numerator += middle * (samples[i]! + samples[i - 2]!);
    denominator += middle * middle;
  }
  const cosine = numerator / (2 * denominator);
  if (!(Math.abs(cosine) < 1)) return undefined;
  return (Math.acos(cosine) * sampleRate) / (2 * Math.PI);
}
