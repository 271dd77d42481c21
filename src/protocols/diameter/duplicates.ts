// Requests that came before, by Origin-Host and end-to-end identifier: a peer that fails over sends
// again what we may have answered already. RFC 6733 §3, §5.5.4

import { type Duration, type Instant, seconds } from '#kernel/time';
import type { DiameterMessage } from './message.ts';

/** How long a repetition is recognised: longer than any failover takes. */
export const DUPLICATE_WINDOW: Duration = seconds(30);
/** Requests remembered, at most; beyond it the oldest are forgotten first. */
export const MAX_REMEMBERED = 4_096;

interface Remembered {
  readonly at: Instant;
  answer: DiameterMessage | undefined;
  /** Those who asked again before the answer was there. */
  waiting: ((answer: DiameterMessage) => void)[];
}

export class Duplicates {
  readonly #requests = new Map<string, Remembered>();

  /**
   * Whether the request came before; then `reply` is called with the answer that the first one got,
   * now or once it is there.
   */
  isRepeated(
    request: DiameterMessage,
    origin: string,
    now: Instant,
    reply: (answer: DiameterMessage) => void,
  ): boolean {
    this.#forget(now);
    const key = keyOf(request, origin);
    const known = this.#requests.get(key);
    if (known === undefined) {
      this.#requests.set(key, { at: now, answer: undefined, waiting: [] });
      return false;
    }
    if (known.answer !== undefined) reply(known.answer);
    else if (known.waiting.length < 4) known.waiting.push(reply);
    return true;
  }

  answered(request: DiameterMessage, origin: string, answer: DiameterMessage): void {
    const known = this.#requests.get(keyOf(request, origin));
    if (known === undefined) return;
    known.answer = answer;
    for (const reply of known.waiting) reply(answer);
    known.waiting = [];
  }

  #forget(now: Instant): void {
    for (const [key, { at }] of this.#requests) {
      if (now - at < DUPLICATE_WINDOW && this.#requests.size < MAX_REMEMBERED) return;
      this.#requests.delete(key);
    }
  }
}

const keyOf = (request: DiameterMessage, origin: string): string =>
  `${request.endToEnd} ${request.code} ${origin.toLowerCase()}`;
