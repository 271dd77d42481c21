// What a terminal sends for keys: ECMA-48 sequences as xterm and the Linux console write them.

/** A printable character stands for itself. */
export type Key = { readonly name: Named } | { readonly name: 'text'; readonly text: string };

type Named =
  | 'up'
  | 'down'
  | 'left'
  | 'right'
  | 'home'
  | 'end'
  | 'page up'
  | 'page down'
  | 'enter'
  | 'escape'
  | 'backspace'
  | 'help'
  | 'interrupt';

const SEQUENCES: Readonly<Record<string, Named>> = {
  '[A': 'up',
  '[B': 'down',
  '[C': 'right',
  '[D': 'left',
  OA: 'up',
  OB: 'down',
  OC: 'right',
  OD: 'left',
  '[H': 'home',
  '[F': 'end',
  OH: 'home',
  OF: 'end',
  '[1~': 'home',
  '[4~': 'end',
  '[7~': 'home',
  '[8~': 'end',
  '[5~': 'page up',
  '[6~': 'page down',
  OP: 'help',
  '[11~': 'help',
  '[[A': 'help',
};

const CONTROLS: Readonly<Record<string, Named>> = {
  '\r': 'enter',
  '\n': 'enter',
  '\u007f': 'backspace',
  '\b': 'backspace',
  '\u0003': 'interrupt',
};

/** One key at the start of the text: a sequence, an escape alone, a control or a character. */
const NEXT = /^(?:\u001b(\[\[[A-E]|[[O][0-9;]*[A-Za-z~])|\u001b|[\s\S])/u;

/** The keys in what one read of the terminal gave; unknown sequences are dropped. */
export function keysIn(input: string): Key[] {
  const keys: Key[] = [];
  for (let rest = input; rest !== ''; ) {
    const [whole, sequence] = NEXT.exec(rest) ?? [rest];
    rest = rest.slice(whole.length);
    if (sequence !== undefined) {
      const name = SEQUENCES[sequence];
      if (name !== undefined) keys.push({ name });
    } else if (whole === '\u001b') keys.push({ name: 'escape' });
    else if (CONTROLS[whole] !== undefined) keys.push({ name: CONTROLS[whole] });
    else if (whole >= ' ') keys.push({ name: 'text', text: whole });
  }
  return keys;
}
