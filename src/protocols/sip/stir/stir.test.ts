import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { simulate } from '#kernel/simulation';
import { type Instant, seconds } from '#kernel/time';
import { type ServerTransaction, SipEndpoint } from '../endpoint.ts';
import { From, Identity, nameAddr, PAssertedIdentity, SipDate, To } from '../headers.ts';
import { prepend, remove, type SipRequest, set } from '../message.ts';
import { withParams } from '../params.ts';
import { parseMessage } from '../parse.ts';
import { forward } from '../proxy.ts';
import { someRequest } from '../testing/requests.ts';
import { parseUri, uriText } from '../uri.ts';
import { credentialFrom } from './certificate.ts';
import { isSigned, parsePassport, signingInput } from './passport.ts';
import { type Statement, signEdits } from './sign.ts';
import { leaf, leafKey, mid, notca, other, root, under } from './testing/certificates.ts';
import { type Credential, type Verdict, type Verifier, verifyIdentity } from './verify.ts';
import { verstatEdits, verstatOf, withoutVerstat } from './verstat.ts';

const now: Instant = Date.UTC(2027, 0, 1);
const x5u = 'https://certificates.example/leaf.pem';
const signer = { key: createPrivateKey(leafKey), x5u };
const shaken: Statement = {
  shaken: { attest: 'A', origid: '123e4567-e89b-12d3-a456-426655440000' },
};
const credential = credentialFrom(leaf + mid, [root], now);
const verifier: Verifier = { credential: async () => credential };

const call = (): SipRequest =>
  someRequest(
    'INVITE',
    'sip:+15550100002@home.test;user=phone',
    set(From, nameAddr(parseUri('sip:+15550100001@home.test;user=phone'), { tag: 'a' })),
    set(PAssertedIdentity, nameAddr(parseUri('tel:+1-555-010-0001'))),
  );
const signedCall = (statement: Statement = shaken, at = now): SipRequest => {
  const request = call();
  return request.with(...signEdits(request, signer, statement, at));
};
const verify = (request: SipRequest, by = verifier, at = now) => verifyIdentity(request, by, at);

function respelled(request: SipRequest, what: RegExp | string, by: string): SipRequest {
  const text = Buffer.from(request.encode()).toString('latin1').replace(what, by);
  return parseMessage(Buffer.from(text, 'latin1')) as SipRequest;
}

/** 'passed', or the status of the failure and why. */
const told = (verdict: Verdict): string =>
  verdict.verstat === 'TN-Validation-Failed'
    ? `${verdict.status} ${verdict.because}`
    : verdict.verstat;

test('a PASSporT is serialized as RFC 8225 §6 shows', () => {
  const input = signingInput(
    { x5u: 'https://cert.example.org/passport.cer', typ: 'passport', alg: 'ES256' },
    { orig: { tn: '12155551212' }, iat: 1471375418, dest: { uri: ['sip:alice@example.com'] } },
  );
  assert.equal(
    input,
    'eyJhbGciOiJFUzI1NiIsInR5cCI6InBhc3Nwb3J0IiwieDV1IjoiaHR0cHM6Ly9jZXJ0LmV4YW1wbGUub3JnL3Bhc3Nwb3J0LmNlciJ9' +
      '.eyJkZXN0Ijp7InVyaSI6WyJzaXA6YWxpY2VAZXhhbXBsZS5jb20iXX0sImlhdCI6MTQ3MTM3NTQxOCwib3JpZyI6eyJ0biI6IjEyMTU1NTUxMjEyIn19',
  );
});

test('a signed call says who calls whom, and proves it', async () => {
  const request = signedCall({ ...shaken, rcd: { nam: 'Alice' } });
  const verdict = await verify(request);
  assert.equal(verdict.verstat, 'TN-Validation-Passed');
  assert.ok('passport' in verdict);
  const { header, orig, dest, iat, attest, origid, rcd } = verdict.passport;
  assert.deepEqual(header, { alg: 'ES256', typ: 'passport', ppt: 'shaken', x5u });
  assert.deepEqual([orig, dest, iat], [{ tn: '15550100001' }, [{ tn: '15550100002' }], now / 1000]);
  assert.deepEqual([attest, origid, rcd?.name], ['A', shaken.shaken!.origid, 'Alice']);
  assert.equal(request.get(SipDate), now);
  assert.match(
    request.raw('Identity')[0]!,
    /^[\w-]+\.[\w-]+\.[\w-]{86};info=<https:\/\/certificates.example\/leaf.pem>;alg=ES256;ppt=shaken$/,
  );
});

test('identities that are no numbers are signed as URIs', async () => {
  const request = someRequest('INVITE', 'sip:Bob@Home.test:5060;x=y');
  const verdict = await verify(request.with(...signEdits(request, signer, {}, now)));
  assert.ok('passport' in verdict);
  assert.deepEqual(verdict.passport.orig, { uri: 'sip:alice@home.test' });
  assert.deepEqual(verdict.passport.dest, [{ uri: 'sip:Bob@home.test' }]);
  assert.equal(verdict.passport.header.ppt, undefined);
});

test('the compact form is completed from the request', async () => {
  const request = someRequest('INVITE', 'sip:bob@home.test');
  const full = request.with(...signEdits(request, signer, {}, now));
  const compact = full.with(
    set(Identity, {
      ...full.get(Identity)!,
      token: `..${full.get(Identity)!.token.split('.')[2]}`,
    }),
  );
  assert.equal(told(await verify(compact)), 'TN-Validation-Passed');
  const moved = compact.with(set(SipDate, now + 2000));
  assert.equal(told(await verify(moved)), '438 the signature is another');
  assert.match(told(await verify(compact.with(remove(SipDate)))), /^438 a compact token without/);
});

const tampered = (change: (request: SipRequest) => SipRequest) => async () =>
  told(await verify(change(signedCall())));
const inHeader = (edit: (value: NonNullable<ReturnType<SipRequest['get']>> & object) => object) =>
  tampered(request => request.with(set(Identity, edit(request.get(Identity)!) as never)));

const failures: readonly [what: string, says: string | RegExp, of: () => Promise<string>][] = [
  [
    'another caller',
    '438 orig is not who the request is from',
    tampered(request =>
      request.with(
        remove(PAssertedIdentity),
        set(From, nameAddr(parseUri('tel:+15550100009'), { tag: 'a' })),
      ),
    ),
  ],
  [
    'another called party',
    '438 dest is not whom the request is for',
    tampered(request => request.with(set(To, nameAddr(parseUri('tel:+15550100009'))))),
  ],
  [
    'a recording',
    '403 stale iat',
    async () => told(await verify(signedCall(), verifier, now + 61_000)),
  ],
  [
    'a clock ahead of ours',
    '403 stale iat',
    async () => told(await verify(signedCall(shaken, now + 61_000))),
  ],
  ['an old Date', '403 Stale Date', tampered(request => request.with(set(SipDate, now - 61_000)))],
  [
    'another info',
    '438 info is another than the signed x5u',
    inHeader(value => ({ ...value, info: 'https://evil.example/' })),
  ],
  ['no info', '436 no info parameter', inHeader(value => ({ ...value, info: undefined }))],
  [
    'another ppt',
    '438 ppt is another than signed',
    inHeader(value => ({ ...value, params: new Map([['ppt', 'rcd']]) })),
  ],
  [
    'another alg',
    '437 alg is not ES256',
    inHeader(value => ({ ...value, params: new Map([['alg', 'none']]) })),
  ],
  [
    'a shaken token made compact',
    /^438 a token with extensions/,
    inHeader(value => ({ ...value, token: '..c2ln' })),
  ],
  [
    'no token',
    /^438 /,
    tampered(request => respelled(request, /\r\nIdentity: [^;]*/, '\r\nIdentity: rubbish')),
  ],
  [
    'a lost certificate',
    '436 the certificate was not found',
    async () => told(await verify(signedCall(), { credential: async () => 'unreachable' })),
  ],
  [
    'an untrusted one',
    '437 the certificate is not trusted',
    async () => told(await verify(signedCall(), { credential: async () => 'untrusted' })),
  ],
  [
    'a certificate for others',
    '437 the certificate does not speak for the caller',
    async () => {
      const others = { ...(credential as Credential), speaksFor: () => false };
      return told(await verify(signedCall(), { credential: async () => others }));
    },
  ],
  [
    'another key',
    '438 the signature is another',
    async () => {
      const key = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).publicKey;
      return told(await verify(signedCall(), { credential: async () => ({ key }) }));
    },
  ],
];
for (const [what, says, of] of failures) {
  test(`a request with ${what} fails: ${says}`, async () => {
    const said = await of();
    if (typeof says === 'string') assert.equal(said, says);
    else assert.match(said, says);
  });
}

test('without an Identity, or with one of a kind nobody here knows, nothing is validated', async () => {
  assert.equal((await verify(call())).verstat, 'No-TN-Validation');
  const request = call();
  const div = request.with(
    set(Identity, { token: 'a.b.c', info: x5u, params: new Map([['ppt', 'div']]) }),
  );
  assert.equal((await verify(div)).verstat, 'No-TN-Validation');
  const old = respelled(div, /\r\nIdentity: [^\r]*/, '\r\nIdentity: "kjOP4YVYZ0Ot+/="');
  assert.equal(old.get(Identity)?.token, '"kjOP4YVYZ0Ot+/="');
  assert.equal((await verify(old)).verstat, 'No-TN-Validation');
});

test('one Identity of several is enough, and only so many are looked at', async () => {
  const bad = { token: 'e30.e30.c2ln', info: x5u, params: new Map() };
  const one = signedCall();
  assert.equal(told(await verify(one.with(prepend(Identity, bad)))), 'TN-Validation-Passed');
  const many = one.with(prepend(Identity, bad, bad, bad, bad));
  assert.match(told(await verify(many)), /^438/);
});

test('no rubbish makes the reader throw anything but its own error', () => {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const header = { alg: 'ES256', typ: 'passport', x5u };
  const claims = { orig: { tn: '1' }, dest: { tn: ['2'] }, iat: 1 };
  assert.equal(parsePassport(`${part(header)}.${part(claims)}.x`).iat, 1);
  for (const [h, c] of [
    [header, { ...claims, iat: '1' }],
    [header, { ...claims, iat: 1e300 }],
    [header, { ...claims, orig: { tn: '1', uri: 'sip:a@b' } }],
    [header, { ...claims, orig: [] }],
    [header, { ...claims, dest: {} }],
    [header, { ...claims, dest: { tn: '2' } }],
    [header, { ...claims, dest: { tn: Array(100).fill('2') } }],
    [header, { ...claims, attest: 'D' }],
    [header, { ...claims, rcd: { nam: 7 } }],
    [{ ...header, typ: 'jwt' }, claims],
    [{ ...header, x5u: undefined }, claims],
    [[], claims],
    [null, claims],
    [header, 'text'],
  ]) {
    assert.throws(() => parsePassport(`${part(h)}.${part(c)}.x`), { name: 'PassportError' });
  }
  for (const token of ['', 'a', 'a.b', '..', 'a.b.c.d', '!.!.!', `${'a'.repeat(9000)}.b.c`]) {
    assert.throws(() => parsePassport(token), { name: 'PassportError' });
  }
});

test('a key of another curve signs nothing here', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'secp384r1' });
  assert.throws(() => signEdits(call(), { key: privateKey, x5u }, shaken, now));
  assert.equal(isSigned(`a.b.${'A'.repeat(86)}`, publicKey), false);
});

const chains: readonly [
  what: string,
  pem: string,
  roots: string[],
  at: Instant,
  trusted: boolean,
][] = [
  ['a whole chain', leaf + mid, [root], now, true],
  ['a chain with its root', leaf + mid + root, [root], now, true],
  ['a trusted signer', leaf, [leaf], now, true],
  ['one link missing', leaf, [root], now, false],
  ['another root', leaf + mid, [other], now, false],
  ['no roots', leaf + mid, [], now, false],
  ['links out of order', mid + leaf, [other], now, false],
  ['a link that may not sign', under + notca, [root], now, false],
  ['before its time', leaf + mid, [root], Date.UTC(2020, 0, 1), false],
  ['after its time', leaf + mid, [root], Date.UTC(2200, 0, 1), false],
  ['rubbish', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', [root], now, false],
  ['nothing', '', [root], now, false],
  ['too long a chain', leaf + mid.repeat(4), [root], now, false],
];
for (const [what, pem, roots, at, trusted] of chains) {
  test(`${what} is ${trusted ? 'trusted' : 'not trusted'}`, () => {
    assert.equal(credentialFrom(pem, roots, at) !== 'untrusted', trusted);
  });
}

test('the result stands beside the number, once, and not beside what is none', () => {
  const forged = call().with(
    set(
      PAssertedIdentity,
      nameAddr(parseUri('sip:alice@home.test')),
      nameAddr(parseUri('tel:+15550100001;verstat=TN-Validation-Passed')),
    ),
    set(From, nameAddr(parseUri('sip:+15550100001;verstat=X@home.test;user=phone'), { tag: 'a' })),
  );
  const noted = forged.with(...verstatEdits(forged, 'TN-Validation-Failed'));
  assert.deepEqual(
    noted.all(PAssertedIdentity).map(({ uri }) => uriText(uri)),
    ['sip:alice@home.test', 'tel:+15550100001;verstat=TN-Validation-Failed'],
  );
  assert.equal(uriText(noted.get(From)!.uri), 'sip:+15550100001@home.test;user=phone');

  const plain = call().with(remove(PAssertedIdentity));
  const onFrom = plain.with(...verstatEdits(plain, 'TN-Validation-Passed'));
  const { uri } = onFrom.get(From)!;
  assert.equal(uriText(uri), 'sip:+15550100001;verstat=TN-Validation-Passed@home.test;user=phone');
  assert.equal(verstatOf(uri), 'TN-Validation-Passed');
  assert.equal(verstatOf(withoutVerstat(uri)), undefined);
});

test('two proxies pass an Identity on octet by octet, and it still holds behind them', async () => {
  const sim = simulate({ seed: 1, start: now });
  const endpoint = async (name: string): Promise<SipEndpoint> => {
    const made = new SipEndpoint(sim.host(name), { point: 'Mw', name: `${name}.test` });
    await made.listen('udp', { host: sim.addressOf(name), port: 5060 }, { hostile: true });
    return made;
  };
  const to = (name: string) => ({ uri: parseUri(`sip:${sim.addressOf(name)}:5060;transport=udp`) });
  const caller = await endpoint('caller');
  for (const [name, next] of [
    ['one', 'two'],
    ['two', 'callee'],
  ] as const) {
    const proxy = await endpoint(name);
    const recordRoute = nameAddr(parseUri(`sip:${name}.test;lr`));
    proxy.onRequest = async tx => {
      const request = tx.request.with(prepend(PAssertedIdentity, nameAddr(parseUri('sip:x@y'))));
      await forward(proxy, tx, [{ request, target: to(next) }], { recordRoute });
    };
  }
  const arrived: ServerTransaction[] = [];
  const callee = await endpoint('callee');
  callee.onRequest = tx => {
    arrived.push(tx);
    if (tx.request.method === 'INVITE') tx.reply(200);
  };
  const sent = signedCall();
  await sim.settle(() => caller.request(sent, to('one')).final);
  const received = arrived[0]!.request;
  assert.deepEqual(received.raw('Identity'), sent.raw('Identity'));
  assert.deepEqual(received.raw('Date'), sent.raw('Date'));
  assert.equal(told(await verify(received, verifier, sim.now())), 'TN-Validation-Passed');
  const late = await verify(received, verifier, sim.now() + seconds(70));
  assert.equal(told(late), '403 stale iat');
});

test('the compact name of Identity is read', () => {
  const request = respelled(signedCall(), '\r\nIdentity:', '\r\ny:');
  assert.equal(request.get(Identity)?.params.get('ppt'), 'shaken');
  const params = withParams(request.get(Identity)!.params, { ppt: 'x' });
  assert.equal(params.get('ppt'), 'x');
});
