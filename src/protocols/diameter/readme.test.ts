import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

test('the example of the README prints what the README says', () => {
  const readme = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8');
  const [, code, expected] = /```ts\n([\s\S]*?)```\n\nprints\n\n```\n([\s\S]*?)```/.exec(readme)!;
  const printed = execFileSync(
    process.execPath,
    ['--input-type=module-typescript', '--eval', code!],
    {
      cwd: join(import.meta.dirname, '../../..'), // where `#diameter/…` is defined
      encoding: 'utf8',
    },
  );
  assert.equal(printed, expected);
});
