// Responses that no peer sent.

import {
  reasonPhrase,
  response as responseTo,
  type SipRequest,
  type SipResponse,
} from './message.ts';

const generatedResponses = new WeakSet<SipResponse>();

/** True for a response no peer sent: 408 for silence, 503 for a link that failed, 487, 416. */
export function isGenerated(response: SipResponse): boolean {
  return generatedResponses.has(response);
}

/** A response that stands for what went wrong here. RFC 3261 §8.1.3.1 */
export function generate(request: SipRequest, status: number, reason?: string): SipResponse {
  const made =
    reason === undefined
      ? responseTo(request, status)
      : responseTo(request, status, reasonPhrase(reason));
  generatedResponses.add(made);
  return made;
}
