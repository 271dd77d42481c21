import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SystemRandom } from './random.ts';

test('octets are of the length asked for and never repeat, over many pools', () => {
  const random = new SystemRandom();
  const seen = new Set<string>();
  for (let i = 0; i < 2000; i++) {
    const hex = random.hex(16);
    assert.match(hex, /^[0-9a-f]{32}$/);
    seen.add(hex);
    const octets = random.bytes(16);
    assert.equal(octets.length, 16);
    seen.add(Buffer.from(octets).toString('hex'));
  }
  assert.equal(seen.size, 4000);
  assert.equal(random.bytes(10_000).length, 10_000);
  assert.equal(random.hex(5000).length, 10_000);
  assert.equal(random.bytes(0).length, 0);
});

test('octets once handed out are not overwritten by later ones', () => {
  const random = new SystemRandom();
  const octets = random.bytes(32);
  const before = Buffer.from(octets).toString('hex');
  for (let i = 0; i < 1000; i++) random.bytes(32);
  assert.equal(Buffer.from(octets).toString('hex'), before);
});

test('fractions lie in [0, 1) and cover it', () => {
  const random = new SystemRandom();
  const tenths = new Array(10).fill(0);
  for (let i = 0; i < 5000; i++) {
    const fraction = random.fraction();
    assert.ok(fraction >= 0 && fraction < 1);
    tenths[Math.floor(fraction * 10)]++;
  }
  for (const count of tenths) assert.ok(count > 300, `${tenths}`);
});
