// A request on its way and what comes back: the driver of the two client machines, the choice of
// the link, and the next one when a link fails (RFC 3263 §4.3).

import type { Host } from '#kernel/host';
import type { Duration, Instant } from '#kernel/time';
import type { Point } from '#kernel/trace';
import { SipError } from './error.ts';
import type { Flow, Target } from './flow.ts';
import { generate } from './generated.ts';
import type { Edit, SipRequest, SipResponse } from './message.ts';
import { Deadline } from './transaction/deadline.ts';
import type { ClientEffect } from './transaction/effects.ts';
import { cancelFor } from './transaction/follow-up.ts';
import { InviteClientTransaction } from './transaction/invite-client.ts';
import { NonInviteClientTransaction } from './transaction/non-invite-client.ts';
import { Attempts } from './transport/attempts.ts';
import type { DeadTargets } from './transport/dead-targets.ts';
import type { Link, LinkUser } from './transport/link.ts';
import { type Candidate, candidatesFor } from './transport/resolve.ts';
import type { Transports } from './transport/transports.ts';
import { pushVia } from './transport/via.ts';
import type { Uri } from './uri.ts';

export { generate, isGenerated } from './generated.ts';

export interface RequestOptions {
  /**
   * How long to wait for a final response: an INVITE is cancelled then, any other request ends with
   * a generated 408. Without it RFC 3261 timers B and F alone decide.
   */
  readonly timeout?: Duration;
  readonly onProvisional?: (response: SipResponse) => void;
  /** Applied together with our Via: one copy of the message instead of two. */
  readonly edits?: readonly Edit[];
  /** Ends our branch: what a proxy knows a loop by (RFC 5393 §4.2). */
  readonly branchSuffix?: string;
}

export interface ClientTransaction {
  /** As sent; before it is sent, as asked for. */
  readonly request: SipRequest;
  readonly flow: Flow | undefined;
  /**
   * Every response for the transaction user: provisional ones, the final one, and further 2xx of an
   * INVITE that forked or that the peer repeats. Set it before the next await.
   */
  onResponse: (response: SipResponse) => void;
  /** The first final response. Never rejects: see `isGenerated`. */
  readonly final: Promise<SipResponse>;
  /** Asks the peer to give an INVITE up; waits for a provisional response first. §9.1 */
  cancel(reason?: readonly Edit[]): void;
}

/** What a client transaction asks of the endpoint. */
export interface ClientTransactionOwner {
  readonly host: Host;
  readonly transports: Transports;
  readonly deadTargets: DeadTargets;
  readonly point: Point;
  /** Requests larger than this leave by TCP where UDP was not asked for; 0 switches that off. */
  readonly datagramOctets: number;
  newBranch(): string;
  register(branch: string, transaction: OutboundTransaction): void;
  unregister(branch: string, transaction: OutboundTransaction): void;
  /** Sends a CANCEL of its own transaction over the link of what it cancels. */
  startCancel(cancel: SipRequest, link: Link, branch: string): void;
}

export class OutboundTransaction implements ClientTransaction, LinkUser {
  request: SipRequest;
  flow: Link | undefined;
  onResponse: (response: SipResponse) => void = () => {};
  readonly #owner: ClientTransactionOwner;
  readonly #original: SipRequest;
  readonly #options: RequestOptions;
  #branch = '';
  #machine: InviteClientTransaction | NonInviteClientTransaction | undefined;
  #deadline: Deadline | undefined;
  #limit: Deadline | undefined;
  #attempts: Attempts | undefined;
  /** What a server passed over said. */
  #refusal: SipResponse | undefined;
  #point: Point;
  #heard = false;
  /** A provisional response other than 100: the call is at somebody's. */
  #progressed = false;
  #ended = false;
  #cancel: readonly Edit[] | undefined;
  #cancelSent = false;
  #final: SipResponse | undefined;
  #promise: Promise<SipResponse> | undefined;
  #resolve: ((response: SipResponse) => void) | undefined;

  constructor(owner: ClientTransactionOwner, request: SipRequest, options: RequestOptions) {
    this.#owner = owner;
    this.#original = request;
    this.#options = options;
    this.#point = owner.point;
    this.request = request;
  }

  get final(): Promise<SipResponse> {
    if (this.#final !== undefined) return Promise.resolve(this.#final);
    this.#promise ??= new Promise(resolve => {
      this.#resolve = resolve;
    });
    return this.#promise;
  }

  get settled(): boolean {
    return this.#final !== undefined;
  }

  /** Sends the request, at once where no name has to be resolved. */
  begin(target: Target): void {
    const { timeout } = this.#options;
    if (timeout !== undefined) this.#endAfter(timeout, () => this.#timedOut());
    if ('flow' in target) {
      const link = target.flow as Link;
      if (link.closed) this.#failLater(503, 'Flow Closed');
      else this.#attempt(link);
      return;
    }
    this.#point = target.point ?? this.#owner.point;
    const open = this.#owner.transports.dialled(hostOf(target.uri));
    if (open !== undefined) {
      this.#attempt(open);
      return;
    }
    try {
      const found = candidatesFor(target.uri, this.#owner.host);
      if (found instanceof Promise) {
        found.then(
          candidates => this.#goOn(candidates),
          () => this.#goOn([]),
        );
        return;
      }
      this.#goOn(found);
    } catch (error) {
      if (!(error instanceof SipError)) throw error;
      this.#failLater(error.status);
    }
  }

  /** Sends what is complete already, Via included: a CANCEL. */
  beginAsIs(link: Link, branch: string): void {
    this.#branch = branch;
    this.flow = link;
    this.#run(link);
  }

  receive(response: SipResponse): void {
    if (this.#machine === undefined) return;
    const now = this.#owner.host.clock.now();
    this.#carryOut(this.#machine.receive(response, now), now);
  }

  linkClosed(reason: string): void {
    if (this.#machine === undefined) return;
    this.#owner.host.log.debug('sip.link lost', { reason, request: this.request.summary() });
    this.#carryOut(this.#machine.fail(), this.#owner.host.clock.now());
  }

  cancel(reason: readonly Edit[] = []): void {
    if (this.#final !== undefined || this.#cancel !== undefined) return;
    if (this.#original.method !== 'INVITE') return; // RFC 3261 §9.1: it would race the answer
    this.#cancel = reason;
    if (this.#heard) this.#sendCancel();
    else if (this.#machine === undefined) this.#finish(generate(this.#original, 487));
  }

  /** The endpoint gives it up: whoever waits is told. */
  abort(reason: string): void {
    this.#finish(generate(this.request, 503, reason));
  }

  #goOn(candidates: readonly Candidate[]): void {
    if (this.#ended) return;
    this.#attempts = new Attempts(candidates, this.#owner.deadTargets);
    if (candidates.length === 0) this.#failLater(503, 'Nowhere To Send');
    else this.#next(503);
  }

  /** The next way to reach the target, or the failure when all have been tried. */
  #next(status: number): void {
    const candidate = this.#attempts?.next();
    if (candidate === undefined) {
      if (this.#refusal === undefined) this.#failLater(status);
      else this.#finish(this.#refusal);
      return;
    }
    let link: Link | Promise<Link>;
    try {
      link = this.#owner.transports.linkTo(candidate, this.#point);
    } catch {
      this.#next(status);
      return;
    }
    if (link instanceof Promise) {
      link.then(
        made => {
          if (!this.#ended) this.#attempt(made, candidate);
        },
        () => {
          if (!this.#ended) this.#next(status);
        },
      );
    } else if (link.closed) this.#next(status);
    else this.#attempt(link, candidate);
  }

  #attempt(link: Link, candidate?: Candidate): void {
    this.#branch = this.#owner.newBranch() + (this.#options.branchSuffix ?? '');
    const { edits } = this.#options;
    const via = pushVia(link, this.#branch);
    this.request =
      edits === undefined ? this.#original.with(via) : this.#original.with(...edits, via);
    if (candidate?.protocol === 'udp' && !candidate.asked && this.#isTooLarge()) {
      // RFC 3261 §18.1.1: by TCP, and by UDP after all where nobody listens there
      this.#attempts?.insert(
        { ...candidate, protocol: 'tcp', asked: true },
        { ...candidate, asked: true },
      );
      this.#next(503);
      return;
    }
    this.flow = link;
    this.#run(link);
  }

  #isTooLarge(): boolean {
    const bound = this.#owner.datagramOctets;
    return bound > 0 && this.request.encode().length > bound;
  }

  #run(link: Link): void {
    this.#machine =
      this.request.method === 'INVITE'
        ? new InviteClientTransaction(this.request, link.config)
        : new NonInviteClientTransaction(this.request, link.config);
    this.#owner.register(this.#branch, this);
    if (link.reliable) link.users.add(this);
    const now = this.#owner.host.clock.now();
    this.#carryOut(this.#machine.start(now), now);
  }

  #carryOut(effects: readonly ClientEffect[], now: Instant): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case 'send':
          this.flow!.send(effect.message);
          break;
        case 'deliver':
          if (this.#passesOver(effect.response)) return;
          this.#deliver(effect.response);
          break;
        case 'terminate':
          this.#detach();
          if (effect.reason === 'done') this.#ended = true;
          else this.#failed(effect.reason === 'timeout' ? 408 : 503);
          return;
      }
    }
    if (this.#machine === undefined) return; // a handler ended it
    if (
      this.#machine.state === 'completed' &&
      this.#machine instanceof NonInviteClientTransaction
    ) {
      // Timer K would do nothing but drop copies of the response, as is done with any stray one.
      this.#detach();
      this.#ended = true;
      return;
    }
    this.#deadline ??= new Deadline(this.#owner.host.clock, at => {
      if (this.#machine !== undefined) this.#carryOut(this.#machine.expire(at), at);
    });
    this.#deadline.follow(this.#machine.timers.next, now);
  }

  #deliver(response: SipResponse): void {
    if (!this.#heard) this.#attempts?.answered();
    this.#heard = true;
    if (response.status < 200) {
      if (response.status > 100) this.#progressed = true;
      if (this.#cancel !== undefined) this.#sendCancel();
      this.#options.onProvisional?.(response);
    } else this.#settle(response);
    this.onResponse(response);
  }

  /**
   * A server that cannot serve now: the next one is asked, where there is one and nothing is known
   * of the request yet. RFC 3263 §4.3
   */
  #passesOver(response: SipResponse): boolean {
    if (response.status !== 503 || this.#attempts === undefined) return false;
    this.#attempts.refused(response);
    if (this.#progressed || this.#cancel !== undefined || this.#final !== undefined) return false;
    if (!this.#attempts.passOver()) return false;
    this.#refusal = response;
    this.#leaveBehind(response);
    this.#heard = false;
    this.#next(503);
    return true;
  }

  /** What is left of a try acknowledges copies of its refusal. RFC 3261 §17.1.1.2 */
  #leaveBehind(refusal: SipResponse): void {
    const machine = this.#machine;
    const link = this.flow!;
    const branch = this.#branch;
    const request = this.request;
    this.#detach();
    this.#deadline = undefined;
    if (!(machine instanceof InviteClientTransaction) || machine.state !== 'completed') return;
    const left = new OutboundTransaction(this.#owner, request, {});
    left.#branch = branch;
    left.flow = link;
    left.#machine = machine;
    left.#final = refusal;
    this.#owner.register(branch, left);
    left.#carryOut([], this.#owner.host.clock.now());
  }

  /** A try came to nothing: the next, where nobody has answered yet. RFC 3263 §4.3 */
  #failed(status: number): void {
    if (!this.#heard) this.#attempts?.failed();
    if (this.#final !== undefined) this.#ended = true;
    else if (this.#heard || this.#cancel !== undefined)
      this.#finish(generate(this.request, status));
    else this.#next(status);
  }

  #failLater(status: number, reason?: string): void {
    this.#owner.host.clock.soon(() => this.#finish(generate(this.request, status, reason)));
  }

  /** Ends with a response of our own making. */
  #finish(response: SipResponse): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#detach();
    if (this.#final !== undefined) return;
    this.#settle(response);
    this.onResponse(response);
  }

  #settle(response: SipResponse): void {
    if (this.#final !== undefined) return;
    this.#final = response;
    this.#limit?.cancel();
    this.#resolve?.(response);
  }

  #detach(): void {
    this.#deadline?.cancel();
    if (this.#machine === undefined) return;
    this.#machine = undefined;
    this.#owner.unregister(this.#branch, this);
    this.flow!.users.delete(this);
  }

  #timedOut(): void {
    if (this.#original.method === 'INVITE') this.cancel();
    else this.#finish(generate(this.request, 408));
  }

  #sendCancel(): void {
    if (this.#cancelSent) return;
    this.#cancelSent = true;
    const link = this.flow!;
    this.#owner.startCancel(cancelFor(this.request, this.#cancel), link, this.#branch);
    // §9.1: without an answer after 64·T1 the request counts as cancelled
    this.#endAfter(64 * link.config.t1, () => this.#finish(generate(this.request, 487)));
  }

  #endAfter(delay: Duration, fire: () => void): void {
    this.#limit?.cancel();
    const { clock } = this.#owner.host;
    this.#limit = new Deadline(clock, fire);
    const now = clock.now();
    this.#limit.follow(now + delay, now);
  }
}

function hostOf(uri: Uri): string {
  if (!('host' in uri)) return '';
  return uri.params.get('maddr') ?? uri.host;
}
