import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { KeyedHash } from './keyed-hash.ts';

test('RFC 4231, test case 2', () => {
  assert.equal(
    new KeyedHash(Buffer.from('Jefe'))
      .of(Buffer.from('what do ya want for nothing?'))
      .toString('hex'),
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  );
});

test("what node's own HMAC says, for keys and texts of many lengths", () => {
  for (let length = 0; length <= 64; length += 8) {
    const key = Buffer.alloc(length, length);
    const text = Buffer.alloc(length * 7, 1);
    const expected = createHmac('sha256', key).update(text).digest();
    assert.deepEqual(new KeyedHash(key).of(text), expected);
  }
});
