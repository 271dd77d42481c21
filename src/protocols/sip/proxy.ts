// The stateful proxy: RFC 3261 §16.

export { bestResponse } from './proxy/best-response.ts';
export type { Branch, Branches } from './proxy/branches.ts';
export { type CheckOptions, checkRequest } from './proxy/check.ts';
export { type ForwardOptions, forward } from './proxy/forward.ts';
export { forwardAck } from './proxy/forward-ack.ts';
export { nextHop, type RouteTaken, takeRoute } from './proxy/route.ts';
