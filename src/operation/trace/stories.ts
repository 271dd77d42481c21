// Events joined into stories: a registration, a call, a message, a subscription, each with all that
// it caused. Joined by what the wire carries: Call-ID, ICID, Session-Id. A Diameter session that a
// registration or a call started carries none of the first two; it joins the story in which its client
// acted a moment ago for the same subscriber.

import { type Duration, type Instant, seconds } from '#kernel/time';
import type { Keys, MessageEvent, TraceEvent } from '#kernel/trace';
import { identitiesOf } from './identities.ts';

export type StoryKind =
  | 'registration'
  | 'call'
  | 'message'
  | 'subscription'
  | 'publication'
  | 'session'
  | 'link'
  | 'other';

/** By the method that begins it. */
const KIND_OF_METHOD: Readonly<Record<string, StoryKind>> = {
  REGISTER: 'registration',
  INVITE: 'call',
  MESSAGE: 'message',
  SUBSCRIBE: 'subscription',
  NOTIFY: 'subscription',
  PUBLISH: 'publication',
};

/** A Diameter session or an intermediary's request follows what caused it within this. */
const NEAR: Duration = seconds(2);
/** A REGISTER of the same Call-ID after this long is the next story, not more of the same. */
const REGISTRATION_GAP: Duration = seconds(33);
/** Stories looked at when joining by nearness. */
const RECENT = 256;

export class Story {
  /** The number of its first event. */
  readonly id: string;
  readonly begun: Instant;
  kind: StoryKind;
  ended: Instant;
  readonly events: TraceEvent[] = [];
  readonly identities = new Set<string>();
  /** Every Call-ID, ICID and Session-Id in it. */
  readonly calls = new Set<string>();
  /** When each instance was last told something, or decided. */
  readonly #lastAt = new Map<string, Instant>();

  constructor(first: TraceEvent) {
    this.id = `${first.sequence}`;
    this.begun = this.ended = first.time;
    this.kind = first.kind === 'message' ? kindOf(first) : 'other';
  }

  get messages(): readonly MessageEvent[] {
    return this.events.filter(event => event.kind === 'message');
  }

  add(event: TraceEvent, keys: Keys): void {
    this.events.push(event);
    this.ended = event.time;
    for (const identity of identitiesOf(keys)) this.identities.add(identity);
    for (const call of [keys.callId, keys.icid, keys.sessionId]) {
      if (call !== undefined) this.calls.add(call);
    }
    this.#lastAt.set(event.kind === 'message' ? event.to : event.at, event.time);
    if (this.kind === 'other' && event.kind === 'message') this.kind = kindOf(event);
  }

  /** When `name` last had a reason to act; never: -Infinity. */
  lastOf(name: string): Instant {
    return this.#lastAt.get(name) ?? Number.NEGATIVE_INFINITY;
  }
}

export interface StoryBookLimits {
  /** Stories kept, the oldest go. Default 10 000. */
  readonly stories?: number;
  /** Events kept of one story, the oldest go; what they said of whom is remembered. Default: all. */
  readonly eventsPerStory?: number;
}

/** Joins events as they come. */
export class StoryBook {
  readonly #limit: Required<StoryBookLimits>;
  /** In the order begun. */
  readonly #stories = new Set<Story>();
  /** 'call …', 'icid …', 'session …' to the story it belongs to. */
  readonly #byKey = new Map<string, Story>();
  readonly #keysOf = new Map<Story, Set<string>>();
  /** The stories that moved last, the latest at the end. */
  #recent: Story[] = [];

  constructor({
    stories = 10_000,
    eventsPerStory = Number.POSITIVE_INFINITY,
  }: StoryBookLimits = {}) {
    this.#limit = { stories, eventsPerStory };
  }

  get stories(): readonly Story[] {
    return [...this.#stories];
  }

  /** The story the event belongs to, begun by it where there was none. */
  add(event: TraceEvent): Story {
    const keys = event.kind === 'message' ? event.message.keys() : event.keys;
    const joining = joiningKeys(event, keys);
    let story = this.#find(event, joining);
    story ??= this.#near(event, keys);
    story ??= this.#begin(event);
    story.add(event, keys);
    if (story.events.length > this.#limit.eventsPerStory) story.events.shift();
    for (const key of joining) this.#bind(key, story);
    this.#touch(story);
    return story;
  }

  #find(event: TraceEvent, joining: readonly string[]): Story | undefined {
    for (const key of joining) {
      const story = this.#byKey.get(key);
      if (story === undefined) continue;
      const isNext =
        story.kind === 'registration' &&
        event.kind === 'message' &&
        event.message.summary() === 'REGISTER' &&
        event.time - story.ended > REGISTRATION_GAP;
      if (!isNext) return story;
    }
    return undefined;
  }

  /** By subscriber, instance and time: for Diameter, decisions and what intermediaries begin. */
  #near(event: TraceEvent, keys: Keys): Story | undefined {
    const actor = actorOf(event);
    if (actor === undefined) return undefined;
    const identities = identitiesOf(keys);
    let best: Story | undefined;
    let latest = event.time - NEAR;
    for (const story of this.#recent) {
      const last = story.lastOf(actor);
      if (last < latest || last > event.time || !mayJoin(event, story)) continue;
      if (identities.length > 0 && !identities.some(one => story.identities.has(one))) continue;
      best = story;
      latest = last;
    }
    return best;
  }

  #begin(event: TraceEvent): Story {
    const story = new Story(event);
    this.#stories.add(story);
    this.#keysOf.set(story, new Set());
    if (this.#stories.size > this.#limit.stories) this.#forgetOldest();
    return story;
  }

  #forgetOldest(): void {
    const oldest: Story = this.#stories.values().next().value!;
    this.#stories.delete(oldest);
    for (const key of this.#keysOf.get(oldest)!) {
      if (this.#byKey.get(key) === oldest) this.#byKey.delete(key);
    }
    this.#keysOf.delete(oldest);
    this.#recent = this.#recent.filter(story => story !== oldest);
  }

  #bind(key: string, story: Story): void {
    this.#byKey.set(key, story);
    this.#keysOf.get(story)?.add(key);
  }

  #touch(story: Story): void {
    if (this.#recent.at(-1) === story) return;
    this.#recent = this.#recent.filter(other => other !== story);
    this.#recent.push(story);
    if (this.#recent.length > RECENT) this.#recent.shift();
  }
}

/** All the stories of some events. */
export function storiesOf(events: Iterable<TraceEvent>): readonly Story[] {
  const book = new StoryBook({ stories: Number.POSITIVE_INFINITY });
  for (const event of events) book.add(event);
  return book.stories;
}

function joiningKeys(event: TraceEvent, { callId, icid, sessionId }: Keys): string[] {
  const keys: string[] = [];
  if (event.kind === 'message' && kindOf(event) === 'link') {
    return [`link ${[event.from, event.to].sort().join(' ')}`];
  }
  if (callId !== undefined) keys.push(`call ${callId}`);
  if (icid !== undefined) keys.push(`icid ${icid}`);
  if (sessionId !== undefined) keys.push(`session ${sessionId}`);
  return keys;
}

/** Whose having taken part a moment ago may explain the event; nobody where it began by itself. */
function actorOf(event: TraceEvent): string | undefined {
  if (event.kind === 'decision') return event.at;
  // A phone that calls somebody a moment after it registered tells another story.
  return event.protocol === 'sip' && event.point === 'Gm' ? undefined : event.from;
}

/** An AS calls on and an S-CSCF registers on; a subscription causes no other. */
const CAUSING: ReadonlySet<StoryKind> = new Set(['registration', 'call', 'message']);

/** A decision or a Diameter session belongs to any story, a SIP message only to one of its kind. */
function mayJoin(event: TraceEvent, story: Story): boolean {
  if (event.kind === 'decision') return true;
  if (event.protocol === 'diameter') return isSubscribers(event) && story.kind !== 'link';
  const kind = kindOf(event);
  return kind === story.kind && CAUSING.has(kind);
}

/** Capabilities exchange and watchdog concern the link, not a subscriber. */
const isSubscribers = (event: MessageEvent): boolean =>
  event.message.keys().sessionId !== undefined;

function kindOf(event: MessageEvent): StoryKind {
  if (event.protocol === 'diameter') return isSubscribers(event) ? 'session' : 'link';
  const method = /^[A-Z]+/.exec(event.message.summary())?.[0];
  return KIND_OF_METHOD[method ?? ''] ?? 'other';
}
