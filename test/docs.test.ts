import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { generatedDocs } from '../scripts/generate-docs.ts';

test('what is generated under docs/ is current', () => {
  for (const [path, text] of generatedDocs()) {
    const kept = readFileSync(join(import.meta.dirname, '..', path), 'utf8');
    assert.equal(kept, text, `${path} is not current: run node scripts/generate-docs.ts`);
  }
});
