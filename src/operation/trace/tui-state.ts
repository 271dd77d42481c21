// What the terminal view knows. Every input makes a new state; only the story book, which joins the
// events as they come, grows in place.

import type { TraceEvent } from '#kernel/trace';
import { type Story, StoryBook } from './stories.ts';
import { summarised } from './story-summary.ts';

export type View = 'list' | 'ladder' | 'message' | 'help';

export interface TuiState {
  readonly book: StoryBook;
  readonly view: View;
  /** What Escape leads back to, the last first. */
  readonly behind: readonly View[];
  /** The story under the cursor; undefined follows the latest. */
  readonly story: Story | undefined;
  /** Stories whose ladders are shown together. */
  readonly marked: ReadonlySet<Story>;
  /** The event under the cursor of the ladder; undefined follows the latest. */
  readonly event: TraceEvent | undefined;
  /** Lines of the message or the help scrolled past. */
  readonly scroll: number;
  readonly filter: string;
  readonly isTyping: boolean;
  readonly withDecisions: boolean;
  readonly isPaused: boolean;
  /** Events that arrived while paused. */
  readonly held: readonly TraceEvent[];
  readonly missed: number;
  /** What the last line says: a file saved, a connection lost. */
  readonly status: string;
}

/** Events kept while paused. */
export const MOST_HELD = 50_000;

export function initialState(filter = ''): TuiState {
  return {
    book: new StoryBook({ stories: 5000, eventsPerStory: 2000 }),
    view: 'list',
    behind: [],
    story: undefined,
    marked: new Set(),
    event: undefined,
    scroll: 0,
    filter,
    isTyping: false,
    withDecisions: true,
    isPaused: false,
    held: [],
    missed: 0,
    status: '',
  };
}

/** The stories that the filter lets through, in the order begun. */
export function shownStories(state: TuiState): readonly Story[] {
  const { stories } = state.book;
  const words = state.filter
    .toLowerCase()
    .split(' ')
    .filter(word => word !== '');
  return words.length === 0 ? stories : stories.filter(story => isMatch(story, words));
}

function isMatch(story: Story, words: readonly string[]): boolean {
  const { parties, outcome } = summarised(story);
  const protocols = new Set(story.messages.map(event => event.protocol));
  const texts = [story.kind, parties, outcome, ...story.identities, ...story.calls, ...protocols];
  const text = texts.join(' ').toLowerCase();
  return words.every(word => text.includes(word));
}

/** The story under the cursor: the latest where none was chosen or the chosen one is gone. */
export function currentStory(state: TuiState): Story | undefined {
  const stories = shownStories(state);
  return state.story !== undefined && stories.includes(state.story) ? state.story : stories.at(-1);
}

/** The events of the ladder: of the marked stories, else of the one under the cursor. */
export function ladderEvents(state: TuiState): readonly TraceEvent[] {
  const current = currentStory(state);
  const stories =
    state.marked.size > 0 ? [...state.marked] : current === undefined ? [] : [current];
  const events = stories.flatMap(story => story.events);
  if (stories.length > 1) events.sort((a, b) => a.sequence - b.sequence);
  return state.withDecisions ? events : events.filter(event => event.kind === 'message');
}

/** The event under the cursor: the latest where none was chosen. */
export function currentEvent(state: TuiState): TraceEvent | undefined {
  const events = ladderEvents(state);
  const { event } = state;
  return event !== undefined && events.includes(event) ? event : events.at(-1);
}
