// Every header's grammar: what it reads, what it writes, and what it refuses.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SipError } from './error.ts';
import { fieldOf, type HeaderDef, headerDefinitions, headerKey } from './header.ts';
import * as h from './headers.ts';
import { sipUri, uriText } from './uri.ts';

const read = <T>(def: HeaderDef<T>, text: string): readonly T[] =>
  fieldOf(def.name, text).values(def);
const one = <T>(def: HeaderDef<T>, text: string): T => {
  const values = read(def, text);
  assert.equal(values.length, 1, text);
  return values[0]!;
};

/** Text on the wire and its value, in both directions. */
function both<T>(def: HeaderDef<T>, text: string, value: T): void {
  assert.deepEqual(one(def, text), value, `${def.name}: ${text}`);
  assert.equal(def.format(value), text, def.name);
}

function refuses(def: HeaderDef<unknown>, ...texts: readonly string[]): void {
  for (const text of texts) {
    assert.throws(
      () => read(def, text),
      (error: unknown) =>
        error instanceof SipError && error.status === 400 && error.header === def.name,
      `${def.name}: ${text}`,
    );
  }
}

const alice = sipUri({ user: 'alice', host: 'atlanta.com' });
const none = new Map<string, string | null>();

test('addresses, with and without brackets and names', () => {
  both(h.From, '"A. \\"G\\" Bell" <sip:alice@atlanta.com>;tag=a48s', {
    displayName: 'A. \\"G\\" Bell',
    uri: alice,
    params: new Map([['tag', 'a48s']]),
  });
  assert.deepEqual(one(h.To, 'sip:alice@atlanta.com;tag=1'), h.nameAddr(alice, { tag: '1' }));
  assert.equal(
    one(h.From, 'Anonymous <sip:c8oqz84zk7z@privacy.org>;tag=hyh8').displayName,
    'Anonymous',
  );
  assert.equal(one(h.From, 'A B\t C <sip:a@h>').displayName, 'A B\t C');
  both(h.To, '<tel:+15550100>', h.nameAddr({ scheme: 'tel', number: '+15550100', params: none }));
  assert.equal(one(h.To, '"a" <sip:a@h;x?y>;z').params.has('z'), true);
  refuses(
    h.To,
    '',
    '<>',
    '<sip:a@h',
    'sip:a@h>',
    '"a <sip:a@h>',
    '"a" sip:a@h',
    'A, B <sip:a@h>',
    'a"b" <sip:a@h>',
    '<sip:a@h>x',
    'sip:a@h?b',
    'sip:a@h,sip:b@h',
    '<sip:a@h><sip:b@h>',
    '< sip:a@h>',
  );
});

test('Contact, its star and its own parameters', () => {
  assert.ok(isStar(h.Contact, '*'));
  assert.equal(h.Contact.format(h.ContactStar), '*');
  const [a, b] = read(
    h.Contact,
    '"Mr. W" <sip:w@h>; q=0.7; expires=3600,  "Mr. W,x" <mailto:w@h,z> ;q=.1;expires=x',
  );
  assert.equal(h.contactExpires(a!), 3600);
  assert.equal(h.contactQ(a!), 0.7);
  assert.equal(h.contactExpires(b!), undefined);
  assert.equal(h.contactQ(b!), 1);
  assert.equal(h.contactExpires(one(h.Contact, '<sip:a@h>;expires=9999999999')), 4_294_967_295);
  const instance =
    '<sip:a@h>;+sip.instance="<urn:gsma:imei:35622410-483840-0>";+g.3gpp.smsip;reg-id=1';
  assert.equal(h.Contact.format(one(h.Contact, instance)), instance);
  refuses(h.Contact, 'sip:a@h?x', '*;x', '"');
});

const isStar = (def: typeof h.Contact, text: string): boolean => h.isContactStar(one(def, text));

test('Via, with the white space RFC 3261 allows and in IPv6', () => {
  both(h.Via, 'SIP/2.0/UDP erlang.bell-telephone.com:5060;branch=z9hG4bK87asdks7', {
    protocol: 'SIP/2.0',
    transport: 'UDP',
    host: 'erlang.bell-telephone.com',
    port: 5060,
    params: new Map([['branch', 'z9hG4bK87asdks7']]),
  });
  const odd = one(
    h.Via,
    'SIP / 2.0 / udp First.Example.com: 4000;ttl=16 ;maddr=224.2.0.1 ;branch=z9hG4bKa7c6a8dlze.1',
  );
  assert.equal(
    h.Via.format(odd),
    'SIP/2.0/UDP first.example.com:4000;ttl=16;maddr=224.2.0.1;branch=z9hG4bKa7c6a8dlze.1',
  );
  both(h.Via, 'SIP/2.0/TLS [2001:db8::9]:6050;received=2001:db8::1;rport', {
    protocol: 'SIP/2.0',
    transport: 'TLS',
    host: '2001:db8::9',
    port: 6050,
    params: new Map([
      ['received', '2001:db8::1'],
      ['rport', null],
    ]),
  });
  assert.equal(one(h.Via, 'SIP/2.0/WSS df7jal23ls0d.invalid;branch=z9hG4bK1').transport, 'WSS');
  refuses(
    h.Via,
    'SIP/2.0/UDP',
    'SIP/2.0 h',
    'SIP/2.0/ h',
    'UDP h',
    'SIP/2.0/UDP h:',
    'SIP/2.0/UDP h:x',
    'SIP/2.0/UDP h:65536',
    'SIP/2.0/UDP [::1',
    'SIP/2.0/UDP [h]',
    'SIP/2.0/UDP a b',
    'SIP/2.0/UDP a@b',
    'SIP/2.0/U/DP h',
  );
});

test('lists are split where commas separate, and only there', () => {
  assert.equal(read(h.Route, '<sip:a,b@h;lr>,"x,y" <sip:h>;p="a,b" , <sip:c>').length, 3);
  assert.deepEqual(read(h.Allow, 'INVITE,ACK , ,BYE,'), ['INVITE', 'ACK', 'BYE']);
  assert.deepEqual(read(h.Supported, ''), []);
  refuses(h.Route, '<sip:a', '<sip:a,<sip:b>', '"<sip:a>,<sip:b>', 'x,<sip:a>');
});

test('numbers have their bounds', () => {
  both(h.MaxForwards, '70', 70);
  assert.equal(one(h.MaxForwards, '0068'), 68);
  refuses(h.MaxForwards, '', '-1', '256', '1x', '1 2', '0x1', '1.0');
  both(h.Expires, '4294967295', 4_294_967_295);
  refuses(h.Expires, '4294967296', 'soon');
  both(h.ContentLength, '0', 0);
  both(h.RSeq, '988789', 988_789);
  both(h.MinSE, '90', 90);
  assert.equal(one(h.MinSE, '300;other-param=x'), 300);
  both(h.MinExpires, '60', 60);
  both(h.FlowTimer, '126', 126);
  both(h.MaxBreadth, '60', 60);
});

test('what tells requests and dialogs apart', () => {
  both(
    h.CallId,
    'f81d4fae-7dec-11d0-a765-00a0c91e6bf6@bar.com',
    'f81d4fae-7dec-11d0-a765-00a0c91e6bf6@bar.com',
  );
  refuses(h.CallId, '', 'a b', 'a\tb');
  both(h.CSeq, '4711 INVITE', { sequence: 4711, method: 'INVITE' });
  assert.deepEqual(one(h.CSeq, '0009 \t INVITE'), { sequence: 9, method: 'INVITE' });
  refuses(h.CSeq, 'INVITE', '1', '1 ', '1 a b', '2147483648 X', '-1 X', '1INVITE');
  both(h.RAck, '776656 1 INVITE', { rseq: 776_656, sequence: 1, method: 'INVITE' });
  assert.equal(one(h.RAck, '4294967295 1 INVITE').rseq, 4_294_967_295);
  refuses(h.RAck, '1 INVITE', '1 1', '1 1 1 X');
  both(h.Replaces, '425928@bobster.com;to-tag=7743;from-tag=6472', {
    callId: '425928@bobster.com',
    params: new Map([
      ['to-tag', '7743'],
      ['from-tag', '6472'],
    ]),
  });
});

test('media types in lower case, values of their parameters as they are', () => {
  assert.deepEqual(one(h.ContentType, 'Multipart/Mixed ; boundary="aB c"'), {
    type: 'multipart/mixed',
    params: new Map([['boundary', 'aB c']]),
  });
  both(h.ContentType, 'application/sdp', { type: 'application/sdp', params: none });
  assert.equal(read(h.Accept, 'application/sdp;level=1, application/x-private, text/*').length, 3);
  refuses(h.ContentType, 'sdp', '/x', 'x/', 'a b/c', '');
});

test('challenges quote what RFC 7616 quotes', () => {
  const challenge =
    'Digest realm="ims.example", nonce="b64=", algorithm=AKAv1-MD5, ck="00ff", ik="11ee", qop="auth,auth-int", stale=true, opaque="o", domain="sip:x"';
  const value = one(h.WwwAuthenticate, challenge);
  assert.equal(value.scheme, 'Digest');
  assert.equal(value.params.get('qop'), 'auth,auth-int');
  assert.equal(h.WwwAuthenticate.format(value), challenge);
});

test('credentials quote what RFC 7616 quotes', () => {
  const credentials =
    'Digest username="a@h", realm="h", uri="sip:h", nonce="n", response="00", algorithm=MD5, cnonce="c", qop=auth, nc=00000001, auts="AA==", integrity-protected="ip-assoc-yes"';
  const value = one(h.Authorization, credentials);
  assert.equal(h.Authorization.format(value), credentials);
  assert.equal(
    one(h.Authorization, 'DIGEST username = "a" ,, qop="auth" ,nc=1').params.get('qop'),
    'auth',
  );
  both(h.AuthenticationInfo, 'nextnonce="n", qop=auth, rspauth="00", cnonce="c", nc=00000001', {
    scheme: '',
    params: new Map([
      ['nextnonce', 'n'],
      ['qop', 'auth'],
      ['rspauth', '00'],
      ['cnonce', 'c'],
      ['nc', '00000001'],
    ]),
  });
  both(h.Authorization, 'Basic YTpi==', { scheme: 'Basic', params: new Map([['YTpi==', null]]) });
  refuses(
    h.Authorization,
    '',
    'Digest a',
    'Digest a="',
    'Digest a=b c=d',
    'Digest =x',
    'Digest nonce="a", nonce="b"',
    '"x"',
  );
});

test('events and subscriptions', () => {
  both(h.Event, 'reg;id=1', { package: 'reg', params: new Map([['id', '1']]) });
  both(h.SubscriptionState, 'terminated;reason=timeout;retry-after=60', {
    state: 'terminated',
    params: new Map([
      ['reason', 'timeout'],
      ['retry-after', '60'],
    ]),
  });
  assert.equal(one(h.SubscriptionState, 'Active;expires=5').state, 'active');
  refuses(h.Event, '', ';id=1', 'a b');
});

test('timers and dates', () => {
  both(h.SessionExpires, '1800;refresher=uac', {
    seconds: 1800,
    params: new Map([['refresher', 'uac']]),
  });
  assert.equal(one(h.SessionExpires, '600 ;refresher=uac').seconds, 600);
  refuses(h.SessionExpires, ';refresher=uac', 'x', '');
  both(h.RetryAfter, '18000 (I (we) meet);duration=3600', {
    seconds: 18_000,
    comment: 'I (we) meet',
    params: new Map([['duration', '3600']]),
  });
  assert.equal(one(h.RetryAfter, '120').seconds, 120);
  assert.equal(h.RetryAfter.format({ seconds: 5 }), '5');
  refuses(h.RetryAfter, '1 (x', 'x (y)', '(x)');
  both(h.Timestamp, '54.21 0.5', '54.21 0.5');
  both(h.SipDate, 'Sat, 13 Nov 2010 23:29:00 GMT', 1_289_690_940_000);
  both(h.SipDate, 'Thu, 01 Jan 1970 00:00:00 GMT', 0);
  both(h.SipDate, 'Thu, 29 Feb 2024 12:00:01 GMT', 1_709_208_001_000);
  both(h.SipDate, 'Sun, 31 Dec 1899 23:59:59 GMT', -2_208_988_801_000);
  refuses(
    h.SipDate,
    'Fri, 01 Jan 2010 16:00:00 EST',
    'today',
    'Sat, 13 Foo 2010 23:29:00 GMT',
    'Sat, 13 Nov 2010 24:29:00 GMT',
    'Sat, 00 Nov 2010 23:29:00 GMT',
  );
});

test('identities of the trust domain', () => {
  assert.deepEqual(
    read(h.PAssertedIdentity, '"Cullen" <sip:fluffy@cisco.com>, tel:+14085264000').map(value =>
      uriText(value.uri),
    ),
    ['sip:fluffy@cisco.com', 'tel:+14085264000'],
  );
  both(h.PServedUser, '<sip:user@example.com>;sescase=orig;regstate=reg', {
    displayName: undefined,
    uri: sipUri({ user: 'user', host: 'example.com' }),
    params: new Map([
      ['sescase', 'orig'],
      ['regstate', 'reg'],
    ]),
  });
  both(h.Privacy, 'header;user;id', ['header', 'user', 'id']);
  assert.deepEqual(one(h.Privacy, 'ID ; Critical'), ['id', 'critical']);
  refuses(h.Privacy, '', 'id;', 'a b');
  assert.equal(
    one(h.HistoryInfo, '<sip:a@h?Reason=SIP%3Bcause%3D302>;index=1.1').params.get('index'),
    '1.1',
  );
});

test('charging', () => {
  both(
    h.PChargingVector,
    'icid-value="a2bb:0";icid-generated-at=192.0.2.1;orig-ioi=home;term-ioi=other;x=1',
    {
      icid: 'a2bb:0',
      icidGeneratedAt: '192.0.2.1',
      origIoi: 'home',
      termIoi: 'other',
      params: new Map([['x', '1']]),
    },
  );
  assert.equal(h.PChargingVector.format({ icid: 'i' }), 'icid-value="i"');
  assert.equal(one(h.PChargingVector, 'icid-value=; orig-ioi=h').icid, '');
  refuses(h.PChargingVector, '', 'orig-ioi=h', 'icid-value');
  both(h.PChargingFunctionAddresses, 'ccf=192.0.2.1;ccf=[2001:db8::1];ecf=h.example;x="a;b"', {
    ccf: ['192.0.2.1', '[2001:db8::1]'],
    ecf: ['h.example'],
    params: new Map([['x', 'a;b']]),
  });
});

test('access and visited network', () => {
  both(
    h.PAccessNetworkInfo,
    '3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=0010100010019B;network-provided',
    {
      accessType: '3GPP-E-UTRAN-FDD',
      params: new Map([
        ['utran-cell-id-3gpp', '0010100010019B'],
        ['network-provided', null],
      ]),
    },
  );
  both(h.PVisitedNetworkId, '"Visited network number 1"', {
    network: 'Visited network number 1',
    params: none,
  });
  both(h.PVisitedNetworkId, 'other.net', { network: 'other.net', params: none });
  refuses(h.PVisitedNetworkId, '"x', ';a');
  assert.deepEqual(read(h.PEarlyMedia, 'supported, gated'), ['supported', 'gated']);
});

test('security agreement', () => {
  const client =
    'ipsec-3gpp;prot=esp;mod=trans;spi-c=25656;spi-s=25657;port-c=6301;port-s=6300;alg=hmac-md5-96;ealg=null';
  both(h.SecurityClient, client, {
    mechanism: 'ipsec-3gpp',
    params: new Map(
      client
        .split(';')
        .slice(1)
        .map(p => p.split('=') as [string, string]),
    ),
  });
  assert.equal(read(h.SecurityServer, 'tls;q=0.2, digest;d-qop=auth;d-ver="00"').length, 2);
});

test('reasons, warnings and the rest', () => {
  both(h.Reason, 'SIP;cause=200;text="Call completed elsewhere"', {
    protocol: 'SIP',
    params: new Map([
      ['cause', '200'],
      ['text', 'Call completed elsewhere'],
    ]),
  });
  both(h.Warning, '370 devnull "Choose a bigger pipe, \\"please\\""', {
    code: 370,
    agent: 'devnull',
    text: 'Choose a bigger pipe, \\"please\\"',
  });
  assert.equal(read(h.Warning, '307 a.com:5060 "x, y", 301 [::1] "z"').length, 2);
  refuses(h.Warning, '30 a "x"', '307 a', '307 a "x', '307 "x"');
  assert.deepEqual(
    read(h.AcceptContact, '*;+sip.instance="<i:am:a:robot>";+xyz;explicit,*;require').map(
      v => v.params.size,
    ),
    [3, 1],
  );
  refuses(h.AcceptContact, 'x', ';a');
  both(h.FeatureCaps, '*;+g.3gpp.srvcc', { params: new Map([['+g.3gpp.srvcc', null]]) });
  assert.deepEqual(read(h.ResourcePriority, 'DSN.flash, wps.4'), ['dsn.flash', 'wps.4']);
  refuses(h.ResourcePriority, 'flash', '.', 'a.b.c');
  both(h.Subject, 'Need more boxes, "now"', 'Need more boxes, "now"');
  both(h.GeolocationRouting, 'yes', { value: 'yes', params: none });
  both(
    h.ReferTo,
    '<sip:dave@denver.org?Replaces=12345%40h%3Bto-tag%3D1>',
    h.nameAddr(
      sipUri({ user: 'dave', host: 'denver.org', headers: 'Replaces=12345%40h%3Bto-tag%3D1' }),
    ),
  );
  assert.equal(
    one(h.CallInfo, '<https://h/x.jpg?a=b,c> ;purpose=icon').params.get('purpose'),
    'icon',
  );
});

test('every definition has a well-formed name, clause and compact form of its own', () => {
  const definitions = headerDefinitions();
  assert.ok(definitions.length > 85);
  const compact = new Set<string>();
  for (const def of definitions) {
    assert.match(def.name, /^[A-Z][A-Za-z]*(-[A-Z][A-Za-z]*)*$/);
    assert.match(def.spec, /^(RFC \d{4}|TS 2\d\.\d{3})( §\d+(\.\d+)*[A-Z]?)?$/, def.name);
    assert.equal(headerKey(def.name.toUpperCase()), def.key);
    if (def.compact === undefined) continue;
    assert.match(def.compact, /^[a-z]$/);
    assert.ok(!compact.has(def.compact), def.compact);
    compact.add(def.compact);
    assert.equal(headerKey(def.compact.toUpperCase()), def.key);
  }
  const exported = new Set<unknown>(Object.values(h));
  for (const def of definitions) assert.ok(exported.has(def), `${def.name} is exported`);
});
