// A story in one line: who, and how it ended.

import { userPart } from './identities.ts';
import { toneOf } from './outcome.ts';
import { plain } from './plain-text.ts';
import type { Story } from './stories.ts';

export interface StorySummary {
  /** 'alice', 'alice → bob', 'i-cscf, hss'. */
  readonly parties: string;
  /** '200 OK', 'ringing', 'ended', '486 Busy Here'; '…' while nothing is known. */
  readonly outcome: string;
  readonly failed: boolean;
}

export function summarised(story: Story): StorySummary {
  return { parties: plain(partiesOf(story)), ...outcomeOf(story) };
}

function partiesOf(story: Story): string {
  const [first] = story.messages;
  const { impus = [], impi, imsi } = first?.message.keys() ?? {};
  const names = impus.map(userPart);
  const [from, to] = names;
  if (story.kind === 'registration') return from ?? impi ?? imsi ?? '?';
  if (from !== undefined && to !== undefined && first?.protocol === 'sip') return `${from} → ${to}`;
  const one = from ?? (impi === undefined ? imsi : userPart(impi));
  if (one !== undefined) return one;
  return first === undefined ? '?' : [first.from, first.to].join(', ');
}

/** What whoever began it was last told; for a call, how far it came. */
function outcomeOf(story: Story): { outcome: string; failed: boolean } {
  const { messages } = story;
  const [first] = messages;
  if (first === undefined) return { outcome: '…', failed: false };
  if (story.kind === 'call' && messages.some(event => event.message.summary() === 'BYE')) {
    return { outcome: 'ended', failed: false };
  }
  const answer = messages.findLast(
    event => event.to === first.from && event.lost === undefined && toneOf(event) !== 'request',
  );
  if (answer === undefined) return { outcome: '…', failed: false };
  const tone = toneOf(answer);
  return { outcome: plain(answer.message.summary()), failed: tone === 'failure' };
}
