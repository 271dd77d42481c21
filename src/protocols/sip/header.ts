// The machinery of headers: a definition per header, and the field that keeps one line as received
// and parses it when first asked. RFC 3261 §7.3.

import { SipError } from './error.ts';
import { limits } from './limits.ts';
import {
  closingQuote,
  indexWithin,
  isSpaceCode,
  skipSpace,
  trimmed,
  trimmedSlice,
  unfolded,
} from './text.ts';

/** How one value of a header is read and written. `parse` throws SipError. */
export interface Grammar<T> {
  parse(text: string): T;
  /** `parse(text.slice(from, to))` without the slice, whose characters are slower to read. */
  parseIn?(text: string, from: number, to: number): T;
  format(value: T): string;
}

/**
 * `single`: at most one line, one value. `list`: values separated by commas, over any number of
 * lines. `lines`: one value per line, commas belong to the value (RFC 3261 §7.3.1).
 */
export type HeaderShape = 'single' | 'list' | 'lines';

export interface HeaderDef<T> extends Grammar<T> {
  parseIn(text: string, from: number, to: number): T;
  /** As the specification spells it. */
  readonly name: string;
  /** The name in lower case: what fields are found by. */
  readonly key: string;
  readonly compact: string | undefined;
  readonly spec: string;
  readonly shape: HeaderShape;
  /** Several values are written into one line rather than one line each. */
  readonly joined: boolean;
}

export interface HeaderInit<T> {
  readonly name: string;
  readonly compact?: string;
  readonly spec: string;
  readonly value: Grammar<T>;
  readonly joined?: boolean;
}

const byName = new Map<string, HeaderDef<unknown>>();

function define<T>(shape: HeaderShape, init: HeaderInit<T>): HeaderDef<T> {
  const key = init.name.toLowerCase();
  const { parse, format, parseIn } = init.value;
  const def: HeaderDef<T> = {
    name: init.name,
    key,
    compact: init.compact,
    spec: init.spec,
    shape,
    joined: init.joined ?? false,
    parse,
    parseIn: parseIn ?? ((text, from, to) => parse(text.slice(from, to))),
    format,
  };
  const known = def as HeaderDef<unknown>;
  for (const name of [init.name, key, init.name.toUpperCase()]) byName.set(name, known);
  if (init.compact !== undefined) {
    byName.set(init.compact, known);
    byName.set(init.compact.toUpperCase(), known);
  }
  return def;
}

export const singleHeader = <T>(init: HeaderInit<T>): HeaderDef<T> => define('single', init);
export const listHeader = <T>(init: HeaderInit<T>): HeaderDef<T> => define('list', init);
export const linesHeader = <T>(init: HeaderInit<T>): HeaderDef<T> => define('lines', init);

/** The definition behind a name in any spelling, compact form included. */
export function headerNamed(name: string): HeaderDef<unknown> | undefined {
  return byName.get(name) ?? byName.get(name.toLowerCase());
}

/** The lower-case canonical key of a name in any spelling. */
export function headerKey(name: string): string {
  return headerNamed(name)?.key ?? name.toLowerCase();
}

/** Every definition, once, in order of definition. */
export function headerDefinitions(): readonly HeaderDef<unknown>[] {
  return [...new Set(byName.values())];
}

/**
 * One header line of a message, shared by every message that did not change it. It is a window on
 * the text it came from, so that untouched neighbours are written in one piece.
 */
export class HeaderField {
  /** Lower case, compact forms resolved. */
  readonly key: string;
  readonly def: HeaderDef<unknown> | undefined;
  /** The text that holds the line, from `start` to `end` (without its line end), folds included. */
  readonly text: string;
  readonly start: number;
  /** Where the value begins: after the colon. */
  readonly valueAt: number;
  readonly end: number;
  #values: readonly unknown[] | undefined;
  #by: HeaderDef<unknown> | undefined;

  constructor(
    key: string,
    def: HeaderDef<unknown> | undefined,
    text: string,
    start: number,
    valueAt: number,
    end: number,
  ) {
    this.key = key;
    this.def = def;
    this.text = text;
    this.start = start;
    this.valueAt = valueAt;
    this.end = end;
    this.#values = undefined;
    this.#by = undefined;
  }

  /** The canonical name; as received where no definition exists. */
  get name(): string {
    return this.def?.name ?? trimmed(this.text.slice(this.start, this.valueAt - 1));
  }

  /** The whole line as on the wire, without its line end. */
  get line(): string {
    return this.text.slice(this.start, this.end);
  }

  /** The value as on the wire, unfolded and trimmed. */
  get value(): string {
    const { text, valueAt, end } = this;
    const newline = text.indexOf('\n', valueAt); // its own line end, unless it is folded
    if (newline >= 0 && newline < end) return unfolded(text.slice(valueAt, end));
    return trimmedSlice(text, valueAt, end);
  }

  /** Every value of this line, parsed once. Throws SipError 400 naming the header. */
  values<T>(def: HeaderDef<T>): readonly T[] {
    if (this.#values !== undefined && this.#by === def) return this.#values as readonly T[];
    const { text, valueAt, end } = this;
    const isFolded = indexWithin(text, '\n', valueAt, end) >= 0;
    const flat = isFolded ? unfolded(text.slice(valueAt, end)) : text;
    const values = isFolded
      ? parseValues(def, flat, 0, flat.length)
      : parseValues(def, flat, valueAt, end);
    this.#values = values;
    this.#by = def as HeaderDef<unknown>;
    return values;
  }
}

function parseValues<T>(def: HeaderDef<T>, text: string, from: number, to: number): readonly T[] {
  from = skipSpace(text, from, to);
  while (to > from && isSpaceCode(text.charCodeAt(to - 1))) to--;
  try {
    if (def.shape !== 'list') return [def.parseIn(text, from, to)];
    if (indexWithin(text, ',', from, to) < 0)
      return from === to ? [] : [def.parseIn(text, from, to)];
    return splitList(text.slice(from, to)).map(part => def.parse(part));
  } catch (error) {
    if (error instanceof SipError) throw inHeader(error, def);
    throw error;
  }
}

function inHeader(error: SipError, def: HeaderDef<unknown>): SipError {
  return new SipError(error.status, `${def.name}: ${error.message}`, {
    header: def.name,
    clause: error.clause ?? def.spec,
  });
}

/** The next comma from `at` that separates values; the length of the text where none is left. */
export function endOfValue(text: string, at: number): number {
  let inBrackets = false;
  for (let i = at; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x2c && !inBrackets) return i;
    if (code === 0x22 && !inBrackets) i = closingQuote(text, i);
    else if (code === 0x3c) inBrackets = true;
    else if (code === 0x3e) inBrackets = false;
  }
  return text.length;
}

/** Splits at commas outside quotes and angle brackets. Empty elements are passed over. */
export function splitList(text: string): string[] {
  const parts: string[] = [];
  for (let at = 0; at <= text.length; ) {
    const end = endOfValue(text, at);
    const part = trimmed(text.slice(at, end));
    if (part !== '') parts.push(part);
    if (parts.length > limits.values) throw new SipError(400, 'too many values in one line');
    at = end + 1;
  }
  return parts;
}

/** A field of our own making. Throws SipError 500 where the value could not travel in a line. */
export function fieldOf(name: string, value: string, def = headerNamed(name)): HeaderField {
  const line = `${name}: ${value}`;
  // A character above 0xff would be cut to an octet when written, and could turn into a line end.
  if (/[\r\n\u0100-\uffff]/.test(line)) {
    throw new SipError(500, `${name}: the value holds what no header line may`, { header: name });
  }
  return new HeaderField(
    def?.key ?? name.toLowerCase(),
    def,
    line,
    0,
    name.length + 1,
    line.length,
  );
}

/** The fields that carry `values`: one each, or one for all where the header is written joined. */
export function fieldsOf<T>(def: HeaderDef<T>, values: readonly T[]): HeaderField[] {
  const known = def as HeaderDef<unknown>;
  if (def.joined)
    return [fieldOf(def.name, values.map(value => def.format(value)).join(', '), known)];
  return values.map(value => fieldOf(def.name, def.format(value), known));
}
