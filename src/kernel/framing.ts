// Messages on a stream of octets: a reader cuts the stream into messages, a codec writes them.

import { ProtocolError } from './errors.ts';
import type { Address, Codec, LinkProtocol, Stream } from './host.ts';
import type { Pipe } from './pipe.ts';

/** Cuts one stream into messages, whatever pieces it arrives in. Holds no more than its own limit. */
export interface StreamReader<M> {
  /**
   * Gives `take` each message that these octets complete, in order.
   * @throws ProtocolError where the stream cannot be cut any further; those before it were given.
   */
  push(octets: Uint8Array, take: (message: M) => void): void;
}

export interface FramedPipeOptions {
  /** The instance at the other end, where it lives in this process. */
  readonly remoteName?: string;
  /** Octets queued towards a peer that does not read; above it the pipe closes with 'overflow'. */
  readonly queuedOctets?: number;
}

const MOST_QUEUED = 4 * 1024 * 1024;

/**
 * A stream as a pipe; it takes over the stream's callbacks. Where the reader cannot go on, the pipe
 * closes as 'malformed', with the reader's reason.
 */
export function framedPipe<M>(
  stream: Stream,
  reader: StreamReader<M>,
  codec: Pick<Codec<M>, 'encode'>,
  options: FramedPipeOptions = {},
): Pipe<M> {
  return new FramedPipe(stream, reader, codec, options);
}

class FramedPipe<M> implements Pipe<M> {
  readonly remoteName: string | undefined;
  readonly #stream: Stream;
  readonly #codec: Pick<Codec<M>, 'encode'>;
  readonly #mostQueued: number;
  #reason: string | undefined;
  #isOpen = true;

  onMessage: (message: M) => void = () => {};
  onOpen: () => void = () => {};
  onClosed: (reason: string) => void = () => {};

  constructor(
    stream: Stream,
    reader: StreamReader<M>,
    codec: Pick<Codec<M>, 'encode'>,
    options: FramedPipeOptions,
  ) {
    this.#stream = stream;
    this.#codec = codec;
    this.remoteName = options.remoteName;
    this.#mostQueued = options.queuedOctets ?? MOST_QUEUED;
    stream.onOpen = () => this.onOpen();
    stream.onClosed = reason => {
      this.#isOpen = false;
      this.onClosed(this.#reason ?? reason);
    };
    stream.onOctets = octets => this.#read(reader, octets);
  }

  get protocol(): LinkProtocol {
    return this.#stream.protocol;
  }

  get local(): Address {
    return this.#stream.local;
  }

  get remote(): Address {
    return this.#stream.remote;
  }

  send(message: M): void {
    if (!this.#isOpen) return;
    if (this.#stream.queued > this.#mostQueued) {
      this.close('overflow');
      return;
    }
    this.#stream.send(this.#codec.encode(message));
  }

  close(reason = 'closed'): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#reason = reason;
    this.#stream.close();
  }

  #read(reader: StreamReader<M>, octets: Uint8Array): void {
    if (!this.#isOpen) return;
    try {
      reader.push(octets, this.#take);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.close(`malformed: ${error.message}`);
    }
  }

  readonly #take = (message: M): void => {
    if (this.#isOpen) this.onMessage(message);
  };
}
