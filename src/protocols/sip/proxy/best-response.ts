// Which of several final responses goes back to the caller: RFC 3261 §16.7 steps 6 and 7.

import { addRaw, type Edit, type SipResponse } from '../message.ts';

/** Those that tell a caller what to do next are better than others of 4xx. */
const helpful = [401, 407, 415, 420, 484];

/** The best of at least one response of 300 and above. */
export function bestResponse(responses: readonly SipResponse[]): SipResponse {
  let best = responses[0]!;
  for (const each of responses) if (rank(each) < rank(best)) best = each;
  return best.status === 401 || best.status === 407 ? withChallenges(best, responses) : best;
}

/** Less is better; of equals the first to arrive is taken. */
function rank({ status }: SipResponse): number {
  if (status >= 600) return 0; // nobody anywhere
  const ofClass = Math.floor(status / 100) * 100;
  if (helpful.includes(status)) return ofClass;
  return status === 503 ? ofClass + 2 : ofClass + 1;
}

/** Every challenge of every branch, so that one new request can answer them all. */
function withChallenges(best: SipResponse, responses: readonly SipResponse[]): SipResponse {
  const edits: Edit[] = [];
  for (const other of responses) {
    if (other === best || (other.status !== 401 && other.status !== 407)) continue;
    for (const name of ['WWW-Authenticate', 'Proxy-Authenticate']) {
      for (const value of other.raw(name)) edits.push(addRaw(name, value));
    }
  }
  return edits.length === 0 ? best : best.with(...edits);
}
