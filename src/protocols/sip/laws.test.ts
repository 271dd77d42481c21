// The four laws of the codec, over whatever fast-check and the fuzzer think of.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fuzzSip } from '../../../test/fuzz/sip.ts';
import {
  assertChunking,
  assertLaws,
  assertMessageLaws,
  assertUriLaws,
  unlessRefused,
} from '../../../test/fuzz/sip-laws.ts';
import type { NameAddr } from './grammar.ts';
import { fieldOf, type HeaderDef, headerDefinitions } from './header.ts';
import * as h from './headers.ts';
import {
  addRaw,
  body,
  fields,
  raw,
  removeFirst,
  request,
  type SipMessage,
  type SipRequest,
  set,
} from './message.ts';
import { normalise } from './normalise.ts';
import type { Params } from './params.ts';
import { parseMessage } from './parse.ts';
import { parseUri, sipUri, telUri, type Uri } from './uri.ts';

const record = <T extends object>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;
const characters = (from: string): fc.Arbitrary<string> => fc.constantFrom(...from);
const word = (from: string, minLength = 1, maxLength = 12): fc.Arbitrary<string> =>
  fc.string({ unit: characters(from), minLength, maxLength });

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const token = word(`${LETTERS}ABCXYZ0123456789-.!%*_+\`'~`);
const lowerToken = word(`${LETTERS}0123456789-._`);
/** Any octet that a line may carry. */
const octet = fc
  .integer({ min: 0, max: 255 })
  .filter(code => code !== 10 && code !== 13)
  .map(code => String.fromCharCode(code));
const octetsOf = (maxLength: number): fc.Arbitrary<string> => fc.string({ unit: octet, maxLength });
/** The inside of a quoted string: escapes are whole. */
const quotedInside = fc
  .array(
    fc.oneof(
      octet.filter(c => c !== '"' && c !== '\\'),
      octet.map(c => `\\${c}`),
    ),
    { maxLength: 10 },
  )
  .map(parts => parts.join(''));

const params: fc.Arbitrary<Params> = fc
  .array(fc.tuple(lowerToken, fc.oneof(fc.constant(null), token, quotedInside)), { maxLength: 5 })
  .map(entries => new Map(entries));
const uriParams: fc.Arbitrary<Params> = fc
  .array(fc.tuple(lowerToken, fc.option(word(`${LETTERS}0123456789%41[]/:&+$`, 0))), {
    maxLength: 4,
  })
  .map(entries => new Map(entries));

const host = fc.oneof(
  fc
    .array(word(`${LETTERS}0123456789-`), { minLength: 1, maxLength: 4 })
    .map(labels => labels.join('.')),
  fc.ipV4(),
  fc
    .ipV6()
    .map(address => address.toLowerCase())
    .filter(address => !address.includes('%')),
);
const port = fc.option(fc.integer({ min: 0, max: 65_535 }), { nil: undefined });
const user = word(`${LETTERS}ABC0123456789%+-_.!~*'()&=$,;?/#`);

const uri: fc.Arbitrary<Uri> = fc.oneof(
  {
    weight: 4,
    arbitrary: record({
      scheme: fc.constantFrom('sip' as const, 'sips' as const),
      user: fc.option(user, { nil: undefined }),
      password: fc.option(word(LETTERS, 0), { nil: undefined }),
      host,
      port,
      params: uriParams,
      headers: fc.option(word(`${LETTERS}=&%40?/`, 0), { nil: undefined }),
    }).map(parts => sipUri(parts.user === undefined ? { ...parts, password: undefined } : parts)),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(word('0123456789-.()', 1), uriParams).map(([n, p]) => telUri(`+1${n}`, p)),
  },
  { weight: 1, arbitrary: word(`${LETTERS}:/?#@`, 0).map(text => parseUri(`urn:${text}`)) },
);

const nameAddr: fc.Arbitrary<NameAddr> = record({
  displayName: fc.option(quotedInside, { nil: undefined }),
  uri,
  params,
});

const via: fc.Arbitrary<h.ViaValue> = record({
  protocol: fc.constant('SIP/2.0'),
  transport: fc.constantFrom('UDP', 'TCP', 'TLS', 'WS', 'WSS', 'X-NEW'),
  host,
  port,
  params,
});

const seconds = fc.integer({ min: 0, max: 4_294_967_295 });
const tokenAnd = <K extends string>(field: K, value: fc.Arbitrary<string> = token) =>
  record({ [field]: value, params } as { [P in K]: fc.Arbitrary<string> } & {
    params: fc.Arbitrary<Params>;
  });
const auth = (scheme: string): fc.Arbitrary<h.AuthValue> =>
  record({
    scheme: fc.constant(scheme),
    params: fc
      .array(
        fc.tuple(
          fc.oneof(
            fc.constantFrom('realm', 'nonce', 'qop', 'nc', 'algorithm', 'stale', 'response'),
            lowerToken,
          ),
          quotedInside,
        ),
        { minLength: 1, maxLength: 6 },
      )
      .map(entries => new Map(entries)),
  });

/** A header and what it may carry: each value must survive the wire as it is. */
const typed: readonly (readonly [HeaderDef<unknown>, fc.Arbitrary<unknown>])[] = [
  [h.From, nameAddr],
  [h.To, nameAddr],
  [h.Contact, fc.oneof(nameAddr, fc.constant(h.ContactStar))],
  [h.Route, nameAddr],
  [h.RecordRoute, nameAddr],
  [h.PAssertedIdentity, nameAddr],
  [h.Via, via],
  [h.CSeq, record({ sequence: fc.integer({ min: 0, max: 2 ** 31 - 1 }), method: token })],
  [
    h.RAck,
    record({ rseq: seconds, sequence: fc.integer({ min: 0, max: 2 ** 31 - 1 }), method: token }),
  ],
  [h.MaxForwards, fc.integer({ min: 0, max: 255 })],
  [h.Expires, seconds],
  [h.SessionExpires, record({ seconds, params })],
  [h.Allow, token],
  [h.Event, tokenAnd('package')],
  [h.SubscriptionState, tokenAnd('state', lowerToken)],
  [h.Reason, tokenAnd('protocol')],
  [h.SecurityClient, tokenAnd('mechanism')],
  [h.PAccessNetworkInfo, tokenAnd('accessType')],
  [h.WwwAuthenticate, auth('Digest')],
  [h.Authorization, auth('Digest')],
  [h.AuthenticationInfo, auth('')],
  [
    h.Warning,
    record({ code: fc.integer({ min: 100, max: 999 }), agent: host, text: quotedInside }),
  ],
  [h.AcceptContact, record({ params })],
  [h.SipDate, fc.integer({ min: -2_000_000_000, max: 4_000_000_000 }).map(s => s * 1000)],
  [
    h.ContentType,
    record({ type: fc.tuple(lowerToken, lowerToken).map(([a, b]) => `${a}/${b}`), params }),
  ],
];

test('whatever value a header can carry survives the wire', () => {
  for (const [def, value] of typed) {
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 1, maxLength: def.shape === 'single' ? 1 : 4 }),
        values => {
          const sent = request('X', sipUri({ host: 'h' }), set(def, ...values));
          assert.deepEqual(parseMessage(sent.encode()).all(def), values);
        },
      ),
      { numRuns: 150 },
    );
  }
});

test('URIs survive the wire, equal themselves, and name one canonical identity', () => {
  fc.assert(fc.property(uri, assertUriLaws), { numRuns: 1000 });
});

test('what no definition knows passes unchanged, octet for octet, through edits too', () => {
  const line = fc.tuple(
    word(`${LETTERS}ABC-`).map(name => `X-${name}`),
    octetsOf(30),
  );
  fc.assert(
    fc.property(
      fc.array(line, { maxLength: 8 }),
      fc.uint8Array({ maxLength: 50 }),
      (lines, content) => {
        const made = request(
          'X',
          sipUri({ host: 'h' }),
          ...lines.map(([name, value]) => addRaw(name, value)),
          body('application/octet-stream', content),
        );
        const received = parseMessage(made.encode()) as SipRequest;
        const edited = parseMessage(received.with(set(h.MaxForwards, 7), raw('Z', 'z')).encode());
        for (const message of [received, edited]) {
          const unknown = message.headers.filter(
            field => field.def === undefined && field.name.startsWith('X-'),
          );
          assert.deepEqual(
            unknown.map(field => field.line),
            made.headers.slice(0, -2).map(field => field.line),
          );
          assert.deepEqual(Buffer.from(message.body), Buffer.from(content));
        }
        assertMessageLaws(received);
      },
    ),
  );
});

test('popping values one by one gives them all in order, however they are spread over lines', () => {
  const spread = fc.array(fc.array(nameAddr, { minLength: 1, maxLength: 3 }), {
    minLength: 1,
    maxLength: 4,
  });
  fc.assert(
    fc.property(spread, lines => {
      let message = request(
        'X',
        sipUri({ host: 'h' }),
        fields(...lines.map(values => fieldOf('Route', values.map(h.Route.format).join(' ,\t')))),
      );
      for (const value of lines.flat()) {
        assert.deepEqual(message.get(h.Route), value);
        message = message.with(removeFirst(h.Route));
      }
      assert.ok(!message.has(h.Route));
    }),
  );
});

test('no octets at all break a law', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), octets => void assertLaws(octets)),
    { numRuns: 500 },
  );
  const plausible = fc.array(
    fc.oneof(
      fc.constantFrom(
        'INVITE sip:a@h SIP/2.0\r\n',
        'SIP/2.0 200 OK\r\n',
        '\r\n',
        '\n',
        '\r',
        ' ',
        ':',
        ',',
        ';',
        '"',
        '<',
        '>',
        'l: 3',
        'Via: SIP/2.0/UDP h',
        'f: <sip:a@h>;tag=1',
      ),
      octetsOf(10),
    ),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(plausible, parts => void assertLaws(Buffer.from(parts.join(''), 'latin1'))),
    { numRuns: 1000 },
  );
});

test('a stream reads the same in any pieces', () => {
  const piece = fc.constantFrom(
    '\r\n',
    '\r\n\r\n',
    '\n',
    'INVITE sip:a@h SIP/2.0\r\nl: 2\r\n\r\nab',
    'SIP/2.0 200 OK\r\n\r\n',
    'x\r\n\r\n',
    'OPTIONS x SIP/2.0\r\nl: 0\r\n\r\n',
  );
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 10 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 20 })),
      (pieces, sizes) => {
        assertChunking(Buffer.from(pieces.join(''), 'latin1'), () => sizes.next().value as number);
      },
    ),
  );
});

test('five thousand mutations of the corpus break no law', () => {
  const report = fuzzSip({ inputs: 5000, seed: 4475 });
  assert.equal(report.inputs, 5000);
  // all three fates occur, or the mutations are worth nothing
  for (const fate of ['refused', 'parsed', 'clean'] as const)
    assert.ok(report[fate] > 250, JSON.stringify(report));
});

test('one seed gives one fuzzing', () => {
  const { slowest: _, ...once } = fuzzSip({ inputs: 200, seed: 9 });
  const { slowest: __, ...again } = fuzzSip({ inputs: 200, seed: 9 });
  assert.deepEqual(once, again);
});

test('hostile input costs time in proportion to its length', () => {
  const size = 60_000;
  const fill = (unit: string): string => unit.repeat(Math.ceil(size / unit.length)).slice(0, size);
  const units = [
    '"',
    '\\',
    '\\"',
    '<',
    '>',
    '<>',
    ',',
    ';',
    ';a',
    ';=',
    ';a=b',
    '%',
    '%4',
    '=',
    ' ',
    '\t',
    '\r\n ',
    '(',
    '()',
    ':',
    '@',
    '*',
    'sip:',
    '<sip:a@b>,',
    '[',
    '[::',
    '0',
    '1.',
    '-',
    'a',
    'response="',
    'response=',
    'a=",',
    'inline:',
    'a=crypto:\n',
    '\0',
    '\\\0',
    ';x=[a:',
    'received=',
  ];
  const start = performance.now();
  for (const unit of units) {
    const filling = fill(unit);
    for (const name of [
      'Via',
      'Contact',
      'Authorization',
      'P-Charging-Function-Addresses',
      'Warning',
      'Retry-After',
      'Date',
      'Privacy',
      'X-Unknown',
    ]) {
      for (const prefix of ['', 'SIP/2.0/UDP h', '<sip:a@h>', 'Digest ', '300 a "', '1 (']) {
        const octets = Buffer.from(
          `OPTIONS sip:h SIP/2.0\r\n${name}: ${prefix}${filling}\r\nl: 0\r\n\r\n`,
          'latin1',
        );
        unlessRefused(() => exercise(parseMessage(octets)));
      }
    }
    const odd = Buffer.from(
      `OPTIONS sip:${filling} SIP/2.0\r\nContent-Type: application/sdp\r\n\r\n${filling}`,
      'latin1',
    );
    unlessRefused(() => exercise(parseMessage(odd)));
  }
  const perMessage = (performance.now() - start) / (units.length * 55);
  // 60 000 octets squared would be seconds each
  assert.ok(perMessage < 50, `${perMessage} ms for each message of ${size} octets`);
});

function exercise(message: SipMessage): void {
  for (const def of headerDefinitions()) unlessRefused(() => message.all(def));
  message.keys();
  message.masked();
  unlessRefused(() => normalise(message));
  for (const def of [h.Via, h.Contact])
    unlessRefused(() => (message as SipRequest).with(removeFirst(def)));
}
