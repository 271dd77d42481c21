// The UE's user agent: one that knows while a PRACK of its own is under way. What is sent meanwhile
// has the next CSeq, and should the PRACK be lost, its repetition comes too late to count (RFC 3261
// §12.2.2); the flows of TS 24.229 wait for its answer, so whoever sends an UPDATE asks here first.

import type { Dialog } from '#sip/dialog';
import type { Edit } from '#sip/message';
import { type Exchange, UserAgent } from '#sip/user-agent';

export class CallAgent extends UserAgent {
  readonly #pracks = new Map<Dialog, Promise<void>>();

  override inDialog(dialog: Dialog, method: string, edits: readonly Edit[]): Exchange {
    const exchange = super.inDialog(dialog, method, edits);
    if (method !== 'PRACK') return exchange;
    const answered = new Promise<void>(resolve => {
      exchange.onResponse = response => {
        if (response.status < 200) return;
        if (this.#pracks.get(dialog) === answered) this.#pracks.delete(dialog);
        resolve();
      };
    });
    this.#pracks.set(dialog, answered);
    return exchange;
  }

  /** Resolves when no PRACK of that dialog waits for its answer. */
  async pracked(dialog: Dialog): Promise<void> {
    for (let prack = this.#pracks.get(dialog); prack !== undefined; ) {
      await prack;
      prack = this.#pracks.get(dialog);
    }
  }
}
