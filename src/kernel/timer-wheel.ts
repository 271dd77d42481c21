// One hierarchical timer wheel for everything that waits in a process: a call sets dozens of timers
// and cancels nearly all of them, so setting and cancelling cost the same few steps however many wait.
//
// Six levels of 32 slots over ticks of one millisecond (12 days; later ones wait in a list of their
// own). A timer sits at the level of the highest digit in which its tick differs from the wheel's
// position, so everything on a lower level is due before anything on a higher one. What is due
// within the current tick is ordered by a small heap: by time, then by the order asked for.

import { assert } from './errors.ts';
import { Heap } from './heap.ts';
import type { Instant } from './time.ts';

const BITS = 5;
const SLOTS = 1 << BITS;
const LEVELS = 6;
/** Ticks the levels cover together. */
const SPAN = 2 ** (BITS * LEVELS);

class Slot {
  readonly level: number;
  readonly index: number;
  first: Entry | undefined;

  constructor(level: number, index: number) {
    this.level = level;
    this.index = index;
  }
}

/** A timer in a wheel. */
export interface WheelTimer {
  readonly time: Instant;
  /** The order timers were asked for in. */
  readonly sequence: number;
  /** Forgets the timer; one that `advance` has handed out already will not fire either. */
  cancel(): void;
  /** Fires it unless it was cancelled or has fired. For whoever called `advance`. */
  run(): void;
}

class Entry implements WheelTimer {
  readonly time: Instant;
  readonly sequence: number;
  readonly wheel: TimerWheel;
  fire: (() => void) | undefined;
  waiting = true;
  slot: Slot | undefined;
  previous: Entry | undefined;
  next: Entry | undefined;

  constructor(wheel: TimerWheel, time: Instant, sequence: number, fire: () => void) {
    this.wheel = wheel;
    this.time = time;
    this.sequence = sequence;
    this.fire = fire;
  }

  cancel(): void {
    if (this.fire === undefined) return;
    this.fire = undefined;
    if (this.waiting) this.wheel.remove(this);
  }

  run(): void {
    const fire = this.fire;
    this.fire = undefined;
    fire?.();
  }
}

export class TimerWheel {
  readonly #origin: Instant;
  readonly #onEmpty: () => void;
  /** Whole ticks since the origin up to which everything has been handed out or is in `#near`. */
  #position = 0;
  #sequence = 0;
  #size = 0;
  readonly #near = new Heap<Entry>();
  readonly #slots: Slot[][] = Array.from({ length: LEVELS }, (_, level) =>
    Array.from({ length: SLOTS }, (_, index) => new Slot(level, index)),
  );
  /** Per level, one bit for each slot that holds something. */
  readonly #occupied = new Int32Array(LEVELS);
  readonly #beyond = new Slot(LEVELS, 0);
  /** What `next` found, while it still holds. */
  #earliest: Entry | undefined;

  /** `onEmpty` is called when the last waiting timer was cancelled. */
  constructor(start: Instant, onEmpty: () => void = () => {}) {
    this.#origin = Math.floor(start);
    this.#onEmpty = onEmpty;
  }

  /** Timers that wait. */
  get size(): number {
    return this.#size;
  }

  /** The time of the earliest timer that waits. */
  get next(): Instant | undefined {
    this.#earliest ??= this.#nearest() ?? earliestOf(this.#firstSlot());
    return this.#earliest?.time;
  }

  /** `fire` is due at `time`, or at once when that has passed. */
  insert(time: Instant, fire: () => void): WheelTimer {
    assert(Number.isFinite(time), `a timer at ${time}`);
    const entry = new Entry(this, time, ++this.#sequence, fire);
    if (this.#size === 0 || (this.#earliest !== undefined && time < this.#earliest.time)) {
      this.#earliest = entry;
    }
    this.#size++;
    this.#place(entry);
    return entry;
  }

  /** Moves to `now` and hands out what is due, in order; the caller runs each. */
  advance(now: Instant): readonly WheelTimer[] {
    const target = Math.floor(now - this.#origin);
    while (this.#position < target) {
      const slot = this.#firstSlot();
      const start = slot === undefined ? Number.POSITIVE_INFINITY : this.#startOf(slot);
      this.#position = Math.min(start, target);
      if (start > target) break;
      this.#empty(slot!);
    }
    const due: Entry[] = [];
    for (let entry = this.#nearest(); entry !== undefined; entry = this.#nearest()) {
      if (entry.time > now) break;
      this.#near.pop();
      entry.waiting = false;
      this.#size--;
      due.push(entry);
    }
    if (due.length > 0) this.#earliest = undefined;
    return due;
  }

  /** For the timer's own `cancel`. */
  remove(entry: WheelTimer & { waiting: boolean }): void {
    entry.waiting = false;
    this.#size--;
    if (entry === this.#earliest) this.#earliest = undefined;
    this.#unlink(entry as Entry);
    if (this.#size === 0) this.#onEmpty();
  }

  /** The top of the heap once the cancelled have been dropped from it. */
  #nearest(): Entry | undefined {
    let top = this.#near.top;
    while (top !== undefined && top.fire === undefined) {
      this.#near.pop();
      top = this.#near.top;
    }
    return top;
  }

  #place(entry: Entry): void {
    const tick = Math.floor(entry.time - this.#origin);
    if (tick <= this.#position) {
      this.#near.push(entry);
      return;
    }
    if (Math.floor(tick / SPAN) !== Math.floor(this.#position / SPAN)) {
      link(this.#beyond, entry);
      return;
    }
    const low = tick % SPAN;
    const level = Math.floor((31 - Math.clz32(low ^ (this.#position % SPAN))) / BITS);
    const index = (low >>> (level * BITS)) & (SLOTS - 1);
    link(this.#slots[level]![index]!, entry);
    this.#occupied[level]! |= 1 << index;
  }

  #unlink(entry: Entry): void {
    const slot = entry.slot;
    if (slot === undefined) return; // in the heap, which drops it when it comes up
    if (entry.previous === undefined) slot.first = entry.next;
    else entry.previous.next = entry.next;
    if (entry.next !== undefined) entry.next.previous = entry.previous;
    entry.slot = undefined;
    entry.previous = undefined;
    entry.next = undefined;
    if (slot.first === undefined && slot.level < LEVELS) {
      this.#occupied[slot.level]! &= ~(1 << slot.index);
    }
  }

  /** Every timer in it is due before any in another slot. */
  #firstSlot(): Slot | undefined {
    for (let level = 0; level < LEVELS; level++) {
      const bits = this.#occupied[level]!;
      if (bits !== 0) return this.#slots[level]![31 - Math.clz32(bits & -bits)];
    }
    return this.#beyond.first === undefined ? undefined : this.#beyond;
  }

  /** The first tick that belongs to a slot. */
  #startOf(slot: Slot): number {
    if (slot === this.#beyond) {
      const first = Math.floor(earliestOf(slot)!.time - this.#origin);
      return first - (first % SPAN);
    }
    const low = this.#position % SPAN;
    const shift = slot.level * BITS;
    const above = Math.floor(low / 2 ** (shift + BITS)) * 2 ** (shift + BITS);
    return this.#position - low + above + slot.index * 2 ** shift;
  }

  /** Places a slot's timers anew, each at least one level lower. */
  #empty(slot: Slot): void {
    let entry = slot.first;
    slot.first = undefined;
    if (slot.level < LEVELS) this.#occupied[slot.level]! &= ~(1 << slot.index);
    while (entry !== undefined) {
      const following: Entry | undefined = entry.next;
      entry.slot = undefined;
      entry.previous = undefined;
      entry.next = undefined;
      this.#place(entry);
      entry = following;
    }
  }
}

function link(slot: Slot, entry: Entry): void {
  entry.slot = slot;
  entry.next = slot.first;
  if (slot.first !== undefined) slot.first.previous = entry;
  slot.first = entry;
}

function earliestOf(slot: Slot | undefined): Entry | undefined {
  let earliest = slot?.first;
  for (let entry = earliest?.next; entry !== undefined; entry = entry.next) {
    const before = entry.time - earliest!.time || entry.sequence - earliest!.sequence;
    if (before < 0) earliest = entry;
  }
  return earliest;
}
