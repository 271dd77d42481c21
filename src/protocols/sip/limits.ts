// Bounds on what a peer may send. Each is far above what a network sees and far below what hurts.

export const limits = {
  /** Octets of start line and headers together. */
  head: 65_535,
  /** Octets of a body on a stream; a datagram bounds itself. */
  body: 1_048_576,
  /** Header lines in one message. */
  headers: 512,
  /** Comma-separated values in one line. */
  values: 256,
  /** Parameters of one value or URI. */
  params: 128,
} as const;
