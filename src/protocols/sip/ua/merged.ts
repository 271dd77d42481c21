// The same request arriving by two ways, as a fork upstream makes it: RFC 3261 §8.2.2.2.

import { type Duration, type Instant, seconds } from '#kernel/time';
import { CallId, CSeq, From, Via } from '../headers.ts';
import type { SipRequest } from '../message.ts';
import { copied } from '../text.ts';

/** Copies come within the life of the transactions. */
const memory: Duration = seconds(32);
const maxRemembered = 50_000;

export class MergedRequests {
  readonly #seen = new Map<string, { readonly branch: string; readonly at: Instant }>();

  /** True for a request without To tag that has come by another way: it deserves 482. */
  isMerged(request: SipRequest, now: Instant): boolean {
    this.#forget(now);
    const sequence = request.get(CSeq);
    const tag = request.get(From)?.params.get('tag') ?? '';
    const id = `${request.get(CallId)}\n${tag}\n${sequence?.sequence}\n${sequence?.method}`;
    const branch = request.get(Via)?.params.get('branch') ?? '';
    const known = this.#seen.get(id);
    if (known !== undefined) return known.branch !== branch;
    this.#seen.set(copied(id), { branch: copied(branch), at: now });
    return false;
  }

  #forget(now: Instant): void {
    for (const [id, { at }] of this.#seen) {
      if (now - at < memory && this.#seen.size < maxRemembered) return;
      this.#seen.delete(id);
    }
  }
}
