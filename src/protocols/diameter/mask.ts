// Overwrites keys, expected responses and password hashes at equal length, so that what is shown
// or exported still dissects. Which AVPs these are, their definitions say; those of every application
// are loaded here, since a trace shows what no function of this process speaks.

import './cx.ts';
import { lookup } from './dictionary.ts';
import './eps-vectors.ts';
import { newPlace, placeAt } from './group.ts';
import { HEADER_LENGTH } from './header.ts';

/** Groups within groups, at most; deeper ones are overwritten whole. */
export const MAX_DEPTH = 16;

const STAR = 0x2a;

/** A copy of the message with every secret overwritten. */
export function maskSecrets(message: Buffer): Buffer {
  const copy = Buffer.from(message);
  mask(copy, HEADER_LENGTH, copy.length, 0);
  return copy;
}

function mask(octets: Buffer, start: number, end: number, depth: number): void {
  if (depth > MAX_DEPTH) {
    octets.fill(STAR, start, end);
    return;
  }
  const place = newPlace();
  for (let at = start; at < end; at = place.end) {
    try {
      placeAt(octets, at, end, place);
    } catch {
      octets.fill(STAR, at, end); // what cannot be told apart may be a secret
      return;
    }
    const definition = lookup(place.vendor, place.code);
    if (definition?.secret) octets.fill(STAR, place.data, place.dataEnd);
    else if (definition?.type.members !== undefined) {
      mask(octets, place.data, place.dataEnd, depth + 1);
    }
  }
}
