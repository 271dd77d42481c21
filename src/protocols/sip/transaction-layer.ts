// Where what the links receive meets the transactions: matching, bounds, CANCEL, and ACK.
// RFC 3261 §17.1.3, §17.2.3, §9.2, §18; RFC 6026.

import type { Clock, Host } from '#kernel/host';
import type { Point } from '#kernel/trace';
import { AckTransaction } from './ack-transaction.ts';
import { Admission } from './admission.ts';
import {
  type ClientTransactionOwner,
  OutboundTransaction,
  type RequestOptions,
} from './client-transaction.ts';
import { SipError } from './error.ts';
import type { Target } from './flow.ts';
import { CSeq, RetryAfter, To, Via, type ViaValue } from './headers.ts';
import { LingeringAnswers } from './lingering-answers.ts';
import {
  response as responseTo,
  type SipMessage,
  SipRequest,
  type SipResponse,
  set,
  toTag,
} from './message.ts';
import {
  InboundTransaction,
  type ServerTransaction,
  type ServerTransactionOwner,
} from './server-transaction.ts';
import { magicCookie, serverKey } from './transaction/key.ts';
import { DeadTargets } from './transport/dead-targets.ts';
import type { Link, LinkOwner } from './transport/link.ts';
import { type TransportConfig, Transports } from './transport/transports.ts';
import { noteSource, returnAddress } from './transport/via.ts';

export interface TransactionLimits {
  /** Requests answered or being answered; a further one gets 503 with Retry-After. */
  readonly serverTransactions: number;
  /** Requests of ours without their end; a further one gets a generated 503. */
  readonly clientTransactions: number;
  /** What Retry-After says, in seconds. */
  readonly retryAfter: number;
  /** The share of its time that the process may be busy before new work gets 503; 1: never. */
  readonly busy: number;
  /** Requests larger than this many octets leave by TCP where UDP was not asked for; 0: never. */
  readonly datagramOctets: number;
}

/** What the transaction layer's user, the endpoint, is told. */
export interface TransactionUser {
  request(transaction: ServerTransaction): void | Promise<void>;
  strayResponse(response: SipResponse, link: Link): void;
  flowClosed(link: Link, reason: string): void;
}

export class TransactionLayer implements LinkOwner, ServerTransactionOwner, ClientTransactionOwner {
  readonly host: Host;
  readonly clock: Clock;
  readonly point: Point;
  readonly transports: Transports;
  readonly deadTargets: DeadTargets;
  readonly #user: TransactionUser;
  readonly #limits: TransactionLimits;
  readonly #servers = new Map<string, InboundTransaction>();
  /** By how long they are kept, which differs by reference point. */
  readonly #lingering = new Map<number, LingeringAnswers>();
  readonly #clients = new Map<string, OutboundTransaction>();
  readonly #admission: Admission;
  /** While set, requests outside dialogs get 503. */
  draining = false;
  #stopped = false;

  constructor(
    host: Host,
    user: TransactionUser,
    config: TransportConfig,
    limits: TransactionLimits,
  ) {
    this.host = host;
    this.clock = host.clock;
    this.point = config.point;
    this.#user = user;
    this.#limits = limits;
    this.#admission = new Admission(host, limits);
    this.transports = new Transports(this, config);
    this.deadTargets = new DeadTargets(host.clock);
  }

  get datagramOctets(): number {
    return this.#limits.datagramOctets;
  }

  get counts(): { readonly servers: number; readonly clients: number } {
    return { servers: this.#serverCount, clients: this.#clients.size };
  }

  // ---------------------------------------------------------------- what the endpoint asks for

  request(request: SipRequest, target: Target, options: RequestOptions): OutboundTransaction {
    const transaction = new OutboundTransaction(this, request, options);
    if (this.#stopped) this.clock.soon(() => transaction.abort('Stopped'));
    else if (this.#clients.size >= this.#limits.clientTransactions) {
      this.host.log.warn('sip.too many client transactions', {
        bound: this.#limits.clientTransactions,
      });
      this.clock.soon(() => transaction.abort('Too Many Transactions'));
    } else transaction.begin(target);
    return transaction;
  }

  /** True while something waits for an answer, from us or from a peer. */
  get busy(): boolean {
    for (const server of this.#servers.values()) if (!server.answered) return true;
    for (const client of this.#clients.values()) if (!client.settled) return true;
    return false;
  }

  stop(): void {
    this.#stopped = true;
    for (const server of this.#servers.values()) server.drop();
    this.#servers.clear();
    for (const answers of this.#lingering.values()) answers.stop();
    for (const client of [...this.#clients.values()]) client.abort('Stopping');
    this.#clients.clear();
    this.transports.stop('stopped');
  }

  // ---------------------------------------------------------------- LinkOwner

  received(message: SipMessage, link: Link): void {
    try {
      if (message instanceof SipRequest) this.#request(message, link);
      else this.#response(message as SipResponse, link);
    } catch (error) {
      this.unreadable(error, link, message instanceof SipRequest ? message : undefined);
    }
  }

  /** Answered where enough could be read to do so, dropped otherwise. */
  unreadable(cause: unknown, link: Link, whole?: SipRequest): void {
    if (!(cause instanceof SipError)) {
      this.host.log.error('sip.receive failed', { error: cause });
      return;
    }
    const request = cause.request ?? whole;
    this.host.log.debug('sip.unreadable', { from: link.remote.host, why: cause.message });
    if (request === undefined || request.method === 'ACK') return;
    try {
      this.#refuse(request, link, cause.status);
    } catch {
      // not even its Via: nobody can be answered
    }
  }

  closed(link: Link, reason: string): void {
    this.transports.forget(link);
    this.#user.flowClosed(link, reason);
  }

  // ---------------------------------------------------------------- ServerTransactionOwner

  newTag(): string {
    return this.host.random.hex(6);
  }

  sendResponse(response: SipResponse, link: Link): void {
    if (!link.closed) {
      link.send(response);
      return;
    }
    // RFC 3261 §18.2.2: the connection is gone, the sent-by of the Via may accept another
    const via = response.get(Via);
    if (via === undefined || (link.protocol !== 'tcp' && link.protocol !== 'tls')) return;
    const address = returnAddress(via, link.remote);
    const candidate = { protocol: link.protocol, address, server: address.host, asked: true };
    const again = this.transports.linkTo(candidate, link.point) as Link;
    again.send(response);
  }

  ended(transaction: InboundTransaction): void {
    if (this.#servers.get(transaction.key) === transaction) this.#servers.delete(transaction.key);
  }

  completed(transaction: InboundTransaction, answer: SipResponse, link: Link): void {
    this.ended(transaction);
    const lifetime = 64 * link.config.t1;
    let answers = this.#lingering.get(lifetime);
    if (answers === undefined) {
      answers = new LingeringAnswers(this.clock, lifetime);
      this.#lingering.set(lifetime, answers);
    }
    answers.add(transaction.key, answer.encode(), link);
  }

  #repeated(key: string): boolean {
    for (const answers of this.#lingering.values()) if (answers.repeat(key)) return true;
    return false;
  }

  get #serverCount(): number {
    let count = this.#servers.size;
    for (const answers of this.#lingering.values()) count += answers.size;
    return count;
  }

  strayAck(ack: SipRequest, link: Link): void {
    this.#hand(new AckTransaction(this.clock, ack, link));
  }

  // ---------------------------------------------------------------- ClientTransactionOwner

  newBranch(): string {
    return magicCookie + this.host.random.hex(8);
  }

  register(branch: string, transaction: OutboundTransaction): void {
    this.#clients.set(clientKey(branch, transaction.request.method), transaction);
  }

  unregister(branch: string, transaction: OutboundTransaction): void {
    this.#clients.delete(clientKey(branch, transaction.request.method));
  }

  startCancel(cancel: SipRequest, link: Link, branch: string): void {
    new OutboundTransaction(this, cancel, {}).beginAsIs(link, branch);
  }

  // ---------------------------------------------------------------- received

  #response(response: SipResponse, link: Link): void {
    const branch = response.get(Via)?.params.get('branch');
    const method = response.get(CSeq)?.method;
    if (!branch || method === undefined) return;
    const transaction = this.#clients.get(clientKey(branch, method));
    if (transaction !== undefined) transaction.receive(response);
    else this.#user.strayResponse(response, link);
  }

  #request(received: SipRequest, link: Link): void {
    const via = received.get(Via);
    if (via === undefined) return; // nobody to answer
    const key = serverKey(received, via);
    const known = this.#servers.get(key);
    if (received.method === 'ACK') {
      if (known !== undefined) known.acknowledged(received, link);
      else this.strayAck(received, link);
      return;
    }
    if (known !== undefined) {
      known.retransmitted();
      return;
    }
    if (this.#repeated(key)) return;
    const request = noteSource(received, via, link);
    if (received.method === 'CANCEL') this.#cancel(request, via, key, link);
    else if (this.#serverCount >= this.#limits.serverTransactions) {
      this.host.log.warn('sip.too many server transactions', {
        bound: this.#limits.serverTransactions,
      });
      this.#refuse(request, link, 503);
    } else if (this.draining && !request.get(To)?.params.has('tag')) {
      this.#refuse(request, link, 503);
    } else if (link.protocol !== 'local' && this.#admission.refuses(request)) {
      this.#refuse(request, link, 503); // what came by a local link was admitted before
    } else this.#hand(this.#serve(request, via, key, link));
  }

  #serve(request: SipRequest, via: ViaValue, key: string, link: Link): InboundTransaction {
    const transaction = new InboundTransaction(this, request, key, link, this.#back(via, link));
    this.#servers.set(key, transaction);
    return transaction;
  }

  /** The link that responses take: RFC 3261 §18.2.2, RFC 3581 §4. */
  #back(via: ViaValue, link: Link): Link {
    if (link.protocol !== 'udp' || via.params.has('rport')) return link;
    const address = returnAddress(via, link.remote);
    if (address.port === link.remote.port) return link;
    return this.transports.sibling(link, address) ?? link;
  }

  #cancel(request: SipRequest, via: ViaValue, key: string, link: Link): void {
    const cancelled = this.#servers.get(serverKey(request, via, 'INVITE'));
    if (cancelled === undefined) {
      // §9.2. Without a transaction: no bound of ours would count what anybody can make up
      this.#refuse(request, link, 481);
      return;
    }
    const transaction = this.#serve(request, via, key, link);
    transaction.reply(200, toTag(cancelled.localTag)); // §9.2: the tag of the INVITE's responses
    cancelled.cancel(request);
  }

  /** An answer without a transaction: a copy of the request gets it again. */
  #refuse(request: SipRequest, link: Link, status: number): void {
    const via = request.get(Via);
    if (via === undefined || request.method === 'ACK') return;
    const noted = request.raw('Via').length > 0 ? noteSource(request, via, link) : request;
    const edits = status === 503 ? [set(RetryAfter, { seconds: this.#limits.retryAfter })] : [];
    const answer = responseTo(noted, status, toTag(this.newTag()), ...edits);
    this.sendResponse(answer, this.#back(via, link));
  }

  #hand(transaction: ServerTransaction): void {
    try {
      const done = this.#user.request(transaction);
      if (done instanceof Promise) done.catch(error => this.#failed(transaction, error));
    } catch (error) {
      this.#failed(transaction, error);
    }
  }

  /** What a procedure threw: the peer's mistake or ours. */
  #failed(transaction: ServerTransaction, error: unknown): void {
    const { request } = transaction;
    const status = error instanceof SipError ? error.status : 500;
    if (error instanceof SipError) {
      this.host.log.info('sip.refused', { request: request.summary(), why: error.message });
    } else this.host.log.error('sip.procedure failed', { request: request.summary(), error });
    if (request.method !== 'ACK' && !transaction.answered) transaction.reply(status);
  }
}

/** A CANCEL has the branch of what it cancels. */
function clientKey(branch: string, method: string): string {
  return method === 'CANCEL' ? `${branch}|CANCEL` : branch;
}
