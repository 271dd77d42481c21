// What arrived of one source, as receiver reports state it: sequence numbers (RFC 3550 A.1), loss
// (A.3) and interarrival jitter (A.8).

import type { Duration, Instant } from '#kernel/time';
import { sequenceDistance } from './rtp-packet.ts';

/** A jump of more than this is a restart of the sender (A.1, MAX_DROPOUT). */
const maxDropout = 3000;

export interface ReceptionStatistics {
  readonly ssrc: number;
  readonly packets: number;
  readonly octets: number;
  /** Expected less received; duplicates can make it negative. */
  readonly lost: number;
  readonly jitter: Duration;
  readonly highestSequence: number;
}

export class Reception {
  readonly ssrc: number;
  readonly #clockRate: number;
  #base = 0;
  #highest = 0;
  #cycles = 0;
  #packets = 0;
  #octets = 0;
  #transit: number | undefined;
  #jitter = 0;
  #expectedBefore = 0;
  #packetsBefore = 0;

  constructor(ssrc: number, clockRate: number) {
    this.ssrc = ssrc;
    this.#clockRate = clockRate;
  }

  receive(sequence: number, timestamp: number, payloadOctets: number, now: Instant): void {
    if (this.#packets === 0) this.#restart(sequence);
    const step = sequenceDistance(sequence, this.#highest);
    if (Math.abs(step) > maxDropout) this.#restart(sequence);
    else if (step > 0) {
      if (sequence < this.#highest) this.#cycles += 0x10000;
      this.#highest = sequence;
    }
    this.#packets++;
    this.#octets += payloadOctets;

    const arrival = (now * this.#clockRate) / 1000;
    const transit = arrival - timestamp;
    if (this.#transit !== undefined) {
      // Timestamps wrap at 2^32; a difference of half that is a wrap, not jitter.
      const difference = Math.abs(transit - this.#transit) % 0x1_0000_0000;
      const d = Math.min(difference, 0x1_0000_0000 - difference);
      this.#jitter += (d - this.#jitter) / 16;
    }
    this.#transit = transit;
  }

  /** Fraction lost since the last call of this method, and the totals, for a report block. */
  report(): { fractionLost: number; lost: number; highestSequence: number; jitter: number } {
    const expected = this.#expected();
    const expectedNow = expected - this.#expectedBefore;
    const lostNow = expectedNow - (this.#packets - this.#packetsBefore);
    this.#expectedBefore = expected;
    this.#packetsBefore = this.#packets;
    const lost = expected - this.#packets;
    return {
      fractionLost:
        expectedNow <= 0 || lostNow <= 0
          ? 0
          : Math.min(255, Math.floor((lostNow * 256) / expectedNow)),
      lost: Math.max(-0x800000, Math.min(0x7fffff, lost)),
      highestSequence: (this.#cycles + this.#highest) >>> 0,
      jitter: Math.round(this.#jitter),
    };
  }

  statistics(): ReceptionStatistics {
    return {
      ssrc: this.ssrc,
      packets: this.#packets,
      octets: this.#octets,
      lost: this.#packets === 0 ? 0 : this.#expected() - this.#packets,
      jitter: (this.#jitter * 1000) / this.#clockRate,
      highestSequence: this.#cycles + this.#highest,
    };
  }

  #expected(): number {
    return this.#cycles + this.#highest - this.#base + 1;
  }

  #restart(sequence: number): void {
    // Loss is counted from here on; what was received before stays counted as expected.
    this.#base = sequence - this.#packets;
    this.#highest = sequence;
    this.#cycles = 0;
    this.#expectedBefore = this.#packets;
    this.#packetsBefore = this.#packets;
  }
}
