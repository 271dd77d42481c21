import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../host.ts';
import { createLog, type LogOptions } from './log.ts';

const clock: Clock = {
  now: () => Date.UTC(2030, 0, 2, 3, 4, 5, 678),
  after: () => ({ cancel() {} }),
  soon() {},
};

function lines(options: LogOptions, use: (log: ReturnType<typeof createLog>) => void): string[] {
  const written: string[] = [];
  use(createLog('s-cscf', clock, { colour: false, write: line => written.push(line), ...options }));
  return written;
}

test('a person reads one line per event', () => {
  const written = lines({}, log =>
    log.info('registered', { impu: 'sip:alice@home', expires: 600, contact: undefined }),
  );
  assert.deepEqual(written, [
    '03:04:05.678 info  s-cscf registered impu=sip:alice@home expires=600',
  ]);
});

test('a machine reads one JSON object per event, whose own members no field replaces', () => {
  const written = lines({ format: 'json' }, log =>
    log.warn('refused', { impu: 'sip:a@home', level: 7, error: new Error('no') }),
  );
  assert.deepEqual(JSON.parse(written[0]!), {
    time: '2030-01-02T03:04:05.678Z',
    level: 'warn',
    instance: 's-cscf',
    event: 'refused',
    impu: 'sip:a@home',
    _level: 7,
    error: 'no',
  });
});

test('levels below the threshold write nothing and do not look at the fields', () => {
  const written = lines({ level: 'warn' }, log => {
    const fields = Object.defineProperty({}, 'impu', {
      enumerable: true,
      get: () => assert.fail('looked at'),
    });
    log.debug('a', fields);
    log.info('b', fields);
    log.warn('c');
    log.error('d');
  });
  assert.equal(written.length, 2);
  assert.deepEqual(
    lines({ level: 'silent' }, log => log.error('e')),
    [],
  );
});

test('secrets are not written in either format, at any depth', () => {
  const fields = { password: 'alice-secret', k: '465b', user: { opc: 'cd63', name: 'alice' } };
  for (const format of ['text', 'json'] as const) {
    const [line] = lines({ format }, log => log.info('x', { ...fields, raw: Buffer.from('hi') }));
    assert.doesNotMatch(line!, /alice-secret|465b|cd63|hi/);
    assert.match(line!, /alice/);
    assert.match(line!, /<2 octets>/);
  }
});

test('what a peer sent can neither break the line, nor drive the terminal, nor fill it', () => {
  const [line] = lines({}, log =>
    log.info('bad', { from: 'a\r\nb\x1b[2J\x9b"\u202e', long: 'x'.repeat(10_000) }),
  );
  assert.match(line!, /from="a\\r\\nb\\u001b\[2J\\u009b\\"\\u202e"/);
  assert.ok(line!.length < 700);
});
