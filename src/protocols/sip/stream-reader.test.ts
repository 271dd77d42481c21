import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { vectors } from '../../../test/vectors.ts';
import { SipStreamReader, type StreamItem, type StreamReaderOptions } from './stream-reader.ts';

const octets = (text: string): Buffer => Buffer.from(text, 'latin1');
const message = (id: string, content = ''): string =>
  `OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/TCP h\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\nCall-ID: ${id}\r\nCSeq: 1 OPTIONS\r\nContent-Length: ${content.length}\r\n\r\n${content}`;

function readAll(stream: Buffer, size: number, options?: StreamReaderOptions): StreamItem[] {
  const reader = new SipStreamReader(options);
  const items: StreamItem[] = [];
  for (let at = 0; at < stream.length; at += size)
    items.push(...reader.push(Buffer.from(stream.subarray(at, at + size))));
  return items;
}

const told = (items: readonly StreamItem[]): string[] =>
  items.map(item => {
    if (item.kind === 'message')
      return `${item.message.raw('Call-ID')[0]}:${Buffer.from(item.message.body).toString('latin1')}`;
    return item.kind === 'error' ? `${item.error.status}${item.fatal ? ' fatal' : ''}` : item.kind;
  });

test('the messages of a stream come out the same for every chunk size', () => {
  const stream = octets(
    message('a', 'x\r\n\r\ny') + message('b') + message('c', 'z'.repeat(5000)) + message('d'),
  );
  const expected = ['a:x\r\n\r\ny', 'b:', `c:${'z'.repeat(5000)}`, 'd:'];
  for (let size = 1; size <= stream.length; size = size < 600 ? size + 1 : size * 2) {
    assert.deepEqual(told(readAll(stream, size)), expected, `chunks of ${size}`);
  }
});

test('the 227 messages of the vector come out for every chunk size, octet for octet', () => {
  const stream = readFileSync(vectors('sip/stream/generic.txt'));
  const whole = readAll(stream, stream.length);
  assert.equal(whole.filter(item => item.kind === 'message').length, 227);
  assert.equal(whole.length, 227);
  const expected = whole.map(item =>
    item.kind === 'message' ? Buffer.from(item.message.encode()).toString('latin1') : '',
  );
  for (const size of [
    1, 2, 3, 5, 7, 16, 61, 100, 255, 256, 512, 1000, 1024, 1460, 4096, 16_384, 65_536,
  ]) {
    const items = readAll(stream, size);
    assert.deepEqual(
      items.map(item =>
        item.kind === 'message' ? Buffer.from(item.message.encode()).toString('latin1') : item.kind,
      ),
      expected,
      `chunks of ${size}`,
    );
  }
});

test('a double CRLF from the peer that opened the connection is a ping, in any chunks', () => {
  const stream = octets(`\r\n\r\n${message('a')}\r\n\r\n\r\n\r\n${message('b')}`);
  for (const size of [1, 2, 3, 4, 5, stream.length]) {
    assert.deepEqual(
      told(readAll(stream, size)),
      ['ping', 'a:', 'ping', 'ping', 'b:'],
      `chunks of ${size}`,
    );
  }
});

test('on a connection we opened every CRLF is a pong', () => {
  const stream = octets(`\r\n${message('a')}\r\n\r\n`);
  for (const size of [1, 2, stream.length]) {
    assert.deepEqual(told(readAll(stream, size, { opened: 'by us' })), [
      'pong',
      'a:',
      'pong',
      'pong',
    ]);
  }
});

test('a single CRLF before a message is no ping', () => {
  assert.deepEqual(told(readAll(octets(`\r\n${message('a')}\r\n${message('b')}`), 3)), [
    'a:',
    'b:',
  ]);
});

test('a malformed message whose end is known does not end the stream', () => {
  const bad = message('bad').replace('OPTIONS sip:h', 'OPTIONS h');
  assert.deepEqual(told(readAll(octets(message('a') + bad + message('b')), 10)), [
    'a:',
    '400',
    'b:',
  ]);
  const version = message('bad').replace('SIP/2.0', 'SIP/9.0');
  const items = readAll(octets(version + message('b')), 1000);
  assert.deepEqual(told(items), ['505', 'b:']);
  assert.ok(
    items[0]?.kind === 'error' && items[0].error.request !== undefined,
    'it can be answered',
  );
});

test('a stream that lost its boundaries is over, and what follows is not looked at', () => {
  for (const bad of [
    'x\r\n\r\n',
    message('a').replace('Length: 0', 'Length: -1'),
    'no colon here\r\nnor here\r\n\r\n',
  ]) {
    const reader = new SipStreamReader();
    const items = reader.push(octets(bad + message('b')));
    assert.equal(items.length, 1, bad);
    assert.ok(items[0]?.kind === 'error' && items[0].fatal);
    assert.deepEqual(reader.push(octets(message('c'))), []);
    assert.equal(reader.buffered, 0);
  }
});

test('heads and bodies have bounds', () => {
  const endless = new SipStreamReader({ maxHead: 1000 });
  assert.deepEqual(told(endless.push(octets('x'.repeat(1000)))), []);
  assert.deepEqual(told(endless.push(octets('x'))), ['513 fatal']);
  const large = new SipStreamReader({ maxBody: 10 });
  assert.deepEqual(
    told(large.push(octets(message('a', '12345678901').slice(0, -11)))),
    ['513 fatal'],
    'before the body came',
  );
  assert.deepEqual(told(readAll(octets('\r\n'.repeat(10_001)), 7)).length, 5000);
});

test('feeding a long message octet by octet takes time in proportion to its length', () => {
  const reader = new SipStreamReader();
  const stream = octets(message('a', 'x'.repeat(200_000)));
  let found = 0;
  for (const octet of stream) found += reader.push(Uint8Array.of(octet)).length;
  assert.equal(found, 1);
});

test('chunks given out keep their octets while later ones arrive', () => {
  const reader = new SipStreamReader();
  const [first] = reader.push(octets(message('a', '1') + message('b', '2').slice(0, 50)));
  const [second] = reader.push(
    octets(message('b', '2').slice(50) + message('c', '3').slice(0, 20)),
  );
  reader.push(octets(message('c', '3').slice(20)));
  assert.deepEqual(told([first!, second!]), ['a:1', 'b:2']);
});
