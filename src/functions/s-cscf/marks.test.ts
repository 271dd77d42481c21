import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { Marks } from './marks.ts';

const marks = new Marks(Buffer.alloc(32, 1));
const written = marks.write({ side: 'term', session: 'ab12' }, 'call-1');

test('a mark is read as it was written, for its Call-ID alone', () => {
  assert.deepEqual(marks.read(written, 'call-1'), { side: 'term', session: 'ab12' });
  assert.equal(marks.read(written, 'call-2'), undefined);
});

test('the signature is an HMAC', () => {
  const hmac = createHmac('sha256', Buffer.alloc(32, 1)).update('term.ab12.call-1').digest('hex');
  assert.equal(written, `term.ab12.${hmac.slice(0, 16)}`);
});

test('a mark of another key is none of ours', () => {
  assert.equal(new Marks(Buffer.alloc(32, 2)).read(written, 'call-1'), undefined);
});

test('whatever a peer makes of a mark is refused and never an error', () => {
  for (const text of [
    undefined,
    null,
    '',
    '.',
    'term',
    'term.ab12',
    written.replace('term', 'orig'),
    written.replace('ab12', 'ab13'),
    `${written}0`,
    `${written}.`,
    written.slice(0, -1),
    written.toUpperCase(),
    `${written.slice(0, -1)}\u00ff`,
    '\ud800'.repeat(40),
  ]) {
    assert.equal(marks.read(text, 'call-1'), undefined, String(text));
  }
});
