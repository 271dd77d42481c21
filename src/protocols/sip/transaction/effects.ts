// What the four transaction machines ask of whoever drives them. A driver carries effects out in
// the order given, before it feeds the machine again.

import type { SipRequest, SipResponse } from '../message.ts';

/** done: the machine has seen everything it waits for. */
export type EndReason = 'done' | 'timeout' | 'transport';

export type ClientEffect =
  | { readonly kind: 'send'; readonly message: SipRequest }
  /** A response the transaction user sees. */
  | { readonly kind: 'deliver'; readonly response: SipResponse }
  | { readonly kind: 'terminate'; readonly reason: EndReason };

export type ServerEffect =
  | { readonly kind: 'send'; readonly message: SipResponse }
  /** An ACK the transaction user sees: it confirms a final response. */
  | { readonly kind: 'deliver'; readonly request: SipRequest }
  | { readonly kind: 'terminate'; readonly reason: EndReason };

/** Nothing to do: shared, so that absorbing a retransmission costs nothing. */
export const nothing: readonly never[] = Object.freeze([]);
