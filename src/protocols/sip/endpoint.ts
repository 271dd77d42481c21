// One function's SIP presence: what it listens on, what it sends, and the transactions between.

import type { Address, Host, StreamOptions, StreamProtocol } from '#kernel/host';
import { type Duration, hours, ms, seconds } from '#kernel/time';
import type { Point } from '#kernel/trace';
import type { ClientTransaction, RequestOptions } from './client-transaction.ts';
import type { Flow, Target } from './flow.ts';
import type { ViaValue } from './headers.ts';
import type { Edit, SipRequest, SipResponse } from './message.ts';
import { sendAlone } from './send-alone.ts';
import type { ServerTransaction } from './server-transaction.ts';
import { networkTimers, type TimerValues } from './transaction/timers.ts';
import { TransactionLayer, type TransactionLimits } from './transaction-layer.ts';
import { KeepAlive } from './transport/keep-alive.ts';
import type { Link } from './transport/link.ts';
import type { ListenOptions, PointSettings, TransportLimits } from './transport/transports.ts';

export type { ClientTransaction, RequestOptions } from './client-transaction.ts';
export type { Flow, Target } from './flow.ts';
export { isGenerated } from './generated.ts';
export type { ServerTransaction } from './server-transaction.ts';
export type { ListenOptions, PointSettings } from './transport/transports.ts';

export type EndpointLimits = TransactionLimits & TransportLimits;

export const defaultLimits: EndpointLimits = {
  serverTransactions: 250_000,
  clientTransactions: 250_000,
  retryAfter: 10,
  busy: 0.97,
  datagramOctets: 1300, // RFC 3261 §18.1.1, where the path MTU is unknown
  datagramPeers: 100_000,
  connections: 50_000,
  queuedOctets: 4 * 1024 * 1024,
  unfinishedOctets: 64 * 1024 * 1024,
  connectTimeout: seconds(4),
  idle: hours(2), // longer than any registration refresh that keeps a flow in use
};

export interface EndpointOptions {
  /** The reference point of what is not told otherwise. */
  readonly point: Point;
  /** The function's domain name: its name on local links and, there, in Via. */
  readonly name: string;
  readonly t1?: Duration;
  readonly t2?: Duration;
  readonly t4?: Duration;
  /** What differs on one reference point: timers (TS 24.229 §7.7), trust. */
  readonly points?: Readonly<Record<Point, PointSettings>>;
  readonly limits?: Partial<EndpointLimits>;
  /** For the connections this endpoint opens. */
  readonly tls?: StreamOptions['tls'];
  readonly webSocket?: StreamOptions['webSocket'];
}

const drainPoll = ms(50);

export class SipEndpoint {
  readonly host: Host;
  readonly name: string;
  readonly point: Point;
  /** The timer values of links whose point says nothing else. */
  readonly timers: TimerValues;
  /**
   * Every request that is not a copy: also an ACK to a 2xx, which is not answered. CANCEL is
   * handled here. What it throws or rejects with is answered: a SipError by its status, else 500.
   */
  onRequest: (transaction: ServerTransaction) => void | Promise<void> = transaction => {
    if (transaction.request.method !== 'ACK') transaction.reply(501);
  };
  /** A response of no transaction of ours; nothing is done with it (RFC 6026 §8.9). */
  onStrayResponse: ((response: SipResponse, flow: Flow) => void) | undefined;
  /** A connection or local link ended; every transaction on it has failed. */
  onFlowClosed: ((flow: Flow, reason: string) => void) | undefined;
  readonly #layer: TransactionLayer;

  constructor(host: Host, options: EndpointOptions) {
    this.host = host;
    this.name = options.name;
    this.point = options.point;
    const limits = { ...defaultLimits, ...options.limits };
    this.timers = {
      t1: options.t1 ?? networkTimers.t1,
      t2: options.t2 ?? networkTimers.t2,
      t4: options.t4 ?? networkTimers.t4,
    };
    this.#layer = new TransactionLayer(
      host,
      {
        request: transaction => this.onRequest(transaction),
        strayResponse: (response, link) => this.onStrayResponse?.(response, link),
        flowClosed: (link, reason) => this.onFlowClosed?.(link, reason),
      },
      {
        name: options.name,
        point: options.point,
        points: options.points ?? {},
        timers: this.timers,
        limits,
        stream: {
          ...(options.tls === undefined ? {} : { tls: options.tls }),
          ...(options.webSocket === undefined ? {} : { webSocket: options.webSocket }),
        },
      },
      limits,
    );
  }

  /** Binds; rejects with an AddressError. Resolves to the address bound. */
  listen(
    protocol: 'udp' | StreamProtocol,
    local: Address,
    options: ListenOptions = {},
  ): Promise<Address> {
    return this.#layer.transports.listen(protocol, local, options);
  }

  /** Serves local links under `name`. */
  serveLocal(name: string, point: Point = this.point): void {
    this.#layer.transports.serveLocal(name, point);
  }

  /** Sends a request: pushes our Via and repeats it as RFC 3261 §17 wants. Never throws. */
  request(request: SipRequest, target: Target, options: RequestOptions = {}): ClientTransaction {
    return this.#layer.request(request, target, options);
  }

  /** Sends an ACK to a 2xx: pushes our Via, expects nothing. */
  sendAck(ack: SipRequest, target: Target, edits: readonly Edit[] = [], branch?: string): void {
    sendAlone(this.#layer, ack, target, edits, branch ?? this.#layer.newBranch());
  }

  flows(): readonly Flow[] {
    return [...this.#layer.transports.links()];
  }

  /** The flow of an id kept from before; a datagram flow is made again where its socket stands. */
  flow(id: string): Flow | undefined {
    return this.#layer.transports.byId(id);
  }

  /** Closes a connection. */
  closeFlow(flow: Flow, reason: string): void {
    (flow as Link).close(reason);
  }

  /** Sends RFC 5626 §4.4.1 pings over a flow until it closes; a flow that does not answer is closed. */
  keepAlive(flow: Flow, interval: Duration): KeepAlive {
    return new KeepAlive(this.host.clock, flow as Link, interval);
  }

  /** True for a Via that this endpoint wrote. */
  isOurVia(via: ViaValue): boolean {
    return this.#layer.transports.isOurs(via.host, via.port);
  }

  /** The timer values of a flow: TS 24.229 §7.7 has others on Gm. */
  timersOf(flow: Flow): TimerValues {
    return (flow as Link).config;
  }

  /** Transactions that exist now, lingering ones included. */
  get counts(): { readonly servers: number; readonly clients: number } {
    return this.#layer.counts;
  }

  /** Refuses what is new and resolves when nothing is under way, or after `longest`. */
  drain(longest: Duration): Promise<void> {
    this.#layer.draining = true;
    const { clock } = this.host;
    const end = clock.now() + longest;
    return new Promise(resolve => {
      const look = (): void => {
        if (!this.#layer.busy || clock.now() >= end) resolve();
        else clock.after(drainPoll, look);
      };
      look();
    });
  }

  /** Closes everything; requests under way end with a generated 503. */
  async stop(): Promise<void> {
    this.#layer.stop();
  }
}
