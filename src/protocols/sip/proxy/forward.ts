// A request sent on to one or several targets and the one answer chosen from theirs: the response
// context of RFC 3261 §16.6 to §16.10. Responses of reliable provisional kind pass like any other.

import type { Timer } from '#kernel/host';
import { type Duration, minutes, seconds } from '#kernel/time';
import { type ClientTransaction, generate, isGenerated } from '../client-transaction.ts';
import type { SipEndpoint } from '../endpoint.ts';
import {
  MaxBreadth,
  MaxForwards,
  type NameAddr,
  Reason,
  RecordRoute,
  RetryAfter,
  Via,
} from '../headers.ts';
import type { SipRequest, SipResponse } from '../message.ts';
import { type Edit, fields, prepend, removeFirst, response, set } from '../message.ts';
import type { ServerTransaction } from '../server-transaction.ts';
import { bestResponse } from './best-response.ts';
import { type Branch, type Branches, groupsOf } from './branches.ts';
import { loopSuffix } from './check.ts';
import { forStrictRouter } from './route.ts';

export interface ForwardOptions {
  readonly recordRoute?: NameAddr | readonly NameAddr[];
  /**
   * Sees every response but 100 before it counts, without our Via; also those generated here
   * (`isGenerated`). Returns it changed, or undefined to leave it.
   */
  readonly onResponse?: (response: SipResponse, branch: Branch) => SipResponse | undefined;
  /** Sees the final response that goes upstream, and may delay it: what it promises is stored first. */
  readonly onFinal?: (
    response: SipResponse,
  ) => SipResponse | undefined | Promise<SipResponse | undefined>;
  /** RFC 3261 timer C: an INVITE without news for so long is cancelled. Default: over 3 minutes. */
  readonly timerC?: Duration;
  /** Passes a 503 on instead of making 500 of it (§16.7 step 6). */
  readonly pass503?: boolean;
  /** Targets at once; more get 503. */
  readonly maxBranches?: number;
}

const defaultTimerC: Duration = minutes(3) + seconds(1);
const defaultMaxBranches = 60;
const defaultMaxForwards = 70;
/** RFC 5393 §5.3.3.1 */
const defaultMaxBreadth = 60;

/** Resolves with the final response sent upstream. Never rejects for what a peer did. */
export function forward(
  endpoint: SipEndpoint,
  tx: ServerTransaction,
  branches: Branches,
  options: ForwardOptions = {},
): Promise<SipResponse> {
  return new Forwarding(endpoint, tx, branches, options).run();
}

interface Leg {
  readonly branch: Branch;
  readonly client: ClientTransaction;
  timerC: Timer | undefined;
  noAnswer: Timer | undefined;
  unheard: Timer | undefined;
  /** Cancelled by us because nobody answered. */
  timedOut: boolean;
  done: boolean;
}

class Forwarding {
  readonly #endpoint: SipEndpoint;
  readonly #tx: ServerTransaction;
  readonly #options: ForwardOptions;
  readonly #groups: AsyncIterator<readonly Branch[]> | Iterator<readonly Branch[]>;
  readonly #isInvite: boolean;
  readonly #suffix: string;
  readonly #legs: Leg[] = [];
  readonly #finals: SipResponse[] = [];
  #pending = 0;
  #count = 0;
  /** No further group is tried. */
  #stopped = false;
  #accepted = false;
  #onItsWay: Timer | undefined;
  #finishing = false;
  #sent = false;
  #resolve: (response: SipResponse) => void = () => {};

  constructor(
    endpoint: SipEndpoint,
    tx: ServerTransaction,
    branches: Branches,
    options: ForwardOptions,
  ) {
    this.#endpoint = endpoint;
    this.#tx = tx;
    this.#options = options;
    this.#groups = groupsOf(branches);
    this.#isInvite = tx.request.method === 'INVITE';
    this.#suffix = loopSuffix(tx.request, endpoint.name);
  }

  run(): Promise<SipResponse> {
    return new Promise(resolve => {
      this.#resolve = resolve;
      if (this.#isInvite) {
        this.#tx.reply(100); // the caller stops repeating: §16.2, TS 24.229
        this.#tx.onCancel = cancel => this.#cancelled(cancel);
        if (this.#tx.cancelled !== undefined) {
          this.#stopped = true;
          this.#finish(response(this.#tx.request, 487));
          return;
        }
      } else this.#tellItIsOnItsWay();
      this.#nextGroup();
    });
  }

  /**
   * RFC 4320 §4.1: of another request than INVITE the caller hears only once it sends its copies T2
   * apart; so he knows a slow target from a proxy that is gone.
   */
  #tellItIsOnItsWay(): void {
    const { t1, t2 } = this.#endpoint.timersOf(this.#tx.flow);
    this.#onItsWay = this.#endpoint.host.clock.after(t2 - t1, () => this.#tx.reply(100));
  }

  #nextGroup(): void {
    if (this.#stopped) {
      this.#conclude();
      return;
    }
    const next = this.#groups.next();
    if (!(next instanceof Promise)) {
      this.#startGroup(next.done ? undefined : next.value);
      return;
    }
    next.then(
      ({ done, value }) => {
        if (this.#stopped) this.#conclude();
        else this.#startGroup(done ? undefined : value);
      },
      error => {
        this.#endpoint.host.log.error('sip.targets failed', { error });
        this.#finish(response(this.#tx.request, 500));
      },
    );
  }

  #startGroup(group: readonly Branch[] | undefined): void {
    if (group === undefined) {
      this.#conclude();
      return;
    }
    this.#count += group.length;
    if (this.#count > (this.#options.maxBranches ?? defaultMaxBranches)) {
      this.#stopped = true;
      if (this.#finals.length > 0) this.#conclude();
      else this.#finish(response(this.#tx.request, 503, set(RetryAfter, { seconds: 10 })));
      return;
    }
    // RFC 5393 §5.3.3: what a request may be forked into altogether is shared out
    const breadth = this.#tx.request.get(MaxBreadth) ?? defaultMaxBreadth;
    if (group.length > breadth) {
      this.#stopped = true;
      this.#finish(response(this.#tx.request, 440));
      return;
    }
    const share = group.length > 1 || this.#tx.request.has(MaxBreadth);
    this.#pending = group.length;
    for (const branch of group) {
      this.#start(branch, share ? Math.floor(breadth / group.length) : undefined);
    }
    if (group.length === 0) this.#nextGroup();
  }

  #start(branch: Branch, breadth: number | undefined): void {
    const hops = branch.request.get(MaxForwards);
    const { recordRoute } = this.#options;
    const edits: Edit[] = [set(MaxForwards, hops === undefined ? defaultMaxForwards : hops - 1)];
    if (recordRoute !== undefined) {
      edits.push(prepend(RecordRoute, ...('uri' in recordRoute ? [recordRoute] : recordRoute)));
    }
    if (breadth !== undefined) edits.push(set(MaxBreadth, breadth));
    if ('uri' in branch.target) edits.push(...forStrictRouter(branch.request));
    const client = this.#endpoint.request(branch.request, branch.target, {
      edits,
      branchSuffix: this.#suffix,
      ...(branch.timeout === undefined || this.#isInvite ? {} : { timeout: branch.timeout }),
    });
    const leg: Leg = {
      branch,
      client,
      timerC: undefined,
      noAnswer: undefined,
      unheard: undefined,
      timedOut: false,
      done: false,
    };
    this.#legs.push(leg);
    client.onResponse = received => this.#received(leg, received);
    if (branch.unheard !== undefined) {
      leg.unheard = this.#endpoint.host.clock.after(branch.unheard, () => this.#silent(leg));
    }
    if (!this.#isInvite) return;
    this.#restartTimerC(leg);
    if (branch.timeout !== undefined) {
      leg.noAnswer = this.#endpoint.host.clock.after(branch.timeout, () => this.#giveUp(leg));
    }
  }

  #received(leg: Leg, received: SipResponse): void {
    leg.unheard?.cancel();
    if (received.status === 100) return; // §16.7 step 5: ours has gone out
    const stripped = this.#strip(leg, received);
    const seen = this.#options.onResponse?.(stripped, leg.branch) ?? stripped;
    if (received.status < 200) {
      if (this.#isInvite && !leg.timedOut) this.#restartTimerC(leg);
      if (!this.#sent && !this.#accepted) this.#tx.respond(seen);
      return;
    }
    const first = !leg.done;
    this.#end(leg);
    if (received.status < 300) this.#success(seen);
    else if (first) this.#failure(seen);
  }

  /** Without our Via; what was generated here becomes an answer to the request we received. */
  #strip(leg: Leg, received: SipResponse): SipResponse {
    if (received.status >= 300 && leg.timedOut) return generate(this.#tx.request, 408);
    if (!isGenerated(received)) return received.with(removeFirst(Via));
    // TS 24.229 §5.2.6.3: 504 where the next hop cannot be reached. A request other than INVITE is
    // never answered 408 (RFC 4320 §4.2); 504 tells the caller before its own timer does.
    const { status } = received;
    const unreachable = status === 503 || (status === 408 && !this.#isInvite);
    return generate(this.#tx.request, unreachable ? 504 : status);
  }

  /** Forwarded at once, each 2xx of an INVITE too; nobody else shall answer any more. */
  #success(seen: SipResponse): void {
    if (this.#accepted) {
      // further 2xx: of another fork, or repeated until the caller's ACK comes through
      if (this.#isInvite && this.#sent) this.#tx.respond(seen);
      return;
    }
    if (this.#sent) return;
    this.#accepted = true;
    this.#stopped = true;
    this.#cancelPending([set(Reason, answeredElsewhere)]);
    this.#finish(seen);
  }

  #failure(seen: SipResponse): void {
    this.#pending--;
    if (this.#accepted) return;
    this.#finals.push(seen);
    if (seen.status >= 600) {
      this.#stopped = true; // §16.7 step 5: but the other branches still have to end
      this.#cancelPending([]);
    }
    if (this.#pending === 0) this.#nextGroup();
  }

  #conclude(): void {
    if (this.#accepted) return;
    if (this.#finals.length === 0) {
      const status = this.#tx.cancelled !== undefined ? 487 : 480; // §16.5: nobody to ask
      this.#finish(response(this.#tx.request, status));
      return;
    }
    const best = bestResponse(this.#finals);
    if (this.#tx.cancelled !== undefined && isGenerated(best)) {
      this.#finish(response(this.#tx.request, 487)); // nobody there to say it
      return;
    }
    // §16.7 step 6: what is too much for one target says nothing about this proxy
    const overloaded = best.status === 503 && !this.#options.pass503;
    this.#finish(overloaded ? response(this.#tx.request, 500) : best);
  }

  #finish(final: SipResponse): void {
    if (this.#finishing) return;
    this.#finishing = true;
    const { onFinal } = this.#options;
    const changed = onFinal?.(final);
    if (!(changed instanceof Promise)) {
      this.#send(changed ?? final);
      return;
    }
    changed.then(
      settled => this.#send(settled ?? final),
      error => {
        this.#endpoint.host.log.error('sip.final response failed', { error });
        this.#send(response(this.#tx.request, 500));
      },
    );
  }

  #send(final: SipResponse): void {
    if (this.#sent) return;
    this.#sent = true;
    this.#onItsWay?.cancel();
    void this.#groups.return?.(); // whoever finds targets need not look for more
    this.#tx.respond(final);
    this.#resolve(final);
  }

  #cancelled(cancel: SipRequest): void {
    if (this.#accepted || this.#sent) return;
    this.#stopped = true;
    if (this.#pending === 0) this.#finish(response(this.#tx.request, 487));
    else this.#cancelPending([fields(...cancel.lines(Reason))]);
  }

  #cancelPending(reason: readonly Edit[]): void {
    for (const leg of this.#legs) {
      if (leg.done) continue;
      leg.client.cancel(reason);
      // what is cancelled ends by itself; timer C would only cancel it again
      leg.timerC?.cancel();
      leg.noAnswer?.cancel();
    }
  }

  #restartTimerC(leg: Leg): void {
    leg.timerC?.cancel();
    leg.timerC = this.#endpoint.host.clock.after(this.#options.timerC ?? defaultTimerC, () =>
      this.#giveUp(leg),
    );
  }

  /** §16.8: nobody answered. */
  #giveUp(leg: Leg): void {
    if (leg.done) return;
    leg.timedOut = true;
    leg.timerC?.cancel();
    leg.client.cancel();
  }

  /** Nothing was heard: the search goes on without it. What it may still answer is cancelled. */
  #silent(leg: Leg): void {
    if (leg.done) return;
    this.#end(leg);
    leg.client.cancel();
    const status = this.#isInvite ? 408 : 504;
    const made = generate(this.#tx.request, status);
    this.#failure(this.#options.onResponse?.(made, leg.branch) ?? made);
  }

  #end(leg: Leg): void {
    leg.done = true;
    leg.unheard?.cancel();
    leg.timerC?.cancel();
    leg.noAnswer?.cancel();
  }
}

const answeredElsewhere = {
  protocol: 'SIP',
  params: new Map([
    ['cause', '200'],
    ['text', 'Call completed elsewhere'],
  ]),
};
