import assert from 'node:assert/strict';
import { test } from 'node:test';
import { barLine, ProgressBar } from './progress-bar.ts';

test('a bar tells share, count and the time that is left', () => {
  assert.equal(
    barLine('checking', 250_000, 1_000_000, 10_000),
    `checking  ${'█'.repeat(8)}${'░'.repeat(22)}  25 %  250,000 of 1,000,000, 30 s left`,
  );
  assert.match(barLine('applying', 5, 5, 1), /100 % {2}5 of 5$/);
  assert.equal(barLine('applying', 5000, undefined, 1), 'applying  5,000');
});

test('a bar is drawn on terminals alone, not oftener than people see, and leaves no trace', () => {
  const written: string[] = [];
  let now = 0;
  const output = { isTTY: true, write: (text: string) => written.push(text) };
  const bar = new ProgressBar(output, () => now);
  bar.show('x', 1, 10);
  bar.show('x', 2, 10);
  assert.equal(written.length, 1);
  now = 200;
  bar.show('x', 3, 10);
  bar.show('x', 10, 10);
  assert.equal(written.length, 3);
  bar.clear();
  assert.equal(written.at(-1), '\r\u001b[K');
  const silent = new ProgressBar({ ...output, isTTY: false }, () => now);
  silent.show('x', 1, 10);
  silent.clear();
  assert.equal(written.length, 4);
});
