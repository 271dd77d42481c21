// How the terminal view answers to keys and to events. No clock, no terminal, no file: what is to be
// done outside comes back as effects.

import type { TraceEvent } from '#kernel/trace';
import type { Story } from './stories.ts';
import type { Missed } from './stream.ts';
import type { Key } from './tui-keys.ts';
import {
  currentEvent,
  currentStory,
  initialState,
  ladderEvents,
  MOST_HELD,
  shownStories,
  type TuiState,
  type View,
} from './tui-state.ts';

export type TuiInput =
  | { readonly kind: 'key'; readonly key: Key /** Lines of the body. */; readonly page: number }
  | { readonly kind: 'events'; readonly events: readonly (TraceEvent | Missed)[] }
  | { readonly kind: 'status'; readonly text: string };

export type TuiEffect =
  | { readonly kind: 'quit' }
  | { readonly kind: 'save'; readonly events: readonly TraceEvent[] };

export type TuiStep = readonly [state: TuiState, ...effects: TuiEffect[]];

export function update(state: TuiState, input: TuiInput): TuiStep {
  switch (input.kind) {
    case 'events':
      return [withEvents(state, input.events)];
    case 'status':
      return [{ ...state, status: input.text }];
    case 'key':
      return onKey({ ...state, status: '' }, input.key, input.page);
  }
}

function withEvents(state: TuiState, arrived: readonly (TraceEvent | Missed)[]): TuiState {
  let { missed } = state;
  const events: TraceEvent[] = [];
  for (const event of arrived) {
    if (event.kind === 'missed') missed += event.count;
    else events.push(event);
  }
  if (state.isPaused) {
    const held = [...state.held, ...events];
    const over = Math.max(held.length - MOST_HELD, 0);
    return { ...state, held: held.slice(over), missed: missed + over };
  }
  for (const event of events) state.book.add(event);
  return { ...state, missed };
}

function onKey(state: TuiState, key: Key, page: number): TuiStep {
  if (key.name === 'interrupt') return [state, { kind: 'quit' }];
  if (state.isTyping) return [typed(state, key)];
  if (key.name === 'help') return [entered(state, 'help')];
  if (key.name === 'escape') return [left(state)];
  if (key.name === 'text') return onCharacter(state, key.text);
  switch (state.view) {
    case 'list':
      return [inList(state, key, page)];
    case 'ladder':
      return [inLadder(state, key, page)];
    case 'message':
      return [inMessage(state, key, page)];
    case 'help':
      return [key.name === 'enter' ? left(state) : scrolled(state, key, page)];
  }
}

function onCharacter(state: TuiState, text: string): TuiStep {
  switch (text) {
    case 'q':
      return state.behind.length === 0 ? [state, { kind: 'quit' }] : [left(state)];
    case '/':
      return [{ ...backToList(state), isTyping: true }];
    case 's':
      return [state, { kind: 'save', events: eventsToSave(state) }];
    case 'd':
      return [{ ...state, withDecisions: !state.withDecisions }];
    case 'p':
      return [paused(state)];
    case '?':
    case 'h':
      return [entered(state, 'help')];
    case ' ':
      return [state.view === 'list' ? marked(state) : state];
    case 'c':
      return [
        state.view === 'list' ? { ...initialState(state.filter), isPaused: state.isPaused } : state,
      ];
    case 'k':
    case 'j': {
      const name = text === 'k' ? 'up' : 'down';
      return onKey(state, { name }, 1);
    }
    default:
      return [state];
  }
}

// ------------------------------------------------------------------------------------- views

const entered = (state: TuiState, view: View): TuiState =>
  state.view === view
    ? state
    : { ...state, view, behind: [state.view, ...state.behind], scroll: 0 };

/** One view back; in the list Escape takes marks and filter away. */
function left(state: TuiState): TuiState {
  const [view, ...behind] = state.behind;
  if (view !== undefined) return { ...state, view, behind, scroll: 0 };
  return state.marked.size > 0 ? { ...state, marked: new Set() } : { ...state, filter: '' };
}

const backToList = (state: TuiState): TuiState => ({ ...state, view: 'list', behind: [] });

function inList(state: TuiState, key: Key, page: number): TuiState {
  const stories = shownStories(state);
  if (key.name === 'enter' || key.name === 'right') {
    return stories.length === 0 ? state : { ...entered(state, 'ladder'), event: firstEvent(state) };
  }
  const story = moved(stories, currentStory(state), key, page);
  // At the end of the list the cursor stays with what is latest.
  return { ...state, story: story === stories.at(-1) ? undefined : story };
}

function inLadder(state: TuiState, key: Key, page: number): TuiState {
  if (key.name === 'enter' || key.name === 'right') return entered(state, 'message');
  if (key.name === 'left') return left(state);
  const events = ladderEvents(state);
  return { ...state, event: moved(events, currentEvent(state), key, page) };
}

function inMessage(state: TuiState, key: Key, page: number): TuiState {
  if (key.name === 'enter') return left(state);
  if (key.name !== 'left' && key.name !== 'right') return scrolled(state, key, page);
  const name = key.name === 'left' ? 'up' : 'down';
  const event = moved(ladderEvents(state), currentEvent(state), { name }, page);
  return { ...state, event, scroll: 0 };
}

function scrolled(state: TuiState, key: Key, page: number): TuiState {
  const by = stepOf(key, page);
  return by === undefined ? state : { ...state, scroll: Math.max(0, state.scroll + by) };
}

/** The element that the key leads to from `current`. */
function moved<T>(
  list: readonly T[],
  current: T | undefined,
  key: Key,
  page: number,
): T | undefined {
  const by = stepOf(key, page);
  if (by === undefined || list.length === 0) return current;
  const from = current === undefined ? list.length - 1 : list.indexOf(current);
  return list[Math.min(Math.max(from + by, 0), list.length - 1)];
}

function stepOf(key: Key, page: number): number | undefined {
  switch (key.name) {
    case 'up':
      return -1;
    case 'down':
      return 1;
    case 'page up':
      return -page;
    case 'page down':
      return page;
    case 'home':
      return Number.NEGATIVE_INFINITY;
    case 'end':
      return Number.POSITIVE_INFINITY;
    default:
      return undefined;
  }
}

/** The ladder opens at its first event; that of a story followed live moves with its last. */
const firstEvent = (state: TuiState): TraceEvent | undefined => ladderEvents(state)[0];

// ----------------------------------------------------------------------------------- actions

function typed(state: TuiState, key: Key): TuiState {
  switch (key.name) {
    case 'enter':
      return { ...state, isTyping: false };
    case 'escape':
      return { ...state, isTyping: false, filter: '' };
    case 'backspace':
      return { ...state, filter: Array.from(state.filter).slice(0, -1).join('') };
    case 'text':
      return { ...state, filter: state.filter + key.text };
    default:
      return state;
  }
}

function marked(state: TuiState): TuiState {
  const story = currentStory(state);
  if (story === undefined) return state;
  const marks = new Set<Story>(state.marked);
  if (!marks.delete(story)) marks.add(story);
  return inList({ ...state, marked: marks }, { name: 'down' }, 1);
}

function paused(state: TuiState): TuiState {
  if (!state.isPaused) return { ...state, isPaused: true };
  return withEvents({ ...state, isPaused: false, held: [] }, state.held);
}

/** What is looked at: the ladder, or in the list the marked stories, else all that are shown. */
function eventsToSave(state: TuiState): readonly TraceEvent[] {
  const withDecisions = { ...state, withDecisions: true };
  if (state.view !== 'list' || state.marked.size > 0) return ladderEvents(withDecisions);
  const events = shownStories(state).flatMap(story => story.events);
  return events.sort((a, b) => a.sequence - b.sequence);
}
