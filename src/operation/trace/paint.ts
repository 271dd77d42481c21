// Colours on a terminal, by what they mean.

import type { Tone } from './outcome.ts';

export type Paint = Tone | 'dim' | 'bold' | 'mark' | 'selected' | 'lost' | 'none';

/** SGR parameters, ECMA-48 §8.3.117. */
const SGR: Readonly<Record<Paint, string>> = {
  none: '',
  dim: '90',
  bold: '1',
  mark: '35',
  selected: '7',
  request: '36',
  progress: '33',
  success: '32',
  redirection: '35',
  challenge: '33',
  failure: '31',
  lost: '31',
};

export function painted(text: string, paint: Paint): string {
  return paint === 'none' || text === '' ? text : `\u001b[${SGR[paint]}m${text}\u001b[0m`;
}

/** One line of a fixed number of cells, each a character with its paint. */
export class Row {
  readonly #characters: string[];
  readonly #paints: Paint[];

  constructor(width: number) {
    this.#characters = new Array(width).fill(' ');
    this.#paints = new Array(width).fill('none');
  }

  /** What does not fit is left off. */
  put(at: number, text: string, paint: Paint = 'none'): this {
    let cell = at;
    for (const character of text) {
      if (cell >= 0 && cell < this.#characters.length) {
        this.#characters[cell] = character;
        this.#paints[cell] = paint;
      }
      cell++;
    }
    return this;
  }

  /** All of it, the spaces too. */
  repaint(paint: Paint): this {
    this.#paints.fill(paint);
    return this;
  }

  /** Without spaces at the end, unless they are painted. */
  toString(withColour: boolean): string {
    let end = this.#characters.length;
    const isSeen = (cell: number) =>
      this.#characters[cell] !== ' ' || (withColour && this.#paints[cell] === 'selected');
    while (end > 0 && !isSeen(end - 1)) end--;
    if (!withColour) return this.#characters.slice(0, end).join('');
    let text = '';
    for (let from = 0; from < end; ) {
      const paint = this.#paints[from]!;
      let to = from + 1;
      while (to < end && this.#paints[to] === paint) to++;
      text += painted(this.#characters.slice(from, to).join(''), paint);
      from = to;
    }
    return text;
  }
}
