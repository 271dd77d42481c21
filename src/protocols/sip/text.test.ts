import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SipError } from './error.ts';
import {
  closingParenthesis,
  closingQuote,
  copied,
  displayText,
  isToken,
  octetText,
  quoted,
  trimmed,
  unescaped,
  unfolded,
} from './text.ts';

test('a token has at least one character, and only those of RFC 3261 §25.1', () => {
  for (const token of ['INVITE', "!interesting-Method0123456789_*+`.%indeed'~", '0'])
    assert.ok(isToken(token), token);
  for (const other of ['', 'a b', 'a/b', 'a;b', 'a"', 'ä', 'a\u0100', '<a>'])
    assert.ok(!isToken(other), other);
});

test('a quote is closed by the first that is not escaped', () => {
  assert.equal(closingQuote('"a" "b"', 0), 2);
  assert.equal(closingQuote('"a\\"b"', 0), 5);
  assert.throws(() => closingQuote('"a\\"', 0), SipError);
  assert.throws(() => closingQuote('"', 0), SipError);
});

test('what is quoted reads back as it was, escapes and all', () => {
  for (const text of ['', 'plain', 'a \\"word\\"', 'back\\\\slash', 'semi;colon', '\\<']) {
    const wire = quoted(text);
    assert.equal(closingQuote(wire, 0), wire.length - 1, wire);
    assert.equal(wire.slice(1, -1), text);
  }
});

test('a quote or a last backslash that nobody escaped is escaped', () => {
  assert.equal(quoted('a"b'), '"a\\"b"');
  assert.equal(quoted('a\\'), '"a\\\\"');
});

test('comments nest', () => {
  assert.equal(closingParenthesis('(a (b) \\) c) d', 0), 11);
  assert.throws(() => closingParenthesis('(a (b)', 0), SipError);
});

test('octets become a person’s text and come back', () => {
  const octets = octetText('Zoë 電');
  assert.equal(
    Buffer.from(octets, 'latin1').toString('hex'),
    Buffer.from('Zoë 電').toString('hex'),
  );
  assert.equal(displayText(octets), 'Zoë 電');
});

test('what is shown to a person cannot steer a terminal', () => {
  assert.equal(displayText('\x1b[31mred\x07\r\n'), '\ufffd[31mred\ufffd\ufffd\ufffd');
  assert.equal(displayText('\xc2\x9b31m'), '\ufffd31m');
});

test('folds become one space', () => {
  assert.equal(unfolded(' a\r\n b\r\n\t  c '), 'a b c');
  assert.equal(unfolded('plain'), 'plain');
});

test('a copy equals what it copies', () => {
  const long = `x${'ab\xff'.repeat(100)}`;
  assert.equal(copied(long.slice(1)), long.slice(1));
  assert.equal(trimmed(' \t a b \r\n'), 'a b');
  assert.equal(unescaped('a\\"b\\\\'), 'a"b\\');
});
