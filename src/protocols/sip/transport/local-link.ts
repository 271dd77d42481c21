// SIP between two functions of one process: the message objects themselves cross.

import type { Address } from '#kernel/host';
import type { Pipe } from '#kernel/pipe';
import type { SipMessage } from '../message.ts';
import { Link, type LinkOwner, type LinkSettings } from './link.ts';

export class LocalLink extends Link {
  readonly protocol = 'local';
  readonly id: string;
  readonly #pipe: Pipe<SipMessage>;

  constructor(
    owner: LinkOwner,
    settings: LinkSettings,
    pipe: Pipe<SipMessage>,
    serial: number,
    dialled: boolean,
  ) {
    super(owner, settings);
    this.#pipe = pipe;
    this.id = `local|${serial}`;
    pipe.onMessage = message => owner.received(message, this);
    pipe.onClosed = reason => this.ended(reason);
    if (!dialled) return;
    this.opening();
    pipe.onOpen = () => this.opened();
  }

  get local(): Address {
    return this.#pipe.local;
  }

  get remote(): Address {
    return this.#pipe.remote;
  }

  override get remoteName(): string | undefined {
    return this.#pipe.remoteName;
  }

  protected transmit(message: SipMessage): void {
    this.#pipe.send(message);
  }

  close(reason: string): void {
    if (this.closed) return;
    this.#pipe.close(reason);
    this.ended(reason);
  }
}
