import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needs } from './needs.ts';

test('a missing peer skips with its package named, and fails under CI', t => {
  const before = process.env.CI;
  t.after(() => {
    if (before === undefined) delete process.env.CI;
    else process.env.CI = before;
  });
  delete process.env.CI;
  assert.match(String(needs('no-such-peer', 'some-package')), /some-package/);
  assert.equal(needs('sh', 'dash'), false);
  process.env.CI = 'true';
  assert.throws(() => needs('no-such-peer', 'some-package'), /some-package/);
  assert.equal(needs('sh', 'dash'), false);
});
