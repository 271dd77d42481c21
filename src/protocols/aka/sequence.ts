// Sequence numbers of AKA: TS 33.102 annex C. SQN is 48 bits, SEQ ‖ IND with 5 bits of IND. The
// authentication centre counts one SEQ per subscriber that does not depend on time (profile 2,
// §C.3.2); the card keeps the highest SEQ it took for each IND, so that vectors fetched by several
// requesters and used out of order do not spoil one another.

import { assert } from '#kernel/errors';

/** IND has 5 bits: the card's array has this many places. §C.3.2 */
export const INDEXES = 32;

/** SEQ has 43 bits. */
export const MAX_SEQ = 2 ** 43 - 1;

/** How far ahead of the highest SEQ taken a card follows in one step. §C.2.1, §C.3.2 */
export const DELTA = 2 ** 28;

/** Who asks the HSS for vectors: EPS (S6a) or IMS (Cx). */
export type Domain = 'eps' | 'ims';

// Guidelines of §C.3.4: requesters of different domains never share an IND, and within a domain each
// requesting node has its own as long as there are enough.
const pools: Readonly<Record<Domain, { first: number; count: number }>> = {
  eps: { first: 0, count: 16 },
  ims: { first: 16, count: 16 },
};

/** Which IND a requesting node of a domain was given. */
export interface Requester {
  readonly domain: Domain;
  /** The node: an S-CSCF's or MME's Diameter identity. */
  readonly name: string;
  readonly ind: number;
}

/** What the authentication centre keeps per subscriber and commits before a vector leaves. */
export interface HeSequence {
  /** SEQ_HE: the last SEQ that was handed out. */
  readonly seq: number;
  /** Most recently served first; at most one per IND. */
  readonly requesters: readonly Requester[];
}

export const seqOf = (sqn: number): number => Math.floor(sqn / INDEXES);
export const indOf = (sqn: number): number => sqn % INDEXES;
export const sqnOf = (seq: number, ind: number): number => seq * INDEXES + ind;

/** The six octets of an SQN. */
export function sqnOctets(sqn: number): Uint8Array {
  assert(Number.isInteger(sqn) && sqn >= 0 && sqn < 2 ** 48, `SQN ${sqn} is not of 48 bits`);
  const octets = new Uint8Array(6);
  for (let i = 5, rest = sqn; i >= 0; i--, rest = Math.floor(rest / 256)) octets[i] = rest % 256;
  return octets;
}

/** The SQN in six octets. */
export function sqnFrom(octets: Uint8Array): number {
  assert(octets.length === 6, `an SQN has 6 octets, not ${octets.length}`);
  let sqn = 0;
  for (const octet of octets) sqn = sqn * 256 + octet;
  return sqn;
}

/** A subscriber's state as provisioned with an SQN, before any vector left. */
export const startingAt = (sqn: number): HeSequence => ({ seq: seqOf(sqn), requesters: [] });

/**
 * The next SQN for a vector that `name` asked for, and the state to commit first. undefined when
 * the 43 bits of SEQ are used up: that subscriber needs a new K. §C.1.2, §C.3.2
 */
export function nextSqn(
  state: HeSequence,
  domain: Domain,
  name: string,
): { readonly sqn: number; readonly state: HeSequence } | undefined {
  if (state.seq >= MAX_SEQ) return undefined;
  const seq = state.seq + 1;
  const requester = { domain, name, ind: indexFor(state.requesters, domain, name) };
  const others = state.requesters.filter(other => other.ind !== requester.ind);
  return { sqn: sqnOf(seq, requester.ind), state: { seq, requesters: [requester, ...others] } };
}

// The IND it has; else one nobody of the domain has; else that of whoever asked longest ago.
function indexFor(requesters: readonly Requester[], domain: Domain, name: string): number {
  const ofDomain = requesters.filter(requester => requester.domain === domain);
  const own = ofDomain.find(requester => requester.name === name);
  if (own !== undefined) return own.ind;
  const { first, count } = pools[domain];
  const taken = new Set(ofDomain.map(requester => requester.ind));
  for (let ind = first; ind < first + count; ind++) if (!taken.has(ind)) return ind;
  return ofDomain.at(-1)!.ind;
}

/** The card's limits. */
export interface SequenceLimits {
  /** Δ: a SEQ further ahead than this is refused, against wrap-around. §C.2.1 */
  readonly delta: number;
  /** L: a SEQ further behind the highest than this is too old; undefined sets no limit. §C.2.2 */
  readonly age: number | undefined;
}

const defaultLimits: SequenceLimits = { delta: DELTA, age: undefined };

/** The card's array of the highest SEQ accepted for each IND. §C.2 */
export class SequenceArray {
  readonly #seq: number[];
  readonly #limits: SequenceLimits;

  /** `kept` is what `toJson` gave before the card was switched off. */
  constructor(kept?: readonly number[], limits: SequenceLimits = defaultLimits) {
    assert(kept === undefined || kept.length === INDEXES, `an array has ${INDEXES} places`);
    this.#seq = kept === undefined ? new Array(INDEXES).fill(0) : [...kept];
    this.#limits = limits;
  }

  /** SQN_MS: the highest SQN accepted so far, which AUTS reports. */
  get highest(): number {
    let best = 0;
    for (let ind = 1; ind < INDEXES; ind++) if (this.#seq[ind]! > this.#seq[best]!) best = ind;
    return sqnOf(this.#seq[best]!, best);
  }

  /** Whether `sqn` is fresh, taking it if it is. §C.2.1, §C.2.2 */
  accept(sqn: number): boolean {
    const seq = seqOf(sqn);
    const ind = indOf(sqn);
    const highest = seqOf(this.highest);
    if (seq - highest > this.#limits.delta) return false;
    if (this.#limits.age !== undefined && highest - seq > this.#limits.age) return false;
    if (seq <= this.#seq[ind]!) return false;
    this.#seq[ind] = seq;
    return true;
  }

  toJson(): readonly number[] {
    return [...this.#seq];
  }
}
