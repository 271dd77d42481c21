// The ways to one target, tried in turn: the next one when a way fails, another server when one
// says that it cannot serve now. RFC 3263 §4.3.

import { type Duration, seconds } from '#kernel/time';
import { RetryAfter } from '../headers.ts';
import type { SipResponse } from '../message.ts';
import type { DeadTargets } from './dead-targets.ts';
import type { Candidate } from './resolve.ts';

export class Attempts {
  readonly #dead: DeadTargets;
  #left: Candidate[];
  #current: Candidate | undefined;

  constructor(candidates: readonly Candidate[], dead: DeadTargets) {
    this.#dead = dead;
    this.#left = dead.inOrder(candidates);
  }

  next(): Candidate | undefined {
    this.#current = this.#left.shift();
    return this.#current;
  }

  /** Before all others. */
  insert(...candidates: Candidate[]): void {
    this.#left.unshift(...candidates);
  }

  /** It could not be reached, or nothing came back. */
  failed(): void {
    if (this.#current !== undefined) this.#dead.note(this.#current);
  }

  answered(): void {
    if (this.#current !== undefined) this.#dead.forget(this.#current);
  }

  /** A 503: it is left alone for as long as it asks for. RFC 3261 §21.5.4 */
  refused(response: SipResponse): void {
    const wait = retryAfter(response);
    if (this.#current !== undefined && wait !== undefined) this.#dead.note(this.#current, wait);
  }

  /** Passes over the server that refused, by whatever transport; true where another is left. */
  passOver(): boolean {
    const refused = serverOf(this.#current);
    if (refused === undefined) return false;
    const others = this.#left.filter(candidate => serverOf(candidate) !== refused);
    if (others.length > 0) this.#left = others;
    return others.length > 0;
  }
}

/** A local link has no other server behind it. */
const serverOf = (candidate: Candidate | undefined): string | undefined =>
  candidate === undefined || candidate.protocol === 'local' ? undefined : candidate.server;

function retryAfter(response: SipResponse): Duration | undefined {
  try {
    const value = response.get(RetryAfter);
    return value === undefined ? undefined : seconds(value.seconds);
  } catch {
    return undefined; // malformed: as if it were not there
  }
}
