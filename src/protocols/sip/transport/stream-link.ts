// SIP over TCP, TLS and WebSocket (RFC 7118): one connection.

import type { Address, Stream, StreamProtocol } from '#kernel/host';
import { type Duration, type Instant, seconds } from '#kernel/time';
import { SipError } from '../error.ts';
import type { SipMessage } from '../message.ts';
import { normalise } from '../normalise.ts';
import { parseMessage } from '../parse.ts';
import { SipStreamReader, type StreamItem } from '../stream-reader.ts';
import { Link, type LinkOwner, type LinkSettings } from './link.ts';

export interface StreamBounds {
  /** Octets waiting for a peer that does not read; above it the connection is closed. */
  readonly queuedOctets: number;
  /** How long a connection may take to open. */
  readonly connectTimeout: Duration;
  /** How long a connection may say nothing at all before it is closed. */
  readonly idle: Duration;
  /** Octets of messages that are not yet whole, over all connections; above it whoever adds is closed. */
  readonly unfinishedOctets: number;
}

/** What all connections of an endpoint hold of messages that are not yet whole. */
export interface Unfinished {
  octets: number;
}

/** RFC 5626 §4.4.1 */
const doubleCrlf = Uint8Array.of(13, 10, 13, 10);
const singleCrlf = Uint8Array.of(13, 10);
/** Longest that a message may stay unfinished, or a new connection silent. */
const patience: Duration = seconds(32);

export class StreamLink extends Link {
  readonly protocol: StreamProtocol;
  readonly id: string;
  /** Under which the transports find it. */
  key: string | undefined;
  override readonly canPing = true;
  readonly #stream: Stream;
  readonly #bounds: StreamBounds;
  /** Undefined on WebSockets, which keep message boundaries. */
  readonly #reader: SipStreamReader | undefined;
  readonly #since: Instant;
  /** When something was sent last. */
  #activeAt: Instant = 0;
  readonly #unfinished: Unfinished;
  /** What is ours of it, and since when the message that waits has. */
  #held = 0;
  #unfinishedSince: Instant | undefined;
  #open = false;
  #spoke = false;

  constructor(
    owner: LinkOwner,
    settings: LinkSettings,
    stream: Stream,
    id: string,
    bounds: StreamBounds,
    opened: 'by peer' | 'by us',
    unfinished: Unfinished,
  ) {
    super(owner, settings);
    this.protocol = stream.protocol;
    this.id = id;
    this.#stream = stream;
    this.#bounds = bounds;
    this.#unfinished = unfinished;
    const isWeb = stream.protocol === 'ws' || stream.protocol === 'wss';
    this.#reader = isWeb ? undefined : new SipStreamReader({ opened });
    this.#since = owner.host.clock.now();
    this.heardAt = this.#since;
    this.#open = opened === 'by peer';
    stream.onOctets = octets => this.#receive(octets);
    stream.onOpen = () => {
      this.#open = true;
      this.opened();
    };
    stream.onClosed = reason => this.#gone(reason);
    if (opened === 'by us') {
      this.opening();
      owner.host.clock.after(bounds.connectTimeout, () => {
        if (!this.#open) this.close('connecting took too long');
      });
    }
  }

  get local(): Address {
    return this.#stream.local;
  }

  get remote(): Address {
    return this.#stream.remote;
  }

  /** Closes the connection where it is idle, or holds a message up. */
  sweep(now: Instant): void {
    const since = this.#unfinishedSince;
    if (now - Math.max(this.heardAt, this.#activeAt) > this.#bounds.idle) this.close('idle');
    else if (since !== undefined && now - since > patience) this.close('unfinished message');
    else if (!this.#spoke && this.#open && now - this.#since > patience && this.users.size === 0) {
      this.close('never used');
    }
  }

  override ping(): void {
    this.#stream.send(doubleCrlf);
  }

  close(reason: string): void {
    if (this.closed) return;
    this.#stream.close();
    this.#gone(reason);
  }

  #gone(reason: string): void {
    this.#hold(0);
    this.ended(reason);
  }

  protected transmit(message: SipMessage): void {
    this.#spoke = true;
    this.#activeAt = this.owner.host.clock.now();
    this.#stream.send(message.encode());
    if (this.#stream.queued > this.#bounds.queuedOctets) this.close('the peer does not read');
  }

  #receive(octets: Uint8Array): void {
    if (this.closed) return;
    this.heardAt = this.owner.host.clock.now();
    if (this.#reader === undefined) {
      this.#webMessage(octets);
      return;
    }
    const items = this.#reader.push(octets);
    for (const item of items) this.#take(item);
    if (this.closed) return;
    // Whoever sends an octet now and then is as slow as whoever sends none: a message has its time.
    const { buffered } = this.#reader;
    if (buffered === 0) this.#unfinishedSince = undefined;
    else if (items.length > 0) this.#unfinishedSince = this.heardAt;
    else this.#unfinishedSince ??= this.heardAt;
    this.#hold(buffered);
    const isTooMuch = this.#unfinished.octets > this.#bounds.unfinishedOctets;
    if (isTooMuch && buffered > 0) this.close('too many unfinished messages');
  }

  #hold(octets: number): void {
    this.#unfinished.octets += octets - this.#held;
    this.#held = octets;
  }

  #take(item: StreamItem): void {
    switch (item.kind) {
      case 'message':
        this.#message(item.message);
        break;
      case 'ping':
        this.#stream.send(singleCrlf);
        break;
      case 'pong':
        break; // heardAt says it
      case 'error':
        this.owner.unreadable(item.error, this);
        if (item.fatal) this.close(item.error.message);
        break;
    }
  }

  /** RFC 7118 §5: one WebSocket message, one SIP message; or a keep-alive of line ends. */
  #webMessage(octets: Uint8Array): void {
    if (octets.length <= 4 && octets.every(octet => octet === 13 || octet === 10)) {
      if (octets.length === 4) this.#stream.send(singleCrlf);
      return;
    }
    let message: SipMessage;
    try {
      message = parseMessage(octets);
    } catch (cause) {
      this.owner.unreadable(cause, this);
      return;
    }
    this.#message(message);
  }

  #message(message: SipMessage): void {
    this.#spoke = true;
    this.arrived(message);
    let checked = message;
    if (this.hostile) {
      try {
        checked = normalise(message);
      } catch (cause) {
        if (!(cause instanceof SipError)) throw cause;
        this.owner.unreadable(cause, this);
        return;
      }
    }
    this.owner.received(checked, this);
  }
}
