import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CapturingEre } from './captures.ts';
import { PatternError } from './compile.ts';

const cases: readonly [pattern: string, text: string, match: (string | undefined)[] | undefined][] =
  [
    ['^\\+1(.*)$', '+15551234', ['+15551234', '5551234']],
    ['^.*$', '+1555', ['+1555']],
    ['^(\\+441632(96.*))$', '+441632960083', ['+441632960083', '+441632960083', '960083']],
    ['(a|ab)(c|bcd)?', 'xabcd', ['abcd', 'a', 'bcd']],
    ['a|ab', 'ab', ['ab']], // the longest, not the first
    ['(a*)(a*)', 'aaa', ['aaa', 'aaa', '']],
    ['(a)|(b)', 'b', ['b', undefined, 'b']],
    ['(a|b)*', 'abab', ['abab', 'b']],
    ['(x(y)?){2}', 'xyx', ['xyx', 'x', 'y']],
    ['b+', 'abbcbbb', ['bb']], // the leftmost, not the longest of all
    ['^1', '21', undefined],
    ['', 'abc', ['']],
  ];

for (const [pattern, text, match] of cases) {
  test(`'${pattern}' in '${text}' is ${match?.join(' ') ?? 'not there'}`, () => {
    assert.deepEqual(new CapturingEre(pattern).match(text), match);
  });
}

test('letters of either case match each other where asked', () => {
  assert.deepEqual(new CapturingEre('^[a-c](Z)$', { ignoreCase: true }).match('Bz'), ['Bz', 'z']);
  assert.equal(new CapturingEre('^[a-c]$').match('B'), undefined);
});

test('a text chosen to make a backtracking matcher explode is answered in linear steps', () => {
  const pattern = new CapturingEre('^((a|a)*)*(a|a)*(a|a)*b$');
  assert.equal(pattern.match('a'.repeat(20_000)), undefined);
});

test('what is no pattern is told', () => {
  assert.throws(() => new CapturingEre('('), PatternError);
});
