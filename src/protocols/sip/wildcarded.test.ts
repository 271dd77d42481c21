import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closest, wildcardOf } from './wildcarded.ts';

const matches = (wildcard: string, identity: string): boolean | undefined =>
  wildcardOf(wildcard)?.matches(identity);

test('an expression completes what stands around it, in the user part alone', () => {
  const pbx = 'sip:+1555020!.*!@example.org';
  assert.equal(matches(pbx, 'sip:+15550207@example.org'), true);
  assert.equal(matches(pbx, 'sip:+1555020@example.org'), true);
  assert.equal(matches(pbx, 'sip:+15550307@example.org'), false);
  assert.equal(matches(pbx, 'sip:+15550207@example.net'), false);
  assert.equal(matches(pbx, 'sip:+15550207@evil.example@example.org'), false);
  assert.equal(matches('sip:chat-![0-9]{2,4}!-x@example.org', 'sip:chat-123-x@example.org'), true);
  assert.equal(matches('sip:chat-![0-9]{2,4}!-x@example.org', 'sip:chat-1-x@example.org'), false);
  assert.equal(matches('tel:+1555!.{4}!', 'tel:+15551234'), true);
  assert.equal(matches('tel:+1555!.{4}!', 'tel:+155512345'), false);
});

test('what is no wildcarded identity, or could take long to match, is none', () => {
  for (const text of [
    'sip:alice@example.org',
    'sip:!(a+)+!@example.org',
    'sip:!a|b!@example.org',
    'sip:!.*.*.*.*!@example.org',
    `sip:!${'a'.repeat(65)}!@example.org`,
    'sip:![z-a]!@example.org',
    'sip:!.*!',
    'tel:+1!.*!@example.org',
    'mailto:!.*!@example.org',
  ]) {
    assert.equal(wildcardOf(text), undefined, text);
  }
});

test('of several that match the closest is meant', () => {
  const wildcards = ['sip:!.*!@a.org', 'sip:desk-!.*!@a.org', 'sip:d!.*!@a.org'].map(
    text => wildcardOf(text)!,
  );
  assert.equal(closest(wildcards, 'sip:desk-7@a.org')?.text, 'sip:desk-!.*!@a.org');
  assert.equal(closest(wildcards, 'sip:x@a.org')?.text, 'sip:!.*!@a.org');
  assert.equal(closest(wildcards, 'sip:x@b.org'), undefined);
});

test('a hostile identity is matched in little time', () => {
  const begun = performance.now();
  const wildcard = wildcardOf('sip:![a-z]*[a-z]*[a-z]*!@a.org')!;
  assert.equal(wildcard.matches(`sip:${'a'.repeat(240)}0@a.org`), false);
  assert.ok(performance.now() - begun < 500);
});
