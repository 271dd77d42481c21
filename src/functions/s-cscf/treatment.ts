// One initial request on behalf of one served user: which application servers it has seen, which is
// next, and where it goes when there is none left. TS 24.229 §5.4.3.2 and §5.4.3.3.

import type { SessionCase } from '#diameter/cx-user-data';
import type { ServerTransaction } from '#sip/endpoint';
import { isGenerated } from '#sip/endpoint';
import { SipError } from '#sip/error';
import { PChargingVector, RetryAfter } from '#sip/headers';
import { response, type SipRequest, type SipResponse, set } from '#sip/message';
import { type Branch, forward } from '#sip/proxy';
import { bestResponse } from '#sip/proxy/best-response';
import { chargingVector } from './charging.ts';
import { type Match, nextMatch } from './ifc.ts';
import type { Side } from './marks.ts';
import type { Profile } from './profile.ts';
import type { SCscf } from './s-cscf.ts';

export interface Treatment {
  readonly side: Side;
  readonly sessionCase: SessionCase;
  /** The IMPU on whose behalf. */
  readonly served: string;
  readonly registered: boolean;
  readonly profile: Profile;
  /** The place in the list of filter criteria to go on from. */
  readonly from: number;
  /** Canonical Request-URI when the treatment began: an AS that changes it diverts (§5.4.3.3). */
  readonly asked: string;
  /** In the calls table and in our Record-Route. */
  readonly session: string;
  /** This passage is the one that the calls table follows. */
  readonly first: boolean;
}

/** Targets to try together. */
export interface Group {
  readonly branches: readonly Branch[];
  /** Whether such a failure, which is then forgotten, is a reason to try the next group. */
  readonly passesOver?: (failure: SipResponse) => boolean;
  /** What to try in place of a branch whose flow failed: the next flow of its device. RFC 5626 §5.3 */
  readonly reserves?: ReadonlyMap<Branch, Branch>;
  /** The next group is tried whatever the failure, and the best answer of both counts. */
  readonly serial?: boolean;
}

export type Targets =
  | { readonly kind: 'refuse'; readonly status: number }
  | { readonly kind: 'try'; readonly groups: readonly Group[] };

/** Where the request goes behind the last application server; says why in the trace. */
export type FindTargets = (
  scscf: SCscf,
  request: SipRequest,
  treatment: Treatment,
) => Targets | Promise<Targets>;

/** Sends the request on; resolves with the final response that went back. */
export async function proceed(
  scscf: SCscf,
  tx: ServerTransaction,
  request: SipRequest,
  treatment: Treatment,
  find: FindTargets,
): Promise<SipResponse | undefined> {
  const passage = new Passage(scscf, tx, request, treatment, find);
  try {
    return await passage.run();
  } catch (error) {
    if (treatment.first) scscf.sessions.failed(treatment.session);
    throw error;
  }
}

class Passage {
  readonly #scscf: SCscf;
  readonly #tx: ServerTransaction;
  readonly #request: SipRequest;
  readonly #treatment: Treatment;
  readonly #find: FindTargets;
  /** Failures that count, and those that were passed over. */
  #failures: SipResponse[] = [];
  /** Branches that led to a flow that is gone, and what said so. */
  #brokenFlows = new Map<Branch, SipResponse>();
  readonly #passedOver = new Set<SipResponse>();
  /** A target of the present group showed life: a provisional response other than 100. */
  #alive = false;
  /** What to answer when nothing that was tried counts. */
  #status = 480;
  readonly #tokens: string[] = [];

  constructor(
    scscf: SCscf,
    tx: ServerTransaction,
    request: SipRequest,
    treatment: Treatment,
    find: FindTargets,
  ) {
    this.#scscf = scscf;
    this.#tx = tx;
    this.#request = request;
    this.#treatment = treatment;
    this.#find = find;
  }

  async run(): Promise<SipResponse | undefined> {
    const groups = this.#groups();
    const first = await groups.next(); // throws where a header it needs is malformed: nothing was sent
    const { sessions, isc, sip, config } = this.#scscf;
    const { session, side } = this.#treatment;
    if (first.done) {
      if (this.#treatment.first) sessions.failed(session);
      this.#tx.reply(this.#status);
      return undefined;
    }
    const recordRoute = recordRouted.has(this.#request.method)
      ? this.#scscf.recordRoute({ side, session }, this.#tx.request)
      : undefined;
    const final = await forward(sip, this.#tx, this.#onward(first.value, groups), {
      ...(recordRoute === undefined ? {} : { recordRoute }),
      timerC: config.sessions.ringing,
      onResponse: (received, branch) => this.#received(received, branch),
      onFinal: chosen => this.#chosen(chosen),
    });
    const established = this.#request.method === 'INVITE' && final.status < 300;
    if (established) sessions.keepUntilEnd(session, this.#tokens);
    else isc.forget(this.#tokens);
    return final;
  }

  /** The application servers in turn, then the targets behind them. */
  async *#groups(): AsyncGenerator<readonly Branch[], void> {
    let match = this.#next(this.#treatment.from);
    while (match !== undefined) {
      yield [this.#towardsServer(match)];
      if (!this.#skips(match)) return;
      match = this.#next(match.index + 1);
    }
    const targets = await this.#find(this.#scscf, this.#request, this.#treatment);
    if (targets.kind === 'refuse') {
      this.#status = targets.status;
      return;
    }
    const last = targets.groups.at(-1);
    for (const group of targets.groups) {
      this.#alive = false;
      yield group.branches;
      for (let next = this.#inReserve(group); next.length > 0; next = this.#inReserve(group)) {
        yield next;
      }
      if (group.serial || group === last) continue;
      if (this.#alive || !this.#failures.every(failure => group.passesOver?.(failure))) return;
      this.#passOver();
    }
  }

  /** RFC 5626 §5.3: 430, or nobody at the edge, and there is another flow to the same device. */
  #inReserve({ reserves }: Group): readonly Branch[] {
    const found: Branch[] = [];
    for (const [branch, failure] of this.#brokenFlows) {
      const reserve = reserves?.get(branch);
      if (reserve === undefined) continue;
      this.#failures = this.#failures.filter(other => other !== failure);
      this.#passedOver.add(failure);
      found.push(reserve);
    }
    this.#brokenFlows.clear();
    return found;
  }

  /** What is found malformed only on the way decides what is answered if nothing else does. */
  async *#onward(
    first: readonly Branch[],
    rest: AsyncIterator<readonly Branch[], void>,
  ): AsyncGenerator<readonly Branch[], void> {
    yield first;
    try {
      for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
    } catch (error) {
      if (!(error instanceof SipError)) throw error;
      this.#status = error.status;
    }
  }

  #next(from: number): Match | undefined {
    const { profile, served, sessionCase, registered } = this.#treatment;
    const circumstances = { sessionCase, registered };
    const match = nextMatch(profile.criteriaOf(served), from, this.#request, circumstances);
    if (match === undefined && profile.criteriaOf(served).length > from) {
      this.#scscf.decide('ifc', {
        chose: 'no application server',
        because: `no further criterion of ${served} applies (${sessionCase})`,
        clause: 'TS 24.229 §5.4.3, TS 29.228 annex C',
        about: this.#request,
      });
    }
    return match;
  }

  #towardsServer({ criterion, index }: Match): Branch {
    this.#alive = false;
    const { applicationServer: server, priority } = criterion;
    const { served, sessionCase } = this.#treatment;
    this.#scscf.decide('ifc', {
      chose: server.serverName,
      because: `criterion of priority ${priority} of ${served} applies (${sessionCase})`,
      clause: 'TS 24.229 §5.4.3, TS 29.228 annex C',
      about: this.#request,
    });
    const next: Treatment = { ...this.#treatment, from: index + 1, first: false };
    const { branch, token } = this.#scscf.isc.branch(server, this.#request, next);
    this.#tokens.push(token);
    return branch;
  }

  /** §5.4.3.2: an AS that is away is passed over where the criterion says so. */
  #skips({ criterion }: Match): boolean {
    const failure = this.#failures.at(-1);
    if (failure === undefined || this.#alive || !isAway(failure)) return false;
    const { serverName, defaultHandling } = criterion.applicationServer;
    const goesOn = defaultHandling === 'SESSION_CONTINUED';
    this.#scscf.decide('ifc.default handling', {
      chose: goesOn ? 'session continued' : 'session terminated',
      because: `${serverName} ${isGenerated(failure) ? 'did not answer' : `said ${failure.status}`}`,
      clause: 'TS 24.229 §5.4.3.2, TS 29.228 §B.2.2',
      about: this.#request,
    });
    if (goesOn) this.#passOver();
    return goesOn;
  }

  #passOver(): void {
    for (const failure of this.#failures) this.#passedOver.add(failure);
    this.#failures = [];
  }

  #received(received: SipResponse, branch: Branch): SipResponse | undefined {
    if (received.status < 200) this.#alive = true;
    if (this.#treatment.first)
      this.#scscf.sessions.answered(this.#treatment, this.#request, received);
    if (received.status >= 300) {
      this.#failures.push(received);
      if (isBrokenFlow(received)) this.#brokenFlows.set(branch, received);
      return undefined;
    }
    return this.#charged(received);
  }

  /** Who terminated the session, for the charging of both sides (RFC 7315 §4.6, §5.4.3.3). */
  #charged(received: SipResponse): SipResponse | undefined {
    if (this.#treatment.side !== 'term' || received.has(PChargingVector)) return undefined;
    const vector = this.#request.get(PChargingVector);
    if (vector === undefined) return undefined;
    const { home } = this.#scscf.config;
    return received.with(set(PChargingVector, chargingVector(vector, { termIoi: home })));
  }

  /** What was passed over does not speak for those that were asked after it. */
  #chosen(chosen: SipResponse): SipResponse | undefined {
    if (chosen.status < 300) return undefined;
    if (this.#treatment.first) this.#scscf.sessions.failed(this.#treatment.session);
    if (this.#passedOver.size === 0 || this.#tx.cancelled !== undefined) return undefined;
    if (this.#failures.includes(chosen)) return undefined;
    if (this.#failures.length > 0) return bestResponse(this.#failures);
    return response(this.#tx.request, this.#status);
  }
}

/** §5.4.3.2: no answer, 408 or 5xx. */
export const isAway = (failure: SipResponse): boolean =>
  isGenerated(failure) || failure.status === 408 || (failure.status >= 500 && failure.status < 600);

/** 430 from the edge; 504 is what `forward` makes of an edge that cannot be reached. */
const isBrokenFlow = (failure: SipResponse): boolean =>
  failure.status === 430 || (isGenerated(failure) && failure.status === 504);

/** Requests that make a dialog, in which we stay. */
const recordRouted: ReadonlySet<string> = new Set(['INVITE', 'SUBSCRIBE', 'REFER']);

export const busy = set(RetryAfter, { seconds: 30, params: new Map() });
