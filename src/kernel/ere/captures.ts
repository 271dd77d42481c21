// What the groups of a POSIX extended regular expression matched, in time bounded by text times
// pattern (a Pike machine: threads in order of preference, one per step).

import { compile, type PatternOptions, type Program } from './compile.ts';

interface Thread {
  readonly step: number;
  /** Where each group begins and ends so far; slots 0 and 1 are the whole. */
  readonly slots: readonly number[];
}

export class CapturingEre {
  readonly #program: Program;

  /** Throws PatternError where the text is no pattern. */
  constructor(pattern: string, options: Omit<PatternOptions, 'captures'> = {}) {
    this.#program = compile(pattern, { ...options, captures: true });
  }

  get groups(): number {
    return this.#program.groups;
  }

  /**
   * The whole match and then each group, where the pattern matches: the leftmost, the longest of
   * those (XBD §9.1), and of that the one whose repetitions took most first.
   */
  match(text: string): readonly (string | undefined)[] | undefined {
    const { first } = this.#program;
    let best: readonly number[] | undefined;
    let threads: Thread[] = [];
    for (let at = 0; at <= text.length; at++) {
      const seen = new Set<number>();
      const reading: Thread[] = [];
      for (const thread of threads) this.#follow(thread, at, text.length, seen, reading);
      // whoever begins here comes after all that began before
      if (best === undefined) {
        this.#follow({ step: first, slots: [at] }, at, text.length, seen, reading);
      }
      const code = text.charCodeAt(at);
      threads = [];
      for (const { step: index, slots } of reading) {
        const step = this.#program.steps[index]!;
        if (step.op === 'match') {
          if (best === undefined || slots[0]! < best[0]! || isLonger(slots, best)) best = slots;
        } else if (step.op === 'octet' && code < 256 && step.set[code] === 1) {
          threads.push({ step: step.next, slots });
        }
      }
      threads = threads.filter(({ slots }) => best === undefined || slots[0] === best[0]);
      if (best !== undefined && threads.length === 0) break;
    }
    if (best === undefined) return undefined;
    return Array.from({ length: this.groups + 1 }, (_, group) => {
      const [begin, end] = [best[2 * group], best[2 * group + 1]];
      return begin === undefined || end === undefined ? undefined : text.slice(begin, end);
    });
  }

  /** The steps that read or match, reachable from the thread's, those it prefers first. */
  #follow(from: Thread, at: number, end: number, seen: Set<number>, into: Thread[]): void {
    const pending = [from];
    for (let thread = pending.pop(); thread !== undefined; thread = pending.pop()) {
      const { step: index, slots } = thread;
      if (seen.has(index)) continue;
      seen.add(index);
      const step = this.#program.steps[index]!;
      switch (step.op) {
        case 'octet':
          into.push(thread);
          break;
        case 'match':
          into.push({ step: index, slots: slotted(slots, 1, at) });
          break;
        case 'split':
          for (const to of step.to.toReversed()) pending.push({ step: to, slots });
          break;
        case 'save':
          pending.push({ step: step.next, slots: slotted(slots, step.slot, at) });
          break;
        case 'begin':
          if (at === 0) pending.push({ step: step.next, slots });
          break;
        case 'end':
          if (at === end) pending.push({ step: step.next, slots });
          break;
      }
    }
  }
}

const isLonger = (slots: readonly number[], than: readonly number[]): boolean =>
  slots[0] === than[0] && slots[1]! > than[1]!;

function slotted(slots: readonly number[], slot: number, at: number): number[] {
  const changed = slots.slice();
  changed[slot] = at;
  return changed;
}
