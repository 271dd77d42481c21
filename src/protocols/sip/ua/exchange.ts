// One request of ours as its sender sees it: sent again with credentials where it is challenged
// (RFC 3261 §8.1.3.5, §22.2), so that only the answer to the whole is of interest.

import type { ClientTransaction } from '../client-transaction.ts';
import type { SipEndpoint } from '../endpoint.ts';
import type { Target } from '../flow.ts';
import { isGenerated } from '../generated.ts';
import type { Edit, SipRequest, SipResponse } from '../message.ts';
import type { SendOptions } from './options.ts';

/** The first challenge, a stale nonce, an AKA resynchronisation, and no more. */
const maxChallenges = 3;

export interface ExchangeHost {
  readonly endpoint: SipEndpoint;
  authorise(challenge: SipResponse, request: SipRequest): readonly Edit[] | undefined;
  targetFor(request: SipRequest): Target;
}

export class Exchange {
  /** As sent last. */
  request: SipRequest;
  /** Every response but 100 and the challenges that are answered; copies of a 2xx too. */
  onResponse: (response: SipResponse) => void = () => {};
  readonly #host: ExchangeHost;
  readonly #make: (extra: readonly Edit[]) => SipRequest;
  readonly #options: SendOptions;
  #transaction: ClientTransaction;
  #challenges = 0;
  #cancelled: readonly Edit[] | undefined;
  #final: SipResponse | undefined;
  #promise: Promise<SipResponse> | undefined;
  #resolve: ((response: SipResponse) => void) | undefined;

  /** `make` gives the request; for a second try with a new CSeq and what it is handed. */
  constructor(
    host: ExchangeHost,
    make: (extra: readonly Edit[]) => SipRequest,
    options: SendOptions = {},
  ) {
    this.#host = host;
    this.#make = make;
    this.#options = options;
    this.request = make([]);
    this.#transaction = this.#send();
  }

  get final(): Promise<SipResponse> {
    if (this.#final !== undefined) return Promise.resolve(this.#final);
    this.#promise ??= new Promise(resolve => {
      this.#resolve = resolve;
    });
    return this.#promise;
  }

  /** Sends the request once more, changed: the refusal said how. */
  again(edits: readonly Edit[]): void {
    this.#final = undefined;
    this.#promise = undefined;
    this.request = this.#make(edits);
    this.#transaction = this.#send();
  }

  cancel(reason: readonly Edit[] = []): void {
    this.#cancelled = reason;
    this.#transaction.cancel(reason);
  }

  #send(): ClientTransaction {
    const target = this.#options.target ?? this.#host.targetFor(this.request);
    const { timeout } = this.#options;
    const transaction = this.#host.endpoint.request(
      this.request,
      target,
      timeout === undefined ? {} : { timeout },
    );
    transaction.onResponse = response => {
      if (transaction === this.#transaction) this.#received(response);
    };
    return transaction;
  }

  #received(response: SipResponse): void {
    const { status } = response;
    if (status === 100) return;
    if ((status === 401 || status === 407) && this.#retry(response)) return;
    if (status >= 200 && this.#final === undefined) {
      this.#final = response;
      this.#resolve?.(response);
    }
    this.onResponse(response);
  }

  #retry(challenge: SipResponse): boolean {
    if (isGenerated(challenge) || this.#cancelled !== undefined) return false;
    if (this.#challenges === maxChallenges) return false;
    const edits = this.#host.authorise(challenge, this.request);
    if (edits === undefined) return false;
    this.#challenges++;
    this.again(edits);
    return true;
  }
}
