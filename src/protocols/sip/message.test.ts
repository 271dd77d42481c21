import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SipError } from './error.ts';
import {
  Allow,
  Contact,
  ContentLength,
  CSeq,
  From,
  MaxForwards,
  nameAddr,
  Route,
  Supported,
  To,
  UserAgent,
  Via,
} from './headers.ts';
import {
  add,
  addRaw,
  body,
  fields,
  noBody,
  prepend,
  raw,
  reasonPhrase,
  remove,
  removeFirst,
  replaceFirst,
  request,
  requestUri,
  response,
  type SipMessage,
  SipRequest,
  set,
  toTag,
} from './message.ts';
import { parseMessage } from './parse.ts';
import { octetText } from './text.ts';
import { parseUri, sipUri, uriText } from './uri.ts';

const wire = (lines: readonly string[], content = ''): Buffer =>
  Buffer.from(`${lines.join('\r\n')}\r\n\r\n${content}`, 'latin1');
const text = (message: SipMessage): string => Buffer.from(message.encode()).toString('latin1');

const lines = [
  'INVITE sip:Bob@Example.com SIP/2.0',
  'v:  SIP/2.0/UDP a.example;branch=z9hG4bK1 , SIP/2.0/TCP b.example:5070;branch=z9hG4bK2',
  'Via: SIP/2.0/UDP c.example;branch=z9hG4bK3',
  'Route: <sip:p1.example;lr>,  <sip:p2,q@p2.example;lr>;x="a,b" , <sip:p3.example;lr>',
  'Max-Forwards: 70',
  'f: Alice <sip:alice@example.com>;tag=1',
  'To: <sip:bob@example.com>',
  'Call-ID: abc@host',
  'CSeq: 7 INVITE',
  'X-Unknown:   kept as it is ',
  'Supported: 100rel,timer',
  'l: 0',
];
const invite = parseMessage(wire(lines)) as SipRequest;

test('an unchanged message is written octet for octet as it came', () => {
  assert.equal(text(invite), wire(lines).toString('latin1'));
});

test('headers are found in every spelling', () => {
  assert.equal(invite.all(Via).length, 3);
  assert.deepEqual(
    invite.all(Via).map(via => via.host),
    ['a.example', 'b.example', 'c.example'],
  );
  assert.equal(invite.get(From)?.displayName, 'Alice');
  assert.ok(invite.has('VIA') && invite.has('v') && invite.has(Via) && invite.has('x-unknown'));
  assert.deepEqual(invite.raw('F'), ['Alice <sip:alice@example.com>;tag=1']);
  assert.deepEqual(invite.raw('x-UNKNOWN'), ['kept as it is']);
  assert.equal(invite.get(UserAgent), undefined);
  assert.deepEqual(invite.all(Contact), []);
});

test('an edit changes its own header and shares every other line', () => {
  const next = invite.with(set(MaxForwards, 69));
  assert.equal(next.get(MaxForwards), 69);
  assert.equal(invite.get(MaxForwards), 70);
  const changed = next.headers.filter(field => !invite.headers.includes(field));
  assert.deepEqual(
    changed.map(field => field.line),
    ['Max-Forwards: 69'],
  );
  assert.equal(text(next), wire(lines).toString('latin1').replace('Forwards: 70', 'Forwards: 69'));
});

test('set replaces every line where the first stood, or appends', () => {
  const via = { protocol: 'SIP/2.0', transport: 'TLS', host: '::1', port: 5061, params: new Map() };
  const next = invite.with(set(Via, via), set(UserAgent, 'Test'), set(Supported));
  assert.equal(next.headers[0]?.line, 'Via: SIP/2.0/TLS [::1]:5061');
  assert.equal(next.raw('via').length, 1);
  assert.equal(next.headers.at(-1)?.line, 'User-Agent: Test');
  assert.ok(!next.has(Supported));
});

test('lists of tokens are written in one line, addresses in one line each', () => {
  const next = request(
    'OPTIONS',
    sipUri({ host: 'h' }),
    set(Allow, 'INVITE', 'BYE'),
    set(Route, ...invite.all(Route)),
  );
  assert.deepEqual(next.raw('Allow'), ['INVITE, BYE']);
  assert.equal(next.raw('Route').length, 3);
});

test('prepend makes its values topmost', () => {
  const ours = nameAddr(sipUri({ host: 'ours.example', params: { lr: null } }));
  const next = invite.with(prepend(Route, ours), prepend(Contact, ours));
  assert.equal(uriText(next.get(Route)!.uri), 'sip:ours.example;lr');
  assert.equal(next.all(Route).length, 4);
  assert.equal(next.headers[2]?.name, 'Contact', 'behind the last Via where there was none');
  const bare = request(
    'OPTIONS',
    sipUri({ host: 'h' }),
    set(MaxForwards, 1),
    prepend(Via, invite.get(Via)!),
  );
  assert.equal(bare.headers[0]?.name, 'Via');
});

test('removeFirst takes one value and leaves the rest of its line as it was', () => {
  const once = invite.with(removeFirst(Route));
  assert.deepEqual(once.raw('Route'), ['<sip:p2,q@p2.example;lr>;x="a,b" , <sip:p3.example;lr>']);
  const thrice = once.with(removeFirst(Route), removeFirst(Route));
  assert.ok(!thrice.has(Route));
  assert.ok(!thrice.with(removeFirst(Route)).has(Route), 'none left: nothing happens');
  const vias = invite.with(removeFirst(Via), removeFirst(Via));
  assert.deepEqual(
    vias.all(Via).map(via => via.host),
    ['c.example'],
  );
});

test('removeFirst passes over lines that hold no value', () => {
  const odd = parseMessage(
    wire(['OPTIONS sip:h SIP/2.0', 'Route:', 'Route: , <sip:a;lr>', 'l: 0']),
  ) as SipRequest;
  assert.equal(odd.all(Route).length, 1);
  assert.ok(!odd.with(removeFirst(Route)).has(Route));
});

test('a quote inside <> separates nothing and swallows nothing', () => {
  const odd = parseMessage(
    wire(['OPTIONS sip:h SIP/2.0', 'Route: <sip:a"b,c>, <sip:d>', 'l: 0']),
  ) as SipRequest;
  assert.deepEqual(odd.with(removeFirst(Route)).raw('Route'), ['<sip:d>']);
});

test('replaceFirst changes the topmost value alone', () => {
  const top = invite.get(Via)!;
  const next = invite.with(
    replaceFirst(Via, { ...top, params: new Map([...top.params, ['received', '192.0.2.7']]) }),
  );
  assert.deepEqual(next.raw('Via'), [
    'SIP/2.0/UDP a.example;branch=z9hG4bK1;received=192.0.2.7, SIP/2.0/TCP b.example:5070;branch=z9hG4bK2',
    'SIP/2.0/UDP c.example;branch=z9hG4bK3',
  ]);
  assert.equal(invite.with(replaceFirst(UserAgent, 'x')).get(UserAgent), 'x');
});

test('remove takes every spelling', () => {
  const next = invite.with(remove('VIA'), remove('x-unknown'), remove(From));
  assert.deepEqual(
    next.headers.map(field => field.key),
    ['route', 'max-forwards', 'to', 'call-id', 'cseq', 'supported', 'content-length'],
  );
});

test('add goes behind the last of its kind, raw needs no definition', () => {
  const next = invite.with(
    add(Via, invite.all(Via)[0]!),
    add(Allow, 'BYE'),
    raw('X-New', 'a'),
    addRaw('X-New', 'b'),
  );
  assert.equal(next.headers[2]?.name, 'Via');
  assert.deepEqual(next.raw('x-new'), ['a', 'b']);
  assert.deepEqual(next.with(raw('x-new', 'c')).raw('X-New'), ['c']);
});

test('lines of another message are taken over as they are', () => {
  const next = request('OPTIONS', sipUri({ host: 'h' }), fields(...invite.lines(Via)));
  assert.equal(next.headers[0], invite.headers[0]);
  assert.equal(next.all(Via).length, 3);
});

test('the Request-URI is written as it came until it is changed', () => {
  assert.match(text(invite.with(set(MaxForwards, 1))), /^INVITE sip:Bob@Example\.com SIP/);
  const next = invite.with(requestUri(parseUri('tel:+1555')));
  assert.match(text(next), /^INVITE tel:\+1555 SIP\/2\.0\r\n/);
  assert.equal(next.startLine, 'INVITE tel:+1555 SIP/2.0');
});

test('a body brings its type and its length', () => {
  const next = invite.with(body('text/plain', 'größer'));
  assert.equal(next.get(ContentLength), 8);
  assert.equal(Buffer.from(next.body).toString(), 'größer');
  const none = next.with(noBody());
  assert.equal(none.get(ContentLength), 0);
  assert.ok(!none.has('Content-Type'));
  assert.equal(none.body.length, 0);
});

test('Content-Length is written where absent, and is right whatever an edit says', () => {
  const bare = request('OPTIONS', sipUri({ host: 'h' }), set(To, nameAddr(sipUri({ host: 'h' }))));
  assert.equal(text(bare), 'OPTIONS sip:h SIP/2.0\r\nTo: <sip:h>\r\nContent-Length: 0\r\n\r\n');
  assert.equal(bare.with(set(ContentLength, 99)).get(ContentLength), 0);
});

test('a response copies what RFC 3261 §8.2.6.2 says, in order, and the phrase of its status', () => {
  const answer = response(invite, 180, toTag('xyz'), set(Contact, nameAddr(sipUri({ host: 'h' }))));
  assert.deepEqual(
    answer.headers.map(field => field.name),
    ['Via', 'Via', 'From', 'To', 'Call-ID', 'CSeq', 'Contact'],
  );
  assert.equal(answer.startLine, 'SIP/2.0 180 Ringing');
  assert.equal(answer.get(To)?.params.get('tag'), 'xyz');
  assert.equal(answer.with(toTag('other')).get(To)?.params.get('tag'), 'xyz', 'a tag stays');
  assert.equal(answer.headers[0], invite.headers[0], 'Via is shared');
  assert.equal(answer.with(reasonPhrase('Klingelt')).startLine, 'SIP/2.0 180 Klingelt');
  assert.equal(response(invite, 499).reason, 'Bad Request', 'an unregistered code reads as x00');
});

test('summaries are those of the ladder', () => {
  assert.equal(invite.summary(), 'INVITE');
  assert.equal(response(invite, 401).summary(), '401 Unauthorized');
  assert.equal(
    response(invite, 486, reasonPhrase(octetText('Belegt – später'))).summary(),
    '486 Belegt – später',
  );
});

test('a malformed value is refused by name when it is asked for, and passes through otherwise', () => {
  const odd = parseMessage(
    wire(['OPTIONS sip:h SIP/2.0', 'CSeq: x OPTIONS', 'Contact: "', 'l: 0']),
  );
  assert.throws(
    () => odd.get(CSeq),
    (error: unknown) =>
      error instanceof SipError &&
      error.status === 400 &&
      error.header === 'CSeq' &&
      error.clause === 'RFC 3261 §20.16',
  );
  assert.throws(() => odd.all(Contact), /^SipError: Contact: /);
  assert.match(text(odd), /Contact: "\r\n/);
});

test('no value can break out of its line', () => {
  const odd = ['a\r\nEvil: 1', 'a\nb', 'a\rb', 'a\u010ab', '電'];
  for (const value of odd) {
    assert.throws(() => invite.with(set(UserAgent, value)), SipError, JSON.stringify(value));
    assert.throws(() => invite.with(raw('X', value)), SipError);
    assert.throws(() => response(invite, 200, reasonPhrase(value)).encode(), SipError);
  }
});

test('deep freezing breaks nothing', () => {
  const freeze = (value: unknown): void => {
    if (
      typeof value !== 'object' ||
      value === null ||
      ArrayBuffer.isView(value) ||
      Object.isFrozen(value)
    )
      return;
    Object.freeze(value);
    for (const inner of Object.values(value)) freeze(inner);
    if (value instanceof Map) for (const inner of value.values()) freeze(inner);
  };
  const message = parseMessage(wire(lines)) as SipRequest;
  freeze(message);
  message.all(Via);
  freeze(message.all(Via));
  message.keys();
  assert.equal(text(message), wire(lines).toString('latin1'));
  assert.equal(message.with(removeFirst(Via), set(MaxForwards, 1)).all(Via).length, 2);
  assert.equal(message.masked().length, message.encode().length);
});

test('a value given to an edit and changed afterwards does not change the message', () => {
  const parameters = new Map<string, string | null>([['tag', 'a']]);
  const next = invite.with(
    set(To, { displayName: undefined, uri: sipUri({ host: 'h' }), params: parameters }),
  );
  parameters.set('tag', 'b');
  assert.equal(next.get(To)?.params.get('tag'), 'a');
  assert.ok(next instanceof SipRequest);
});
