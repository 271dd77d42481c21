// WAV files: PCM of 16 bits and G.711, at 8 or 16 kHz, read to linear mono; written as PCM16.

import { ProtocolError } from '#kernel/errors';
import { g711Decode } from './g711.ts';

export interface Sound {
  readonly sampleRate: number;
  /** Linear, mono. */
  readonly samples: Int16Array;
}

/** A file is not one of the kinds we play; the message says what it is. */
export class WavError extends ProtocolError {
  override readonly name = 'WavError';
}

const formatTags = { pcm: 1, aLaw: 6, uLaw: 7, extensible: 0xfffe } as const;

/** Reads a WAV file. Throws a WavError saying what it is and what would do. */
export function parseWav(octets: Uint8Array): Sound {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  const id = (at: number) => String.fromCharCode(...octets.subarray(at, at + 4));
  if (octets.length < 12 || id(0) !== 'RIFF' || id(8) !== 'WAVE') {
    throw new WavError('not a WAV file', { offset: 0 });
  }
  let format: { tag: number; channels: number; sampleRate: number; bits: number } | undefined;
  let at = 12;
  while (at + 8 <= octets.length) {
    const start = at + 8;
    // A stream cut short, or written before its length was known, is played as far as it goes.
    const size = Math.min(view.getUint32(at + 4, true), octets.length - start);
    if (id(at) === 'fmt ') {
      if (size < 16) throw new WavError('fmt chunk too short', { offset: at });
      const tag = view.getUint16(start, true);
      format = {
        tag: tag === formatTags.extensible && size >= 26 ? view.getUint16(start + 24, true) : tag,
        channels: view.getUint16(start + 2, true),
        sampleRate: view.getUint32(start + 4, true),
        bits: view.getUint16(start + 14, true),
      };
    } else if (id(at) === 'data') {
      if (format === undefined) throw new WavError('no fmt chunk before data', { offset: at });
      return decodeData(octets.subarray(start, start + size), format);
    }
    at = start + size + (size & 1);
  }
  throw new WavError('no data chunk', { offset: at });
}

function decodeData(
  data: Uint8Array,
  format: { tag: number; channels: number; sampleRate: number; bits: number },
): Sound {
  const { tag, channels, sampleRate, bits } = format;
  if (sampleRate !== 8000 && sampleRate !== 16000) {
    throw new WavError(`sampled at ${sampleRate} Hz; 8000 or 16000 Hz can be played`);
  }
  if (channels !== 1) throw new WavError(`${channels} channels; mono can be played`);
  if (tag === formatTags.pcm && bits === 16) {
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    const samples = new Int16Array(data.length >> 1);
    for (let i = 0; i < samples.length; i++) samples[i] = view.getInt16(2 * i, true);
    return { sampleRate, samples };
  }
  if ((tag === formatTags.aLaw || tag === formatTags.uLaw) && bits === 8) {
    const samples = new Int16Array(data.length);
    g711Decode(tag === formatTags.aLaw ? 'PCMA' : 'PCMU', data, 0, data.length, samples);
    return { sampleRate, samples };
  }
  throw new WavError(`format ${tag} of ${bits} bits; PCM of 16 bits or G.711 can be played`);
}

/** A WAV file of PCM, 16 bits, mono. */
export function writeWav(sound: Sound): Uint8Array {
  const { sampleRate, samples } = sound;
  const octets = new Uint8Array(44 + 2 * samples.length);
  const view = new DataView(octets.buffer);
  const text = (at: number, value: string) => octets.set(Buffer.from(value, 'latin1'), at);
  text(0, 'RIFF');
  view.setUint32(4, 36 + 2 * samples.length, true);
  text(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, formatTags.pcm, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, sampleRate * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, 'data');
  view.setUint32(40, 2 * samples.length, true);
  for (let i = 0; i < samples.length; i++) view.setInt16(44 + 2 * i, samples[i]!, true);
  return octets;
}

/** The same sound at 8 or 16 kHz: halved after averaging neighbours, doubled by interpolation. */
export function resampled(sound: Sound, sampleRate: number): Sound {
  const { samples } = sound;
  if (sound.sampleRate === sampleRate) return sound;
  if (sound.sampleRate === 2 * sampleRate) {
    const half = new Int16Array(samples.length >> 1);
    for (let i = 0; i < half.length; i++) {
      const before = samples[Math.max(0, 2 * i - 1)]!;
      const after = samples[2 * i + 1]!;
      half[i] = (before + 2 * samples[2 * i]! + after) >> 2;
    }
    return { sampleRate, samples: half };
  }
  if (2 * sound.sampleRate === sampleRate) {
    const double = new Int16Array(samples.length * 2);
    for (let i = 0; i < samples.length; i++) {
      double[2 * i] = samples[i]!;
      double[2 * i + 1] = (samples[i]! + (samples[i + 1] ?? samples[i]!)) >> 1;
    }
    return { sampleRate, samples: double };
  }
  throw new WavError(`no conversion from ${sound.sampleRate} Hz to ${sampleRate} Hz`);
}
