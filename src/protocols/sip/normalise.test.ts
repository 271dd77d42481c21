import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SipError } from './error.ts';
import { Subject } from './headers.ts';
import type { SipMessage } from './message.ts';
import { normalise } from './normalise.ts';
import { parseMessage } from './parse.ts';

const headers: Readonly<Record<string, string>> = {
  Via: 'SIP/2.0/UDP h;branch=z9hG4bK1',
  'Max-Forwards': '70',
  From: '<sip:a@h>;tag=1',
  To: '<sip:b@h>',
  'Call-ID': 'c',
  CSeq: '1 INVITE',
};

function message(
  changes: Readonly<Record<string, string | undefined>> = {},
  more = '',
): SipMessage {
  const all = Object.entries({ ...headers, ...changes }).filter(([, value]) => value !== undefined);
  const text = `INVITE sip:b@h SIP/2.0\r\n${all.map(([name, value]) => `${name}: ${value}\r\n`).join('')}${more}l: 0\r\n\r\n`;
  return parseMessage(Buffer.from(text, 'latin1'));
}

function refused(what: SipMessage): SipError {
  try {
    normalise(what);
  } catch (error) {
    assert.ok(error instanceof SipError, String(error));
    return error;
  }
  assert.fail('accepted');
}

test('what needs nothing undone comes back as it is', () => {
  const plain = message();
  assert.equal(normalise(plain), plain);
});

test('folding is undone, and the rest shared', () => {
  const folded = message({}, 'Subject: a\r\n  b\r\n');
  const flat = normalise(folded);
  assert.equal(flat.get(Subject), 'a b');
  assert.match(Buffer.from(flat.encode()).toString(), /\r\nSubject: a b\r\nl: 0\r\n\r\n$/);
  assert.equal(flat.headers[2], folded.headers[2]);
  assert.equal(flat.startLine, folded.startLine);
});

test('bare CR, bare LF and an unescaped NUL are refused', () => {
  assert.match(refused(message({}, 'Subject: a\rb\r\n')).message, /CR without LF/);
  assert.match(refused(message({}, 'Subject: a\nX: b\r\n')).message, /LF alone/);
  assert.match(refused(message({}, 'Subject: a\0b\r\n')).message, /NUL/);
  normalise(message({ From: '"\\\0" <sip:a@h>;tag=1' }));
});

test('white space before a colon is refused', () => {
  assert.match(refused(message({}, 'Subject : a\r\n')).message, /before a colon/);
});

test('a single-instance header may not stand twice, in any spelling', () => {
  assert.equal(refused(message({}, 'f: <sip:evil@h>;tag=2\r\n')).header, 'From');
  assert.equal(refused(message({}, 'content-length: 0\r\n')).header, 'Content-Length');
  assert.equal(refused(message({}, 'MAX-FORWARDS: 1\r\n')).header, 'Max-Forwards');
  normalise(
    message(
      {},
      'Via: SIP/2.0/UDP b\r\nWWW-Authenticate: Digest realm="a"\r\nWWW-Authenticate: Digest realm="b"\r\nX-A: 1\r\nX-A: 2\r\n',
    ),
  );
});

test('each mandatory header is missed by name, and only a request with all of them is answered', () => {
  for (const name of ['Via', 'From', 'To', 'Call-ID', 'CSeq']) {
    const error = refused(message({ [name]: undefined }));
    assert.equal(error.header, name);
    assert.equal(error.request, undefined);
  }
});

test('a value that routing depends on must parse, and the request can be answered', () => {
  const wrong: readonly [string, string][] = [
    ['Via', 'SIP/2.0/UDP'],
    ['From', '"x <sip:a@h>'],
    ['To', '<sip:b@h'],
    ['CSeq', 'x INVITE'],
    ['CSeq', '2147483648 INVITE'],
    ['CSeq', '1 OPTIONS'],
    ['Max-Forwards', '256'],
    ['Max-Forwards', '-1'],
    ['Contact', 'sip:a@h?x=y'],
    ['Route', 'x'],
    ['Record-Route', '<x>'],
  ];
  for (const [name, value] of wrong) {
    const error = refused(message({ [name]: value }));
    assert.equal(error.status, 400);
    assert.equal(error.header, name, value);
    assert.equal(error.request?.method, 'INVITE');
  }
});

test('responses are held to the same', () => {
  const answer = parseMessage(Buffer.from('SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h\r\nl: 0\r\n\r\n'));
  assert.equal(refused(answer).header, 'From');
  assert.equal(refused(answer).request, undefined);
});
