// What a message came by and may go back by: RFC 5626 §2 calls it a flow. A connection, a local
// link, or for datagrams the pair of our socket and the peer's address.

import type { Address, LinkProtocol } from '#kernel/host';
import type { Point } from '#kernel/trace';
import type { Uri } from './uri.ts';

export interface Flow {
  readonly protocol: LinkProtocol;
  /** Neither loses nor reorders. */
  readonly reliable: boolean;
  /** TLS protects it, or it never leaves this process. */
  readonly secured: boolean;
  readonly local: Address;
  readonly remote: Address;
  /** The instance at the other end, where it lives in this process. */
  readonly remoteName?: string | undefined;
  /** The reference point that messages on it cross. */
  readonly point: Point;
  /** A key that is the flow's alone while it lives. */
  readonly id: string;
  /** True once nothing can go over it any more. */
  readonly closed: boolean;
}

/**
 * Where a request goes: over a flow, or to the host that a URI names (maddr, host, port, transport;
 * names through `host.network.resolve`). `point` names the reference point where it is not the
 * endpoint's default.
 */
export type Target = { readonly flow: Flow } | { readonly uri: Uri; readonly point?: Point };
