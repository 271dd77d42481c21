import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseUri, uriText } from '#sip/uri';
import { sCscfConfig } from './config.ts';
import {
  dialledNumber,
  domainOf,
  globalNumber,
  isHome,
  portedUser,
  routingNumber,
  withoutPortability,
} from './numbers.ts';

const home = 'ims.example';
const config = sCscfConfig({ home, aliases: ['example.org'] });
const alice = '+15550100001';

const numbers: readonly [uri: string, number: string | undefined, certain?: boolean][] = [
  ['tel:+15550100002', '+15550100002', true],
  ['tel:+1-(555)-010.0002', '+15550100002', true],
  ['tel:0100002;phone-context=+1555', '+15550100002', true],
  ['tel:0100002;phone-context=ims.example', '+15550100002', true],
  ['tel:911', undefined],
  ['tel:*43#', undefined],
  [`sip:+15550100002@${home}`, '+15550100002', false],
  [`sip:+15550100002@${home};user=phone`, '+15550100002', true],
  [`sip:+15550100002;isub=1@${home};user=phone`, '+15550100002', true],
  [`sip:0100002;phone-context=+1555@${home};user=phone`, '+15550100002', true],
  ['sip:15550100002@example.org', '+15550100002', false],
  [`sip:5550100002@${home}`, '+15550100002', false],
  [`sip:0100002@${home}`, '+15550100002', false],
  [`sip:0044201234567@${home}`, '+44201234567', false],
  [`sip:01144201234567@${home}`, '+44201234567', false],
  ['sip:+15550100002@elsewhere.example', undefined],
  [`sip:alice@${home}`, undefined],
  [`sip:12@${home}`, undefined],
  [`sip:001010000000001@${home}`, '+1010000000001', false],
  [`sip:${home}`, undefined],
  ['urn:service:sos', undefined],
];

for (const [uri, number, certain] of numbers) {
  test(`${uri} dials ${number ?? 'no number'}`, () => {
    const dialled = dialledNumber(parseUri(uri), config, alice);
    assert.deepEqual(dialled, number === undefined ? undefined : { number, certain });
  });
}

test("a subscriber number needs the caller's own to be completed", () => {
  assert.equal(dialledNumber(parseUri('tel:0100002'), config, undefined), undefined);
  assert.equal(dialledNumber(parseUri('tel:0100002'), config, '+44201234567'), undefined);
});

test('another country has its own prefixes, and numbers of any length', () => {
  const german = sCscfConfig({ home, numbers: { country: '49' } });
  const dial = (uri: string) => dialledNumber(parseUri(uri), german, '+4930123456')?.number;
  assert.equal(dial('tel:015112345678'), '+4915112345678');
  assert.equal(dial('tel:03012345'), '+493012345');
  assert.equal(dial('tel:0015550100001'), '+15550100001');
  assert.equal(dial('tel:110'), undefined);
  assert.equal(dial('tel:123456'), undefined);
});

test('the longest prefix says whose a number is', () => {
  const table = sCscfConfig({
    home,
    numbers: {
      enum: [
        { prefix: '+1555', domain: home },
        { prefix: '+1555019', domain: 'other.example' },
      ],
    },
  });
  assert.equal(domainOf('+15550100002', table), home);
  assert.equal(domainOf('+15550199001', table), 'other.example');
  assert.equal(domainOf('+4420', table), undefined);
});

test('what is no global number is none, and hosts are compared without case', () => {
  assert.equal(globalNumber('+1 555'), undefined);
  assert.equal(globalNumber('+1234567890123456'), undefined);
  assert.equal(isHome('IMS.Example', config), true);
  assert.equal(isHome('example.com', config), false);
});

const ported: readonly [uri: string, user: string, routedBy: string][] = [
  ['tel:+15550100002;npdi', '+15550100002;npdi', '+15550100002'],
  ['tel:+15550100002;rn=+1-555-019-0000', '+15550100002;npdi;rn=+1-555-019-0000', '+15550190000'],
  [
    `sip:+15550100002;npdi;rn=+15550190000@${home};user=phone`,
    '+15550100002;npdi;rn=+15550190000',
    '+15550190000',
  ],
  [
    'tel:+15550100002;npdi;rn=D019;rn-context=+1555',
    '+15550100002;npdi;rn=D019;rn-context=+1555',
    '+15550100002',
  ],
  ['tel:+15550100002;npdi;rn=no;rn-context=+1', '+15550100002;npdi', '+15550100002'],
  ['tel:+15550100002', '+15550100002', '+15550100002'],
];
for (const [text, user, routedBy] of ported) {
  test(`${text} is routed by ${routedBy}, and what is known of its porting goes along`, () => {
    const dialled = dialledNumber(parseUri(text), config, alice)!;
    assert.equal(portedUser(dialled.number, dialled.portability), user);
    assert.equal(routingNumber(dialled), routedBy);
  });
}

test('what a UE says of porting is taken off, and nothing else is', () => {
  for (const [dialled, plain] of [
    ['tel:+15550100002;isub=7;npdi;rn=+15559', 'tel:+15550100002;isub=7'],
    [`sip:+1555;RN=+1;a=b;npdi@${home};user=phone`, `sip:+1555;a=b@${home};user=phone`],
    [`sip:alice@${home};npdi`, `sip:alice@${home};npdi`],
    ['urn:service:sos', 'urn:service:sos'],
  ] as const) {
    assert.equal(uriText(withoutPortability(parseUri(dialled))), plain);
  }
});
