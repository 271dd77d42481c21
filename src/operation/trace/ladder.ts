// The ladder in a terminal: a column per function, an arrow per message, under it what was decided
// and why. All at once or line by line as it happens; where there is no room for columns, a list.

import type { Instant } from '#kernel/time';
import type { DecisionEvent, MessageEvent, TraceEvent } from '#kernel/trace';
import { Columns, participants } from './columns.ts';
import { shortened, toneOf } from './outcome.ts';
import { type Paint, Row } from './paint.ts';
import { clipped, plain, toAscii, wrapped } from './plain-text.ts';

export interface LadderStyle {
  /** Characters per line. */
  readonly width: number;
  readonly colour: boolean;
  /** No character beyond ASCII. */
  readonly ascii: boolean;
  /** Also what was decided. Default true. */
  readonly decisions?: boolean;
  /** Times are given from here. Default: the first event. */
  readonly start?: Instant;
}

const TIME_WIDTH = 10;
/** Room at the right for the reference point. */
const POINT_WIDTH = 6;
const NARROWEST_COLUMN = 10;
const WIDEST_COLUMN = 28;
/** In a list: the names and the arrow between them. */
const ENDS_WIDTH = 18;
/** A note narrower than this, or than half the line, begins further left. */
const NOTE_ROOM = 72;
/** … unless it has this share of that. */
const ENOUGH = 0.75;
/** How far a lost message's arrow reaches. */
const LOST_SHARE = 0.8;
/** While streaming the names come again after so many lines. */
const HEADER_EVERY = 60;

/** The whole ladder. */
export function ladderLines(events: Iterable<TraceEvent>, style: LadderStyle): string[] {
  const list = Array.from(events);
  const lines: string[] = [];
  const ladder = new Ladder(style, line => lines.push(line), participants(list));
  ladder.repeatHeader = false;
  for (const event of list) ladder.add(event);
  return lines;
}

/** Prints events as they come. Whoever appears gets a column from then on. */
export class Ladder {
  repeatHeader = true;
  readonly #style: LadderStyle;
  readonly #print: (line: string) => void;
  readonly #columns: Columns;
  #start: Instant | undefined;
  #sinceHeader = Number.POSITIVE_INFINITY;
  /** The last datagram between two ends, to know when it comes again. */
  readonly #last = new Map<string, MessageEvent>();

  constructor(style: LadderStyle, print: (line: string) => void, names: Iterable<string> = []) {
    this.#style = style;
    this.#print = print;
    this.#columns = new Columns(names);
    this.#start = style.start;
  }

  add(event: TraceEvent): void {
    if (event.kind === 'decision' && this.#style.decisions === false) return;
    this.#start ??= event.time;
    const names = event.kind === 'decision' ? [event.at] : [event.from, event.to];
    const areNew = names.map(name => this.#columns.add(name));
    const isDue = this.repeatHeader && this.#sinceHeader >= HEADER_EVERY;
    if (areNew.includes(true) || isDue || this.#sinceHeader === Number.POSITIVE_INFINITY) {
      this.#header();
    }
    const rows = this.rowsOf(event);
    for (const row of rows) this.#emit(row);
    this.#sinceHeader += rows.length;
  }

  /** The rows of one event, not printed. */
  rowsOf(event: TraceEvent): Row[] {
    this.#start ??= event.time;
    if (!this.#hasColumns) return this.#listed(event);
    return event.kind === 'decision' ? this.#note(event) : this.#arrow(event);
  }

  /** The row of names; none where there is no room for columns. */
  headerRows(): Row[] {
    if (!this.#hasColumns) return [];
    const row = new Row(this.#style.width);
    const room = this.#spacing - 1;
    for (const [at, name] of this.#columns.names.entries()) {
      const label = clipped(plain(name), room);
      row.put(this.#position(at) - Math.floor(label.length / 2), label, 'bold');
    }
    return [row, this.#lifelines()];
  }

  get #hasColumns(): boolean {
    return this.#columns.names.length > 0 && this.#spacing >= NARROWEST_COLUMN;
  }

  get #spacing(): number {
    const room = this.#style.width - TIME_WIDTH - POINT_WIDTH;
    return Math.min(Math.floor(room / this.#columns.names.length), WIDEST_COLUMN);
  }

  #position(column: number): number {
    return TIME_WIDTH + Math.floor(this.#spacing * (column + 0.5));
  }

  #header(): void {
    const rows = this.headerRows();
    if (this.#sinceHeader !== Number.POSITIVE_INFINITY && rows.length > 0) this.#print('');
    for (const row of rows) this.#emit(row);
    this.#sinceHeader = 0;
  }

  #emit(row: Row): void {
    const line = row.toString(this.#style.colour);
    this.#print(this.#style.ascii ? toAscii(line) : line);
  }

  #lifelines(time?: Instant): Row {
    const row = new Row(this.#style.width);
    for (const at of this.#columns.names.keys()) row.put(this.#position(at), '│', 'dim');
    if (time !== undefined) row.put(0, offsetText(time - this.#start!).padStart(8), 'dim');
    return row;
  }

  // -------------------------------------------------------------------------------- messages

  #arrow(event: MessageEvent): Row[] {
    const from = this.#position(this.#columns.indexOf(event.from));
    const to = this.#position(this.#columns.indexOf(event.to));
    const paint: Paint = event.lost === undefined ? toneOf(event) : 'lost';
    const label = this.#label(event);
    const point = plain(event.point);
    const row = this.#lifelines(event.time);
    row.put(this.#style.width - POINT_WIDTH + 1, clipped(point, POINT_WIDTH - 1), 'dim');
    if (from === to) return [row.put(from, `↺ ${label}`, paint)];

    const span = Math.abs(to - from) - 1;
    // What is lost does not get all the way.
    const drawn = event.lost === undefined ? span : Math.ceil(span * LOST_SHARE);
    const isRightward = to > from;
    const left = isRightward ? from + 1 : from - drawn;
    row.put(left, '─'.repeat(drawn), paint);
    const head = event.lost === undefined ? (isRightward ? '▶' : '◀') : '✗';
    row.put(isRightward ? left + drawn - 1 : left, head, paint);

    const fits = [label, shortened(label)].find(text => text.length + 4 <= drawn);
    if (fits !== undefined) {
      row.put(left + Math.floor((drawn - fits.length - 2) / 2), ` ${fits} `, paint);
      return [row];
    }
    const above = this.#lifelines();
    const start = Math.min(from, to) + 2;
    above.put(start, clipped(label, this.#style.width - start), paint);
    return [above, row];
  }

  #label(event: MessageEvent): string {
    const summary = plain(event.message.summary());
    if (event.lost !== undefined) return `${summary} (${event.lost})`;
    return this.#isRepeated(event) ? `${summary} (again)` : summary;
  }

  /** A retransmission: the same datagram as the last one between the two. */
  #isRepeated(event: MessageEvent): boolean {
    if (event.link !== 'udp') return false;
    const key = `${event.from} ${event.to} ${event.message.keys().callId}`;
    const last = this.#last.get(key);
    if (this.#last.size >= 1000) this.#last.clear();
    this.#last.set(key, event);
    if (last === undefined || last === event) return false;
    if (last.message === event.message) return true;
    const isAlike = last.message.summary() === event.message.summary();
    return isAlike && Buffer.compare(last.message.masked(), event.message.masked()) === 0;
  }

  // ------------------------------------------------------------------------------- decisions

  #note(event: DecisionEvent): Row[] {
    const { width } = this.#style;
    const lifeline = this.#position(this.#columns.indexOf(event.at));
    const least = Math.min(NOTE_ROOM, Math.floor(width / 2));
    const isShifted = width - lifeline - 2 < least * ENOUGH;
    const start = isShifted ? Math.max(TIME_WIDTH, width - least - 2) : lifeline;
    const lines = noteLines(event, isShifted, width - start - 3);
    return lines.map((line, at) => {
      const row = this.#lifelines();
      row.put(start, ' '.repeat(width - start));
      row.put(start, at === 0 ? '◆' : '│', at === 0 ? 'mark' : 'dim');
      return row.put(start + 2, line, at === 0 ? 'mark' : 'dim');
    });
  }

  // ------------------------------------------------------------------------------------ list

  #listed(event: TraceEvent): Row[] {
    const { width } = this.#style;
    const row = new Row(width).put(0, offsetText(event.time - this.#start!).padStart(8), 'dim');
    if (event.kind === 'message') {
      const ends = `${plain(event.from)} → ${plain(event.to)}`.padEnd(ENDS_WIDTH);
      const label = `${this.#label(event)}  ${plain(event.point)}`;
      row.put(TIME_WIDTH, clipped(ends, width - TIME_WIDTH));
      row.put(
        TIME_WIDTH + ends.length + 2,
        label,
        event.lost === undefined ? toneOf(event) : 'lost',
      );
      return [row];
    }
    const indent = TIME_WIDTH + 2;
    const lines = noteLines(event, true, Math.max(width - indent - 2, 16));
    return lines.map((line, at) => {
      const note = new Row(width);
      if (at === 0) note.put(indent, '◆', 'mark');
      return note.put(indent + 2, line, at === 0 ? 'mark' : 'dim');
    });
  }
}

/** 'select: sip:scscf.home', then 'because … [TS 24.229 §5.3.1.2]'. */
function noteLines(event: DecisionEvent, withInstance: boolean, room: number): string[] {
  const prefix = `${event.at}.`;
  const isOwn = event.decision.startsWith(prefix) && !withInstance;
  const subject = isOwn ? event.decision.slice(prefix.length) : event.decision;
  const clause = event.clause === undefined ? '' : ` [${event.clause}]`;
  return [
    ...wrapped(plain(`${subject}: ${event.chose}`), room),
    ...wrapped(plain(`because ${event.because}${clause}`), room),
  ];
}

/** '+12.345' seconds; minutes from the hundredth second on. */
export function offsetText(offset: number): string {
  const total = Math.max(offset, 0) / 1000;
  if (total < 100) return `+${total.toFixed(3)}`;
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor(total / 60) % 60;
  const two = (n: number) => String(Math.floor(n)).padStart(2, '0');
  return hours > 0
    ? `+${hours}:${two(minutes)}:${two(total % 60)}`
    : `+${minutes}:${(total % 60).toFixed(1).padStart(4, '0')}`;
}

/** What the terminal behind `stream` can show. */
export function terminalStyle(
  stream: { readonly isTTY?: boolean; readonly columns?: number },
  environment: Readonly<Record<string, string | undefined>>,
): LadderStyle {
  const { LC_ALL, LC_CTYPE, LANG, TERM, NO_COLOR, COLUMNS } = environment;
  const locale = LC_ALL || LC_CTYPE || LANG || '';
  return {
    width: stream.columns || Number(COLUMNS) || 120,
    colour: stream.isTTY === true && !NO_COLOR && TERM !== 'dumb',
    ascii: TERM === 'dumb' || (locale !== '' && !/utf-?8/i.test(locale)),
  };
}
