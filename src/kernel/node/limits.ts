// What the node host bounds, so that a hostile or a stuck peer costs a known amount.

import { type Duration, seconds } from '../time.ts';

export interface Limits {
  /** Connections a listener holds at once; more are dropped as they come. */
  readonly connections: number;
  /** Octets a stream queues towards a peer that does not read; it is closed with 'overflow'. */
  readonly queuedOctets: number;
  /** Octets of one WebSocket message; more closes the connection. */
  readonly webSocketMessage: number;
  /** From connecting to open, TLS and WebSocket handshakes included. */
  readonly connect: Duration;
  /** An accepted connection that has sent nothing after this is closed. */
  readonly silence: Duration;
  /** A closed stream may take this long to send what it has queued. */
  readonly linger: Duration;
  /** Receive and send buffers of a datagram socket in octets, where the system allows as many. */
  readonly datagramBuffer: number;
  /** A look-up in the DNS. */
  readonly lookup: Duration;
}

export const defaultLimits: Limits = {
  connections: 10_000,
  queuedOctets: 8 * 1024 * 1024,
  webSocketMessage: 256 * 1024,
  connect: seconds(10),
  silence: seconds(60),
  linger: seconds(2),
  datagramBuffer: 4 * 1024 * 1024,
  lookup: seconds(3),
};
