// The twenty octets before the AVPs. RFC 6733 §3

import { DiameterError } from './errors.ts';

/** Command flags. */
export const FLAG = { request: 0x80, proxiable: 0x40, error: 0x20, retransmitted: 0x10 } as const;
/** The flags that no specification gives a meaning. */
export const RESERVED_FLAGS = 0x0f;

export const HEADER_LENGTH = 20;
export const VERSION = 1;

/** The longest message we take, in octets: a profile of thousands of filter criteria fits. */
export const MAX_MESSAGE_LENGTH = 1_048_576;

export interface Header {
  readonly flags: number;
  /** Command code. */
  readonly code: number;
  readonly application: number;
  readonly hopByHop: number;
  readonly endToEnd: number;
}

/**
 * The length of the message that starts at `start`, of which at least four octets are there.
 * Throws where no message can start so; nothing after it can be found then.
 */
export function messageLength(octets: Buffer, start: number): number {
  if (octets[start] !== VERSION) {
    throw new DiameterError('DIAMETER_UNSUPPORTED_VERSION', `version ${octets[start]}`, {
      offset: start,
      clause: 'RFC 6733 §3',
    });
  }
  const length = octets.readUIntBE(start + 1, 3);
  if (length < HEADER_LENGTH || length > MAX_MESSAGE_LENGTH || length % 4 !== 0) {
    throw new DiameterError('DIAMETER_INVALID_MESSAGE_LENGTH', `message of ${length} octets`, {
      offset: start + 1,
      clause: 'RFC 6733 §3',
    });
  }
  return length;
}

/** The header of the message at `start`, of which `HEADER_LENGTH` octets are there. */
export function readHeader(octets: Buffer, start: number): Header {
  const word = octets.readUInt32BE(start + 4);
  return {
    flags: word >>> 24,
    code: word & 0xffffff,
    application: octets.readUInt32BE(start + 8),
    hopByHop: octets.readUInt32BE(start + 12),
    endToEnd: octets.readUInt32BE(start + 16),
  };
}
