import assert from 'node:assert/strict';
import { test } from 'node:test';
import { candidates } from './selection.ts';

const known = [
  { uri: 'sip:a', capabilities: [1] },
  { uri: 'sip:b', capabilities: [1, 2, 3] },
  { uri: 'sip:c', capabilities: [2, 3] },
];
const uris = (...args: Parameters<typeof candidates>) => candidates(...args).map(one => one.uri);

test('the S-CSCF the HSS has assigned comes before any that fits', () => {
  assert.deepEqual(uris({ server: 'sip:c' }, known), ['sip:c', 'sip:a', 'sip:b']);
});

test('a server without a mandatory capability is never chosen', () => {
  assert.deepEqual(uris({ capabilities: { mandatory: [2], optional: [], servers: [] } }, known), [
    'sip:b',
    'sip:c',
  ]);
  assert.deepEqual(
    uris({ capabilities: { mandatory: [9], optional: [], servers: [] } }, known),
    [],
  );
});

test('of those able, the one with more optional capabilities comes first', () => {
  assert.deepEqual(uris({ capabilities: { mandatory: [1], optional: [3], servers: [] } }, known), [
    'sip:b',
    'sip:a',
  ]);
});

test('servers the HSS prefers come first, and one that failed is left out', () => {
  const wanted = { capabilities: { mandatory: [], optional: [], servers: ['sip:c'] } };
  assert.deepEqual(uris(wanted, known), ['sip:c', 'sip:a', 'sip:b']);
  assert.deepEqual(uris(wanted, known, new Set(['sip:c'])), ['sip:a', 'sip:b']);
});
