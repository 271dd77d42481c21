import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NaptrRecord } from '#kernel/host';
import { nodeDns } from '#kernel/node/dns-source';
import { dnsServer } from '#kernel/node/testing/dns-server';
import { substitute } from './enum/substitution.ts';
import { enumLookup, enumName } from './enum.ts';
import { uriText } from './uri.ts';

const rule = (
  order: number,
  preference: number,
  service: string,
  regexp: string,
  rest: Partial<NaptrRecord> = {},
): NaptrRecord => ({ order, preference, flags: 'u', service, regexp, replacement: '', ...rest });

const number = '+441632960083';
const name = '3.8.0.0.6.9.2.3.6.1.4.4.e164.arpa';

async function uris(...rules: NaptrRecord[]): Promise<string[]> {
  const asked: Record<string, NaptrRecord[]> = { [name]: rules };
  const dns = { naptr: async (one: string) => asked[one] ?? [] };
  return (await enumLookup(number, 'e164.arpa', dns)).map(uriText);
}

test('a number is asked for by its digits from the last to the first', () => {
  assert.equal(enumName(number, 'e164.arpa'), name);
  assert.equal(enumName('+15', '.enum.example.'), '5.1.enum.example');
});

const substitutions: readonly [rule: string, result: string | undefined][] = [
  ['!^.*$!sip:info@example.com!', 'sip:info@example.com'],
  ['!^\\+44(.*)$!sip:\\1@example.com!', 'sip:1632960083@example.com'],
  [
    '!^(\\+441632(96.*))$!sip:\\1;ext=\\2@example.com;user=phone!',
    'sip:+441632960083;ext=960083@example.com;user=phone',
  ],
  ['/^(.*)$/sip:\\1@example.com/i', 'sip:+441632960083@example.com'],
  ['#^(.{3})(.*)#sip:a!b@\\2.example.com#', 'sip:a!b@1632960083.example.com'],
  ['!^.*$!sip:a\\!b@example.com!', 'sip:a!b@example.com'],
  ['!^\\+1(.*)$!sip:\\1@example.com!', undefined], // another number's
  ['!^(.*)$!sip:\\2@example.com!', undefined], // a group that is not there
  ['!^(.*$!sip:\\1@example.com!', undefined],
  ['!^.*$!sip:info@example.com', undefined], // not ended
  ['!^.*$!sip:info@example.com!x', undefined],
  ['!^.*$!sip:info@example.com!i!', undefined],
  ['1^.*$1sip:info@example.com1', undefined],
  ['!^.*$!sip:info\\', undefined],
  ['', undefined],
  [`!^.*$!sip:${'a'.repeat(300)}@example.com!`, undefined],
];
for (const [text, result] of substitutions) {
  test(`the rule ${text.slice(0, 60)} gives ${result ?? 'nothing'}`, () => {
    assert.equal(substitute(text, number), result);
  });
}

test('a rule made to take exponential time takes none', () => {
  const evil = `!${'(a*)*'.repeat(20)}(${'(0|0)*'.repeat(20)})*x$!sip:a@b!`;
  assert.equal(substitute(evil, `+${'0'.repeat(15)}`), undefined);
});

test('rules are taken by order, then preference', async () => {
  const found = await uris(
    rule(100, 20, 'E2U+sip', '!^.*$!sip:third@example.com!'),
    rule(10, 50, 'E2U+sip', '!^.*$!sip:second@example.com!'),
    rule(10, 5, 'E2U+SIP', '!^.*$!sip:first@example.com!'),
  );
  assert.deepEqual(found, [
    'sip:first@example.com',
    'sip:second@example.com',
    'sip:third@example.com',
  ]);
});

test('only services that lead to SIP or tell of porting are taken, by whatever company', async () => {
  const found = await uris(
    rule(1, 1, 'E2U+email:mailto', '!^.*$!mailto:info@example.com!'),
    rule(1, 2, 'E2U+h323', '!^.*$!h323:info@example.com!'),
    rule(1, 3, 'SIP+D2U', '!^.*$!sip:other@example.com!'),
    rule(1, 4, 'E2U+sip', '!^.*$!tel:+441632960083!'), // not what its service says
    rule(1, 5, 'E2U+sip', '!^.*$!not a uri!'),
    rule(1, 6, 'E2U+email:mailto+sip', '!^.*$!sip:several@example.com!'),
    rule(1, 7, 'E2U+pstn:tel', '!^.*$!tel:+441632960083;npdi;rn=+441632960999!'),
    rule(1, 8, 'E2U+sip', '!^.*$!sip:flagged@example.com!', { flags: 's' }),
  );
  assert.deepEqual(found, ['sip:several@example.com', 'tel:+441632960083;npdi;rn=+441632960999']);
});

test('a rule may lead to another name, but not in a circle and not for ever', async () => {
  const zone: Record<string, NaptrRecord[]> = {
    [name]: [rule(1, 1, '', '', { flags: '', replacement: 'a.example' })],
    'a.example': [rule(1, 1, '', '!^(.*)$!b.example!', { flags: '' })],
    'b.example': [rule(1, 1, 'E2U+sip', '!^\\+(.*)$!sip:\\1@example.com!')],
  };
  const asked: string[] = [];
  const dns = {
    naptr: async (one: string) => {
      asked.push(one);
      return zone[one] ?? [];
    },
  };
  const [uri] = await enumLookup(number, 'e164.arpa', dns);
  assert.equal(uriText(uri!), 'sip:441632960083@example.com');

  zone['b.example'] = [rule(1, 1, '', '', { flags: '', replacement: 'A.example' })];
  asked.length = 0;
  assert.deepEqual(await enumLookup(number, 'e164.arpa', dns), []);
  assert.deepEqual(asked, [name, 'a.example', 'b.example']);

  for (let i = 0; i < 20; i++) {
    zone[`c${i}.example`] = [rule(1, 1, '', '', { flags: '', replacement: `c${i + 1}.example` })];
  }
  zone[name] = [rule(1, 1, '', '', { flags: '', replacement: 'c0.example' })];
  asked.length = 0;
  assert.deepEqual(await enumLookup(number, 'e164.arpa', dns), []);
  assert.equal(asked.length, 5);
});

test('over the wire, backslashes and all', async () => {
  const naptr = { [name]: [rule(1, 1, 'E2U+sip', '!^\\+44(.*)$!sip:\\1@example.com!')] };
  const server = await dnsServer({ naptr });
  const source = nodeDns({ servers: [server.address], timeout: 500, tries: 1 });
  const dns = { naptr: async (one: string) => (await source.naptr(one)).records };
  try {
    const [uri] = await enumLookup(number, 'e164.arpa', dns);
    assert.equal(uriText(uri!), 'sip:1632960083@example.com');
  } finally {
    source.close?.();
    server.close();
  }
});
