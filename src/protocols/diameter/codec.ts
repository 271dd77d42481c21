// Octets to messages and back. RFC 6733 §3, §4
//
// The laws, which test/fuzz/diameter.ts asserts: what decodes encodes to the same octets; encoding
// twice gives the same; unknown AVPs pass through unchanged; no input makes decoding throw anything
// but a DiameterError.

import type { Codec } from '#kernel/host';
import type { Avp } from './avp.ts';
import { DiameterError } from './errors.ts';
import { readAvps } from './group.ts';
import { HEADER_LENGTH, messageLength, readHeader } from './header.ts';
import { DiameterMessage } from './message.ts';

export { MAX_AVPS } from './group.ts';
export { MAX_MESSAGE_LENGTH } from './header.ts';
export { MAX_DEPTH } from './mask.ts';

/** AVPs that cannot be told apart, in a message whose header can be read. */
export class MalformedMessage extends DiameterError {
  override readonly name: string = 'MalformedMessage';
  /** The message with the AVPs before the fault, and with all its octets. */
  readonly received: DiameterMessage;

  constructor(cause: DiameterError, received: DiameterMessage) {
    super(cause.result, cause.message, cause);
    this.received = received;
  }
}

/**
 * One whole message. The octets are the message's own from here on: nobody may write to them.
 * Throws MalformedMessage where at least the header can be read, DiameterError elsewhere.
 */
export function decode(octets: Uint8Array): DiameterMessage {
  const buffer = Buffer.isBuffer(octets)
    ? octets
    : Buffer.from(octets.buffer, octets.byteOffset, octets.length);
  if (buffer.length < HEADER_LENGTH) {
    throw new DiameterError('DIAMETER_INVALID_MESSAGE_LENGTH', `${buffer.length} octets`, {
      clause: 'RFC 6733 §3',
    });
  }
  if (messageLength(buffer, 0) !== buffer.length) {
    throw new DiameterError('DIAMETER_INVALID_MESSAGE_LENGTH', 'not one whole message', {
      offset: 1,
      clause: 'RFC 6733 §3',
    });
  }
  const header = readHeader(buffer, 0);
  const avps: Avp[] = [];
  try {
    readAvps(buffer, HEADER_LENGTH, buffer.length, avps);
  } catch (error) {
    if (!(error instanceof DiameterError)) throw error;
    throw new MalformedMessage(error, new DiameterMessage(header, avps, buffer));
  }
  return new DiameterMessage(header, avps, buffer);
}

export const diameterCodec: Codec<DiameterMessage> = {
  encode: message => message.encode(),
  decode,
};
