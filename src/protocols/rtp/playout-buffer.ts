// Sound put back in time order: a ring of samples by RTP timestamp, read a little later than it
// arrives. Gaps are silence, late packets are counted and dropped. No object per packet.

import { timestampDistance } from './rtp-packet.ts';

export class PlayoutBuffer {
  readonly #ring: Int16Array;
  readonly #delay: number;
  /** The timestamp of the next sample to be read; undefined until something arrives. */
  #playing: number | undefined;
  /** The timestamp after the newest sample written. */
  #end = 0;
  #late = 0;
  #missing = 0;
  #resets = 0;

  /** Both in samples. The capacity is rounded up to a power of two; a jump beyond it starts over. */
  constructor(delay: number, capacity: number) {
    this.#delay = delay;
    // A power of two, so that places stay the same where timestamps wrap at 2^32.
    this.#ring = new Int16Array(2 ** Math.ceil(Math.log2(capacity)));
  }

  /** Samples that came too late, that never came, and how often playing started over. */
  get counters(): { late: number; missing: number; resets: number } {
    return { late: this.#late, missing: this.#missing, resets: this.#resets };
  }

  /** Puts the first `count` samples at `timestamp`. */
  write(timestamp: number, samples: Int16Array, count: number): void {
    const size = this.#ring.length;
    if (count > size) return;
    let ahead = this.#playing === undefined ? 0 : timestampDistance(timestamp, this.#playing);
    if (this.#playing === undefined || ahead + count > size || ahead < -size) {
      if (this.#playing !== undefined) this.#resets++;
      this.reset();
      this.#playing = (timestamp - this.#delay) >>> 0;
      this.#end = timestamp;
      ahead = this.#delay;
    }
    if (ahead < 0) {
      this.#late += count;
      return;
    }
    for (let i = 0; i < count; i++) this.#ring[(timestamp + i) & (size - 1)] = samples[i]!;
    const end = (timestamp + count) >>> 0;
    if (timestampDistance(end, this.#end) > 0) this.#end = end;
  }

  /** Takes the next `count` samples; false when nothing has arrived yet or all has been played. */
  read(samples: Int16Array, count: number): boolean {
    samples.fill(0, 0, count);
    if (this.#playing === undefined) return false;
    const size = this.#ring.length;
    const there = timestampDistance(this.#end, this.#playing);
    for (let i = 0; i < Math.min(count, there); i++) {
      const at = (this.#playing + i) & (size - 1);
      samples[i] = this.#ring[at]!;
      this.#ring[at] = 0;
    }
    if (there < count) this.#missing += count - Math.max(0, there);
    this.#playing = (this.#playing + count) >>> 0;
    // Nothing for longer than the buffer holds: the next packet starts over.
    if (there < -size + count) this.#playing = undefined;
    return there > 0;
  }

  /** Forgets everything: a new source. */
  reset(): void {
    this.#ring.fill(0);
    this.#playing = undefined;
  }
}
