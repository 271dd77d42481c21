// A session description, RFC 8866: immutable, its lines in the order and spelling they came in.
// Readers ask for what they need; an edit makes a new description that shares every other line.

import { type Direction, directions } from './direction.ts';
import {
  type BandwidthType,
  type Connection,
  connectionText,
  type MediaLine,
  mediaLineText,
  type Origin,
  originText,
  parseBandwidth,
  parseConnection,
  parseMediaLine,
  parseOrigin,
} from './fields.ts';
import { line, lineText, type SdpLine, sdpLimits, splitLines } from './line.ts';
import { SdpError } from './sdp-error.ts';

/** Reads a body. Throws an SdpError (400) when it is not one session description. */
export function parseSdp(octets: Uint8Array | string): SessionDescription {
  const text = typeof octets === 'string' ? octets : Buffer.from(octets).toString('latin1');
  const lines = splitLines(text);
  const firstMedia = lines.findIndex(l => l.type === 'm');
  const session = firstMedia < 0 ? lines : lines.slice(0, firstMedia);
  checkSession(session);
  return new SessionDescription(session, firstMedia < 0 ? [] : splitMedia(lines.slice(firstMedia)));
}

/** What session and media sections have in common: c=, b= and a= lines. */
abstract class Section {
  readonly lines: readonly SdpLine[];

  constructor(lines: readonly SdpLine[]) {
    this.lines = lines;
  }

  get connection(): Connection | undefined {
    const found = this.value('c');
    return found === undefined ? undefined : parseConnection(found);
  }

  /** The direction attribute of this very section, if it has one. */
  get ownDirection(): Direction | undefined {
    const found = this.lines.find(
      l => l.type === 'a' && directions.includes(l.value.trim() as Direction),
    );
    return found?.value.trim() as Direction | undefined;
  }

  /** The value of the first line with that letter. */
  value(type: string): string | undefined {
    return this.lines.find(l => l.type === type)?.value;
  }

  /** The first attribute of that name: its value, '' for a flag, undefined when absent. */
  attribute(name: string): string | undefined {
    return this.attributes(name)[0];
  }

  /** The values of all attributes of that name, '' for flags, in order. */
  attributes(name: string): string[] {
    const found: string[] = [];
    for (const l of this.lines) {
      if (l.type !== 'a' || !l.value.startsWith(name)) continue;
      if (l.value.length === name.length) found.push('');
      else if (l.value[name.length] === ':') found.push(l.value.slice(name.length + 1));
    }
    return found;
  }

  /** b= of that type; a malformed line counts as absent, as RFC 8866 §5.8 allows. */
  bandwidth(type: BandwidthType): number | undefined {
    for (const l of this.lines) {
      const found = l.type === 'b' ? parseBandwidth(l.value) : undefined;
      if (found?.type === type) return found.value;
    }
    return undefined;
  }
}

/** One m= line and what follows it. */
export class MediaDescription extends Section {
  get line(): MediaLine {
    return parseMediaLine(this.lines[0]!.value);
  }

  /** Rejected or removed: port zero (RFC 3264 §6, §8.2). `bundle-only` streams are not (RFC 9143). */
  get disabled(): boolean {
    return this.line.port === 0 && this.attribute('bundle-only') === undefined;
  }

  /** The same stream with lines replaced; see `edited`. */
  with(...edits: readonly LineEdit[]): MediaDescription {
    return new MediaDescription(edited(this.lines, edits));
  }
}

export class SessionDescription extends Section {
  readonly media: readonly MediaDescription[];

  constructor(lines: readonly SdpLine[], media: readonly MediaDescription[]) {
    super(lines);
    this.media = media;
  }

  get origin(): Origin {
    return parseOrigin(this.value('o') ?? '');
  }

  /** Where a stream's packets go: its own c=, else the session's. */
  connectionOf(media: MediaDescription): Connection | undefined {
    return media.connection ?? this.connection;
  }

  /** A stream's direction: its own attribute, else the session's, else sendrecv (RFC 8866 §6.7). */
  directionOf(media: MediaDescription): Direction {
    return media.ownDirection ?? this.ownDirection ?? 'sendrecv';
  }

  with(...edits: readonly LineEdit[]): SessionDescription {
    return new SessionDescription(edited(this.lines, edits), this.media);
  }

  withMedia(media: readonly MediaDescription[]): SessionDescription {
    return new SessionDescription(this.lines, media);
  }

  /** One stream replaced. */
  withStream(index: number, media: MediaDescription): SessionDescription {
    return this.withMedia(this.media.map((m, i) => (i === index ? media : m)));
  }

  text(): string {
    return [...this.lines, ...this.media.flatMap(m => m.lines)].map(lineText).join('');
  }

  /** The octets; the very same as received where nothing was changed. */
  encode(): Uint8Array {
    return Buffer.from(this.text(), 'latin1');
  }
}

/** Replaces the lines that `drops` names by `lines`, at the place of the first, else at its rank. */
export interface LineEdit {
  readonly drops: (line: SdpLine) => boolean;
  readonly lines: readonly SdpLine[];
}

export const setOrigin = (origin: Origin): LineEdit => ({
  drops: l => l.type === 'o',
  lines: [line('o', originText(origin))],
});

export const setConnection = (connection: Connection): LineEdit => ({
  drops: l => l.type === 'c',
  lines: [line('c', connectionText(connection))],
});

export const setMediaLine = (media: MediaLine): LineEdit => ({
  drops: l => l.type === 'm',
  lines: [line('m', mediaLineText(media))],
});

export const setDirection = (direction: Direction): LineEdit => ({
  drops: l => l.type === 'a' && directions.includes(l.value.trim() as Direction),
  lines: [line('a', direction)],
});

/** All attributes of that name replaced; a value of '' makes a flag. */
export const setAttributes = (name: string, ...values: readonly string[]): LineEdit => ({
  drops: l => l.type === 'a' && (l.value === name || l.value.startsWith(`${name}:`)),
  lines: values.map(value => line('a', value === '' ? name : `${name}:${value}`)),
});

/** The order of letters within a section, RFC 8866 §5. */
const order = 'mvosiuepcbtrzka';

function edited(lines: readonly SdpLine[], edits: readonly LineEdit[]): SdpLine[] {
  let result = [...lines];
  for (const edit of edits) {
    let at = result.findIndex(edit.drops);
    result = result.filter(l => !edit.drops(l));
    const type = edit.lines[0]?.type;
    if (type === undefined) continue;
    if (at < 0) {
      at = result.findIndex(l => order.indexOf(l.type) > order.indexOf(type));
      if (at < 0) at = result.length;
    }
    result.splice(at, 0, ...edit.lines);
  }
  // A line that came without an ending stays last or gets one.
  return result.map((l, i) => (l.end === '' && i < result.length - 1 ? { ...l, end: '\r\n' } : l));
}

/** RFC 8866 §5: v=0 first, o= and s= once and readable; t= is missed often enough to be let pass. */
function checkSession(lines: readonly SdpLine[]): void {
  if (lines[0]?.type !== 'v' || lines[0].value.trim() !== '0') {
    throw new SdpError('a description starts with v=0', { offset: 0, clause: 'RFC 8866 §5.1' });
  }
  for (const type of 'voscikzu') {
    if (lines.filter(l => l.type === type).length > 1) {
      throw new SdpError(`more than one ${type}= line`, { clause: 'RFC 8866 §9' });
    }
  }
  for (const type of 'os') {
    if (!lines.some(l => l.type === type)) {
      throw new SdpError(`no ${type}= line`, { clause: 'RFC 8866 §9' });
    }
  }
  const description = new SessionDescription(lines, []);
  void description.origin;
  void description.connection;
}

function splitMedia(lines: readonly SdpLine[]): MediaDescription[] {
  const starts = lines.flatMap((l, i) => (l.type === 'm' ? [i] : []));
  if (starts.length > sdpLimits.media) {
    throw new SdpError(`more than ${sdpLimits.media} media descriptions`);
  }
  return starts.map((start, i) => {
    const media = new MediaDescription(lines.slice(start, starts[i + 1]));
    void media.line;
    void media.connection;
    const misplaced = media.lines.slice(1).find(l => !'icbka'.includes(l.type));
    if (misplaced !== undefined) {
      throw new SdpError(`${misplaced.type}= after an m= line`, { clause: 'RFC 8866 §5' });
    }
    return media;
  });
}
