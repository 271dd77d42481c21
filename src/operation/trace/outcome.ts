// What kind of thing a message is, from its summary: for colours and for the end of a story.

import type { MessageEvent } from '#kernel/trace';

export type Tone = 'request' | 'progress' | 'success' | 'redirection' | 'challenge' | 'failure';

const DIAMETER_SUCCESSES =
  /^DIAMETER_(LIMITED_)?SUCCESS|^DIAMETER_(FIRST|SUBSEQUENT)_REGISTRATION$|^DIAMETER_UNREGISTERED_SERVICE$/;

export function toneOf(event: MessageEvent): Tone {
  const summary = event.message.summary();
  if (event.protocol === 'diameter') return diameterTone(summary);
  const status = Number(/^[1-6]\d\d/.exec(summary)?.[0] ?? 0);
  if (status === 0) return 'request';
  if (status < 200) return 'progress';
  if (status < 300) return 'success';
  if (status < 400) return 'redirection';
  return status === 401 || status === 407 ? 'challenge' : 'failure';
}

/** 'MAR', 'MAA DIAMETER_SUCCESS' */
function diameterTone(summary: string): Tone {
  const [command = '', result] = summary.split(' ');
  if (!command.endsWith('A')) return 'request';
  return result !== undefined && DIAMETER_SUCCESSES.test(result) ? 'success' : 'failure';
}

/** A label that still says it in less room. */
export const shortened = (summary: string): string =>
  summary.replace('DIAMETER_ERROR_', '').replace('DIAMETER_', '');
