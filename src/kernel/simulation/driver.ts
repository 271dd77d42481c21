// The loop of a simulation: between two events every promise settles, and while an event has its
// consequences the guards bite.

import type { Instant } from '../time.ts';
import { observeWaits, type WaitObserver } from '../waits.ts';
import type { EventQueue } from './events.ts';
import { Guards, laterTurn } from './guards.ts';

export interface Driven {
  advance(now: Instant): void;
  /** Before each event, and when the run is over. */
  betweenEvents(): void;
  /** Only timers are left to wait for, or nothing: what could be wrong about that. */
  problemAtRest(): string | undefined;
  fail(what: string, cause?: unknown): Error;
}

/** Why the loop came to its end. */
export type Outcome = 'stopped' | 'idle' | 'limit';

/** Events in turns of one pass of the real event loop: each turn ends when its promises settled. */
const TURNS_PER_PASS = 32;
/** More than this at one instant is a loop that never ends. */
const EVENTS_PER_INSTANT = 1_000_000;

export class Driver {
  readonly #queue: EventQueue;
  readonly #driven: Driven;
  readonly #observer: WaitObserver;
  #driving = false;
  #instant: Instant | undefined;
  #eventsAtInstant = 0;
  #aborted: Error | undefined;

  constructor(queue: EventQueue, observer: WaitObserver, driven: Driven) {
    this.#queue = queue;
    this.#observer = observer;
    this.#driven = driven;
  }

  /** Ends the present or the next run with `error`. */
  abort(error: Error): void {
    this.#aborted ??= error;
  }

  async drive(limit: Instant, isDone: () => boolean): Promise<Outcome> {
    if (this.#driving) throw new Error('the simulation is running already');
    this.#driving = true;
    const guards = new Guards();
    guards.set();
    const observerBefore = observeWaits(this.#observer);
    try {
      return await this.#loop(limit, isDone, guards);
    } finally {
      guards.remove();
      observeWaits(observerBefore);
      this.#driven.betweenEvents();
      this.#driving = false;
    }
  }

  #loop(limit: Instant, isDone: () => boolean, guards: Guards): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      let over = false;
      let turnsLeft = 0;
      const finish = (outcome: () => void) => {
        over = true;
        guards.active = false;
        outcome();
      };
      const pass = () => {
        turnsLeft = TURNS_PER_PASS;
        for (let turn = 0; turn < TURNS_PER_PASS; turn++) laterTurn(takeTurn);
      };
      const takeTurn = () => {
        if (over) return;
        turnsLeft--;
        try {
          const outcome = this.#turn(limit, isDone, guards, turnsLeft === 0);
          if (outcome !== undefined) finish(() => resolve(outcome));
          else if (turnsLeft === 0) pass();
        } catch (error) {
          finish(() => reject(error));
        }
      };
      pass();
    });
  }

  /** One event, or the end. The last turn of a pass only takes the guards off. */
  #turn(
    limit: Instant,
    isDone: () => boolean,
    guards: Guards,
    isLast: boolean,
  ): Outcome | undefined {
    guards.active = false;
    this.#throwIfAborted();
    if (isDone()) return 'stopped';
    if (isLast) return undefined;
    this.#checkAtRest();
    const event = this.#queue.take(limit);
    if (event === undefined) return this.#queue.next === undefined ? 'idle' : 'limit';
    this.#countAt(event.time);
    this.#driven.advance(event.time);
    this.#driven.betweenEvents();
    guards.active = true;
    try {
      event.fire();
    } catch (error) {
      throw this.#driven.fail(`an event threw: ${messageOf(error)}`, error);
    }
    return undefined;
  }

  #checkAtRest(): void {
    const { next, inFlight } = this.#queue;
    if (inFlight > 0 || next === this.#instant) return;
    const problem = this.#driven.problemAtRest();
    if (problem !== undefined) throw this.#driven.fail(problem);
  }

  #countAt(time: Instant): void {
    if (time !== this.#instant) {
      this.#instant = time;
      this.#eventsAtInstant = 0;
    }
    if (++this.#eventsAtInstant > EVENTS_PER_INSTANT) {
      throw this.#driven.fail(`time stands still: ${EVENTS_PER_INSTANT} events at one instant`);
    }
  }

  #throwIfAborted(): void {
    const aborted = this.#aborted;
    this.#aborted = undefined;
    if (aborted !== undefined) throw aborted;
  }
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
