// From a POSIX extended regular expression (IEEE 1003.1 XBD §9.4) to the steps that match it.

/** Instructions; `next` is the one that follows. Of a split's ways the first is preferred. */
export type Step =
  | { readonly op: 'octet'; readonly set: Uint8Array; next: number }
  | { readonly op: 'save'; readonly slot: number; next: number }
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

export interface PatternOptions {
  /** Letters of either case match each other. Default no. */
  readonly ignoreCase?: boolean;
  /** What groups matched is noted. Default no. */
  readonly captures?: boolean;
}

export interface Program {
  readonly steps: readonly Step[];
  readonly first: number;
  /** How many groups are captured. */
  readonly groups: number;
}

/** Throws PatternError where the text is no pattern. */
export function compile(pattern: string, options: PatternOptions = {}): Program {
  const compiler = new Compiler(pattern, options);
  return { first: compiler.compile(), steps: compiler.steps, groups: compiler.groups };
}

class Compiler {
  readonly steps: Step[] = [];
  readonly #text: string;
  readonly #options: PatternOptions;
  /** Numbers of groups by where they open: a repeated group is compiled more than once. */
  readonly #groups = new Map<number, number>();
  #at = 0;
  #nesting = 0;

  constructor(text: string, options: PatternOptions) {
    this.#text = text;
    this.#options = options;
  }

  get groups(): number {
    return this.#groups.size;
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
        const opened = this.#at;
        if (!this.#groups.has(opened)) this.#groups.set(opened, this.#groups.size + 1);
        const inside = this.#alternatives();
        if (this.#text[this.#at++] !== ')') throw new PatternError("'(' without ')'");
        this.#nesting--;
        return this.#options.captures ? this.#captured(inside, this.#groups.get(opened)!) : inside;
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

  #captured(inside: Part, group: number): Part {
    const begin = this.#add({ op: 'save', slot: 2 * group, next: inside.first });
    const step: Step = { op: 'save', slot: 2 * group + 1, next: -1 };
    const end = this.#add(step);
    for (const lead of inside.leads) lead(end);
    return { first: begin, leads: [next => (step.next = next)] };
  }

  #octet(listed: Uint8Array): Part {
    const set = this.#options.ignoreCase ? withBothCases(listed) : listed;
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

function withBothCases(set: Uint8Array): Uint8Array {
  const both = set.slice();
  for (let upper = 0x41; upper <= 0x5a; upper++) {
    const lower = upper + 0x20;
    both[upper] = both[lower] = set[upper]! | set[lower]!;
  }
  return both;
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
