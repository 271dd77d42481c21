import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzzDiameter } from '../../../test/fuzz/diameter.ts';

test('ten thousand mutated messages break no law of the codec', () => {
  assert.equal(fuzzDiameter({ seed: 20_240, inputs: 10_000 }).inputs, 10_000);
});
