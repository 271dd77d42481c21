// What the checks of the host suite share.

import type { Address, Endpoint, Host, StreamOptions, StreamProtocol } from '../host.ts';

/** One network of fresh hosts; each test makes its own. */
export interface SuiteWorld {
  /** An instance's host; the same one for the same name. */
  host(name: string): Host;
  /** Lets the world go on until `work` has settled. */
  run<T>(work: Promise<T>): Promise<T>;
  close(): Promise<void> | void;
  /** What both ends of a secured stream need. */
  options?(protocol: StreamProtocol): StreamOptions;
}

export interface SuiteSetting {
  readonly links: 'local' | 'checked';
  /** What the composition knows of names. */
  readonly names: Readonly<Record<string, readonly Endpoint[]>>;
}

/** Adds one check to the suite, run in a world of its own. */
export type Check = (
  name: string,
  body: (world: SuiteWorld) => Promise<void>,
  setting?: Partial<SuiteSetting>,
) => void;

export const ANY: Address = { host: '127.0.0.1', port: 0 };
export const text = (octets: Uint8Array) => Buffer.from(octets).toString();
export const octets = (of: string) => Buffer.from(of);

/** Collects what happens and waits until so much has happened. */
export function collector<T>() {
  const items: T[] = [];
  let wake = () => {};
  return {
    items,
    add(item: T) {
      items.push(item);
      wake();
    },
    async until(isEnough: (items: readonly T[]) => boolean) {
      while (!isEnough(items)) {
        await new Promise<void>(resolve => {
          wake = resolve;
        });
      }
      return items;
    },
    count(count: number) {
      return this.until(items => items.length >= count);
    },
  };
}
