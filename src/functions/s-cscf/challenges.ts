// Challenges that a UE has yet to answer, and the digest nonces that were answered once and may be
// used again. TS 24.229 §5.4.1.2.1 (reg-await-auth), RFC 7616 §3.3 and §3.4.5. Bounded: at a bound
// the oldest goes, and whoever answers it later is challenged anew.

import type { Clock, Timer } from '#kernel/host';
import type { Duration } from '#kernel/time';
import type { DigestAlgorithm, Proof } from '#sip/digest';

export interface Challenge {
  readonly impi: string;
  readonly impu: string;
  readonly nonce: string;
  readonly scheme: 'AKA' | 'digest';
  /** What the response is computed with. Never logged, never in the trace. */
  readonly secrets: readonly Secret[];
  /** AUTS received in a row before this one was issued. */
  readonly resynchronisations: number;
  /** RAND of an AKA challenge: what AUTS refers to. */
  readonly rand?: Uint8Array | undefined;
  /** Answered right at least once. */
  answered: boolean;
  /** The highest nonce count accepted. */
  nc: number;
}

export type Secret = {
  readonly algorithm: DigestAlgorithm;
  /** The spelling it is made with; undefined: any. */
  readonly username?: string | undefined;
} & Proof;

export interface ChallengeLimits {
  readonly total: number;
  readonly perImpi: number;
}

interface Entry extends Challenge {
  timer: Timer | undefined;
}

export class Challenges {
  /** reg-await-auth fired on a challenge that nobody answered. */
  onTimeout: (challenge: Challenge) => void = () => {};

  readonly #clock: Clock;
  readonly #limits: ChallengeLimits;
  /** By nonce, the oldest first. */
  readonly #byNonce = new Map<string, Entry>();
  readonly #byImpi = new Map<string, readonly Entry[]>();

  constructor(clock: Clock, limits: ChallengeLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  get size(): number {
    return this.#byNonce.size;
  }

  /** Starts reg-await-auth for a challenge that is about to be sent. */
  start(what: Omit<Challenge, 'answered' | 'nc'>, regAwaitAuth: Duration): Challenge {
    const entry: Entry = { ...what, answered: false, nc: 0, timer: undefined };
    const mine = this.#byImpi.get(entry.impi) ?? [];
    if (mine.length >= this.#limits.perImpi) this.remove(mine[0]!);
    if (this.#byNonce.size >= this.#limits.total) {
      for (const oldest of this.#byNonce.values()) {
        this.remove(oldest);
        break;
      }
    }
    this.#byNonce.set(entry.nonce, entry);
    this.#byImpi.set(entry.impi, [...(this.#byImpi.get(entry.impi) ?? []), entry]);
    this.#wait(entry, regAwaitAuth);
    return entry;
  }

  find(impi: string, nonce: string): Challenge | undefined {
    const challenge = this.#byNonce.get(nonce);
    return challenge?.impi === impi ? challenge : undefined;
  }

  /** Whether reg-await-auth runs for the IMPI (TS 24.229 §5.4.1.2.2). */
  awaits(impi: string): boolean {
    return (this.#byImpi.get(impi) ?? []).some(challenge => !challenge.answered);
  }

  /** The challenge was answered right with nonce count `nc`; its nonce lives on for `lifetime`. */
  accept(challenge: Challenge, nc: number, lifetime: Duration): void {
    const entry = this.#byNonce.get(challenge.nonce);
    if (entry === undefined) return; // pushed out meanwhile
    if (!entry.answered) {
      entry.answered = true;
      this.#wait(entry, lifetime);
    }
    entry.nc = nc;
  }

  remove(challenge: Challenge): void {
    const entry = this.#byNonce.get(challenge.nonce);
    if (entry === undefined) return;
    entry.timer?.cancel();
    this.#byNonce.delete(entry.nonce);
    const rest = (this.#byImpi.get(entry.impi) ?? []).filter(other => other !== entry);
    if (rest.length > 0) this.#byImpi.set(entry.impi, rest);
    else this.#byImpi.delete(entry.impi);
  }

  /** Every challenge of an IMPI: its password or K changed, or it was de-registered. */
  removeAll(impi: string): void {
    for (const entry of this.#byImpi.get(impi) ?? []) this.remove(entry);
  }

  clear(): void {
    for (const entry of this.#byNonce.values()) entry.timer?.cancel();
    this.#byNonce.clear();
    this.#byImpi.clear();
  }

  #wait(entry: Entry, delay: Duration): void {
    entry.timer?.cancel();
    entry.timer = this.#clock.after(delay, () => {
      this.remove(entry);
      if (!entry.answered) this.onTimeout(entry);
    });
  }
}
