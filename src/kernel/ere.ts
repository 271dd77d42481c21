// POSIX extended regular expressions, in which filter criteria and ENUM rules are written (TS 29.228
// annex B, RFC 3402 §3.2). All alternatives are followed at once, so that matching costs at most text
// times pattern: a peer chooses the text, and a backtracking matcher would let it choose the time.

import { compile, PatternError, type Step } from './ere/compile.ts';

export { PatternError };

/** A compiled pattern. Throws PatternError where the text is none. */
export class Ere {
  readonly #steps: readonly Step[];
  readonly #first: number;

  constructor(pattern: string) {
    const { steps, first } = compile(pattern);
    this.#first = first;
    this.#steps = steps;
  }

  /** Whether the pattern matches anywhere in `text` (one octet per character). */
  test(text: string): boolean {
    const seen = new Int32Array(this.#steps.length).fill(-1);
    let current: number[] = [];
    for (let at = 0; at <= text.length; at++) {
      if (this.#follow(this.#first, at, text.length, seen, current)) return true;
      if (at === text.length) return false;
      const code = text.charCodeAt(at);
      const next: number[] = [];
      for (const index of current) {
        const step = this.#steps[index] as Extract<Step, { op: 'octet' }>;
        if (code > 255 || step.set[code] === 0) continue;
        if (this.#follow(step.next, at + 1, text.length, seen, next)) return true;
      }
      current = next;
    }
    return false;
  }

  /**
   * Puts the octet steps reachable from `from` without reading into `into`; true when the end of
   * the pattern is. `seen` holds the position at which each step was reached last.
   */
  #follow(from: number, at: number, end: number, seen: Int32Array, into: number[]): boolean {
    const pending = [from];
    for (let index = pending.pop(); index !== undefined; index = pending.pop()) {
      if (seen[index] === at) continue;
      seen[index] = at;
      const step = this.#steps[index]!;
      switch (step.op) {
        case 'match':
          return true;
        case 'octet':
          into.push(index);
          break;
        case 'split':
          for (const to of step.to) pending.push(to);
          break;
        case 'save':
          pending.push(step.next);
          break;
        case 'begin':
          if (at === 0) pending.push(step.next);
          break;
        case 'end':
          if (at === end) pending.push(step.next);
          break;
      }
    }
    return false;
  }
}

/** Patterns compiled once; a profile of a million subscribers has a handful. */
const compiled = new Map<string, Ere | undefined>();
const MAX_COMPILED = 1_000;

/** The compiled pattern, or undefined where the text is none: such a condition matches nothing. */
export function ere(pattern: string): Ere | undefined {
  if (compiled.has(pattern)) return compiled.get(pattern);
  let made: Ere | undefined;
  try {
    made = new Ere(pattern);
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
  }
  if (compiled.size >= MAX_COMPILED) compiled.clear();
  compiled.set(pattern, made);
  return made;
}
