// The named deadlines of a machine. The host calls the machine when the earliest has come.

import type { Instant } from '#kernel/time';

export class Timers<Name extends string> {
  readonly #deadlines = new Map<Name, Instant>();

  set(name: Name, deadline: Instant): void {
    this.#deadlines.set(name, deadline);
  }

  clear(...names: readonly Name[]): void {
    for (const name of names) this.#deadlines.delete(name);
  }

  /** The earliest deadline. */
  get next(): Instant | undefined {
    let next: Instant | undefined;
    for (const deadline of this.#deadlines.values()) {
      if (next === undefined || deadline < next) next = deadline;
    }
    return next;
  }

  /** Takes one timer that has come, the earliest first. */
  take(now: Instant): Name | undefined {
    let due: Name | undefined;
    let at = now;
    for (const [name, deadline] of this.#deadlines) {
      if (deadline < at || (deadline === at && due === undefined)) [due, at] = [name, deadline];
    }
    if (due !== undefined) this.#deadlines.delete(due);
    return due;
  }
}
