// Cuts a stream of octets, in pieces of any size, into messages. RFC 6733 §2.1

import type { StreamReader } from '#kernel/framing';
import { decode, MalformedMessage } from './codec.ts';
import { messageLength } from './header.ts';
import type { DiameterMessage } from './message.ts';

export class DiameterStreamReader implements StreamReader<DiameterMessage> {
  readonly #onMalformed: (fault: MalformedMessage) => void;
  /** The beginning of a message whose end is still to come. */
  #partial: Buffer = Buffer.alloc(0);
  #filled = 0;

  /** `onMalformed` gets messages whose AVPs make no sense; those after them do again. */
  constructor(onMalformed: (fault: MalformedMessage) => void = () => {}) {
    this.#onMalformed = onMalformed;
  }

  /**
   * Gives `take` each message that is now complete, on octets of its own. Throws a DiameterError
   * where the stream makes no sense any more: nothing after that can be found.
   */
  push(octets: Uint8Array, take: (message: DiameterMessage) => void): void {
    const chunk = Buffer.from(octets.buffer, octets.byteOffset, octets.length);
    let at = this.#filled > 0 ? this.#complete(chunk, take) : 0;
    while (chunk.length - at >= 4) {
      const length = messageLength(chunk, at);
      if (chunk.length - at < length) break;
      this.#give(chunk.subarray(at, at + length), take);
      at += length;
    }
    if (at < chunk.length) this.#keep(chunk.subarray(at));
  }

  /** Adds to the partial message what it lacks; returns how much that took of the chunk. */
  #complete(chunk: Buffer, take: (message: DiameterMessage) => void): number {
    const toLength = this.#filled < 4 ? Math.min(4 - this.#filled, chunk.length) : 0;
    this.#keep(chunk.subarray(0, toLength));
    if (this.#filled < 4) return toLength;
    const length = messageLength(this.#partial, 0);
    const end = Math.min(toLength + length - this.#filled, chunk.length);
    this.#keep(chunk.subarray(toLength, end));
    if (this.#filled === length) {
      const message = this.#partial.subarray(0, length);
      this.#partial = Buffer.alloc(0);
      this.#filled = 0;
      this.#give(message, take);
    }
    return end;
  }

  #give(octets: Buffer, take: (message: DiameterMessage) => void): void {
    let message: DiameterMessage;
    try {
      message = decode(Buffer.from(octets)); // a copy, so that no message keeps a whole chunk
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error;
      this.#onMalformed(error);
      return;
    }
    take(message);
  }

  /** Doubles as it grows, so that a peer pays with octets for the memory it makes us take. */
  #keep(octets: Buffer): void {
    const wanted = this.#filled + octets.length;
    if (wanted > this.#partial.length) {
      const larger = Buffer.alloc(Math.max(wanted, this.#partial.length * 2));
      this.#partial.copy(larger, 0, 0, this.#filled);
      this.#partial = larger;
    }
    octets.copy(this.#partial, this.#filled);
    this.#filled = wanted;
  }
}
