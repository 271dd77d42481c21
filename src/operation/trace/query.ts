// Which part of the trace somebody asks for: the API's query and the command line's filter.

import type { Instant } from '#kernel/time';
import type { MessageEvent, TraceEvent } from '#kernel/trace';
import { Aliases, isMeant } from './identities.ts';
import { type Story, StoryBook, storiesOf } from './stories.ts';

export interface TraceQuery {
  /** An IMPU, IMPI or IMSI, a number or a name: whole stories of that subscriber. */
  readonly subscriber?: string;
  /** The identities of that subscriber that a record tells; the trace itself tells others. */
  readonly identities?: readonly string[];
  /** A Call-ID, ICID, Session-Id or story id: that whole story. */
  readonly call?: string;
  /** Only messages of this protocol, and decisions. */
  readonly protocol?: MessageEvent['protocol'];
  /** Only what happened at this time or later. */
  readonly since?: Instant;
  /** At most so many events, the latest. Default 1000. */
  readonly limit?: number;
}

export const DEFAULT_LIMIT = 1000;

/** The stories asked for, in the order begun. `since` keeps those that went on then. */
export function selectStories(events: Iterable<TraceEvent>, query: TraceQuery = {}): Story[] {
  const selection = new Selection(query);
  for (const event of events) selection.add(event);
  return selection.stories();
}

/** The events asked for, in their order. */
export function selectEvents(events: Iterable<TraceEvent>, query: TraceQuery = {}): TraceEvent[] {
  const selection = new Selection(query);
  for (const event of events) selection.add(event);
  return selection.events();
}

/** Events looked at in one turn of the loop: about a millisecond's worth. */
const SLICE = 100;

/**
 * The same over as many turns of the loop as it takes, so that a network whose trace is asked goes on
 * meanwhile; `pause` resolves in a later turn.
 */
export async function selectInTurns(
  events: Iterable<TraceEvent>,
  query: TraceQuery,
  pause: () => Promise<unknown>,
): Promise<TraceEvent[]> {
  const selection = new Selection(query);
  let left = SLICE;
  for (const event of events) {
    selection.add(event);
    if (--left > 0 || !selection.joins) continue;
    left = SLICE;
    await pause();
  }
  return selection.events();
}

/** Takes every event there is, then gives those asked for. */
class Selection {
  /** Whether events must be joined into stories to know which are asked for. */
  readonly joins: boolean;
  readonly #query: TraceQuery;
  readonly #all: TraceEvent[] = [];
  readonly #book = new StoryBook({ stories: Number.POSITIVE_INFINITY });
  readonly #aliases = new Aliases();

  constructor(query: TraceQuery) {
    this.#query = query;
    this.joins = query.subscriber !== undefined || query.call !== undefined;
  }

  add(event: TraceEvent): void {
    this.#all.push(event);
    if (!this.joins) return;
    this.#book.add(event);
    this.#aliases.learn(event);
  }

  stories(): Story[] {
    const { subscriber, call, since } = this.#query;
    if (this.#query.identities !== undefined) this.#aliases.join(this.#query.identities);
    const stories = this.joins ? this.#book.stories : storiesOf(this.#all);
    const identities = subscriber === undefined ? undefined : this.#aliases.of(subscriber);
    return stories.filter(
      story =>
        (identities === undefined || concerns(story, subscriber!, identities)) &&
        (call === undefined || isCall(story, call)) &&
        (since === undefined || story.ended >= since),
    );
  }

  events(): TraceEvent[] {
    const { protocol, since, limit = DEFAULT_LIMIT } = this.#query;
    const selected = this.joins
      ? this.stories()
          .flatMap(story => story.events)
          .sort((a, b) => a.sequence - b.sequence)
      : this.#all;
    const wanted = selected.filter(
      event =>
        (since === undefined || event.time >= since) &&
        (protocol === undefined || event.kind === 'decision' || event.protocol === protocol),
    );
    return limit > 0 ? wanted.slice(-limit) : [];
  }
}

/**
 * The same question put to events one by one as they happen. It learns which identities and
 * Call-IDs belong together from the events kept before and from those it sees.
 */
export function liveFilter(
  query: TraceQuery,
  before: Iterable<TraceEvent> = [],
): (event: TraceEvent) => boolean {
  const { subscriber, call, protocol, since } = query;
  const book = new StoryBook({ eventsPerStory: 1 });
  const aliases = new Aliases();
  if (query.identities !== undefined) aliases.join(query.identities);
  const joins = call !== undefined || subscriber !== undefined;
  const isAsked = (event: TraceEvent): boolean => {
    if (!joins) return true;
    const story = book.add(event);
    aliases.learn(event);
    if (call !== undefined && !isCall(story, call)) return false;
    return subscriber === undefined || concerns(story, subscriber, aliases.of(subscriber));
  };
  for (const event of before) isAsked(event);
  return event => {
    if (!isAsked(event)) return false;
    if (since !== undefined && event.time < since) return false;
    return protocol === undefined || event.kind === 'decision' || event.protocol === protocol;
  };
}

function concerns(story: Story, asked: string, identities: ReadonlySet<string>): boolean {
  for (const identity of story.identities) {
    if (identities.has(identity) || isMeant(identity, asked)) return true;
  }
  return false;
}

const isCall = (story: Story, call: string): boolean => story.id === call || story.calls.has(call);
