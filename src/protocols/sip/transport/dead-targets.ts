// A short memory of targets that did not answer, refused the connection, or said how long to leave
// them alone: others are tried before them. RFC 3263 §4.3, RFC 3261 §21.5.4.

import type { Clock } from '#kernel/host';
import { type Duration, type Instant, minutes, seconds } from '#kernel/time';
import type { Candidate } from './resolve.ts';

/** How long a target that failed is passed over. */
const DEAD = seconds(30);
/** Retry-After is a peer's word: it moves traffic away for no longer than this. */
const LONGEST = minutes(5);
const MOST = 1000;

export class DeadTargets {
  readonly #clock: Clock;
  readonly #until = new Map<string, Instant>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#until.size;
  }

  note(candidate: Candidate, lasting: Duration = DEAD): void {
    const key = keyOf(candidate);
    if (key === undefined || lasting <= 0) return;
    this.#until.delete(key);
    if (this.#until.size >= MOST) this.#forgetOne();
    this.#until.set(key, this.#clock.now() + Math.min(lasting, LONGEST));
  }

  /** It answered. */
  forget(candidate: Candidate): void {
    const key = this.#until.size === 0 ? undefined : keyOf(candidate);
    if (key !== undefined) this.#until.delete(key);
  }

  /** The same candidates; those of which no answer is expected come last. */
  inOrder(candidates: readonly Candidate[]): Candidate[] {
    if (this.#until.size === 0 || candidates.length < 2) return [...candidates];
    const dead = candidates.filter(candidate => this.#isDead(candidate));
    return [...candidates.filter(candidate => !dead.includes(candidate)), ...dead];
  }

  #isDead(candidate: Candidate): boolean {
    const key = keyOf(candidate);
    const until = key === undefined ? undefined : this.#until.get(key);
    if (until === undefined) return false;
    if (this.#clock.now() < until) return true;
    this.#until.delete(key!);
    return false;
  }

  #forgetOne(): void {
    const [oldest] = this.#until.keys();
    if (oldest !== undefined) this.#until.delete(oldest);
  }
}

/** Local links have no alternative. */
function keyOf(candidate: Candidate): string | undefined {
  if (candidate.protocol === 'local') return undefined;
  const { host, port } = candidate.address;
  return `${candidate.protocol} ${host} ${port}`;
}
