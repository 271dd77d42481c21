// What a peer says and what it heard, as files.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { Listener, ToneGenerator } from '#rtp/tone';
import { parseWav, writeWav } from '#rtp/wav';

const RATE = 8000;
/** Octets before the samples of a plain WAV file. */
const HEADER = 44;

/** Writes a WAV file of a tone that is longer than any call of a test. */
export function writeTone(path: string, hertz: number, seconds = 30): void {
  const samples = new Int16Array(RATE * seconds);
  new ToneGenerator(RATE, [hertz]).read(samples, samples.length);
  writeFileSync(path, writeWav({ sampleRate: RATE, samples }));
}

/** What is in a recording, be it still written; nothing where there is no file yet. */
export function listenTo(path: string): Listener {
  const listener = new Listener(RATE);
  if (!existsSync(path)) return listener;
  const octets = readFileSync(path);
  if (octets.length <= HEADER) return listener;
  const { samples, sampleRate } = parseWav(closed(octets));
  if (sampleRate !== RATE) throw new Error(`${path} is sampled at ${sampleRate} Hz`);
  listener.hear(samples, samples.length);
  return listener;
}

/**
 * A recorder puts the header in, or the length into the header, when it closes the file: until then
 * all that is there counts.
 */
function closed(octets: Buffer): Buffer {
  const header = Buffer.from(writeWav({ sampleRate: RATE, samples: new Int16Array(0) }));
  if (octets.readUInt32LE(0) === 0) header.copy(octets);
  const data = octets.indexOf('data', 12, 'latin1');
  if (data > 0 && octets.readUInt32LE(data + 4) === 0) {
    octets.writeUInt32LE(octets.length, data + 4);
  }
  return octets;
}
