import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ere, PatternError } from './ere.ts';

const cases: readonly [pattern: string, text: string, matches: boolean][] = [
  ['abc', 'xxabcx', true],
  ['^abc$', 'abcd', false],
  ['^(a|bc)+$', 'abcbca', true],
  ['^(a|bc)+$', 'abcb', false],
  ['^(ab?){2,}$', 'aab', true],
  ['^a{2,3}$', 'aaaa', false],
  ['^a{0}b$', 'b', true],
  ['^a+{2}$', 'aaa', true],
  ['(a*)*b', 'aaab', true],
  ['[[:digit:]]+x', '12x', true],
  ['[^0-9]', '123', false],
  ['^[]a]$', ']', true],
  ['^[a-]$', '-', true],
  ['a|', 'zzz', true],
  ['a)', 'a)', true],
  ['sip:\\+1.*@', 'sip:+1555@home', true],
  ['^\\d+$', '15550100001', true],
  ['', '', true],
];

for (const [pattern, text, matches] of cases) {
  test(`'${pattern}' ${matches ? 'matches' : 'does not match'} '${text}'`, () => {
    assert.equal(new Ere(pattern).test(text), matches);
  });
}

for (const pattern of ['*', '(', 'a{', 'a{2,1}', 'a{256}', '[', '[b-a]', 'a\\', '(a{255}){255}']) {
  test(`'${pattern}' is no pattern`, () => {
    assert.throws(() => new Ere(pattern), PatternError);
  });
}

test('a text chosen to make a backtracking matcher explode is answered in linear steps', () => {
  const pattern = new Ere('^(a|a)*(a|a)*(a|a)*b$');
  assert.equal(pattern.test('a'.repeat(20_000)), false);
});
