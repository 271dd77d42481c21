// The named deadlines of one machine. No machine here has more than two at a time, and a busy
// network has many thousands of machines, so they are two pairs of fields and no collection.

import { assert } from '#kernel/errors';
import type { Instant } from '#kernel/time';

export class TimerTable<Name extends string> {
  #first: Name | undefined;
  #firstAt: Instant = 0;
  #second: Name | undefined;
  #secondAt: Instant = 0;

  /** Sets or moves a deadline. */
  set(name: Name, at: Instant): void {
    if (this.#first === name || (this.#first === undefined && this.#second !== name)) {
      this.#first = name;
      this.#firstAt = at;
      return;
    }
    assert(this.#second === undefined || this.#second === name, 'a machine with three timers');
    this.#second = name;
    this.#secondAt = at;
  }

  clear(name: Name): void {
    if (this.#first === name) this.#first = undefined;
    else if (this.#second === name) this.#second = undefined;
  }

  clearAll(): void {
    this.#first = undefined;
    this.#second = undefined;
  }

  /** The earliest deadline. */
  get next(): Instant | undefined {
    if (this.#first === undefined) return this.#second === undefined ? undefined : this.#secondAt;
    return this.#second === undefined || this.#firstAt <= this.#secondAt
      ? this.#firstAt
      : this.#secondAt;
  }

  /** Removes and returns the earliest deadline that has passed. */
  take(now: Instant): Name | undefined {
    const next = this.next;
    if (next === undefined || next > now) return undefined;
    const isFirst = this.#first !== undefined && this.#firstAt === next;
    const name = isFirst ? this.#first : this.#second;
    if (isFirst) this.#first = undefined;
    else this.#second = undefined;
    return name;
  }
}
