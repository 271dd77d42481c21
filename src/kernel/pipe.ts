// An ordered, reliable link that carries messages: a local link inside this process, or a stream
// with a codec around it. Whoever holds one end cannot tell which, except by `protocol`.

import type { Address, LinkProtocol } from './host.ts';

export interface Pipe<M> {
  readonly protocol: LinkProtocol;
  /** On local links these are the addresses the functions would have on the wire. */
  readonly local: Address;
  readonly remote: Address;
  /** The instance at the other end where it lives in this process. */
  readonly remoteName: string | undefined;
  /** The message is immutable from here on. After `closed` it does nothing. */
  send(message: M): void;
  close(reason?: string): void;
  /** Both are set by the owner before its next await. */
  onMessage: (message: M) => void;
  onOpen: () => void;
  onClosed: (reason: string) => void;
}
