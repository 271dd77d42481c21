// One flow with the means to send over it. Datagram, stream and local links differ only in
// `transmit`; what crosses is put into the trace here, once for all of them.

import type { Address, Host, LinkProtocol } from '#kernel/host';
import type { Instant } from '#kernel/time';
import type { Point } from '#kernel/trace';
import type { Flow } from '../flow.ts';
import type { SipMessage } from '../message.ts';
import type { TransactionConfig } from '../transaction/timers.ts';

/** What the sender of a message over this link writes into its Via. RFC 3261 §18.1.1 */
export interface SentBy {
  readonly host: string;
  readonly port: number | undefined;
}

/** Who hears what a link receives. */
export interface LinkOwner {
  readonly host: Host;
  received(message: SipMessage, link: Link): void;
  /** A message that could not be read: `cause` says why, and perhaps what it was. */
  unreadable(cause: unknown, link: Link): void;
  closed(link: Link, reason: string): void;
}

/** What a transaction on a link hears of it. */
export interface LinkUser {
  linkClosed(reason: string): void;
}

export interface LinkSettings {
  readonly point: Point;
  readonly sentBy: SentBy;
  readonly config: TransactionConfig;
  /** Beyond a trust boundary: what arrives is normalised before anybody sees it. */
  readonly hostile: boolean;
}

/** Messages for a link that is not open yet. */
const maxWaiting = 10_000;

export abstract class Link implements Flow {
  abstract readonly protocol: LinkProtocol;
  abstract readonly local: Address;
  abstract readonly remote: Address;
  abstract readonly id: string;
  readonly point: Point;
  readonly sentBy: SentBy;
  /** Timer values by the link's kind and reference point. */
  readonly config: TransactionConfig;
  readonly hostile: boolean;
  closed = false;
  /** Transactions to tell when the link closes; only on links that can. */
  readonly users = new Set<LinkUser>();
  /** When something was heard or sent last; kept by connections only. */
  heardAt: Instant = 0;
  readonly canPing: boolean = false;
  protected readonly owner: LinkOwner;
  #waiting: SipMessage[] | undefined;

  constructor(owner: LinkOwner, settings: LinkSettings) {
    this.owner = owner;
    this.point = settings.point;
    this.sentBy = settings.sentBy;
    this.config = settings.config;
    this.hostile = settings.hostile;
  }

  get reliable(): boolean {
    return this.protocol !== 'udp';
  }

  get secured(): boolean {
    return this.protocol === 'tls' || this.protocol === 'wss' || this.protocol === 'local';
  }

  get remoteName(): string | undefined {
    return this.owner.host.network.ownerOf(this.remote, this.protocol);
  }

  /** The transport as Via names it. */
  get viaTransport(): string {
    return this.protocol === 'local' ? 'TCP' : this.protocol.toUpperCase();
  }

  /**
   * Puts a message on its way. Before the link is open it waits: only then is known who and which
   * address is at both ends. After the link closed it does nothing.
   */
  send(message: SipMessage): void {
    if (this.closed) return;
    if (this.#waiting !== undefined) {
      if (this.#waiting.length >= maxWaiting) this.close('too much before it opened');
      else this.#waiting.push(message);
      return;
    }
    const { trace } = this.owner.host;
    if (trace.enabled) this.#cross(message, true);
    this.transmit(message);
  }

  /** For links that open later than they are made. */
  protected opening(): void {
    this.#waiting = [];
  }

  protected opened(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const message of waiting) this.send(message);
  }

  /** What the trace records of a message that came from outside this process. */
  protected arrived(message: SipMessage): void {
    const { trace, network } = this.owner.host;
    if (!trace.enabled || network.ownerOf(this.remote, this.protocol) !== undefined) return; // its sender did
    this.#cross(message, false);
  }

  #cross(message: SipMessage, outwards: boolean): void {
    const peer = outwards ? this.remoteName : undefined;
    this.owner.host.trace.crossed({
      ...(peer === undefined ? {} : { to: peer }),
      ...(outwards ? {} : { to: this.owner.host.name, from: hostPort(this.remote) }),
      point: this.point,
      protocol: 'sip',
      link: this.protocol,
      source: outwards ? this.local : this.remote,
      destination: outwards ? this.remote : this.local,
      message,
    });
  }

  /** Tells everybody once. */
  protected ended(reason: string): void {
    if (this.closed) return;
    this.closed = true;
    this.owner.closed(this, reason);
    const users = [...this.users];
    this.users.clear();
    for (const user of users) user.linkClosed(reason);
  }

  /** A keep-alive that the peer answers; only where `canPing`. */
  ping(): void {}

  protected abstract transmit(message: SipMessage): void;
  abstract close(reason: string): void;
}

/** 'host:port', with the brackets an IPv6 literal needs. */
export function hostPort(address: Address): string {
  return address.host.includes(':')
    ? `[${address.host}]:${address.port}`
    : `${address.host}:${address.port}`;
}
