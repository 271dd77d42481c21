// Text of peers on a terminal: nothing that moves the cursor, changes colours or turns the line
// around, and no longer than the room there is.

const ACTIVE = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu;

/** Every character that does something instead of showing something becomes a dot. */
export const plain = (text: string): string => text.replace(ACTIVE, '·');

/** At most `room` characters, the last an ellipsis where some had to go. */
export function clipped(text: string, room: number): string {
  const characters = Array.from(text);
  if (characters.length <= room) return text;
  return room < 1 ? '' : `${characters.slice(0, room - 1).join('')}…`;
}

/** Broken at spaces into lines of at most `room`; what has no space is broken anywhere. */
export function wrapped(text: string, room: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length <= room) {
      line += ` ${word}`;
      continue;
    }
    if (line !== '') lines.push(line);
    line = word;
    while (line.length > room) {
      lines.push(line.slice(0, room));
      line = line.slice(room);
    }
  }
  lines.push(line);
  return lines;
}

const ASCII: Readonly<Record<string, string>> = {
  '│': '|',
  '─': '-',
  '▶': '>',
  '◀': '<',
  '✗': 'x',
  '◆': '*',
  '…': '~',
  '→': '>',
  '·': '.',
  '↺': '@',
  '§': 'S',
  '┌': '+',
  '┐': '+',
  '└': '+',
  '┘': '+',
  '├': '+',
  '┤': '+',
  '—': '-',
  '’': "'",
  '▸': '>',
};

/** For terminals that know no more: one character for one, so that columns stay. */
export const toAscii = (text: string): string =>
  text.replace(/[^\u0000-\u007f]/gu, character => ASCII[character] ?? '?');
