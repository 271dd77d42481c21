// When a command that goes on and on is to end: by Ctrl-C, or after the time it was given.

import { UsageError } from '#kernel/errors';

/** Throws a UsageError where `seconds`, the value of --for, is no number. */
export function endSignal(seconds: string | undefined): AbortSignal {
  const end = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => end.abort());
  }
  if (seconds === undefined) return end.signal;
  if (!/^\d+(\.\d+)?$/.test(seconds) || Number(seconds) > 1_000_000) {
    throw new UsageError(`--for ${seconds}: write a number of seconds`);
  }
  setTimeout(() => end.abort(), Number(seconds) * 1000).unref();
  return end.signal;
}
