import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SipError } from './error.ts';
import { NO_PARAMS, params, paramsText, parseParams, withParams } from './params.ts';

const read = (text: string): unknown => Object.fromEntries(parseParams(text, 0));

test('names are lower case, values as on the wire, flags null', () => {
  assert.deepEqual(read(';Tag=AbC;lr;q=0.5'), { tag: 'AbC', lr: null, q: '0.5' });
});

test('white space may stand around every part', () => {
  assert.deepEqual(read(' ;\t tag  = a ; lr ;x = "b c" '), { tag: 'a', lr: null, x: 'b c' });
});

test('a quoted value keeps its escapes and may hold separators', () => {
  assert.deepEqual(read(';text="a;b,\\"c\\"=d"'), { text: 'a;b,\\"c\\"=d' });
});

test('empty parameters are passed over, empty values kept', () => {
  assert.deepEqual(read(';;a=;b;'), { a: '', b: null });
  assert.equal(parseParams('', 0), NO_PARAMS);
});

test('of two with the same name the first counts', () => {
  assert.deepEqual(read(';tag=a;TAG=b'), { tag: 'a' });
});

test('anything else is refused', () => {
  for (const text of ['x', ';=a', ';a="b', ';a b', ';a=b c', ';a=b"c"', ';a=\\', ';a,b']) {
    assert.throws(() => parseParams(text, 0), SipError, text);
  }
  assert.throws(
    () =>
      parseParams(';a'.repeat(10) + Array.from({ length: 200 }, (_, i) => `;p${i}`).join(''), 0),
    SipError,
  );
});

test('what is written reads back the same', () => {
  const made = params({
    tag: 'a',
    lr: null,
    text: 'Call completed',
    n: 5,
    gone: undefined,
    flag: true,
    e: '',
  });
  const wire = paramsText(made);
  assert.equal(wire, ';tag=a;lr;text="Call completed";n=5;flag;e=""');
  assert.deepEqual(parseParams(wire, 0), made);
});

test('feature tags and other quoted strings are quoted even where a token would do', () => {
  const wire =
    ';+g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.mmtel";text="Ringing";expires=60';
  assert.equal(paramsText(parseParams(wire, 0)), wire);
});

test('addresses stand bare where the grammar has them bare', () => {
  const wire = ';received=2001:db8::1;maddr=[2001:db8::2];ccf=[fd5f::42:105]';
  assert.equal(paramsText(parseParams(wire, 0)), wire);
});

test('changing parameters leaves the original as it was', () => {
  const before = params({ tag: 'a', lr: null });
  const after = withParams(before, { TAG: undefined, expires: 60, ob: true });
  assert.deepEqual(
    [...after],
    [
      ['lr', null],
      ['expires', '60'],
      ['ob', null],
    ],
  );
  assert.deepEqual(
    [...before],
    [
      ['tag', 'a'],
      ['lr', null],
    ],
  );
});
