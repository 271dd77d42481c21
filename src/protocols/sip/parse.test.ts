import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sipCodec } from './codec.ts';
import { SipError } from './error.ts';
import { CSeq, From, MaxForwards, To, Via } from './headers.ts';
import { limits } from './limits.ts';
import { response, SipRequest, type SipResponse } from './message.ts';
import { parseMessage } from './parse.ts';

const octets = (text: string): Buffer => Buffer.from(text, 'latin1');
const basic =
  'Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n';
const refused = (text: string, status = 400): SipError => {
  try {
    parseMessage(octets(text));
  } catch (error) {
    assert.ok(error instanceof SipError, String(error));
    assert.equal(error.status, status, error.message);
    return error;
  }
  assert.fail(`accepted ${JSON.stringify(text)}`);
};

test('the body is as long as Content-Length says, and the rest is ignored', () => {
  const message = parseMessage(
    octets(`INVITE sip:b@h SIP/2.0\r\n${basic}Content-Length: 3\r\n\r\nabcdef`),
  );
  assert.equal(Buffer.from(message.body).toString(), 'abc');
  assert.ok(!Buffer.from(message.encode()).toString().includes('def'));
});

test('without Content-Length the body is the rest, and writing adds the header', () => {
  const message = parseMessage(octets(`INVITE sip:b@h SIP/2.0\r\n${basic}\r\nabc`));
  assert.equal(Buffer.from(message.body).toString(), 'abc');
  assert.match(Buffer.from(message.encode()).toString(), /\r\nContent-Length: 3\r\n\r\nabc$/);
});

test('empty lines before the start line are passed over', () => {
  const message = parseMessage(octets(`\r\n\r\nINVITE sip:b@h SIP/2.0\r\n${basic}l: 0\r\n\r\n`));
  assert.equal(message.summary(), 'INVITE');
  assert.match(Buffer.from(message.encode()).toString(), /^INVITE /);
});

test('lines that end with LF alone are read, and written with CRLF', () => {
  const lf = `INVITE sip:b@h SIP/2.0\r\n${basic}l: 2\r\n\r\n\n\n`.replaceAll('\r', '');
  const message = parseMessage(octets(lf));
  assert.equal(message.all(Via).length, 1);
  assert.equal(message.body.length, 2);
  assert.equal(
    Buffer.from(message.encode()).toString(),
    `INVITE sip:b@h SIP/2.0\r\n${basic}l: 2\r\n\r\n\n\n`,
  );
});

test('folded values are read as one line and written as they came', () => {
  const text = `INVITE sip:b@h SIP/2.0\r\n${basic}Max-Forwards:\r\n  6\r\nSubject: a\r\n\tb\r\n  c\r\nl: 0\r\n\r\n`;
  const message = parseMessage(octets(text));
  assert.equal(message.get(MaxForwards), 6);
  assert.deepEqual(message.raw('s'), ['a b c']);
  assert.equal(Buffer.from(message.encode()).toString(), text);
});

test('white space before the colon does not hide a header', () => {
  const message = parseMessage(
    octets(
      `INVITE sip:b@h SIP/2.0\r\n${basic}P-Asserted-Identity \t: <sip:evil@h>\r\nl: 0\r\n\r\n`,
    ),
  );
  assert.ok(message.has('p-asserted-identity'));
});

test('a status line, with and without a phrase', () => {
  const read = (line: string): SipResponse =>
    parseMessage(octets(`${line}\r\n${basic}l: 0\r\n\r\n`)) as SipResponse;
  assert.equal(read('SIP/2.0 200 OK').reason, 'OK');
  assert.equal(read('SIP/2.0 100 ').reason, '');
  assert.equal(read('SIP/2.0 180').status, 180);
  assert.equal(read('sip/2.0 603 a b  c').reason, 'a b  c');
});

test('start lines that are none are refused with the status they deserve', () => {
  const lines = [
    'INVITE',
    'INVITE sip:b@h',
    'INVITE  sip:b@h SIP/2.0',
    'INVITE sip:b@h  SIP/2.0',
    'INVITE sip:b@h SIP/2.0 ',
    ' INVITE sip:b@h SIP/2.0',
    'INV/ITE sip:b@h SIP/2.0',
    'INVITE sip:b@h HTTP/1.1',
    'INVITE <sip:b@h> SIP/2.0',
    'INVITE sip:b @h SIP/2.0',
    'INVITE b SIP/2.0',
    'SIP/2.0',
    'SIP/2.0 99 x',
    'SIP/2.0 700 x',
    'SIP/2.0 2000 x',
    'SIP/2.0 +20 x',
    'SIP/x 200 OK',
    'INVITE sip:b@h SIP/2.0\rX',
  ];
  for (const line of lines) refused(`${line}\r\n${basic}l: 0\r\n\r\n`);
  refused(`INVITE sip:b@h SIP/7.0\r\n${basic}l: 0\r\n\r\n`, 505);
  refused(`SIP/3.0 200 OK\r\n${basic}l: 0\r\n\r\n`, 505);
});

test('what is no header is refused', () => {
  for (const line of ['no colon', ': no name', 'a b: c', 'ä: c', '"a": c', ' a: b', '\ta: b']) {
    refused(`INVITE sip:b@h SIP/2.0\r\n${line}\r\n${basic}l: 0\r\n\r\n`);
  }
});

test('nothing, and less than a message, are refused', () => {
  for (const text of [
    '',
    '\r\n',
    '\r\n\r\n',
    'x',
    'INVITE sip:b@h SIP/2.0',
    `INVITE sip:b@h SIP/2.0\r\n${basic}`,
    '\0\0\0\0',
  ]) {
    refused(text);
  }
});

test('Content-Length is refused where it is wrong, and the request can be answered', () => {
  for (const value of ['4', '-1', 'x', '', '1 1', '0x0', '99999999999', '1.0']) {
    const error = refused(`INVITE sip:b@h SIP/2.0\r\n${basic}Content-Length: ${value}\r\n\r\nabc`);
    assert.ok(error.request instanceof SipRequest, value);
    assert.equal(response(error.request, error.status).startLine, 'SIP/2.0 400 Bad Request');
    assert.equal(response(error.request, error.status).get(CSeq)?.sequence, 1);
  }
  refused(`INVITE sip:b@h SIP/2.0\r\n${basic}l: 3\r\nContent-Length: 2\r\n\r\nabc`);
});

test('a refused request can be answered only where every header an answer needs is there', () => {
  assert.ok(refused(`INVITE sip:b@h SIP/7.0\r\n${basic}l: 0\r\n\r\n`, 505).request);
  assert.equal(
    refused(`INVITE sip:b@h SIP/7.0\r\n${basic.replace('CSeq', 'X')}l: 0\r\n\r\n`, 505).request,
    undefined,
  );
  assert.equal(refused(`SIP/2.0 200 OK\r\n${basic}l: 9\r\n\r\n`).request, undefined);
  const { request } = refused(`INVITE <sip:b@h> SIP/2.0\r\n${basic}l: 0\r\n\r\n`);
  assert.equal(request?.method, 'INVITE');
  assert.equal(request?.get(To)?.uri.scheme, 'sip');
});

test('more headers, longer headers and more values than any network sends are refused', () => {
  refused(`INVITE sip:b@h SIP/2.0\r\n${basic}${'X: 1\r\n'.repeat(limits.headers)}l: 0\r\n\r\n`);
  refused(`INVITE sip:b@h SIP/2.0\r\n${basic}X: ${'a'.repeat(limits.head)}\r\nl: 0\r\n\r\n`, 513);
  const many = parseMessage(
    octets(
      `INVITE sip:b@h SIP/2.0\r\nVia: ${'SIP/2.0/UDP h,'.repeat(limits.values + 1)}\r\nl: 0\r\n\r\n`,
    ),
  );
  assert.throws(() => many.all(Via), SipError);
});

test('compact and mixed-case names mean the same header', () => {
  const message = parseMessage(
    octets(
      'OPTIONS sip:h SIP/2.0\r\nV: SIP/2.0/UDP h\r\nfROM: <sip:a@h>\r\nT: <sip:b@h>\r\nl: 0\r\n\r\n',
    ),
  );
  assert.deepEqual(
    message.headers.map(field => field.name),
    ['Via', 'From', 'To', 'Content-Length'],
  );
  assert.equal(message.get(From)?.uri.scheme, 'sip');
});

test('the codec takes one whole message, no more and no less', () => {
  const text = `INVITE sip:b@h SIP/2.0\r\n${basic}l: 0\r\n\r\n`;
  assert.equal(Buffer.from(sipCodec.encode(sipCodec.decode(octets(text)))).toString(), text);
  assert.throws(() => sipCodec.decode(octets(`${text}x`)), SipError);
  assert.throws(() => sipCodec.decode(octets(text.slice(0, -1))), SipError);
});

test('octets may stand anywhere in a larger buffer', () => {
  const text = octets(`INVITE sip:b@h SIP/2.0\r\n${basic}l: 1\r\n\r\na`);
  const larger = new Uint8Array(text.length + 20);
  larger.set(text, 7);
  const message = parseMessage(larger.subarray(7, 7 + text.length));
  assert.deepEqual(Buffer.from(message.encode()), text);
});
