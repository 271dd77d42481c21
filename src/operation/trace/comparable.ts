// What must be the same whatever kind of link carried it: on each reference point, per subscriber,
// the same messages in the same order. Hops with no causal order may interleave, and two ends may
// send at once, so whole ladders cannot be compared line by line: each way of each hop can.

import { ladderLine, ladderOf } from '#kernel/ladder-of';
import type { MessageEvent, TraceEvent } from '#kernel/trace';
import { Aliases } from './identities.ts';
import { type Story, storiesOf } from './stories.ts';

export { ladderLine, ladderOf };

/**
 * The messages by 'Cx i-cscf → hss, alice@home registration 1 of alice': the reference point, the
 * hop, the subscriber, and which of their stories. Keys in order, made for `assert.deepEqual` between
 * two runs. What never arrived, what only came again and what peers tell each other about their link
 * is left out.
 */
export function comparableLadders(events: Iterable<TraceEvent>): Record<string, string[]> {
  const stories = storiesOf(events).filter(story => story.kind !== 'link');
  const aliases = new Aliases();
  for (const story of stories) for (const event of story.events) aliases.learn(event);

  const ladders = new Map<string, string[]>();
  const counts = new Map<string, number>();
  for (const story of stories) {
    const [first] = story.messages;
    if (first === undefined) continue;
    // Two stories that begin at once, of two instances, have no order between them.
    const kind = `${subscriberOf(story, aliases)} ${story.kind}`;
    const count = (counts.get(`${kind} ${first.from}`) ?? 0) + 1;
    counts.set(`${kind} ${first.from}`, count);
    for (const event of withoutRepetitions(story)) {
      const hop = `${event.point} ${event.from} → ${event.to}`;
      const key = `${hop}, ${kind} ${count} of ${first.from}`;
      const messages = ladders.get(key);
      if (messages === undefined) ladders.set(key, [event.message.summary()]);
      else messages.push(event.message.summary());
    }
  }
  return Object.fromEntries([...ladders].sort(([a], [b]) => (a < b ? -1 : 1)));
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
