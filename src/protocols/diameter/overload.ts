// Overload and load, both ends: what we report of ourselves, and what we do about what others report.
// RFC 7683 (the loss algorithm, §5.4), RFC 8583.

import type { Random } from '#kernel/host';
import { type Duration, type Instant, seconds } from '#kernel/time';
import { Avp } from './avp.ts';
import type { DiameterMessage } from './message.ts';
import { Load, OcOlr, OcSupportedFeatures } from './overload-avps.ts';

/** Message priorities that overload spares: 0 is the highest. RFC 7944 §6, RFC 7683 §5.2.1 */
export const SPARED_PRIORITY = 4;

/** The share of its capacity in use from which a node asks for less. */
const HIGH = 0.8;
const STEP = 10;
const VALIDITY = seconds(10);
const MOST_LOAD = 65_535;
const LOAD_STEPS = 16;

/** "We know of overload", to be told with every request. RFC 7683 §5.1.1 */
export const SUPPORTED = Avp.of(OcSupportedFeatures, { features: 1n });
SUPPORTED.data;

/** What this node says of itself in its answers. RFC 7683 §5.1.2, RFC 8583 §6.1 */
export class Reporter {
  readonly #identity: string;
  #sequence = 0n;
  #reduction = 0;
  /** Until when somebody may still act on a report. */
  #toldUntil: Instant = Number.NEGATIVE_INFINITY;
  #toldLoad = 0;

  constructor(identity: string) {
    this.#identity = identity;
  }

  /** `load`: the share of the node's capacity in use, 0 to 1. */
  report(request: DiameterMessage, load: number, now: Instant): readonly Avp[] {
    return [...this.#overload(request, load, now), ...this.#load(load)];
  }

  #overload(request: DiameterMessage, load: number, now: Instant): readonly Avp[] {
    const over = Math.min(Math.max((load - HIGH) / (1 - HIGH), 0), 1);
    const reduction = Math.ceil((over * 100) / STEP) * STEP;
    if (reduction === 0 && now >= this.#toldUntil) return [];
    if (!request.avps.some(avp => avp.is(OcSupportedFeatures))) return [];
    if (reduction !== this.#reduction) {
      this.#reduction = reduction;
      // Grows over restarts too, so that no old report outlives a new one. RFC 7683 §7.4
      const next = BigInt(Math.floor(now));
      this.#sequence = next > this.#sequence ? next : this.#sequence + 1n;
    }
    // The end of an overload is told for as long as a report of it may be acted upon.
    if (reduction > 0) this.#toldUntil = now + VALIDITY;
    const validity = reduction === 0 ? 0 : VALIDITY / seconds(1);
    const report = { sequence: this.#sequence, type: 'HOST_REPORT', reduction, validity } as const;
    return [SUPPORTED, Avp.of(OcOlr, report)];
  }

  /** Idle nodes say nothing; once something was said, idleness is said too. */
  #load(load: number): readonly Avp[] {
    const step = Math.round(Math.min(Math.max(load, 0), 1) * LOAD_STEPS);
    if (step === 0 && this.#toldLoad === 0) return [];
    this.#toldLoad = step;
    const value = BigInt(Math.round((step / LOAD_STEPS) * MOST_LOAD));
    const source = this.#identity;
    return (['HOST', 'PEER'] as const).map(type => Avp.of(Load, { type, value, source }));
  }
}

interface Limit {
  readonly sequence: bigint;
  /** 0 to 1: the share of requests not to be sent. */
  readonly reduction: number;
  readonly until: Instant;
}

interface KnownLoad {
  /** 0 to 1. */
  readonly load: number;
  readonly until: Instant;
}

/** Hosts and realms remembered, at most. */
const MAX_KNOWN = 1_000;
const DEFAULT_VALIDITY = 30;
const MAX_VALIDITY = 86_400;
/** RFC 8583 leaves it open how long a load is believed. */
const LOAD_LIFETIME: Duration = seconds(30);

export interface Report {
  readonly application: number;
  /** Of the answer, in lower case. */
  readonly originHost: string;
  readonly originRealm: string;
  /** The peer that the answer came from, in lower case. */
  readonly peer: string;
}

/** What others said of themselves, and what follows for our requests. */
export class Reactor {
  readonly #random: Random;
  readonly #limits = new Map<string, Limit>();
  readonly #loads = new Map<string, KnownLoad>();

  constructor(random: Random) {
    this.#random = random;
  }

  /** Takes what an answer says; a report that makes no sense is left out. */
  learn(answer: DiameterMessage, about: Report, now: Instant): void {
    for (const avp of answer.avps) {
      if (avp.is(OcOlr)) this.#limit(avp, about, now);
      else if (avp.is(Load)) this.#load(avp, about, now);
    }
  }

  /**
   * Whether a request may go out. One to a named host heeds that host's report, any other the realm's.
   * RFC 7683 §5.2.1
   */
  admits(
    application: number,
    to: { readonly host: string | undefined; readonly realm: string },
    now: Instant,
  ): boolean {
    if (this.#limits.size === 0) return true;
    const name = to.host === undefined ? `realm ${to.realm}` : `host ${to.host}`;
    const limit = this.#limits.get(`${application} ${name}`);
    if (limit === undefined || limit.until <= now) return true;
    return this.#random.fraction() >= limit.reduction;
  }

  /** Which of several that would do, by the capacity each has left. RFC 8583 §5 */
  choose<T>(candidates: readonly T[], nameOf: (one: T) => string, now: Instant): T | undefined {
    const [first] = candidates;
    if (this.#loads.size === 0 || candidates.length < 2) return first;
    const spare = candidates.map(one => {
      const known = this.#loads.get(nameOf(one));
      return known === undefined || known.until <= now ? 0 : known.load;
    });
    // Without a difference the first stays the first: the others stand by.
    if (spare.every(load => load === spare[0])) return first;
    const weights = spare.map(load => Math.max(1 - load, 0.01));
    let point = this.#random.fraction() * weights.reduce((sum, weight) => sum + weight, 0);
    for (const [at, weight] of weights.entries()) {
      point -= weight;
      if (point < 0) return candidates[at];
    }
    return first;
  }

  #limit(avp: Avp, about: Report, now: Instant): void {
    const report = readable(() => avp.as(OcOlr));
    if (report === undefined) return;
    const { sequence, type, reduction = 0, validity = DEFAULT_VALIDITY } = report;
    const name = type === 'HOST_REPORT' ? `host ${about.originHost}` : `realm ${about.originRealm}`;
    const key = `${about.application} ${name}`;
    const known = this.#limits.get(key);
    if (known !== undefined && known.until > now && sequence <= known.sequence) return;
    if (reduction > 100) return; // RFC 7683 §7.7: to be ignored
    const until = now + seconds(Math.min(validity, MAX_VALIDITY));
    this.#limits.delete(key);
    if (until <= now || reduction === 0) return;
    makeRoom(this.#limits);
    this.#limits.set(key, { sequence, reduction: reduction / 100, until });
  }

  /** What a peer says of itself; a host's load far away is for those who choose among hosts. */
  #load(avp: Avp, about: Report, now: Instant): void {
    const said = readable(() => avp.as(Load));
    if (said?.type !== 'PEER' || said.value === undefined) return;
    if (said.source?.toLowerCase() !== about.peer) return; // RFC 8583 §6.2: passed on unchanged
    const load = Number(said.value) / MOST_LOAD;
    if (!(load >= 0 && load <= 1)) return;
    this.#loads.delete(about.peer);
    makeRoom(this.#loads);
    this.#loads.set(about.peer, { load, until: now + LOAD_LIFETIME });
  }
}

function makeRoom(map: Map<string, unknown>): void {
  if (map.size < MAX_KNOWN) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}

function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
