// An ACK to a 2xx. It is no transaction, but procedures meet it where they meet requests.

import { assert } from '#kernel/errors';
import type { Clock } from '#kernel/host';
import type { Instant } from '#kernel/time';
import type { SipRequest } from './message.ts';
import type { ServerTransaction } from './server-transaction.ts';
import type { Link } from './transport/link.ts';

export class AckTransaction implements ServerTransaction {
  readonly request: SipRequest;
  readonly flow: Link;
  readonly answered = false;
  readonly cancelled = undefined;
  readonly localTag = '';
  onCancel: undefined;
  onAck: undefined;
  onTimeout: undefined;
  readonly #clock: Clock;

  constructor(clock: Clock, request: SipRequest, flow: Link) {
    this.#clock = clock;
    this.request = request;
    this.flow = flow;
  }

  get now(): Instant {
    return this.#clock.now();
  }

  respond(): void {
    assert(false, 'an ACK is never answered (RFC 3261 §17)');
  }

  reply(): void {
    this.respond();
  }
}
