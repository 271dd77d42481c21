// While a simulated event runs, and until the promises it moved have settled, real time and real
// chance throw: whatever reached them would make the same seed give another trace.

export class OutsideSimulation extends Error {
  override readonly name: string = 'OutsideSimulation';

  constructor(what: string) {
    super(`${what} reaches outside the simulation; use the host's clock, network and random`);
  }
}

/** Taken before any guard is set, so that the simulation itself can turn the event loop. */
export const laterTurn: (callback: () => void) => void = setImmediate;

const FUNCTIONS = ['setTimeout', 'setInterval', 'setImmediate', 'fetch', 'Worker'] as const;

/**
 * Guards that are set for the length of a run and bite only while `active`: between the turns of a
 * simulation the rest of the process (a server, a test runner) goes on as ever.
 */
export class Guards {
  active = false;
  readonly #restore: (() => void)[] = [];

  set(): void {
    for (const name of FUNCTIONS) this.#guard(globalThis, name, name);
    this.#guard(Math, 'random', 'Math.random');
    this.#guard(Date, 'now', 'Date.now');
    this.#guard(performance, 'now', 'performance.now');
    this.#guard(crypto, 'getRandomValues', 'crypto.getRandomValues');
    this.#guard(crypto, 'randomUUID', 'crypto.randomUUID');
    this.#guardSubtle();
    this.#guardDate();
  }

  /** Takes all guards away again. */
  remove(): void {
    this.active = false;
    for (const restore of this.#restore.splice(0).reverse()) restore();
  }

  #guard(object: object, key: string, name: string): void {
    const original: unknown = Reflect.get(object, key);
    const isActive = () => this.active;
    const guarded = function (this: unknown, ...args: unknown[]): unknown {
      if (isActive()) throw new OutsideSimulation(name);
      if (typeof original !== 'function') throw new TypeError(`${name} is not a function`);
      return new.target === undefined
        ? Reflect.apply(original, this, args)
        : Reflect.construct(original, args);
    };
    if (typeof original === 'function') {
      Object.defineProperties(guarded, Object.getOwnPropertyDescriptors(original));
    }
    this.#replace(object, key, { value: guarded, writable: true });
  }

  #guardSubtle(): void {
    const subtle = crypto.subtle;
    const get = (): typeof subtle => {
      if (this.active) throw new OutsideSimulation('crypto.subtle');
      return subtle;
    };
    this.#replace(crypto, 'subtle', { get });
  }

  /** `new Date(instant)` is arithmetic and stays; `new Date()` reads the clock. */
  #guardDate(): void {
    const wallClock = (): void => {
      if (this.active) throw new OutsideSimulation('new Date()');
    };
    const guarded = new Proxy(Date, {
      construct(target, args, self) {
        if (args.length === 0) wallClock();
        return Reflect.construct(target, args, self);
      },
      apply(target, self, args) {
        wallClock();
        return Reflect.apply(target, self, args);
      },
    });
    this.#replace(globalThis, 'Date', { value: guarded, writable: true });
  }

  #replace(object: object, key: string, descriptor: PropertyDescriptor): void {
    const before = Object.getOwnPropertyDescriptor(object, key);
    Object.defineProperty(object, key, { ...descriptor, configurable: true, enumerable: false });
    this.#restore.push(() => {
      if (before === undefined) Reflect.deleteProperty(object, key);
      else Object.defineProperty(object, key, before);
    });
  }
}
