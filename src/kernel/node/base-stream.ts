// What TCP, TLS and WebSocket streams share: how they open, end once, and bound what they hold.

import type { Address, Stream, StreamProtocol, Timer } from '../host.ts';
import { type Resource, reasonOf, type SocketContext } from './context.ts';

export abstract class BaseStream implements Stream, Resource {
  readonly protocol: StreamProtocol;
  readonly remote: Address;
  protected readonly context: SocketContext;
  #local: Address;
  /** 'ending': closed by its owner, while what is queued still leaves. */
  #state: 'opening' | 'open' | 'ending' | 'closed' = 'opening';
  #reason: string | undefined;
  #hasEnded = false;
  #release: () => void = () => {};
  /** Guards opening, then silence, then lingering: one at a time. */
  #timer: Timer | undefined;

  onOctets: (octets: Uint8Array) => void = () => {};
  onOpen: () => void = () => {};
  onClosed: (reason: string) => void = () => {};

  constructor(context: SocketContext, protocol: StreamProtocol, remote: Address) {
    this.context = context;
    this.protocol = protocol;
    this.remote = remote;
    this.#local = { host: remote.host.includes(':') ? '::' : '0.0.0.0', port: 0 };
    context.resources.add(this);
  }

  /** The unspecified address until the stream is open. */
  get local(): Address {
    return this.#local;
  }

  abstract get queued(): number;
  protected abstract write(octets: Uint8Array): void;
  /** Sends what is queued, then ends the connection. */
  protected abstract end(): void;
  abstract destroy(): void;

  send(octets: Uint8Array): void {
    if (this.#state === 'ending' || this.#state === 'closed') return;
    if (this.queued + octets.length > this.context.limits.queuedOctets) {
      this.fail('overflow');
      return;
    }
    this.write(octets);
  }

  close(): void {
    if (this.#state === 'ending' || this.#state === 'closed') return;
    const wasOpen = this.#state === 'open';
    this.#state = 'ending';
    this.context.clock.soon(() => this.#finish('closed'));
    if (!wasOpen) {
      this.destroy();
      return;
    }
    this.#guard(this.context.limits.linger, () => this.destroy());
    this.end();
  }

  /** Ends it at once for this reason; the owner hears it when the connection is gone. */
  protected fail(reason: string): void {
    this.#reason ??= reason;
    this.destroy();
  }

  protected failWith(error: Error): void {
    this.#reason ??= reasonOf(error);
  }

  /** For a stream that this side opens. */
  protected startOpening(): void {
    this.#guard(this.context.limits.connect, () => this.fail('timed out'));
  }

  protected opened(local: Address): void {
    if (this.#state !== 'opening') return;
    this.#open(local);
    this.#release = this.context.book.claim(this.context.instance, 'tcp', local);
    this.#tell(() => this.onOpen());
  }

  /** For a stream that was accepted, which is open from the start. */
  protected accepted(local: Address): void {
    this.#open(local);
    this.#guard(this.context.limits.silence, () => this.fail('silent'));
  }

  /** Gives an accepted stream to its owner. */
  handTo(accept: (stream: Stream) => void): void {
    this.#tell(() => accept(this));
  }

  #open(local: Address): void {
    this.#state = 'open';
    this.#local = local;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  protected received(octets: Uint8Array): void {
    if (this.#state !== 'open') return;
    if (this.#timer !== undefined) {
      this.#timer.cancel();
      this.#timer = undefined;
    }
    this.#tell(() => this.onOctets(octets));
  }

  /** The connection is gone. */
  protected gone(): void {
    this.#timer?.cancel();
    this.#release();
    this.context.resources.delete(this);
    if (this.#state === 'ending') return; // the owner closed it and is told so in its own turn
    this.#finish(this.#reason ?? 'closed by peer');
  }

  #finish(reason: string): void {
    this.#state = 'closed';
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#tell(() => this.onClosed(reason));
  }

  /** An owner that throws has lost its place in the stream: it ends. */
  #tell(what: () => void): void {
    try {
      what();
    } catch (error) {
      this.context.fault(error);
      if (this.#state === 'open') this.fail('internal error');
    }
  }

  #guard(delay: number, fire: () => void): void {
    this.#timer?.cancel();
    this.#timer = this.context.clock.after(delay, fire);
  }
}
