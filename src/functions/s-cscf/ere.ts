// POSIX extended regular expressions, in which filter criteria are written (TS 29.228 annex B,
// IEEE 1003.1 XBD §9.4). All alternatives are followed at once, so that matching costs at most text
// times pattern: a UE chooses the text, and a backtracking matcher would let it choose the time.

/** Instructions; `next` is the one that follows. */
type Step =
  | { readonly op: 'octet'; readonly set: Uint8Array; next: number }
  | { readonly op: 'split'; readonly to: number[] }
  | { readonly op: 'begin' | 'end'; next: number }
  | { readonly op: 'match' };

const MAX_STEPS = 4_000;
/** RE_DUP_MAX of IEEE 1003.1. */
const MAX_REPEAT = 255;
const MAX_NESTING = 50;

export class PatternError extends Error {
  override readonly name: string = 'PatternError';
}

/** A part of a program under construction: where it begins and what leaves it. */
interface Part {
  readonly first: number;
  /** Sets where the part leads. */
  readonly leads: readonly ((to: number) => void)[];
}

class Compiler {
  readonly steps: Step[] = [];
  readonly #text: string;
  #at = 0;
  #nesting = 0;

  constructor(text: string) {
    this.#text = text;
  }

  compile(): number {
    const whole = this.#alternatives();
    const match = this.#add({ op: 'match' });
    for (const lead of whole.leads) lead(match);
    return whole.first;
  }

  #add(step: Step): number {
    if (this.steps.length >= MAX_STEPS) throw new PatternError('the pattern is too long');
    return this.steps.push(step) - 1;
  }

  #alternatives(): Part {
    const branches = [this.#branch()];
    while (this.#text[this.#at] === '|') {
      this.#at++;
      branches.push(this.#branch());
    }
    if (branches.length === 1) return branches[0]!;
    const first = this.#add({ op: 'split', to: branches.map(branch => branch.first) });
    return { first, leads: branches.flatMap(branch => branch.leads) };
  }

  #branch(): Part {
    let whole: Part | undefined;
    while (this.#at < this.#text.length && this.#text[this.#at] !== '|') {
      if (this.#text[this.#at] === ')' && this.#nesting > 0) break;
      const start = this.#at;
      const part = this.#repeated(this.#atom(), start);
      if (whole === undefined) whole = part;
      else {
        for (const lead of whole.leads) lead(part.first);
        whole = { first: whole.first, leads: part.leads };
      }
    }
    return whole ?? this.#nothing();
  }

  #nothing(): Part {
    const to: number[] = [];
    return { first: this.#add({ op: 'split', to }), leads: [next => to.push(next)] };
  }

  #repeated(part: Part, start: number): Part {
    let whole = part;
    for (;;) {
      const end = this.#at;
      const bounds = this.#bounds();
      if (bounds === undefined) return whole;
      whole = this.#times(whole, bounds, start, end);
    }
  }

  /** `*`, `+`, `?` or an interval, if one stands here. */
  #bounds(): { min: number; max: number } | undefined {
    switch (this.#text[this.#at]) {
      case '*':
        this.#at++;
        return { min: 0, max: Number.POSITIVE_INFINITY };
      case '+':
        this.#at++;
        return { min: 1, max: Number.POSITIVE_INFINITY };
      case '?':
        this.#at++;
        return { min: 0, max: 1 };
      case '{': {
        const interval = /^\{(\d{1,3})(,(\d{0,3}))?\}/.exec(this.#text.slice(this.#at));
        if (interval === null) throw new PatternError('an interval is malformed');
        this.#at += interval[0].length;
        const min = Number(interval[1]);
        const max =
          interval[2] === undefined
            ? min
            : interval[3] === ''
              ? Number.POSITIVE_INFINITY
              : Number(interval[3]);
        if (
          min > MAX_REPEAT ||
          (max > MAX_REPEAT && max !== Number.POSITIVE_INFINITY) ||
          max < min
        ) {
          throw new PatternError('an interval is out of bounds');
        }
        return { min, max };
      }
      default:
        return undefined;
    }
  }

  /** The part `min` to `max` times; copies of it are compiled from its text again. */
  #times(part: Part, bounds: { min: number; max: number }, start: number, end: number): Part {
    const { min, max } = bounds;
    const after = this.#at;
    const again = (): Part => {
      this.#at = start;
      let copy = this.#atom();
      while (this.#at < end) {
        const from = this.#at;
        copy = this.#times(copy, this.#bounds()!, start, from);
      }
      return copy;
    };
    let whole: Part | undefined;
    let unused: Part | undefined = part;
    const take = (): Part => {
      const copy = unused ?? again();
      unused = undefined;
      return copy;
    };
    const append = (next: Part): void => {
      if (whole === undefined) whole = next;
      else {
        for (const lead of whole.leads) lead(next.first);
        whole = { first: whole.first, leads: next.leads };
      }
    };

    for (let i = 0; i < min; i++) append(take());
    if (max === Number.POSITIVE_INFINITY) {
      const body = take();
      const to = [body.first];
      const loop = this.#add({ op: 'split', to });
      for (const lead of body.leads) lead(loop);
      append({ first: loop, leads: [next => to.push(next)] });
    } else {
      for (let i = min; i < max; i++) {
        const body = take();
        const to = [body.first];
        const option = this.#add({ op: 'split', to });
        append({ first: option, leads: [next => to.push(next), ...body.leads] });
      }
    }
    this.#at = after;
    return whole ?? this.#nothing();
  }

  #atom(): Part {
    const character = this.#text[this.#at++]!;
    switch (character) {
      case '(': {
        if (++this.#nesting > MAX_NESTING) throw new PatternError('groups nest too deep');
        const inside = this.#alternatives();
        if (this.#text[this.#at++] !== ')') throw new PatternError("'(' without ')'");
        this.#nesting--;
        return inside;
      }
      case '*':
      case '+':
      case '?':
      case '{':
        throw new PatternError(`'${character}' repeats nothing`);
      case '^':
      case '$': {
        const step: Step = { op: character === '^' ? 'begin' : 'end', next: -1 };
        return { first: this.#add(step), leads: [next => (step.next = next)] };
      }
      case '.':
        return this.#octet(new Uint8Array(256).fill(1));
      case '[':
        return this.#octet(this.#bracket());
      case '\\':
        return this.#octet(this.#escaped());
      default:
        return this.#octet(only(character));
    }
  }

  #octet(set: Uint8Array): Part {
    const step: Step = { op: 'octet', set, next: -1 };
    return { first: this.#add(step), leads: [next => (step.next = next)] };
  }

  /** POSIX gives meaning to escaped special characters alone; profiles in the wild have \d too. */
  #escaped(): Uint8Array {
    const character = this.#text[this.#at++];
    if (character === undefined) throw new PatternError("a '\\' at the end");
    switch (character) {
      case 'd':
        return classes.digit;
      case 's':
        return classes.space;
      case 'w':
        return union(classes.alnum, only('_'));
      default:
        return only(character);
    }
  }

  #bracket(): Uint8Array {
    const set = new Uint8Array(256);
    const negated = this.#text[this.#at] === '^';
    if (negated) this.#at++;
    const start = this.#at;
    for (;;) {
      const character = this.#text[this.#at];
      if (character === undefined) throw new PatternError("'[' without ']'");
      if (character === ']' && this.#at > start) break;
      const named = /^\[:([a-z]+):\]/.exec(this.#text.slice(this.#at, this.#at + 12));
      if (named !== null) {
        const members = classes[named[1] as keyof typeof classes];
        if (members === undefined) throw new PatternError(`no class ${named[0]}`);
        for (let i = 0; i < 256; i++) set[i]! |= members[i]!;
        this.#at += named[0].length;
        continue;
      }
      const low = character.charCodeAt(0);
      let high = low;
      this.#at++;
      const upper = this.#text[this.#at + 1];
      if (this.#text[this.#at] === '-' && upper !== undefined && upper !== ']') {
        high = upper.charCodeAt(0);
        this.#at += 2;
      }
      if (high < low || high > 255) throw new PatternError('a range is out of order');
      set.fill(1, low, high + 1);
    }
    this.#at++;
    return negated ? set.map(bit => 1 - bit) : set;
  }
}

function only(character: string): Uint8Array {
  const set = new Uint8Array(256);
  const code = character.charCodeAt(0);
  if (code < 256) set[code] = 1;
  return set;
}

const union = (a: Uint8Array, b: Uint8Array): Uint8Array => a.map((bit, i) => bit | b[i]!);

function range(...bounds: readonly string[]): Uint8Array {
  const set = new Uint8Array(256);
  for (const text of bounds) set.fill(1, text.charCodeAt(0), text.charCodeAt(1) + 1);
  return set;
}

const classes = {
  alnum: range('09', 'AZ', 'az'),
  alpha: range('AZ', 'az'),
  blank: range('  ', '\t\t'),
  cntrl: range('\x00\x1f', '\x7f\x7f'),
  digit: range('09'),
  graph: range('!~'),
  lower: range('az'),
  print: range(' ~'),
  punct: range('!/', ':@', '[`', '{~'),
  space: range('  ', '\t\r'),
  upper: range('AZ'),
  xdigit: range('09', 'AF', 'af'),
};

/** A compiled pattern. Throws PatternError where the text is none. */
export class Ere {
  readonly #steps: readonly Step[];
  readonly #first: number;

  constructor(pattern: string) {
    const compiler = new Compiler(pattern);
    this.#first = compiler.compile();
    this.#steps = compiler.steps;
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
