import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SipError } from './error.ts';
import { impuOf, isSipUri, isTelUri, parseUri, sameUri, sipUri, telUri, uriText } from './uri.ts';

const sip = (text: string) => {
  const uri = parseUri(text);
  assert.ok(isSipUri(uri), text);
  return uri;
};

test('a SIP URI in all its parts', () => {
  const uri = sip('sip:alice:secret@Atlanta.Example.com:5070;Transport=tcp;lr?subject=x&to=y');
  assert.deepEqual(uri, {
    scheme: 'sip',
    user: 'alice',
    password: 'secret',
    host: 'atlanta.example.com',
    port: 5070,
    params: new Map([
      ['transport', 'tcp'],
      ['lr', null],
    ]),
    headers: 'subject=x&to=y',
  });
});

test('the user part may hold what looks like parameters, headers and a path (RFC 4475 §3.1.1.9)', () => {
  assert.equal(sip('sip:user;par=u%40example.net@example.com').user, 'user;par=u%40example.net');
  assert.equal(sip('sip:a?b/c@h').user, 'a?b/c');
  assert.equal(
    sip("sip:1_u.(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d@h").password,
    '&it+has=1,weird!*pas$wo~d',
  );
});

test('IPv6 addresses lose their brackets and get them back', () => {
  const uri = sip('sip:caller@[2001:DB8::9]:5070;lr');
  assert.equal(uri.host, '2001:db8::9');
  assert.equal(uri.port, 5070);
  assert.equal(uriText(uri), 'sip:caller@[2001:db8::9]:5070;lr');
  assert.equal(sip('sip:[2001:db8::10:5070]').port, undefined);
  assert.equal(sipUri({ host: '[::1]' }).host, '::1');
});

test('escaped parameter names are read unescaped, unless that would change the structure', () => {
  const uri = sip('sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31;a%3Bb=c');
  assert.deepEqual([...uri.params.keys()], ['lr', 'name', 'a%3bb']);
  assert.deepEqual(parseUri(uriText(uri)), uri);
});

test('tel URIs, global and local', () => {
  const uri = parseUri('TEL:+1-201-555-0123;phone-context=x');
  assert.ok(isTelUri(uri));
  assert.equal(uri.number, '+1-201-555-0123');
  assert.equal(uriText(uri), 'tel:+1-201-555-0123;phone-context=x');
  assert.ok(isTelUri(parseUri('tel:*21#;phone-context=example.com')));
});

test('any other URI is kept as text under its scheme', () => {
  const uri = parseUri('URN:service:sos');
  assert.deepEqual(uri, { scheme: 'urn', text: 'service:sos' });
  assert.equal(uriText(uri), 'urn:service:sos');
});

test('what is no URI is refused with 400', () => {
  const wrong = [
    '',
    'alice',
    ':x',
    'sip:',
    'sip:@h',
    'sip::p@h',
    'sip:a@',
    'sip:a b@h',
    'sip:a@h h',
    'sip:a@h:',
    'sip:a@h:x',
    'sip:a@h:65536',
    'sip:a@[::1',
    'sip:a@[x]',
    'sip:a@[]',
    'sip:a@h/x',
    'sip:a@h;=x',
    'sip:a@h;x y',
    'sip:a@h?x y',
    'sip:a@b@c',
    'sip:<a@h>',
    'sip:"a"@h',
    'tel:',
    'tel:+',
    'tel:-',
    'tel:+12x',
    'tel:alice',
    '1x:y',
    'ht tp:x',
    'sip:a@h;p"q',
    'sip:a@h\r\n',
  ];
  for (const text of wrong) {
    assert.throws(
      () => parseUri(text),
      (error: unknown) => error instanceof SipError && error.status === 400,
      text,
    );
  }
});

test('URIs of RFC 3261 §19.1.4 that are the same', () => {
  const same: [string, string][] = [
    ['sip:%61lice@atlanta.com;transport=TCP', 'sip:alice@AtLanTa.CoM;Transport=tcp'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com;newparam=5'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com;security=on'],
    [
      'sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com',
      'sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com',
    ],
    [
      'sip:alice@atlanta.com?subject=project%20x&priority=urgent',
      'sip:alice@atlanta.com?priority=urgent&subject=project%20x',
    ],
    ['tel:+1-201-555-0123', 'tel:+12015550123'],
    ['tel:+358-555-1234567;postd=pp22;isub=1411', 'tel:+358(555)1234567;isub=1411;POSTD=PP22'],
    ['tel:863-1234;phone-context=+1-914-555', 'tel:8631234;phone-context=+1914555'],
    ['urn:service:sos', 'URN:service:sos'],
  ];
  for (const [a, b] of same) {
    assert.ok(sameUri(parseUri(a), parseUri(b)), `${a} = ${b}`);
    assert.ok(sameUri(parseUri(b), parseUri(a)), `${b} = ${a}`);
  }
});

test('URIs of RFC 3261 §19.1.4 that differ', () => {
  const different: [string, string][] = [
    ['SIP:ALICE@AtLanTa.CoM;Transport=udp', 'sip:alice@AtLanTa.CoM;Transport=UDP'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:5060'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com;transport=udp'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:6000;transport=tcp'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com?Subject=next%20meeting'],
    ['sip:bob@phone21.boxesbybob.com', 'sip:bob@192.0.2.4'],
    ['sip:carol@chicago.com;security=on', 'sip:carol@chicago.com;security=off'],
    ['sip:carol@chicago.com', 'sips:carol@chicago.com'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com;maddr=1.2.3.4'],
    ['sip:carol@chicago.com', 'sip:carol:pw@chicago.com'],
    ['tel:+12015550123', 'tel:+12015550124'],
    ['tel:1234;phone-context=a.com', 'tel:1234;phone-context=b.com'],
    ['tel:+12015550123', 'sip:+12015550123@h'],
  ];
  for (const [a, b] of different) {
    assert.ok(!sameUri(parseUri(a), parseUri(b)), `${a} ≠ ${b}`);
    assert.ok(!sameUri(parseUri(b), parseUri(a)), `${b} ≠ ${a}`);
  }
});

test('the public identity is canonical whatever it is spelled like', () => {
  const identities: [string, string][] = [
    ['sip:Alice@Home.Example:5060;transport=tcp?x=y', 'sip:Alice@home.example'],
    ['sips:alice:pw@home.example', 'sip:alice@home.example'],
    ['sip:%61lice@home.example', 'sip:alice@home.example'],
    ['sip:%7%41@home.example', 'sip:%257A@home.example'],
    ['sip:a%40b@home.example', 'sip:a%40b@home.example'],
    ['sip:a%3ab@home.example', 'sip:a%3Ab@home.example'],
    ['sip:+1-555-010.0001@home.example;user=phone', 'sip:+15550100001@home.example'],
    ['sip:%2B1-555@home.example', 'sip:+1555@home.example'],
    ['sip:+1555;npdi;rn=+1999@home.example;user=phone', 'sip:+1555@home.example'],
    ['sip:555-0100@home.example;user=phone', 'sip:5550100@home.example'],
    ['sip:555-0100@home.example', 'sip:555-0100@home.example'],
    ['sip:home.example;lr', 'sip:home.example'],
    ['sip:[2001:DB8::1]', 'sip:[2001:db8::1]'],
    ['tel:+1-555-0100;ext=5', 'tel:+15550100'],
    ['tel:555-0100;phone-context=Home.Example', 'tel:5550100;phone-context=home.example'],
  ];
  for (const [text, impu] of identities) {
    assert.equal(impuOf(parseUri(text)), impu, text);
    assert.equal(impuOf(parseUri(impu)), impu, `${impu} again`);
  }
});

test('builders leave nothing undefined that readers rely on', () => {
  assert.equal(
    uriText(sipUri({ user: 'a', host: 'H', port: 6060, params: { lr: null, x: 5 } })),
    'sip:a@h:6060;lr;x=5',
  );
  assert.deepEqual(sipUri({ host: 'h' }), parseUri('sip:h'));
  assert.deepEqual(telUri('+15550100', { ext: '5' }), parseUri('tel:+15550100;ext=5'));
});
