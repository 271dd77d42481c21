// Where everybody stands in a ladder: who begins at the left, then the functions in the order of the
// architecture's figure, other phones and strangers at the right.

import type { TraceEvent } from '#kernel/trace';

/** Who talks to whom stands side by side: the HSS between the two that ask it. */
const ORDER = [
  ...['ue', 'enb', 'mme', 'sgw', 'pgw', 'pcscf', 'atcf', 'ecscf', 'lrf', 'icscf', 'hss', 'scscf'],
  ...[
    'pcrf',
    'ocs',
    'cdf',
    'as',
    'tas',
    'echo',
    'mrf',
    'bgcf',
    'mgcf',
    'mgw',
    'pstn',
    'msc',
    'ibcf',
  ],
];

const LEFT = -1;
const RIGHT = ORDER.length;

/** 'p-cscf', 'pcscf2' and 'P-CSCF' are the same function. */
const rankOf = (name: string): number => ORDER.indexOf(name.toLowerCase().replace(/[^a-z]/g, ''));

export class Columns {
  readonly #names: string[] = [];
  readonly #known = new Set<string>();
  /** Whoever is no function and came first. */
  #leftmost: string | undefined;

  constructor(names: Iterable<string> = []) {
    for (const name of names) this.add(name);
  }

  /** From left to right. */
  get names(): readonly string[] {
    return this.#names;
  }

  /** Whether the name was new. */
  add(name: string): boolean {
    if (this.#known.has(name)) return false;
    this.#known.add(name);
    if (rankOf(name) === -1) this.#leftmost ??= name;
    const place = this.#placeOf(name);
    const before = this.#names.findIndex(other => this.#placeOf(other) > place);
    if (before === -1) this.#names.push(name);
    else this.#names.splice(before, 0, name);
    return true;
  }

  indexOf(name: string): number {
    return this.#names.indexOf(name);
  }

  #placeOf(name: string): number {
    const rank = rankOf(name);
    if (rank !== -1) return rank;
    return name === this.#leftmost ? LEFT : RIGHT;
  }
}

/** Everybody who takes part, in the order met. */
export function participants(events: Iterable<TraceEvent>): string[] {
  const names = new Set<string>();
  for (const event of events) {
    if (event.kind === 'decision') names.add(event.at);
    else names.add(event.from).add(event.to);
  }
  return [...names];
}
