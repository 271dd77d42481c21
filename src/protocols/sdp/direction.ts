// Direction of a media stream, RFC 3264 §5.1, §6.1 and RFC 8866 §6.7.

export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

export const directions: readonly Direction[] = ['sendrecv', 'sendonly', 'recvonly', 'inactive'];

export const sends = (direction: Direction): boolean =>
  direction === 'sendrecv' || direction === 'sendonly';

export const receives = (direction: Direction): boolean =>
  direction === 'sendrecv' || direction === 'recvonly';

export function directionOf(send: boolean, receive: boolean): Direction {
  if (send) return receive ? 'sendrecv' : 'sendonly';
  return receive ? 'recvonly' : 'inactive';
}

/** The same stream seen from the other end. */
export const reversed = (direction: Direction): Direction =>
  directionOf(receives(direction), sends(direction));

/** What is left where both must agree: an answer's direction is `both(wish, reversed(offered))`. */
export const both = (a: Direction, b: Direction): Direction =>
  directionOf(sends(a) && sends(b), receives(a) && receives(b));

/** Holding the peer (RFC 3264 §8.4, TS 24.610): we go on sending at most, and stop listening. */
export const held = (direction: Direction): Direction => directionOf(sends(direction), false);
