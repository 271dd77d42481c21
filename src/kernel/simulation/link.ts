// The network between two machines: each direction has its settings and its own stream of chance.

import type { Duration, Instant } from '../time.ts';
import { ms } from '../time.ts';
import { SeededRandom } from './random.ts';

export interface LinkSettings {
  /** One-way. Default 1 ms. */
  delay: Duration;
  /** Uniform, added to the delay; datagrams and octets keep their order under it. Default 0. */
  jitter: Duration;
  /** Probability from 0 to 1 that a packet is lost; streams lose time instead. Default 0. */
  loss: number;
  /** Probability that a datagram arrives twice. Default 0. */
  duplication: number;
  /** Probability that a datagram is held back so that later ones overtake it. Default 0. */
  reordering: number;
  /** Probability that a piece of a stream arrives cut in two at a random octet. Default 0. */
  chopping: number;
  /** Nothing passes. Default false. */
  partitioned: boolean;
}

const DEFAULTS: Readonly<LinkSettings> = {
  delay: ms(1),
  jitter: 0,
  loss: 0,
  duplication: 0,
  reordering: 0,
  chopping: 0,
  partitioned: false,
};

/** Delays are multiples of this, which a double holds exactly beside an instant. */
const GRAIN = 1 / 1024;

/** What befalls a datagram: when its copies arrive, or why none does. */
export type Fate = { readonly lost: string } | readonly Instant[];

/** One direction of a link. Settings not given here are those of the whole network. */
export class LinkDirection implements LinkSettings {
  readonly from: string;
  readonly to: string;
  readonly #base: LinkSettings;
  readonly #own: Partial<LinkSettings> = {};
  readonly #random: SeededRandom;
  #lastDatagram: Instant = 0;

  constructor(seed: number | string, from: string, to: string, base: LinkSettings) {
    this.from = from;
    this.to = to;
    this.#base = base;
    this.#random = new SeededRandom(seed, `link ${from} > ${to}`);
  }

  get delay(): Duration {
    return this.#own.delay ?? this.#base.delay;
  }
  set delay(delay: Duration) {
    this.#own.delay = nonNegative('delay', delay);
  }
  get jitter(): Duration {
    return this.#own.jitter ?? this.#base.jitter;
  }
  set jitter(jitter: Duration) {
    this.#own.jitter = nonNegative('jitter', jitter);
  }
  get loss(): number {
    return this.#own.loss ?? this.#base.loss;
  }
  set loss(loss: number) {
    this.#own.loss = probability('loss', loss);
  }
  get duplication(): number {
    return this.#own.duplication ?? this.#base.duplication;
  }
  set duplication(duplication: number) {
    this.#own.duplication = probability('duplication', duplication);
  }
  get reordering(): number {
    return this.#own.reordering ?? this.#base.reordering;
  }
  set reordering(reordering: number) {
    this.#own.reordering = probability('reordering', reordering);
  }
  get chopping(): number {
    return this.#own.chopping ?? this.#base.chopping;
  }
  set chopping(chopping: number) {
    this.#own.chopping = probability('chopping', chopping);
  }
  get partitioned(): boolean {
    return this.#own.partitioned ?? this.#base.partitioned;
  }
  set partitioned(partitioned: boolean) {
    this.#own.partitioned = partitioned;
  }

  /** A TCP sender's first retransmission timeout on this path, RFC 6298 with its usual floor. */
  get retransmitAfter(): Duration {
    return Math.max(200, 4 * (this.delay + this.jitter));
  }

  datagram(now: Instant): Fate {
    // Always the same number of draws, so that one setting does not shift what another draws.
    const [lost, late, held, twice, second] = this.#draw5();
    if (this.partitioned) return { lost: 'partition' };
    if (lost < this.loss) return { lost: 'loss' };
    const usual = now + grained(this.delay + late * this.jitter);
    let first = Math.max(usual, this.#lastDatagram);
    if (held < this.reordering) first = usual + grained(GRAIN + 3 * (this.delay + this.jitter));
    else this.#lastDatagram = first;
    if (twice >= this.duplication) return [first];
    return [first, first + grained(second * (this.delay + this.jitter))];
  }

  /** One attempt at bringing octets of a stream across: undefined where it was lost. */
  segment(now: Instant): Instant | undefined {
    const lost = this.#random.fraction();
    const late = this.#random.fraction();
    if (this.partitioned || lost < this.loss) return undefined;
    return now + grained(this.delay + late * this.jitter);
  }

  /** Where to cut a piece of `length` octets in two; undefined for not at all. */
  cut(length: number): number | undefined {
    if (this.chopping === 0 || length < 2) return undefined;
    if (this.#random.fraction() >= this.chopping) return undefined;
    return 1 + this.#random.below(length - 1);
  }

  #draw5(): [number, number, number, number, number] {
    const random = this.#random;
    return [
      random.fraction(),
      random.fraction(),
      random.fraction(),
      random.fraction(),
      random.fraction(),
    ];
  }
}

/** Both directions: what is set here is set on both. Reading gives the first direction's. */
export class Link implements LinkSettings {
  readonly #a: LinkDirection;
  readonly #b: LinkDirection;

  constructor(a: LinkDirection, b: LinkDirection) {
    this.#a = a;
    this.#b = b;
  }

  /** The one direction that leads to `host`. */
  towards(host: string): LinkDirection {
    if (this.#a.to === host) return this.#a;
    if (this.#b.to === host) return this.#b;
    throw new Error(`the link between ${this.#a.from} and ${this.#a.to} does not lead to ${host}`);
  }

  /** Several settings at once. */
  set(settings: Partial<LinkSettings>): this {
    Object.assign(this, settings);
    return this;
  }

  get delay(): Duration {
    return this.#a.delay;
  }
  set delay(delay: Duration) {
    this.#a.delay = this.#b.delay = delay;
  }
  get jitter(): Duration {
    return this.#a.jitter;
  }
  set jitter(jitter: Duration) {
    this.#a.jitter = this.#b.jitter = jitter;
  }
  get loss(): number {
    return this.#a.loss;
  }
  set loss(loss: number) {
    this.#a.loss = this.#b.loss = loss;
  }
  get duplication(): number {
    return this.#a.duplication;
  }
  set duplication(duplication: number) {
    this.#a.duplication = this.#b.duplication = duplication;
  }
  get reordering(): number {
    return this.#a.reordering;
  }
  set reordering(reordering: number) {
    this.#a.reordering = this.#b.reordering = reordering;
  }
  get chopping(): number {
    return this.#a.chopping;
  }
  set chopping(chopping: number) {
    this.#a.chopping = this.#b.chopping = chopping;
  }
  get partitioned(): boolean {
    return this.#a.partitioned;
  }
  set partitioned(partitioned: boolean) {
    this.#a.partitioned = this.#b.partitioned = partitioned;
  }
}

/** All links of one simulation, made when first used. */
export class Links {
  /** What every link has that sets nothing else itself. */
  readonly everywhere: LinkSettings;
  readonly #seed: number | string;
  readonly #directions = new Map<string, LinkDirection>();
  readonly #links = new Map<string, Link>();

  constructor(seed: number | string, settings: Partial<LinkSettings> = {}) {
    this.#seed = seed;
    this.everywhere = { ...DEFAULTS, ...settings };
  }

  link(a: string, b: string): Link {
    const key = `${a} ${b}`;
    let link = this.#links.get(key);
    if (link === undefined) {
      link = new Link(this.direction(a, b), this.direction(b, a));
      this.#links.set(key, link);
    }
    return link;
  }

  direction(from: string, to: string): LinkDirection {
    const key = `${from} ${to}`;
    let direction = this.#directions.get(key);
    if (direction === undefined) {
      direction = new LinkDirection(this.#seed, from, to, this.everywhere);
      this.#directions.set(key, direction);
    }
    return direction;
  }

  /** The names that links were asked for. */
  *names(): Iterable<string> {
    for (const direction of this.#directions.values()) yield direction.from;
  }
}

const grained = (duration: Duration): Duration => Math.round(duration / GRAIN) * GRAIN;

function probability(name: string, value: number): number {
  if (!(value >= 0 && value <= 1)) throw new RangeError(`${name} is a probability, not ${value}`);
  return value;
}

function nonNegative(name: string, value: Duration): Duration {
  if (!(value >= 0)) throw new RangeError(`${name} cannot be ${value} ms`);
  return value;
}
