import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { milenage } from '#aka/milenage';
import { sqnOctets, sqnOf } from '#aka/sequence';
import { Usim } from '#aka/usim';
import { vectors } from '../../../test/vectors.ts';
import {
  challenge,
  credentials,
  type DigestValue,
  digestAlgorithm,
  digestResponse,
  ha1,
  type Qop,
  rspauth,
  verifyDigest,
} from './digest.ts';
import { akaCredentials, akaNonce, akaSecret, autsOf, readAkaNonce } from './digest-aka.ts';

type DigestVector = Readonly<Record<string, string>>;
const cases: DigestVector[] = JSON.parse(readFileSync(vectors('crypto/digest.json'), 'utf8'));

const octets = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));

/** A vector's Authorization value. */
function given(vector: DigestVector): DigestValue {
  const names = [
    'username',
    'realm',
    'nonce',
    'uri',
    'response',
    'algorithm',
    'qop',
    'nc',
    'cnonce',
  ];
  const present = names.filter(name => vector[name] !== undefined);
  return { scheme: 'Digest', params: new Map(present.map(name => [name, vector[name]!])) };
}

const secretOf = (vector: DigestVector) =>
  vector.password_hex === undefined ? vector.password! : octets(vector.password_hex);
const bodyOf = (vector: DigestVector) =>
  vector.body_hex === undefined ? {} : { body: octets(vector.body_hex) };

test('there are digest vectors', () => assert.ok(cases.length >= 8));

for (const vector of cases) {
  const algorithm = digestAlgorithm(vector.algorithm)!;

  test(`a client computes: ${vector.name}`, () => {
    const response = digestResponse({
      username: vector.username!,
      realm: vector.realm!,
      secret: secretOf(vector),
      method: vector.method!,
      uri: vector.uri!,
      nonce: vector.nonce!,
      algorithm,
      qop: vector.qop as Qop | undefined,
      nc: vector.nc,
      cnonce: vector.cnonce,
      ...bodyOf(vector),
    });
    assert.equal(response, vector.response);
  });

  test(`a server accepts it and nothing else: ${vector.name}`, () => {
    const input = { method: vector.method!, ...bodyOf(vector) };
    const stored = ha1({
      username: vector.username!,
      realm: vector.realm!,
      secret: secretOf(vector),
      algorithm,
    });
    assert.equal(verifyDigest(given(vector), { ...input, secret: secretOf(vector) }), 'right');
    assert.equal(verifyDigest(given(vector), { ...input, ha1: stored }), 'right');
    assert.equal(verifyDigest(given(vector), { ...input, secret: 'other' }), 'wrong');
    assert.equal(verifyDigest(given(vector), { ...input, ha1: stored, method: 'OTHER' }), 'wrong');
    const body = new Uint8Array([1]);
    const expected = vector.qop === 'auth-int' ? 'wrong' : 'right';
    assert.equal(verifyDigest(given(vector), { ...input, ha1: stored, body }), expected);
  });

  if (vector.RAND !== undefined) {
    test(`its nonce carries RAND and AUTN: ${vector.name}`, () => {
      const nonce = readAkaNonce(vector.nonce!)!;
      assert.deepEqual(nonce.rand, octets(vector.RAND!));
      assert.deepEqual(nonce.autn, octets(vector.AUTN!));
      assert.equal(akaNonce(nonce.rand, nonce.autn, nonce.serverData), vector.nonce);
      const keys = { res: octets(vector.XRES!), ck: new Uint8Array(16), ik: new Uint8Array(16) };
      assert.deepEqual(akaSecret(algorithm, keys), octets(vector.password_hex!));
    });
  }
}

const offer = { realm: 'ims.example', nonce: 'abc' };
const login = { username: 'alice', method: 'REGISTER', uri: 'sip:ims.example', cnonce: 'xyz' };

test('a challenge offers MD5 and qop auth unless told otherwise', () => {
  assert.deepEqual(
    [...challenge(offer).params],
    [
      ['realm', 'ims.example'],
      ['nonce', 'abc'],
      ['algorithm', 'MD5'],
      ['qop', 'auth'],
    ],
  );
  const full = challenge({
    ...offer,
    algorithm: 'AKAv1-MD5',
    qop: ['auth', 'auth-int'],
    opaque: 'o',
    stale: true,
    ck: 'c',
    ik: 'i',
  });
  assert.equal(full.params.get('qop'), 'auth,auth-int');
  assert.equal(full.params.get('stale'), 'true');
  assert.deepEqual([full.params.get('ck'), full.params.get('ik')], ['c', 'i']);
  assert.equal(challenge({ ...offer, qop: [] }).params.has('qop'), false);
});

for (const algorithm of ['MD5', 'MD5-sess', 'SHA-256', 'SHA-256-sess', 'SHA-512-256'] as const) {
  for (const qop of [[], ['auth'], ['auth-int'], ['auth', 'auth-int']] as Qop[][]) {
    test(`credentials for ${algorithm} with qop ${qop.join(',') || 'none'} are accepted`, () => {
      const body = Buffer.from('body');
      const offered = challenge({ ...offer, algorithm, qop });
      const made = credentials(offered, { ...login, secret: 'pässword', body })!;
      const input = { method: 'REGISTER', body, algorithm };
      assert.equal(verifyDigest(made, { ...input, secret: 'pässword' }), 'right');
      assert.equal(verifyDigest(made, { ...input, secret: 'passwort' }), 'wrong');
      assert.equal(made.params.get('qop'), qop.includes('auth-int') ? 'auth-int' : qop[0]);
    });
  }
}

test('the password counts in UTF-8 and the identity in the octets of the message', () => {
  const username = Buffer.from('zoë', 'utf8').toString('latin1');
  const expected = createHash('md5').update('zoë:r:ñ', 'utf8').digest('hex');
  assert.equal(ha1({ username, realm: 'r', secret: 'ñ' }), expected);
});

test('a client of RFC 2069 gets by without qop, cnonce and nc', () => {
  const made = credentials(challenge({ ...offer, qop: [] }), { ...login, secret: 'x' })!;
  for (const name of ['qop', 'nc', 'cnonce']) assert.equal(made.params.has(name), false, name);
  const [a1, a2] = ['alice:ims.example:x', 'REGISTER:sip:ims.example'].map(text =>
    createHash('md5').update(text).digest('hex'),
  );
  const expected = createHash('md5').update(`${a1}:abc:${a2}`).digest('hex');
  assert.equal(made.params.get('response'), expected);
});

test('the count of a nonce is written in eight hexadecimal digits and opaque comes back', () => {
  const offered = challenge({ ...offer, opaque: 'keep' });
  const made = credentials(offered, { ...login, secret: 'x', count: 27 })!;
  assert.equal(made.params.get('nc'), '0000001b');
  assert.equal(made.params.get('opaque'), 'keep');
});

test('a challenge that offers nothing we know, or lacks something, has no answer', () => {
  const answer = (params: Record<string, string>) =>
    credentials(
      { scheme: 'Digest', params: new Map(Object.entries(params)) },
      { ...login, secret: 'x' },
    );
  assert.equal(answer({ realm: 'r', nonce: 'n', algorithm: 'TIGER' }), undefined);
  assert.equal(answer({ realm: 'r', nonce: 'n', qop: 'auth-conf' }), undefined);
  assert.equal(answer({ realm: 'r' }), undefined);
  assert.equal(answer({ nonce: 'n' }), undefined);
});

test('credentials that lack a part, or have an impossible one, are malformed', () => {
  const good = credentials(challenge(offer), { ...login, secret: 'x' })!;
  const check = (changes: Record<string, string | undefined>) => {
    const params = new Map(good.params);
    for (const [name, value] of Object.entries(changes)) {
      if (value === undefined) params.delete(name);
      else params.set(name, value);
    }
    return verifyDigest({ scheme: 'Digest', params }, { method: 'REGISTER', secret: 'x' });
  };
  assert.equal(check({}), 'right');
  for (const name of ['username', 'realm', 'nonce', 'uri', 'response', 'nc', 'cnonce']) {
    assert.equal(check({ [name]: undefined }), 'malformed', name);
  }
  assert.equal(check({ nc: '1' }), 'malformed');
  assert.equal(check({ qop: 'auth-conf' }), 'malformed');
  assert.equal(check({ algorithm: 'TIGER' }), 'malformed');
  assert.equal(check({ response: '' }), 'wrong');
  assert.equal(check({ response: good.params.get('response')!.toUpperCase() }), 'right');
});

test('an algorithm other than the one offered is not taken', () => {
  const made = credentials(challenge(offer), { ...login, secret: 'x' })!;
  const input = { method: 'REGISTER', secret: 'x', algorithm: 'SHA-256' } as const;
  assert.equal(verifyDigest(made, input), 'malformed');
});

test('rspauth is the response without a method', () => {
  const input = {
    ...login,
    realm: 'r',
    secret: 'x',
    nonce: 'n',
    qop: 'auth',
    nc: '00000001',
  } as const;
  assert.equal(rspauth(input), digestResponse({ ...input, method: '' }));
});

const key = {
  k: octets('465b5ce8b199b49faa5f0a2ee238a6bc'),
  opc: octets('cd63cb71954a9f4e48a5994e37a02baf'),
};
const rand = new Uint8Array(16).fill(7);
const vectorAt = (seq: number) =>
  milenage({ ...key, rand, sqn: sqnOctets(sqnOf(seq, 16)), amf: octets('8000') });
const akaChallenge = (seq: number, algorithm: 'AKAv1-MD5' | 'AKAv2-SHA-256' = 'AKAv1-MD5') =>
  challenge({ realm: 'ims.example', nonce: akaNonce(rand, vectorAt(seq).autn), algorithm });

test('a card answers an AKA challenge as its network expects, and yields CK and IK', () => {
  for (const algorithm of ['AKAv1-MD5', 'AKAv2-SHA-256'] as const) {
    const answer = akaCredentials(akaChallenge(1, algorithm), new Usim(key), login);
    assert.equal(answer.kind, 'success');
    if (answer.kind !== 'success') return;
    const secret = akaSecret(algorithm, vectorAt(1));
    assert.equal(
      verifyDigest(answer.credentials, { method: 'REGISTER', secret, algorithm }),
      'right',
    );
    assert.deepEqual([answer.ck, answer.ik], [vectorAt(1).ck, vectorAt(1).ik]);
  }
});

test('AKAv2 derives its password from RES, IK and CK', () => {
  const { res, ck, ik } = vectorAt(1);
  const keyed = createHmac('md5', Buffer.concat([res, ik, ck]));
  const expected = keyed.update('http-digest-akav2-password').digest('base64');
  assert.equal(akaSecret('AKAv2-MD5', { res, ck, ik }), expected);
});

test('a card that saw the challenge before sends AUTS, proven with an empty password', () => {
  const usim = new Usim(key);
  akaCredentials(akaChallenge(1), usim, login);
  const answer = akaCredentials(akaChallenge(1), usim, login);
  assert.equal(answer.kind, 'synchronisation failure');
  if (answer.kind !== 'synchronisation failure') return;
  assert.equal(autsOf(answer.credentials)?.length, 14);
  assert.equal(verifyDigest(answer.credentials, { method: 'REGISTER', secret: '' }), 'right');
});

test('a card that is challenged by a stranger answers with an empty response', () => {
  const usim = new Usim({ ...key, k: new Uint8Array(16) });
  const answer = akaCredentials(akaChallenge(1), usim, login);
  assert.equal(answer.kind, 'mac failure');
  if (answer.kind !== 'mac failure') return;
  assert.equal(answer.credentials.params.get('response'), '');
  assert.equal(answer.credentials.params.has('auts'), false);
});

test('a challenge that is not of AKA, or too short, is no use to a card', () => {
  assert.equal(akaCredentials(challenge(offer), new Usim(key), login).kind, 'unusable');
  const short = challenge({ ...offer, algorithm: 'AKAv1-MD5' });
  assert.equal(akaCredentials(short, new Usim(key), login).kind, 'unusable');
  assert.equal(readAkaNonce('AAAA'), undefined);
});

test('an AUTS of another length than 14 octets is none', () => {
  const value = (auts: string) => ({ scheme: 'Digest', params: new Map([['auts', auts]]) });
  assert.equal(autsOf(value('AAAA')), undefined);
  assert.equal(autsOf(value(Buffer.alloc(14, 1).toString('base64')))?.length, 14);
  assert.equal(autsOf({ scheme: 'Digest', params: new Map() }), undefined);
});
