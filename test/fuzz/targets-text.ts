// Fuzz targets of what is text: session descriptions, documents, subscriber files, network files,
// headers, URIs, credentials, patterns.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { parseUserData, userDataXml } from '#diameter/cx-user-data';
import { CsvError, csvLine, csvRows, readHeader, readRow } from '#functions/hss/csv';
import { RecordError, type SubscriberInput, subscriberFrom } from '#functions/hss/subscriber';
import { FlowTokens } from '#functions/p-cscf/flow-token';
import { Marks } from '#functions/s-cscf/marks';
import { ere } from '#kernel/ere';
import { ProtocolError, UsageError } from '#kernel/errors';
import { XmlError } from '#kernel/xml';
import { readNetworkFile } from '#networks/network-file';
import { rtpFormat } from '#sdp/format';
import { Negotiation } from '#sdp/negotiation';
import { Preconditions } from '#sdp/preconditions';
import { SdpError } from '#sdp/sdp-error';
import { parseSdp } from '#sdp/session-description';
import { digestAlgorithm, verifyDigest } from '#sip/digest';
import { autsOf, readAkaNonce } from '#sip/digest-aka';
import { SipError } from '#sip/error';
import { fieldOf, headerDefinitions } from '#sip/header';
import { Authorization } from '#sip/headers';
import { parseReginfo, reginfoText } from '#sip/reginfo';
import { impuOf, isSipUri, isTelUri, parseUri, sameUri } from '#sip/uri';
import { readCorpus as diameterCorpus } from './diameter.ts';
import { mutatedText, oneOf, type Random } from './mutations.ts';
import { readCorpus as sipCorpus } from './sip.ts';
import { assertUriLaws } from './sip-laws.ts';
import { type Target, unless } from './target.ts';

const root = join(import.meta.dirname, '../..');
const messages = (): readonly string[] => sipCorpus().map(octets => octets.toString('latin1'));

/** A corpus is read when first wanted. */
function lazily<T>(make: () => readonly T[]): () => readonly T[] {
  let made: readonly T[] | undefined;
  return () => {
    made ??= make();
    assert.ok(made.length > 0, 'an empty corpus');
    return made;
  };
}

function textTarget(
  name: string,
  corpus: () => readonly string[],
  morsels: readonly string[],
  check: (text: string, random: Random) => unknown,
  longest?: number,
): Target {
  const texts = lazily(corpus);
  return {
    name,
    ...(longest === undefined ? {} : { longest }),
    prepare: random => {
      const input = mutatedText(texts(), morsels, random);
      return { input, check: () => check(input, random) };
    },
  };
}

// -------------------------------------------------------------------------------------- SDP

const stream = {
  media: 'audio' as const,
  host: '192.0.2.1',
  port: 40_000,
  rtcpPort: 40_001,
  formats: [
    rtpFormat(8, 'PCMA', 8000),
    rtpFormat(0, 'PCMU', 8000),
    rtpFormat(101, 'telephone-event', 8000, { fmtp: '0-15' }),
  ],
  ptime: 20,
  maxptime: undefined,
  bandwidth: [['AS', 80]] as [['AS', number]],
};

function checkSdp(text: string): void {
  const parsed = unless(SdpError, () => parseSdp(text));
  if (parsed === undefined) return;
  assert.equal(parsed.text().replace(/\r?\n/g, '\n').length <= text.length + 1, true);
  assert.equal(parseSdp(parsed.text()).text(), parsed.text(), 'written twice, it differs');
  unless(SdpError, () => parsed.origin);
  for (const media of parsed.media) {
    unless(SdpError, () => [media.line, media.disabled, parsed.connectionOf(media)]);
    parsed.directionOf(media);
  }
  const local = { ...stream, preconditions: new Preconditions() };
  const answerer = new Negotiation({ sessionId: '1', host: '192.0.2.1', streams: [local] });
  const answer = unless(SdpError, () => {
    const verdict = answerer.receiveOffer(parsed);
    return verdict === 'acceptable' ? answerer.answer() : undefined;
  });
  if (answer !== undefined) {
    assert.equal(answer.media.length, parsed.media.length, 'RFC 3264 §6: a line for each line');
    parseSdp(answer.text());
  }
  const offerer = new Negotiation({ sessionId: '1', host: '192.0.2.1', streams: [local] });
  offerer.offer();
  unless(SdpError, () => offerer.receiveAnswer(parsed));
}

// -------------------------------------------------------------------------------- documents

function checkReginfo(text: string): void {
  const info = unless(XmlError, () => parseReginfo(text));
  if (info !== undefined) {
    assert.deepEqual(parseReginfo(reginfoText(info)), info, 'written and read, it differs');
  }
}

function checkUserData(text: string): void {
  const parsed = unless(ProtocolError, () => parseUserData(text));
  if (parsed === undefined) return;
  const { serviceProfiles, ...subscription } = parsed;
  const clean = {
    ...subscription,
    serviceProfiles: serviceProfiles.map(({ problems: _, ...profile }) => profile),
  };
  assert.deepEqual(parseUserData(userDataXml(clean)), clean, 'written and read, it differs');
}

const XML_MORSELS = [
  '<',
  '>',
  '/>',
  '&',
  '&amp;',
  '&#0;',
  '&#x110000;',
  '"',
  "'",
  '</',
  '<!--',
  '-->',
  '<![CDATA[',
  ']]>',
  '<!DOCTYPE a [<!ENTITY b "c">]>',
  '&b;',
  '<?xml version="1.0"?>',
  'xmlns=""',
  ' xmlns:x="y"',
  '<x:y/>',
  '\ufeff',
  '\ud800',
  '\0',
]; // prettier as a table

const profiles = (): readonly string[] =>
  diameterCorpus()
    .map(octets => /<\?xml.*<\/IMSSubscription>/s.exec(octets.toString('latin1'))?.[0])
    .filter(xml => xml !== undefined);

// ------------------------------------------------------------------------------------ files

async function checkCsv(text: string, random: Random): Promise<void> {
  const rows = async (chunks: readonly string[]) => {
    const seen: unknown[] = [];
    let fields: Parameters<typeof readRow>[1] | undefined;
    try {
      for await (const row of csvRows(chunks)) {
        seen.push(row);
        if (fields === undefined) {
          const header = readHeader(row);
          if ('fields' in header) fields = header.fields;
          continue;
        }
        const read = readRow(row, fields);
        if (!('values' in read)) continue;
        unless(RecordError, () =>
          subscriberFrom(read.values as unknown as SubscriberInput, { services: ['mmtel'] }),
        );
      }
    } catch (error) {
      if (!(error instanceof CsvError)) throw error;
      seen.push(error.message);
    }
    return seen;
  };
  const pieces: string[] = [];
  for (let at = 0; at < text.length; ) {
    const size = 1 + random(random(2) === 0 ? 3 : 400);
    pieces.push(text.slice(at, at + size));
    at += size;
  }
  const whole = await rows([text]);
  assert.deepEqual(await rows(pieces), whole, 'in pieces it reads differently');
  for (const row of whole as { cells?: readonly string[] }[]) {
    if (row.cells === undefined) continue;
    const again: string[][] = [];
    for await (const { cells } of csvRows([csvLine(row.cells)])) again.push([...cells]);
    assert.deepEqual(again[0], row.cells, 'a written line reads differently');
  }
}

const SUBSCRIBERS = [
  'imsi,msisdn,k,opc,services\n001010000000001,+15550100001,465b5ce8b199b49faa5f0a2ee238a6bc,cd63cb71954a9f4e48a5994e37a02baf,mmtel sms\n',
  'imsi,msisdn,impi,impus,password\r\n001010000000002,,bob@example.com,"sip:bob@example.com tel:+1555",secret\r\n',
  'IMSI\n001010000000003\n\n"001010000000004"\n',
];

function checkNetworkFile(text: string, random: Random): void {
  const settings =
    random(3) === 0
      ? [`${oneOf(['scscf.listen', 'a.b', '__proto__.x'], random)}=${text.slice(0, 40)}`]
      : [];
  unless(UsageError, () => readNetworkFile({ name: 'lab.yaml', text, settings }));
  assert.equal(({} as { x?: unknown }).x, undefined, 'a prototype was written to');
}

const YAML_MORSELS = [
  '\n',
  '  ',
  ':',
  ': ',
  '- ',
  '&a ',
  '*a',
  '<<: *a',
  '!!binary ',
  '!!js/function ',
  '|',
  '>',
  '"',
  "'",
  '[',
  ']',
  '{',
  '}',
  '#',
  '? ',
  '---\n',
  '...\n',
  '%YAML 1.1\n',
  '__proto__: ',
  '.inf',
  '0x7fffffffffffffff',
  '\t',
  '~',
];

// -------------------------------------------------------------------------- headers and URIs

const SIP_MORSELS = [
  '"',
  '\\',
  '<',
  '>',
  ',',
  ';',
  ':',
  '@',
  '%',
  '%41',
  '%zz',
  '=',
  '?',
  '*',
  '(',
  ')',
  '[::1]',
  '[',
  ']',
  '/',
  ' ',
  '\t',
  '\r\n ',
  '\0',
  '\xff',
  '""',
  'sip:',
  'sips:',
  'tel:+1-2',
  'urn:x',
  ';lr',
  ';tag=',
  ';q=0.5',
  ';q=9',
  '4294967296',
  '-1',
  '99999999999999999999',
  'SIP/2.0/UDP h',
  ';user=phone',
  ';phone-context=+1',
  '&',
  'a=b',
  ';transport=tcp',
  ';maddr=',
  '1.2.3.4:70000',
  'Digest ',
  '="',
];

const uris = (): readonly string[] =>
  messages().flatMap(text =>
    Array.from(text.matchAll(/(?:sips?|tel):[^\s<>";,]+[^\s<>",]*/g), ([uri]) => uri),
  );

function checkUri(text: string): void {
  const uri = unless(SipError, () => parseUri(text));
  if (uri === undefined) return;
  assertUriLaws(uri);
  if (isSipUri(uri) || isTelUri(uri)) {
    impuOf(uri);
    sameUri(uri, { scheme: 'tel', number: '+1', params: new Map() });
  }
}

function headerTarget(): Target {
  const definitions = headerDefinitions();
  const lines = lazily(() =>
    messages().flatMap(text =>
      text
        .split('\r\n\r\n')[0]!
        .split('\r\n')
        .slice(1)
        .filter(line => line.includes(':')),
    ),
  );
  return {
    name: 'headers',
    prepare: random => {
      const line = oneOf(lines(), random);
      const text = mutatedText([line.slice(line.indexOf(':') + 1).trim()], SIP_MORSELS, random)
        .replace(/[\r\n]/g, ' ')
        .trim();
      const named = line.slice(0, line.indexOf(':')).trim().toLowerCase();
      const def =
        definitions.find(one => random(4) > 0 && one.name.toLowerCase() === named) ??
        oneOf(definitions, random);
      return {
        input: `${def.name}: ${text}`,
        check: () => {
          const values = unless(SipError, () => fieldOf(def.name, text, def).values(def));
          for (const value of values ?? []) {
            const written = def.format(value);
            const back = fieldOf(def.name, written, def).values(def);
            assert.ok(isDeepStrictEqual(back, [value]), `written as ${JSON.stringify(written)}`);
          }
        },
      };
    },
  };
}

const CREDENTIALS = [
  'Digest username="a@b",realm="b",nonce="AAAA",uri="sip:b",response="0123456789abcdef0123456789abcdef",algorithm=MD5,qop=auth,nc=00000001,cnonce="x"',
  'Digest username="a@b",realm="b",nonce="w6wgTJTbO3ZkGBxi8ncLdkf5p1wLgAAAs4wtYhrPvW0=",uri="sip:b",response="",algorithm=AKAv1-MD5,auts="5PYxMuX2NOT2MTLl9g=="',
  'Digest username="\u00fc",realm="b",nonce="",uri="sip:b",response="00",algorithm=SHA-256-sess,cnonce=""',
  'Digest username="",realm="",nonce="",uri="",response="",algorithm=AKAv2-SHA-256,qop=auth-int,nc=ffffffff,cnonce=""',
];
const KEYS = new FlowTokens(Buffer.alloc(32, 7));
const MARKS = new Marks(Buffer.alloc(32, 7));
const TOKEN = KEYS.sign({ flow: 'udp 192.0.2.1:5060', user: 'u' });

function checkCredentials(text: string): void {
  assert.equal(KEYS.read(text) === undefined || text.length >= TOKEN.length, true);
  assert.equal(MARKS.read(text, 'call'), undefined, 'a mark that we did not make');
  const value = unless(SipError, () => Authorization.parse(text));
  if (value === undefined) return;
  digestAlgorithm(value.params.get('algorithm'));
  const nonce = readAkaNonce(value.params.get('nonce') ?? '');
  if (nonce !== undefined) assert.ok(nonce.rand.length === 16 && nonce.autn.length === 16);
  autsOf(value);
  for (const proof of [{ secret: 'secret' }, { ha1: '0'.repeat(32) }]) {
    const verdict = verifyDigest(value, { method: 'REGISTER', ...proof });
    assert.notEqual(verdict, 'right', 'credentials that prove nothing');
  }
}

/** What a filter criterion of a hostile or careless HSS asks of each message. */
function checkPattern(text: string, random: Random): void {
  const pattern = ere(text.slice(0, 512));
  pattern?.test(
    oneOf(['a'.repeat(400), 'sip:+15550100001@example.com', text.slice(0, 400)], random),
  );
}

const PATTERNS = [
  '^sip:(a|b)+@.*$',
  '(a*)*b',
  '((a|aa)+)+$',
  '[[:alpha:]]{1,255}',
  '.*(.*)(.*)$',
  'tel:\\+1[0-9]{10}',
];
const PATTERN_MORSELS = [
  '(',
  ')',
  '*',
  '+',
  '?',
  '{1,255}',
  '{,}',
  '[',
  ']',
  '[^',
  '[:digit:]',
  '|',
  '^',
  '$',
  '.',
  '\\',
  '(a*)*',
  'a{255}',
];

export const textTargets: readonly Target[] = [
  textTarget(
    'sdp',
    () => messages().flatMap(text => /v=0\r?\n[\s\S]*/.exec(text)?.[0] ?? []),
    [
      '\r\n',
      '\n',
      'm=audio 1 RTP/AVP 0\r\n',
      'a=',
      'c=IN IP6 ::1\r\n',
      'c=IN IP4 224.1.1.1/1/3\r\n',
      'a=rtpmap:0 X/1\r\n',
      'a=curr:qos local none\r\n',
      'a=des:qos mandatory e2e sendrecv\r\n',
      ':',
      '/',
      ' ',
      '0',
      '65536',
      'v=0\r\n',
      'a=fmtp:97 ',
      'b=AS:',
      '\0',
      '\r',
    ],
    checkSdp,
  ),
  textTarget(
    'reginfo',
    () => messages().flatMap(text => /<\?xml[\s\S]*<\/reginfo>/.exec(text)?.[0] ?? []),
    XML_MORSELS,
    checkReginfo,
  ),
  textTarget('user data', profiles, XML_MORSELS, checkUserData),
  textTarget(
    'csv',
    () => SUBSCRIBERS,
    ['"', '""', ',', '\n', '\r\n', '\r', ' ', '001010000000001', 'imsi', '\0', '\ufeff', ';'],
    checkCsv,
  ),
  textTarget(
    'network file',
    () => [readFileSync(join(root, 'src/networks/lab.yaml'), 'utf8')],
    YAML_MORSELS,
    checkNetworkFile,
    2000 /* a file of the operator's own */,
  ),
  textTarget('uri', uris, SIP_MORSELS, checkUri),
  headerTarget(),
  textTarget(
    'credentials',
    () => [...CREDENTIALS, TOKEN, MARKS.write({ side: 'orig', session: 's' }, 'other')],
    SIP_MORSELS,
    checkCredentials,
  ),
  textTarget('pattern', () => PATTERNS, PATTERN_MORSELS, checkPattern),
];
