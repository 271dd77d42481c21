// Messages nobody here wrote: torture tests, flows of RFCs, handsets. What we do not take as their
// collector expects is listed with its reason, and passing by surprise fails.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { protosMessages } from '../../../test/protos.ts';
import { vectors } from '../../../test/vectors.ts';
import { SipError } from './error.ts';
import { headerDefinitions } from './header.ts';
import * as h from './headers.ts';
import { type SipMessage, SipRequest, SipResponse } from './message.ts';
import { normalise } from './normalise.ts';
import { parseMessage } from './parse.ts';
import { displayText } from './text.ts';
import { isSipUri, parseUri, sameUri, uriText } from './uri.ts';

interface Vector {
  readonly file: string;
  readonly expect: string;
}

const index = (folder: string): readonly Vector[] =>
  JSON.parse(readFileSync(vectors(`sip/${folder}/index.json`), 'utf8')) as Vector[];
const octets = (folder: string, file: string): Buffer =>
  readFileSync(vectors(`sip/${folder}/${file}`));
const text = (message: SipMessage): string => Buffer.from(message.encode()).toString('latin1');

/** 'accept', or 'refuse STATUS', with 'silently' where no answer can be made. */
function outcome(take: () => unknown): string {
  try {
    take();
    return 'accept';
  } catch (error) {
    assert.ok(error instanceof SipError, String(error));
    return `refuse ${error.status}${error.request === undefined ? ' silently' : ''}`;
  }
}

/** Whether an outcome is what the collector's `expect` asks for. */
function satisfies(expect: string, seen: string): boolean {
  const status = /^refuse (\d+)/.exec(seen)?.[1];
  const isLenient = /^accept|lenient/.test(expect);
  if (seen === 'accept') return isLenient || expect.startsWith('see ');
  if (expect.startsWith('see ')) return true;
  if (/discard/.test(expect)) return seen.endsWith('silently');
  return new RegExp(`(reject|or|/) ?(\\d+/)?${status}`).test(expect);
}

type Deviations = Readonly<Record<string, readonly [seen: string, reason: string]>>;

function holdTo(folder: string, deviations: Deviations): void {
  const unseen = new Set(Object.keys(deviations));
  for (const { file, expect } of index(folder)) {
    const seen = outcome(() => normalise(parseMessage(octets(folder, file))));
    const deviation = deviations[file];
    if (deviation === undefined) {
      assert.ok(satisfies(expect, seen), `${file}: ${seen}, but expected is: ${expect}`);
      continue;
    }
    unseen.delete(file);
    assert.equal(seen, deviation[0], `${file}, a listed deviation`);
    assert.ok(!satisfies(expect, seen), `${file} passes: take it off the list`);
  }
  assert.deepEqual([...unseen], [], 'deviations of files that do not exist');
}

test('the RFC 4475 messages meet the fate they are meant for', () => {
  const above = 'answered above this layer, which lets it pass: ';
  holdTo('rfc4475', {
    'bcast.dat': [
      'accept',
      `${above}the endpoint drops responses whose topmost Via is not its own`,
    ],
    'bext01.dat': ['accept', `${above}420 by UAS and proxy, which know what they support`],
    'invut.dat': ['accept', `${above}415 by the UAS`],
    'sdp01.dat': ['accept', `${above}406 by the UAS`],
    'zeromf.dat': ['accept', `${above}483 by the proxy`],
    'wsinv.dat': [
      'refuse 400',
      'white space before a colon hides a header from peers that miss it: architecture.md §2 refuses it on hostile links; trusted links take it',
    ],
  });
});

test('the RFC 5118 messages are taken', () => {
  holdTo('rfc5118', {});
});

const torture = <M extends SipMessage = SipRequest>(file: string): M =>
  parseMessage(octets('rfc4475', file)) as M;

test('RFC 4475 §3.1.1.1: the tortuous INVITE says what it says', () => {
  const invite = torture('wsinv.dat');
  assert.equal(invite.get(h.MaxForwards), 68);
  assert.deepEqual(invite.get(h.CSeq), { sequence: 9, method: 'INVITE' });
  assert.equal(invite.get(h.To)?.params.get('tag'), '1918181833n');
  assert.equal(invite.get(h.From)?.displayName, 'J Rosenberg \\\\\\"');
  assert.deepEqual(
    invite.all(h.Via).map(via => `${via.transport} ${via.host} ${via.params.get('branch')}`),
    [
      'UDP 192.0.2.2 390skdjuw',
      'TCP spindle.example.com z9hG4bK9ikj8',
      'UDP 192.168.255.111 z9hG4bK30239',
    ],
  );
  assert.equal(h.contactQ(invite.get(h.Contact)!), 0.33);
  assert.equal(invite.get(h.Subject), '');
  assert.deepEqual(invite.raw('NewFangledHeader'), ['newfangled value continued newfangled value']);
  assert.deepEqual(invite.raw('UnknownHeaderWithUnusualValue'), [';;,,;;,;']);
  assert.equal(invite.get(h.Route)?.uri.scheme, 'sip');
  assert.equal(invite.body.length, 150);
});

test('RFC 4475: unusual but valid values are read as they are meant', () => {
  const method = torture('intmeth.dat');
  assert.equal(method.method, "!interesting-Method0123456789_*+`.%indeed'~");
  assert.equal(method.get(h.CSeq)?.sequence, 139_122_385);
  assert.equal(method.get(h.To)?.displayName, 'BEL:\\\x07 NUL:\\\0 DEL:\\\x7f');
  assert.equal(displayText(method.get(h.From)!.params.get("fromparam''~+*_!.-%")!), 'работающий');
  assert.equal(method.get(h.From)?.params.get('tag'), "_token~1'+`*%!-.");

  const escaped = torture('esc01.dat');
  assert.ok(isSipUri(escaped.uri) && escaped.uri.user === 'sips%3Auser%40example.com');
  assert.ok(sameUri(escaped.get(h.To)!.uri, parseUri('sip:user@example.com')));
  const contact = escaped.get(h.Contact)!.uri;
  assert.ok(isSipUri(contact) && contact.params.has('lr') && contact.params.has('name'));

  const percent = torture('esc02.dat');
  assert.equal(percent.method, 'RE%47IST%45R');
  assert.equal(percent.get(h.To)?.displayName, '%Z%45');
  assert.equal(percent.all(h.Contact).length, 2);

  const semi = torture('semiuri.dat').uri;
  assert.ok(isSipUri(semi) && semi.user === 'user;par=u%40example.net' && semi.params.size === 0);
  assert.equal(torture<SipResponse>('noreason.dat').reason, '');
  assert.match(
    displayText(torture<SipResponse>('unreason.dat').reason),
    /^= 2\*\*3 \* 5\*\*2 но сто/,
  );
  assert.equal(torture('dblreq.dat').method, 'REGISTER');
  assert.equal(torture('dblreq.dat').body.length, 0);
  const embedded = torture('regescrt.dat').get(h.Contact)!.uri;
  assert.ok(isSipUri(embedded) && embedded.headers === 'Route=%3Csip:sip.example.com%3E');
  assert.equal(torture('cparam02.dat').get(h.Contact)?.params.size, 0);
  assert.deepEqual(torture('unksm2.dat').get(h.To)?.uri, { scheme: 'isbn', text: '2983792873' });
  assert.throws(() => torture('baddate.dat').get(h.SipDate), SipError);
  // what the collector's file lacks is the empty line; with it, the display name is the fault
  const badName = Buffer.concat([octets('rfc4475', 'baddn.dat'), Buffer.from('\r\n')]);
  assert.throws(() => normalise(parseMessage(badName)), /display name/);
});

test('RFC 5118: where a port is part of an address and where it is not', () => {
  const ambiguous = parseMessage(octets('rfc5118', 'port-ambiguous.sip')) as SipRequest;
  assert.ok(isSipUri(ambiguous.uri));
  assert.equal(ambiguous.uri.host, '2001:db8::10:5070');
  assert.equal(ambiguous.uri.port, undefined);
  const clear = parseMessage(octets('rfc5118', 'port-unambiguous.sip')) as SipRequest;
  assert.ok(isSipUri(clear.uri));
  assert.equal(clear.uri.host, '2001:db8::10');
  assert.equal(clear.uri.port, 5070);
});

/** Everything anybody may ask of a message, which must not throw anything but SipError. */
function askEverything(message: SipMessage): void {
  for (const def of headerDefinitions()) outcome(() => message.all(def));
  message.keys();
  message.summary();
  message.encode();
  assert.equal(message.masked().length, message.encode().length);
  outcome(() => normalise(message));
}

test('the PROTOS messages are survived', () => {
  const count = { accept: 0, refuse: 0, messages: 0 };
  for (const { file } of index('protos')) {
    const template = octets('protos', file);
    outcome(() => askEverything(parseMessage(template)));
    const messages = protosMessages(template);
    assert.ok(messages.length > 0, file);
    for (const message of messages) {
      count.messages++;
      if (outcome(() => normalise(parseMessage(message))) === 'accept') count.accept++;
      else count.refuse++;
      outcome(() => askEverything(parseMessage(message)));
    }
  }
  // both happen: neither a parser that refuses everything nor one that takes everything passes
  assert.ok(
    count.messages > 1000 && count.accept > 500 && count.refuse > 100,
    JSON.stringify(count),
  );
});

test('the messages of the RFC flows are read and every header of theirs parses', () => {
  const malformed: Readonly<Record<string, string>> = {
    'rfc3515_4.2_multiple-refers-in-a-dialog_01.sip': 'Refer-To', // "(some different URI)"
    'rfc3515_4.2_multiple-refers-in-a-dialog_03.sip': 'Subscription-State', // "(depends on …)"
  };
  for (const { file } of index('rfcflow')) {
    const message = parseMessage(octets('rfcflow', file));
    const faults: string[] = [];
    for (const def of headerDefinitions())
      if (outcome(() => message.all(def)) !== 'accept') faults.push(def.name);
    assert.deepEqual(faults, malformed[file] === undefined ? [] : [malformed[file]], file);
    // the RFC leaves headers out of a few; nothing else may be wrong
    const seen = outcome(() => normalise(message));
    const isWhole = [h.Via, h.From, h.To, h.CallId, h.CSeq].every(def => message.has(def.name));
    assert.equal(seen, isWhole ? 'accept' : 'refuse 400 silently', file);
  }
});

test('the messages of handsets come back octet for octet, changed ones too', () => {
  let count = 0;
  for (const { file } of index('handset')) {
    const received = octets('handset', file);
    const message = parseMessage(received);
    assert.equal(text(message), received.toString('latin1'), file);
    normalise(message);
    const rebuilt =
      message instanceof SipRequest
        ? new SipRequest(
            message.method,
            message.uri,
            message.headers,
            message.body,
            message.with().received(),
          )
        : new SipResponse(
            (message as SipResponse).status,
            (message as SipResponse).reason,
            message.headers,
            message.body,
          );
    assert.equal(text(rebuilt), received.toString('latin1'), `${file}, assembled again`);
    const faults: string[] = [];
    for (const def of headerDefinitions())
      if (outcome(() => message.all(def)) !== 'accept') faults.push(def.name);
    // a P-CSCF that asserts `<sip:number@<null>>`
    const isNull = message.raw('P-Asserted-Identity').some(value => value.includes('<null>'));
    assert.deepEqual(faults, isNull ? ['P-Asserted-Identity'] : [], file);
    count++;
  }
  assert.equal(count, 197);
});

const clearwater = (name: string): SipMessage =>
  parseMessage(octets('clearwater_parser', `${name}_1.sip`));

test('the IMS headers of the Clearwater vectors have the values noted there', () => {
  for (const [name, icid] of [
    ['PChargingVectorQuotedIcidValue', 'a2bb639b437cd5827a8f54fe39f3987c0:0:0:0:0:0:0:0'],
    ['PChargingVectorHostnameIcidValue', 'subdomain.example.com'],
    ['PChargingVectorEmptyIcidValue', ''],
  ] as const) {
    const vector = clearwater(name).get(h.PChargingVector)!;
    assert.deepEqual(vector, {
      icid,
      origIoi: 'homedomain',
      termIoi: 'remotedomain',
      icidGeneratedAt: 'edge.proxy.net',
      params: new Map([['other-param', 'test-value']]),
    });
    assert.ok(h.PChargingVector.format(vector).startsWith(`icid-value="${icid}"`));
  }
  const two = clearwater('PChargingFunctionAddressesIPv6').get(h.PChargingFunctionAddresses);
  assert.deepEqual(two, {
    ccf: ['10.22.42.18', '[FD5F:5D21:845:1C27:FF00::42:105]'],
    ecf: [],
    params: new Map(),
  });
  assert.equal(
    clearwater('PChargingFunctionAddressesOneIPv6').get(h.PChargingFunctionAddresses)?.ccf.length,
    1,
  );

  const session = clearwater('SessionExpiresUAC').get(h.SessionExpires)!;
  assert.equal(session.seconds, 600);
  assert.equal(session.params.get('refresher'), 'uac');
  assert.equal(session.params.size, 3, 'refresher and two others');

  const features = (name: string, def: typeof h.AcceptContact): readonly number[] =>
    clearwater(name)
      .all(def)
      .map(
        ({ params }) =>
          [...params.keys()].filter(key => key !== 'explicit' && key !== 'require').length,
      );
  assert.deepEqual(features('AcceptContact', h.AcceptContact), [1]);
  assert.deepEqual(features('AcceptContactMultiple', h.AcceptContact), [2, 1]);
  assert.deepEqual(features('RejectContact', h.RejectContact), [1]);
  assert.equal(
    h.RejectContact.format(clearwater('RejectContact').get(h.RejectContact)!),
    '*;+sip.instance="<i:am:a:robot>"',
  );
  assert.deepEqual(
    clearwater('RejectContactMultiple')
      .all(h.RejectContact)
      .map(({ params }) => params.size),
    [3, 2],
  );

  const associated = clearwater('PAssociatedURI').all(h.PAssociatedUri);
  assert.deepEqual(associated.map(h.PAssociatedUri.format), [
    '<sip:uri1@example.com;uriparam>;aiparam',
    '<sip:uri2@example.com;uriparam2>;aiparam2',
  ]);
  assert.equal(
    h.PProfileKey.format(clearwater('PProfileKey').get(h.PProfileKey)!),
    '<sip:uri!%5b0-9%5d%7b2%7d.*!!!@example.com>;test-param;test-param2=value',
  );
  const path = clearwater('Path').all(h.Path);
  assert.equal(h.Path.format(path[0]!), '<sip:12345678@example.com:5054;transport=TCP;lr>;x=2;y=3');
  assert.equal(uriText(path[1]!.uri), 'sip:sprout.example.com:5054;lr');
  assert.equal(clearwater('MinSE').get(h.MinSE), 300);
  assert.deepEqual(clearwater('ResourcePriority').all(h.ResourcePriority), ['dsn.flash', 'wps.4']);
});

test('the Clearwater messages are taken', () => {
  holdTo('clearwater_parser', {
    'Path_1.sip': ['refuse 400', 'a REGISTER whose CSeq says INVITE (RFC 3261 §8.1.1.5)'],
  });
});
