// Where a request is sent on to: targets at once, or groups one after the other. RFC 3261 §16.5, §16.6

import type { Duration } from '#kernel/time';
import type { Target } from '../flow.ts';
import type { SipRequest } from '../message.ts';

export interface Branch {
  /** Request-URI, Route and all else as the target shall see them; Via is ours to add. */
  readonly request: SipRequest;
  readonly target: Target;
  /**
   * How long a final response may take. An INVITE is cancelled then and counts as 408; of any other
   * request a generated 504 is made.
   */
  readonly timeout?: Duration;
  /**
   * How long the target may say nothing at all, not even 100, before it counts as silent (408, or 504
   * to others than INVITE) and the search goes on. An INVITE that is heard of later is cancelled.
   */
  readonly unheard?: Duration;
}

/** All at once, or groups one after the other, each only if the one before brought no 2xx or 6xx. */
export type Branches =
  | readonly Branch[]
  | readonly (readonly Branch[])[]
  | AsyncIterable<readonly Branch[]>;

/** The groups in turn, however they were given. */
export function groupsOf(
  branches: Branches,
): AsyncIterator<readonly Branch[]> | Iterator<readonly Branch[]> {
  if (!Array.isArray(branches)) {
    return (branches as AsyncIterable<readonly Branch[]>)[Symbol.asyncIterator]();
  }
  const [first] = branches as readonly (Branch | readonly Branch[])[];
  const serial = Array.isArray(first);
  const groups = serial
    ? (branches as readonly (readonly Branch[])[])
    : [branches as readonly Branch[]];
  return groups[Symbol.iterator]();
}
