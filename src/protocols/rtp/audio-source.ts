// Where the sound to be sent comes from.

import { ToneGenerator } from './tone.ts';
import { resampled, type Sound } from './wav.ts';

/** Samples per second inside an audio stream; other rates are converted before they come in. */
export const audioRate = 8000;

export interface AudioSource {
  /** Fills the first `count` samples; false once it has ended, and nothing was filled. */
  read(samples: Int16Array, count: number): boolean;
}

/** A tone of one or two frequencies in Hz, at a level in dBm0, without end. */
export function toneSource(frequencies: readonly number[], level?: number): AudioSource {
  const generator = new ToneGenerator(audioRate, frequencies, level);
  return {
    read(samples, count) {
      generator.read(samples, count);
      return true;
    },
  };
}

/** A recording, once or over and over. */
export function soundSource(sound: Sound, options: { readonly loop?: boolean } = {}): AudioSource {
  const { samples: all } = resampled(sound, audioRate);
  let at = 0;
  return {
    read(samples, count) {
      if (at >= all.length) {
        if (options.loop !== true || all.length === 0) return false;
        at = 0;
      }
      const part = all.subarray(at, at + count);
      samples.set(part);
      samples.fill(0, part.length, count);
      at += count;
      return true;
    },
  };
}

/** Gives back what it hears, one packet time later: an echo. */
export class EchoSource implements AudioSource {
  readonly #fifo: number[] = [];

  hear(samples: Int16Array, count: number): void {
    for (let i = 0; i < count; i++) this.#fifo.push(samples[i]!);
    // Never more than a second behind.
    if (this.#fifo.length > audioRate) this.#fifo.splice(0, this.#fifo.length - audioRate);
  }

  read(samples: Int16Array, count: number): boolean {
    const part = this.#fifo.splice(0, count);
    samples.set(part);
    samples.fill(0, part.length, count);
    return true;
  }
}
