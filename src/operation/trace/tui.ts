// The terminal view's driver: keys in, lines out, events from wherever they come. All it decides is
// when to draw.

import type { TraceEvent } from '#kernel/trace';
import { terminalStyle } from './ladder.ts';
import { pcapngOf } from './pcapng.ts';
import type { TraceQuery } from './query.ts';
import type { Missed } from './stream.ts';
import { keysIn } from './tui-keys.ts';
import { pageOf, render, type Screen } from './tui-render.ts';
import { initialState, type TuiState } from './tui-state.ts';
import { type TuiEffect, type TuiInput, update } from './tui-update.ts';

/** Where events come from: the ring of this process, or a running network over its API. */
export interface TraceSource {
  /** What happened already. */
  list(query: TraceQuery): Promise<readonly TraceEvent[]>;
  /** What happens from now on, until the signal. May throw when the network is gone. */
  stream(query: TraceQuery, signal: AbortSignal): AsyncIterable<TraceEvent | Missed>;
}

export interface Terminal {
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Writes a capture; gives the path for the person to find it. */
  save(capture: Uint8Array): Promise<string>;
}

/** Alternate screen, no cursor, no wrapping; and back. */
const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l';
const LEAVE = '\u001b[?7h\u001b[?25h\u001b[?1049l';
const FRAME_INTERVAL = 40;

/** Runs until the person quits or the signal is aborted. The terminal is left as it was found. */
export async function runTui(
  source: TraceSource,
  query: TraceQuery,
  terminal: Terminal,
  signal?: AbortSignal,
): Promise<void> {
  const tui = new Tui(source, query, terminal);
  signal?.addEventListener('abort', () => tui.quit());
  await tui.run();
}

class Tui {
  readonly #source: TraceSource;
  readonly #query: TraceQuery;
  readonly #terminal: Terminal;
  readonly #end = new AbortController();
  #state: TuiState = initialState();
  #shown: readonly string[] = [];
  #frame: NodeJS.Timeout | undefined;
  #waiting: (TraceEvent | Missed)[] = [];

  constructor(source: TraceSource, query: TraceQuery, terminal: Terminal) {
    this.#source = source;
    this.#query = query;
    this.#terminal = terminal;
  }

  quit(): void {
    this.#end.abort();
  }

  async run(): Promise<void> {
    const { input, output } = this.#terminal;
    const { signal } = this.#end;
    const over = new Promise<void>(resolve => {
      signal.addEventListener('abort', () => resolve());
    });
    const onKeys = (chunk: Buffer) => this.#onKeys(chunk.toString());
    const onResize = () => {
      this.#shown = [];
      this.#drawSoon();
    };
    output.write(ENTER);
    input.setRawMode?.(true);
    input.on('data', onKeys);
    input.once('end', () => this.quit());
    output.on('resize', onResize);
    try {
      input.resume();
      this.#drawSoon();
      void this.#follow();
      await over;
    } finally {
      clearTimeout(this.#frame);
      input.off('data', onKeys);
      output.off('resize', onResize);
      input.setRawMode?.(false);
      input.pause();
      output.write(LEAVE);
    }
  }

  /** Streams first and lists then, so that nothing falls between; what is in both counts once. */
  async #follow(): Promise<void> {
    const { signal } = this.#end;
    try {
      const stream = this.#source.stream(this.#query, signal)[Symbol.asyncIterator]();
      let next = stream.next();
      next.catch(() => {});
      const before = await this.#source.list(this.#query);
      const last = before.at(-1)?.sequence ?? -1;
      this.#arrived(...before);
      for (let result = await next; result.done !== true; result = await next) {
        const event = result.value;
        if (event.kind === 'missed' || event.sequence > last) this.#arrived(event);
        next = stream.next();
      }
      if (!signal.aborted) this.#take({ kind: 'status', text: 'the network has stopped' });
    } catch (error) {
      const text = `the network cannot be reached: ${(error as Error).message}`;
      if (!signal.aborted) this.#take({ kind: 'status', text });
    }
  }

  #arrived(...events: (TraceEvent | Missed)[]): void {
    this.#waiting.push(...events);
    this.#drawSoon();
  }

  #onKeys(chunk: string): void {
    for (const key of keysIn(chunk)) this.#take({ kind: 'key', key, page: pageOf(this.#screen()) });
  }

  #take(input: TuiInput): void {
    const [state, ...effects] = update(this.#state, input);
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
    this.#drawSoon();
  }

  #perform(effect: TuiEffect): void {
    if (effect.kind === 'quit') {
      this.quit();
      return;
    }
    const count = effect.events.filter(event => event.kind === 'message').length;
    this.#terminal.save(pcapngOf(effect.events)).then(
      path => this.#take({ kind: 'status', text: `${count} messages saved to ${path}` }),
      (error: Error) => this.#take({ kind: 'status', text: `not saved: ${error.message}` }),
    );
  }

  #drawSoon(): void {
    this.#frame ??= setTimeout(() => {
      this.#frame = undefined;
      if (this.#end.signal.aborted) return;
      const events = this.#waiting;
      this.#waiting = [];
      if (events.length > 0) [this.#state] = update(this.#state, { kind: 'events', events });
      this.#draw();
    }, FRAME_INTERVAL);
  }

  #draw(): void {
    const lines = render(this.#state, this.#screen());
    const isFresh = this.#shown.length !== lines.length;
    let text = isFresh ? '\u001b[2J' : '';
    for (const [at, line] of lines.entries()) {
      if (!isFresh && this.#shown[at] === line) continue;
      text += `\u001b[${at + 1};1H${line}\u001b[K`;
    }
    this.#shown = lines;
    if (text !== '') this.#terminal.output.write(text);
  }

  #screen(): Screen {
    const { output, environment } = this.#terminal;
    const { colour, ascii } = terminalStyle(output, environment);
    return { width: output.columns || 80, height: output.rows || 24, colour, ascii };
  }
}
