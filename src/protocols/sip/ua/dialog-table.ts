// Which dialog a request belongs to: RFC 3261 §12.2.2, and RFC 6665 §4.4.1 for a NOTIFY that comes
// before the response to its SUBSCRIBE.

import { type Dialog, dialogId } from '../dialog.ts';
import { CallId, From, To } from '../headers.ts';
import type { SipRequest } from '../message.ts';
import type { ServerTransaction } from '../server-transaction.ts';

export interface DialogUser {
  readonly dialog: Dialog;
  receive(tx: ServerTransaction): void | Promise<void>;
}

/** Waits for a peer that chooses its tag by its first request. */
export interface HalfDialogUser {
  /** False where the request is not for it. */
  begin(tx: ServerTransaction): boolean;
}

export class DialogTable {
  readonly #users = new Map<string, DialogUser>();
  readonly #halves = new Map<string, HalfDialogUser>();

  add(user: DialogUser): void {
    this.#users.set(user.dialog.id, user);
  }

  remove(user: DialogUser): void {
    const { id } = user.dialog;
    if (this.#users.get(id) === user) this.#users.delete(id);
  }

  addHalf(callId: string, localTag: string, user: HalfDialogUser): void {
    this.#halves.set(halfId(callId, localTag), user);
  }

  removeHalf(callId: string, localTag: string): void {
    this.#halves.delete(halfId(callId, localTag));
  }

  find(request: SipRequest): DialogUser | undefined {
    const ids = idsOf(request);
    return this.#users.get(dialogId(ids.callId, ids.localTag, ids.remoteTag));
  }

  findHalf(request: SipRequest): HalfDialogUser | undefined {
    const { callId, localTag } = idsOf(request);
    return this.#halves.get(halfId(callId, localTag));
  }

  get size(): number {
    return this.#users.size;
  }
}

const halfId = (callId: string, localTag: string): string => `${callId}\n${localTag}`;

/** As the receiver of a request sees them. */
function idsOf(request: SipRequest): { callId: string; localTag: string; remoteTag: string } {
  return {
    callId: request.get(CallId) ?? '',
    localTag: request.get(To)?.params.get('tag') ?? '',
    remoteTag: request.get(From)?.params.get('tag') ?? '',
  };
}
