import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { UsageError } from '#kernel/errors';
import { homeDomain, readNetworkFile } from './network-file.ts';

const read = (text: string, ...settings: string[]) =>
  readNetworkFile({ name: 'lab.yaml', text, settings });

const complaint = (text: string, ...settings: string[]): string => {
  try {
    read(text, ...settings);
  } catch (error) {
    assert.ok(error instanceof UsageError, String(error));
    return error.message;
  }
  return assert.fail('accepted');
};

test('an empty file is the lab with every default', () => {
  const settings = read('');
  assert.equal(settings.pcscf.udp, 5060);
  assert.equal(settings.scscf.listen, false);
  assert.deepEqual(settings.scscf.digest.algorithms, ['MD5']);
  assert.equal(homeDomain(settings), 'ims.mnc001.mcc001.3gppnetwork.org');
});

test('the built-in lab network is valid and names four subscribers', () => {
  const text = readFileSync(new URL('./lab.yaml', import.meta.url), 'utf8');
  assert.equal(read(text).subscribers.length, 4);
});

test('an error names file, line, key, value and what is allowed', () => {
  const said = complaint('network: x\npcscf:\n  udp: 70000\nlinks: radio\n');
  assert.match(said, /lab\.yaml:3: pcscf\.udp: 70000 must be <= 65535/);
  assert.match(
    said,
    /lab\.yaml:4: links: "radio" is not allowed; write one of local, checked, wire/,
  );
});

test('a misspelt key is refused with the likely right one', () => {
  assert.match(
    complaint('scscf:\n  listn: true\n'),
    /lab\.yaml:2: scscf\.listn: unknown setting; did you mean listen\?/,
  );
});

test('a key named __proto__ is refused like any unknown one', () => {
  assert.match(complaint('', '__proto__.x=1'), /__proto__/);
});

test('text that is not YAML names the line', () => {
  assert.match(complaint('network: lab\n  bad: [\n'), /lab\.yaml:\d+: not YAML/);
});

test('--set overrides one setting and is named when it is wrong', () => {
  assert.equal(read('scscf: { listen: false }', 'scscf.listen=true').scscf.listen, true);
  assert.deepEqual(read('', 'scscf.digest.algorithms=[MD5, SHA-256]').scscf.digest.algorithms, [
    'MD5',
    'SHA-256',
  ]);
  assert.match(
    complaint('', 'scscf.listen=often'),
    /--set scscf\.listen=often: scscf\.listen: "often" must be boolean/,
  );
  assert.match(complaint('', 'nonsense'), /write path\.to\.key=value/);
});

test('aliases that lead nowhere or to ever more, and nesting without end, are mistakes of the file', () => {
  assert.match(complaint('network: *nothing\n'), /lab\.yaml:1: not YAML: .*alias/);
  const bomb = Array.from({ length: 12 }, (_, i) => `a${i}: &a${i} [${`*a${i - 1}, `.repeat(9)}]`);
  assert.match(complaint(`a: ${'['.repeat(20_000)}`), /not YAML/);
  assert.match(complaint(`a: &a-1 x\n${bomb.join('\n')}\n`), /not YAML/);
});
