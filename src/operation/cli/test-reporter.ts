// What `carillon test` shows of node's test runner: a line per file, failures in full, the reasons of
// skipped tests, and the runner's counts for the command to add up.

import { relative } from 'node:path';
import type { TestEvent } from 'node:test/reporters';

interface FileTally {
  passed: number;
  failed: number;
  skipped: number;
  ms: number;
}

export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const totals: FileTally = { passed: 0, failed: 0, skipped: 0, ms: 0 };
  const files = new Map<string, FileTally>();
  for await (const event of source) {
    if (event.type === 'test:pass' || event.type === 'test:fail') {
      const { data } = event;
      if (data.details.type === 'suite') continue;
      const file = data.file ?? 'tests';
      const tally = files.get(file) ?? { passed: 0, failed: 0, skipped: 0, ms: 0 };
      files.set(file, tally);
      const kind = data.skip ? 'skipped' : event.type === 'test:pass' ? 'passed' : 'failed';
      tally[kind]++;
      totals[kind]++;
      if (data.nesting === 0) tally.ms += data.details.duration_ms;
      if (data.skip) yield `  ⊘ ${data.name}: ${data.skip === true ? 'skipped' : data.skip}\n`;
      if (event.type === 'test:fail') yield failure(data.name, event.data.details.error);
    } else if (event.type === 'test:stderr' || event.type === 'test:stdout') {
      yield event.data.message;
    } else if (event.type === 'test:summary' && event.data.file !== undefined) {
      const tally = files.get(event.data.file);
      if (tally === undefined) continue;
      const sign = tally.failed > 0 ? '✖' : '✔';
      yield `${sign} ${relative(process.cwd(), event.data.file)}  ${tally.passed} passed` +
        `${tally.failed ? `, ${tally.failed} failed` : ''}${tally.skipped ? `, ${tally.skipped} skipped` : ''}` +
        ` (${(tally.ms / 1000).toFixed(1)} s)\n`;
    }
  }
  yield `ℹ pass ${totals.passed}\nℹ fail ${totals.failed}\nℹ skipped ${totals.skipped}\n`;
}

function failure(name: string, error: Error & { cause?: unknown }): string {
  const cause = error.cause instanceof Error ? error.cause : error;
  const text = cause.stack ?? String(cause);
  return `  ✖ ${name}\n${text
    .split('\n')
    .map(line => `      ${line}`)
    .join('\n')}\n`;
}
