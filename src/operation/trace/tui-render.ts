// The terminal view as lines: exactly as many as the terminal is high, none wider than it is.

import { addressText } from '#kernel/recorder';
import type { TraceEvent } from '#kernel/trace';
import { participants } from './columns.ts';
import { timeText } from './json.ts';
import { Ladder, type LadderStyle } from './ladder.ts';
import { messageLines } from './message-lines.ts';
import { type Paint, Row } from './paint.ts';
import { clipped, plain, toAscii } from './plain-text.ts';
import type { Story } from './stories.ts';
import { summarised } from './story-summary.ts';
import {
  currentEvent,
  currentStory,
  ladderEvents,
  shownStories,
  type TuiState,
} from './tui-state.ts';

export interface Screen {
  readonly width: number;
  readonly height: number;
  readonly colour: boolean;
  readonly ascii: boolean;
}

/** Lines of a screen that are not its body: title, names of columns, keys. */
const FRAME = 4;

/** Lines that a page key moves by. */
export const pageOf = (screen: Screen): number => Math.max(screen.height - FRAME, 1);

export function render(state: TuiState, screen: Screen): string[] {
  const { title, head, body, keys } = drawn(state, screen);
  const room = Math.max(screen.height - 2 - head.length, 0);
  const rows = [
    bar(title, screen.width),
    ...head,
    ...body.slice(0, room),
    ...Array.from({ length: Math.max(room - body.length, 0) }, () => new Row(screen.width)),
    lastLine(state, keys, screen.width),
  ];
  const lines = rows.slice(0, screen.height).map(row => row.toString(screen.colour));
  return screen.ascii ? lines.map(toAscii) : lines;
}

interface Drawn {
  readonly title: string;
  readonly head: readonly Row[];
  readonly body: readonly Row[];
  readonly keys: string;
}

function drawn(state: TuiState, screen: Screen): Drawn {
  switch (state.view) {
    case 'list':
      return list(state, screen);
    case 'ladder':
      return ladder(state, screen);
    case 'message':
      return message(state, screen);
    case 'help':
      return help(state, screen);
  }
}

const bar = (text: string, width: number): Row =>
  new Row(width).put(0, clipped(` ${text} `, width).padEnd(width), 'selected');

function lastLine(state: TuiState, keys: string, width: number): Row {
  if (state.isTyping) return new Row(width).put(0, `/${plain(state.filter)}_`, 'bold');
  if (state.status !== '')
    return new Row(width).put(0, clipped(plain(state.status), width), 'bold');
  return new Row(width).put(0, clipped(keys, width), 'dim');
}

/** A window of `height` rows in which the rows from `from` to `to` are seen. */
function around(rows: readonly Row[], from: number, to: number, height: number): Row[] {
  const latest = Math.max(rows.length - height, 0);
  const centred = Math.floor((from + to - height) / 2);
  return rows.slice(Math.min(Math.max(centred, 0), latest));
}

// -------------------------------------------------------------------------------------- list

const LIST = { mark: 1, time: 3, kind: 13, parties: 27 } as const;
const PARTIES_SHARE = 0.45;

function list(state: TuiState, screen: Screen): Drawn {
  const { width } = screen;
  const stories = shownStories(state);
  const current = currentStory(state);
  const messages = LIST.parties + Math.floor((width - LIST.parties) * PARTIES_SHARE);
  const head = new Row(width)
    .put(LIST.time, 'time', 'bold')
    .put(LIST.kind, 'story', 'bold')
    .put(LIST.parties, 'who', 'bold')
    .put(messages, 'messages', 'bold')
    .put(messages + 10, 'outcome', 'bold');
  const at = current === undefined ? 0 : stories.indexOf(current);
  // Only what can be seen is made: the list may be thousands long.
  const first = Math.max(
    0,
    Math.min(at - Math.floor(pageOf(screen) / 2), stories.length - pageOf(screen)),
  );
  const body = stories.slice(first, first + screen.height).map(story => {
    const row = storyRow(story, width, messages);
    if (state.marked.has(story)) row.put(LIST.mark, '*', 'mark');
    return story === current ? chosen(row) : row;
  });
  const notes = [
    `${stories.length} of ${state.book.stories.length} stories`,
    state.filter === '' ? '' : `filter: ${plain(state.filter)}`,
    state.isPaused ? `paused, ${state.held.length} events wait` : 'live',
    state.missed === 0 ? '' : `${state.missed} events missed`,
  ];
  return {
    title: `Carillon trace   ${notes.filter(note => note !== '').join('   ')}`,
    head: [head],
    body,
    keys: 'Enter ladder   / filter   Space mark   s save   p pause   c clear   F1 help   q quit',
  };
}

function storyRow(story: Story, width: number, messages: number): Row {
  const { parties, outcome, failed } = summarised(story);
  const paint: Paint = failed ? 'failure' : outcome === '…' ? 'progress' : 'success';
  return new Row(width)
    .put(LIST.time, timeText(story.begun).slice(11, 19), 'dim')
    .put(LIST.kind, story.kind)
    .put(LIST.parties, clipped(parties, messages - LIST.parties - 1))
    .put(messages, String(story.messages.length).padStart(8))
    .put(messages + 10, clipped(outcome, width - messages - 10), paint);
}

/** The row under the cursor, seen without colours too. */
const chosen = (row: Row): Row => row.repaint('selected').put(0, '▸', 'selected');

// ------------------------------------------------------------------------------------ ladder

function ladder(state: TuiState, screen: Screen): Drawn {
  const events = ladderEvents(state);
  const current = currentEvent(state);
  const style: LadderStyle = { ...screen };
  const drawing = new Ladder(style, () => {}, participants(events));
  const rows: Row[] = [];
  let from = 0;
  let to = 0;
  for (const event of events) {
    const own = drawing.rowsOf(event);
    if (event === current) {
      from = rows.length;
      to = from + own.length;
      for (const row of own) chosen(row);
    }
    rows.push(...own);
  }
  const head = drawing.headerRows();
  return {
    title: titleOf(state),
    head,
    body: around(rows, from, to, screen.height - 2 - head.length),
    keys: 'Enter message   ↑ ↓ move   d decisions   s save   Esc back   F1 help',
  };
}

function titleOf(state: TuiState): string {
  const { marked } = state;
  if (marked.size > 0) return `${marked.size} stories together`;
  const story = currentStory(state);
  if (story === undefined) return 'nothing yet';
  const { parties, outcome } = summarised(story);
  return `${story.kind}   ${parties}   ${outcome}`;
}

// ----------------------------------------------------------------------------------- message

function message(state: TuiState, screen: Screen): Drawn {
  const event = currentEvent(state);
  const lines = event === undefined ? [] : messageLines(event, screen.width);
  const rows = lines.map(({ text, paint }) => new Row(screen.width).put(0, text, paint));
  const latest = Math.max(rows.length - pageOf(screen), 0);
  return {
    title: event === undefined ? '' : eventTitle(event),
    head: [],
    body: rows.slice(Math.min(state.scroll, latest)),
    keys: '← → other messages   ↑ ↓ scroll   s save   Esc back   F1 help',
  };
}

function eventTitle(event: TraceEvent): string {
  const time = timeText(event.time).slice(11, 23);
  if (event.kind === 'decision') return plain(`${time}   ${event.decision}`);
  const { point, from, to, link, source, destination } = event;
  const socket = link === 'local' ? '' : `   ${addressText(source)} → ${addressText(destination)}`;
  return plain(`${time}   ${point}   ${from} → ${to}   ${link}${socket}`);
}

// -------------------------------------------------------------------------------------- help

const HELP = [
  ['Enter, →', 'into: list, ladder, message'],
  ['Esc, q', 'back; q in the list quits'],
  ['↑ ↓ PgUp PgDn Home End', 'move; at its end the list follows what happens'],
  ['/', 'filter the list: words in identity, kind, outcome, Call-ID, protocol'],
  ['Space', 'mark stories to see them in one ladder'],
  ['← →', 'in a message: the one before, the next'],
  ['d', 'decisions shown or not'],
  ['s', 'save what is shown as pcapng'],
  ['p', 'pause and go on'],
  ['c', 'clear the list'],
  ['F1, ?', 'this page'],
  ['Ctrl-C', 'quit'],
] as const;

function help(state: TuiState, screen: Screen): Drawn {
  const rows = HELP.map(([keys, what]) =>
    new Row(screen.width).put(2, keys, 'bold').put(27, clipped(what, screen.width - 27)),
  );
  const latest = Math.max(rows.length - pageOf(screen), 0);
  return {
    title: 'Keys',
    head: [],
    body: rows.slice(Math.min(state.scroll, latest)),
    keys: 'Esc back',
  };
}
