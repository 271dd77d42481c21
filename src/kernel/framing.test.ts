import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from './errors.ts';
import { framedPipe, type StreamReader } from './framing.ts';
import type { Stream } from './host.ts';

/** Lines, of which none may hold an exclamation mark. */
function lines(): StreamReader<string> {
  let rest = '';
  return {
    push(octets, take) {
      const parts = (rest + Buffer.from(octets).toString()).split('\n');
      rest = parts.pop()!;
      for (const line of parts) {
        if (line.includes('!')) throw new ProtocolError('an exclamation mark');
        take(line);
      }
    },
  };
}

function stream() {
  const sent: string[] = [];
  const closes: string[] = [];
  const it = {
    protocol: 'tcp' as const,
    local: { host: '127.0.0.1', port: 1 },
    remote: { host: '127.0.0.1', port: 2 },
    queued: 0,
    send: (octets: Uint8Array) => void sent.push(Buffer.from(octets).toString()),
    close: () => void closes.push('close'),
    onOctets: (_octets: Uint8Array) => {},
    onOpen: () => {},
    onClosed: (_reason: string) => {},
  };
  return {
    it: it satisfies Stream,
    sent,
    closes,
    feed: (text: string) => it.onOctets(Buffer.from(text)),
  };
}

const codec = { encode: (line: string) => Buffer.from(`${line}\n`) };

function pipeOver(setting = {}) {
  const world = stream();
  const log: string[] = [];
  const pipe = framedPipe(world.it, lines(), codec, setting);
  pipe.onOpen = () => log.push('open');
  pipe.onMessage = line => log.push(line);
  pipe.onClosed = reason => log.push(`closed: ${reason}`);
  return { ...world, pipe, log };
}

test('messages cross a stream whole, whatever pieces they arrive in', () => {
  const { it, feed, pipe, log, sent } = pipeOver({ remoteName: 'hss' });
  it.onOpen();
  feed('on');
  feed('e\ntwo\nthr');
  feed('ee\n');
  assert.deepEqual(log, ['open', 'one', 'two', 'three']);
  pipe.send('answer');
  assert.deepEqual(sent, ['answer\n']);
  assert.equal(pipe.protocol, 'tcp');
  assert.equal(pipe.remoteName, 'hss');
  assert.deepEqual(pipe.remote, it.remote);
});

test('a stream that cannot be cut is closed with the reason', () => {
  const { it, feed, pipe, log, closes, sent } = pipeOver();
  feed('fine\nnot fine!\n');
  feed('more\n');
  pipe.send('nobody');
  assert.deepEqual(closes, ['close']);
  it.onClosed('closed');
  assert.deepEqual(log, ['fine', 'closed: malformed: an exclamation mark']);
  assert.deepEqual(sent, []);
});

test('an owner who closes in the middle of a piece gets no more of it', () => {
  const { it, feed, pipe, log } = pipeOver();
  pipe.onMessage = line => {
    log.push(line);
    pipe.close('done');
  };
  feed('one\ntwo\n');
  it.onClosed('closed');
  assert.deepEqual(log, ['one', 'closed: done']);
});

test('a peer that does not read is let go', () => {
  const { it, pipe, sent, closes } = pipeOver({ queuedOctets: 10 });
  it.queued = 10;
  pipe.send('fits');
  it.queued = 11;
  pipe.send('too much');
  assert.deepEqual(sent, ['fits\n']);
  assert.deepEqual(closes, ['close']);
});

test('a mistake of our own is not blamed on the peer', () => {
  const world = stream();
  const broken: StreamReader<string> = {
    push: () => {
      throw new TypeError('ours');
    },
  };
  framedPipe(world.it, broken, codec);
  assert.throws(() => world.feed('x'), TypeError);
  assert.deepEqual(world.closes, []);
});
