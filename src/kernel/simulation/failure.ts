// A simulation that did not come to what was expected: the report names the seed, so that the same
// run can be had again.

import type { Fields } from '../host.ts';
import type { Instant } from '../time.ts';

export interface LogEntry {
  readonly time: Instant;
  readonly host: string;
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly event: string;
  readonly fields: Fields;
}

export interface Circumstances {
  readonly seed: number | string;
  readonly started: Instant;
  readonly now: Instant;
  /** The last messages that crossed. */
  readonly ladder: readonly string[];
  readonly logs: readonly LogEntry[];
}

export class SimulationFailure extends Error {
  override readonly name: string = 'SimulationFailure';

  constructor(what: string, circumstances: Circumstances, cause?: unknown) {
    super(report(what, circumstances), cause === undefined ? {} : { cause });
  }
}

function report(what: string, { seed, started, now, ladder, logs }: Circumstances): string {
  const lines = [what, `  seed ${seed}, ${elapsed(now - started)} after the start`];
  if (ladder.length > 0) lines.push('  the last messages:', ...ladder.map(line => `    ${line}`));
  if (logs.length > 0)
    lines.push('  the last logs:', ...logs.map(entry => `    ${logLine(entry, started)}`));
  return lines.join('\n');
}

/** '12.345 s' */
export const elapsed = (duration: number): string => `${(duration / 1000).toFixed(3)} s`;

function logLine({ time, host, level, event, fields }: LogEntry, started: Instant): string {
  return `${elapsed(time - started)} ${host} ${level} ${event} ${JSON.stringify(fields)}`;
}
