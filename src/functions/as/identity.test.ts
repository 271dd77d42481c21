import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '#kernel/errors';
import { identityNamed } from './identity.ts';

const home = 'ims.example';

test('a number is one identity, however it is written', () => {
  for (const text of [
    'tel:+15550100002',
    'tel:+1-555-010-0002',
    'sip:+15550100002@ims.example',
    'sip:+15550100002@IMS.example;user=phone',
  ]) {
    assert.equal(identityNamed(text, home, 'as.forward'), 'tel:+15550100002', text);
  }
  assert.equal(
    identityNamed('sip:+15550100002@other.example', home, ''),
    'sip:+15550100002@other.example',
  );
  assert.equal(identityNamed('sip:bob@ims.example;x=y', home, ''), 'sip:bob@ims.example');
});

test('what is no identity is named, with its setting', () => {
  assert.throws(
    () => identityNamed('bob', home, 'as.forward'),
    (error: unknown) => {
      assert.ok(error instanceof UsageError);
      assert.match(
        error.message,
        /as\.forward: "bob" is no identity, such as sip:bob@ims\.example/,
      );
      return true;
    },
  );
});
