// The named deadlines of one machine: a handful at most, so two short arrays beat any map.

import type { Instant } from '#kernel/time';

export class TimerTable<Name extends string> {
  readonly #names: Name[] = [];
  readonly #instants: Instant[] = [];

  /** Sets or moves a deadline. */
  set(name: Name, at: Instant): void {
    const index = this.#names.indexOf(name);
    if (index >= 0) {
      this.#instants[index] = at;
      return;
    }
    this.#names.push(name);
    this.#instants.push(at);
  }

  clear(name: Name): void {
    const index = this.#names.indexOf(name);
    if (index >= 0) this.#remove(index);
  }

  clearAll(): void {
    this.#names.length = 0;
    this.#instants.length = 0;
  }

  has(name: Name): boolean {
    return this.#names.includes(name);
  }

  /** The earliest deadline. */
  get next(): Instant | undefined {
    let earliest: Instant | undefined;
    for (const at of this.#instants) if (earliest === undefined || at < earliest) earliest = at;
    return earliest;
  }

  /** Removes and returns the earliest deadline that has passed; of equals, the one set first. */
  take(now: Instant): Name | undefined {
    let chosen = -1;
    let earliest = now;
    for (let index = 0; index < this.#instants.length; index++) {
      const at = this.#instants[index]!;
      if (at < earliest || (chosen < 0 && at === earliest)) {
        chosen = index;
        earliest = at;
      }
    }
    if (chosen < 0) return undefined;
    const name = this.#names[chosen]!;
    this.#remove(chosen);
    return name;
  }

  #remove(index: number): void {
    this.#names.splice(index, 1);
    this.#instants.splice(index, 1);
  }
}
