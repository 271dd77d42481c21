// Links inside this process: the message object itself is handed over, in order, in a later turn of
// the loop, never in the sender's call stack. Both hosts use this bus, so that a function meets the
// same order and the same endings on sockets and in simulated time.
//
// Every hand-over is one `clock.soon` of its own, taken from one queue for the whole bus: the
// promises that one message moves settle before the next is handed over, as they do on a socket, and
// messages of different links keep the order they were sent in.

import { deepFreeze } from './deep-freeze.ts';
import { AddressError, assert } from './errors.ts';
import type { Address, Clock, Codec, Listener } from './host.ts';
import type { Pipe } from './pipe.ts';

/**
 * `local` hands over the object that was sent. `checked` encodes it, decodes that, demands that the
 * decoded message encodes to the same octets, freezes both and hands over the decoded one, so that a
 * local hop can hide no codec and no function that changes what it sent.
 */
export type LinkMode = 'local' | 'checked';

export interface LocalBusOptions {
  readonly mode?: LinkMode;
  /** Messages that may be on their way in one direction of one link. Default 65 536. */
  readonly bound?: number;
  /** The address an instance would have on the wire, for the trace. */
  readonly addressOf?: (instance: string) => Address | undefined;
}

interface Service {
  readonly instance: string;
  readonly accept: (pipe: Pipe<object>) => void;
}

const NOWHERE: Address = { host: '127.0.0.1', port: 0 };

export class LocalBus {
  readonly mode: LinkMode;
  readonly bound: number;
  readonly #clock: Clock;
  readonly #addressOf: (instance: string) => Address | undefined;
  readonly #services = new Map<string, Service>();
  /** Hand-overs asked for and not yet made; `#head` is the first. */
  #events: (() => void)[] = [];
  #head = 0;

  constructor(clock: Clock, options: LocalBusOptions = {}) {
    this.#clock = clock;
    this.mode = options.mode ?? 'local';
    this.bound = options.bound ?? 65_536;
    this.#addressOf = options.addressOf ?? (() => undefined);
  }

  /**
   * Serves the links that others dial under `name`. Closing the listener refuses new links and
   * leaves the open ones. Throws AddressError when somebody serves the name already.
   */
  serve<M extends object>(
    instance: string,
    name: string,
    accept: (pipe: Pipe<M>) => void,
  ): Listener {
    const other = this.#services.get(name);
    if (other !== undefined) {
      const detail = `'${other.instance}' serves local links of this name`;
      throw new AddressError('in use', { host: name, port: 0 }, detail);
    }
    const service: Service = { instance, accept: pipe => accept(pipe as unknown as Pipe<M>) };
    this.#services.set(name, service);
    return {
      local: this.addressOf(instance),
      close: () => {
        if (this.#services.get(name) === service) this.#services.delete(name);
      },
    };
  }

  /** The dialling end; both ends use its codec where links are checked. */
  dial<M extends object>(instance: string, name: string, codec: Codec<M>): Pipe<M> {
    const near = new End<M>(this, codec, instance);
    this.later(() => {
      const service = this.#services.get(name);
      if (near.isClosed) return;
      if (service === undefined) {
        near.finish('refused');
        return;
      }
      const far = new End<M>(this, codec, service.instance);
      near.join(far);
      far.join(near);
      service.accept(far as unknown as Pipe<object>);
      near.onOpen();
    });
    return near;
  }

  addressOf(instance: string | undefined): Address {
    return (instance === undefined ? undefined : this.#addressOf(instance)) ?? NOWHERE;
  }

  /** Queues one hand-over. */
  later(event: () => void): void {
    this.#events.push(event);
    this.#clock.soon(this.#handOver);
  }

  readonly #handOver = (): void => {
    const event = this.#events[this.#head]!;
    this.#head++;
    if (this.#head === this.#events.length) {
      this.#events = [];
      this.#head = 0;
    } else if (this.#head === 4096) {
      this.#events.splice(0, 4096); // so that a bus that is never idle does not keep all it carried
      this.#head = 0;
    }
    event();
  };
}

class End<M extends object> implements Pipe<M> {
  readonly protocol = 'local';
  readonly #bus: LocalBus;
  readonly #codec: Codec<M>;
  readonly #instance: string;
  #other: End<M> | undefined;
  /** 'closing': closed by this end, whose owner has still to be told. */
  #state: 'open' | 'closing' | 'closed' = 'open';
  /** Sent by this end and not yet handed over. */
  #onTheWay = 0;

  onMessage: (message: M) => void = () => {};
  onOpen: () => void = () => {};
  onClosed: (reason: string) => void = () => {};

  constructor(bus: LocalBus, codec: Codec<M>, instance: string) {
    this.#bus = bus;
    this.#codec = codec;
    this.#instance = instance;
  }

  get local(): Address {
    return this.#bus.addressOf(this.#instance);
  }

  get remote(): Address {
    return this.#bus.addressOf(this.remoteName);
  }

  get remoteName(): string | undefined {
    return this.#other === undefined ? undefined : this.#other.#instance;
  }

  get isClosed(): boolean {
    return this.#state !== 'open';
  }

  join(other: End<M>): void {
    this.#other = other;
  }

  send(message: M): void {
    if (this.#state !== 'open') return;
    const carried = this.#bus.mode === 'checked' ? checked(message, this.#codec) : message;
    if (this.#onTheWay >= this.#bus.bound) {
      this.close('overflow');
      return;
    }
    this.#onTheWay++;
    this.#bus.later(() => {
      this.#onTheWay--;
      const other = this.#other;
      if (other !== undefined && !other.isClosed) other.onMessage(carried);
    });
  }

  /** What was sent before still arrives; then the other end closes, for the same reason. */
  close(reason = 'closed'): void {
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    this.#bus.later(() => {
      this.finish(reason);
      if (this.#other !== undefined && !this.#other.isClosed) this.#other.finish(reason);
    });
  }

  finish(reason: string): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.onClosed(reason);
  }
}

function checked<M extends object>(message: M, codec: Codec<M>): M {
  const octets = codec.encode(message);
  const decoded = codec.decode(octets);
  const again = codec.encode(decoded);
  let at = 0;
  while (at < octets.length && octets[at] === again[at]) at++;
  assert(
    at === octets.length && at === again.length,
    `a message changed on its way through its codec, at octet ${at}`,
  );
  deepFreeze(message);
  return deepFreeze(decoded);
}
