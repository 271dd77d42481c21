// What must be the same whatever kind of link carried it: on each reference point, per subscriber,
// the same messages in the same order. Hops with no causal order may interleave, so whole ladders
// cannot be compared line by line.

import { ladderLine, ladderOf } from '#kernel/ladder-of';
import type { MessageEvent, TraceEvent } from '#kernel/trace';
import { Aliases } from './identities.ts';
import { type Story, storiesOf } from './stories.ts';

export { ladderLine, ladderOf };

/**
 * Lines by 'Cx alice@home', keys in order: made for `assert.deepEqual` between two runs. What never
 * arrived, what only came again and what peers tell each other about their link is left out.
 */
export function comparableLadders(events: Iterable<TraceEvent>): Record<string, string[]> {
  const stories = storiesOf(events).filter(story => story.kind !== 'link');
  const aliases = new Aliases();
  for (const story of stories) for (const event of story.events) aliases.learn(event);

  const lines = new Map<string, { readonly event: MessageEvent; readonly line: string }[]>();
  for (const story of stories) {
    const subscriber = subscriberOf(story, aliases);
    for (const event of withoutRepetitions(story)) {
      const key = `${event.point} ${subscriber}`;
      const entry = { event, line: ladderLine(event) };
      const entries = lines.get(key);
      if (entries === undefined) lines.set(key, [entry]);
      else entries.push(entry);
    }
  }
  const sorted = [...lines].sort(([a], [b]) => (a < b ? -1 : 1));
  const bySequence = (a: { event: MessageEvent }, b: { event: MessageEvent }) =>
    a.event.sequence - b.event.sequence;
  return Object.fromEntries(
    sorted.map(([key, entries]) => [key, entries.sort(bySequence).map(entry => entry.line)]),
  );
}

/** Whose story it is: who is named first in it, by the least of all names for them. */
function subscriberOf(story: Story, aliases: Aliases): string {
  const [first] = story.identities;
  if (first === undefined) return '-';
  return [...aliases.of(first)].sort()[0]!;
}

function* withoutRepetitions(story: Story): Iterable<MessageEvent> {
  const seen = new Set<string>();
  for (const event of story.messages) {
    if (event.lost !== undefined) continue;
    if (event.link === 'udp') {
      const octets = Buffer.from(event.message.masked()).toString('latin1');
      const key = `${event.from} ${event.to} ${octets}`;
      if (seen.has(key)) continue;
      seen.add(key);
    }
    yield event;
  }
}
