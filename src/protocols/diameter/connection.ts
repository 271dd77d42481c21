// One connection to a peer: a pipe with its hop-by-hop identifiers, and the requests that wait for
// answers on it.

import type { Host } from '#kernel/host';
import type { Pipe } from '#kernel/pipe';
import type { Call } from './calls.ts';
import type { Capabilities } from './capabilities.ts';
import type { MalformedMessage } from './codec.ts';
import type { DiameterMessage } from './message.ts';

export class Connection {
  readonly pipe: Pipe<DiameterMessage>;
  /** Requests sent here and not yet answered, by hop-by-hop identifier. */
  readonly pending = new Map<number, Call>();
  /** What the peer's CER or CEA said. */
  capabilities: Capabilities | undefined;
  onOpen: () => void = () => {};
  onMessage: (message: DiameterMessage) => void = () => {};
  /** Set by whoever drives the connection; `malformed` calls it. */
  onMalformed: (fault: MalformedMessage) => void = () => {};
  onClosed: (reason: string) => void = () => {};
  readonly #host: Host;
  readonly #pointOf: (message: DiameterMessage) => string;
  #hopByHop: number;
  #isClosed = false;

  constructor(
    host: Host,
    pipe: Pipe<DiameterMessage>,
    pointOf: (message: DiameterMessage) => string,
  ) {
    this.#host = host;
    this.pipe = pipe;
    this.#pointOf = pointOf;
    this.#hopByHop = Buffer.from(host.random.bytes(4)).readUInt32BE(0);
    pipe.onOpen = () => this.onOpen();
    pipe.onClosed = reason => {
      this.#isClosed = true;
      this.onClosed(reason);
    };
    pipe.onMessage = message => {
      this.#traceReceived(message);
      this.onMessage(message);
    };
  }

  /** What the reader of the pipe's octets tells of a message that makes no sense. */
  malformed(fault: MalformedMessage): void {
    this.#traceReceived(fault.received);
    this.onMalformed(fault);
  }

  /** An identifier for a request on this connection. RFC 6733 §3 */
  nextHopByHop(): number {
    do this.#hopByHop = (this.#hopByHop + 1) >>> 0;
    while (this.pending.has(this.#hopByHop));
    return this.#hopByHop;
  }

  /** After the end of the connection it does nothing: an answer that comes late is nobody's. */
  send(message: DiameterMessage): void {
    if (this.#isClosed) return;
    const { trace } = this.#host;
    if (trace.enabled) {
      const { pipe } = this;
      trace.crossed({
        ...(pipe.remoteName === undefined ? {} : { to: pipe.remoteName }),
        point: this.#pointOf(message),
        protocol: 'diameter',
        link: pipe.protocol,
        source: pipe.local,
        destination: pipe.remote,
        message,
      });
    }
    this.pipe.send(message);
  }

  /** Nothing of this connection is heard from here on. */
  close(reason: string): void {
    this.#isClosed = true;
    this.onOpen = this.onMessage = this.onMalformed = this.onClosed = () => {};
    this.pipe.close(reason);
  }

  /** The sender records what crosses a link, except where it lives in another process. */
  #traceReceived(message: DiameterMessage): void {
    const { trace, network } = this.#host;
    const { pipe } = this;
    if (!trace.enabled || pipe.remoteName !== undefined) return;
    if (network.ownerOf(pipe.remote) !== undefined) return;
    trace.crossed({
      point: this.#pointOf(message),
      protocol: 'diameter',
      link: pipe.protocol,
      source: pipe.remote,
      destination: pipe.local,
      message,
    });
  }
}
