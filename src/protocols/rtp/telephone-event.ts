// Named telephone events, RFC 4733 §2: DTMF digits as RTP payloads. The sender is asked once per
// packet time what to send instead of sound; the receiver reports each event once.

/** Events 0 to 15 in the order of RFC 4733 §3.2. */
const digits = '0123456789*#ABCD';

export const eventOctets = 4;

/** A digit's sound on the air; TS 24.229 leaves it to us. */
const defaultDuration = 100;
/** Silence between two digits, so that each is heard as one. */
const pause = 60;
/** The end is said three times (§2.5.1.4). */
const endPackets = 3;
const volume = 10;
/** Digits waiting to be sent; more are refused. */
const maxQueued = 64;

export const isDigits = (text: string): boolean => /^[0-9*#A-D]+$/i.test(text);

/** What to send in this packet time. */
export interface EventPacket {
  readonly payload: Uint8Array;
  readonly marker: boolean;
  /** How far back the event began, in timestamp units: its packets all carry that timestamp. */
  readonly age: number;
}

export class EventSender {
  readonly #unitsPerPacket: number;
  readonly #clockRate: number;
  readonly #queue: { event: number; units: number }[] = [];
  #elapsed = 0;
  #ends = 0;
  #pauseLeft = 0;

  constructor(clockRate: number, packetTime: number) {
    this.#clockRate = clockRate;
    this.#unitsPerPacket = (clockRate * packetTime) / 1000;
  }

  get idle(): boolean {
    return this.#queue.length === 0;
  }

  /** Queues digits of `duration` ms each; false when the text is not digits or the queue is full. */
  queue(text: string, duration = defaultDuration): boolean {
    if (!isDigits(text) || this.#queue.length + text.length > maxQueued) return false;
    const units = Math.min(0xffff, Math.round((duration * this.#clockRate) / 1000));
    for (const digit of text.toUpperCase()) {
      this.#queue.push({ event: digits.indexOf(digit), units });
    }
    return true;
  }

  /** The packet for this packet time, or undefined when sound may be sent. */
  next(): EventPacket | undefined {
    if (this.#pauseLeft > 0) {
      this.#pauseLeft -= this.#unitsPerPacket;
      return undefined;
    }
    const current = this.#queue[0];
    if (current === undefined) return undefined;
    const age = this.#elapsed;
    this.#elapsed += this.#unitsPerPacket;
    const ended = this.#elapsed >= current.units;
    const duration = Math.min(this.#elapsed, current.units);
    const payload = Uint8Array.of(
      current.event,
      (ended ? 0x80 : 0) | volume,
      (duration >> 8) & 0xff,
      duration & 0xff,
    );
    if (ended && ++this.#ends === endPackets) {
      this.#queue.shift();
      this.#elapsed = 0;
      this.#ends = 0;
      this.#pauseLeft = (pause * this.#clockRate) / 1000;
    }
    return { payload, marker: age === 0, age };
  }
}

export class EventReceiver {
  #timestamp: number | undefined;

  /** The digit when this packet begins an event not yet reported; packets may be lost or doubled. */
  receive(timestamp: number, octets: Uint8Array, at: number, end: number): string | undefined {
    if (end - at < eventOctets || timestamp === this.#timestamp) return undefined;
    const digit = digits[octets[at]!];
    if (digit === undefined) return undefined;
    this.#timestamp = timestamp;
    return digit;
  }
}
