import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromRand, xor } from '#aka/milenage';
import { indOf, SequenceArray, seqOf, sqnFrom, sqnOf } from '#aka/sequence';
import { Usim } from '#aka/usim';
import { ha1 } from '#sip/digest';
import {
  alice,
  aliceLogin,
  aliceNumber,
  aliceSim,
  Bench,
  home,
  k,
  opc,
  otherUri,
  scscfUri,
} from './hss.fixture.ts';

const key = { k: Buffer.from(k, 'hex'), opc: Buffer.from(opc, 'hex') };
const AKA = { scheme: 'Digest-AKAv1-MD5' };

/** RAND and AUTN of an item, and the SQN that only the card can read. */
function challengeOf(item: { readonly authenticate?: Uint8Array | undefined } | undefined) {
  const rand = item!.authenticate!.slice(0, 16);
  const autn = item!.authenticate!.slice(16);
  const sqn = sqnFrom(xor(autn.subarray(0, 6), fromRand(key, rand).ak));
  return { rand, autn, seq: seqOf(sqn), ind: indOf(sqn) };
}

test('MAR steps 1 and 2: unknown and mismatched identities', async () => {
  const bob = { imsi: '001010000000002', msisdn: '15550100002', password: 'x' };
  const bench = await new Bench({ subscribers: [alice, bob] }).start();
  assert.equal((await bench.mar({ impi: `x@${home}` })).result, 'DIAMETER_ERROR_USER_UNKNOWN');
  assert.equal((await bench.mar({ impu: 'tel:+1999' })).result, 'DIAMETER_ERROR_USER_UNKNOWN');
  const answer = await bench.mar({ impu: 'tel:+15550100002' });
  assert.equal(answer.result, 'DIAMETER_ERROR_IDENTITIES_DONT_MATCH');
});

test('MAR step 3: the IMPI alone decides the scheme', async () => {
  const bench = await new Bench().start();
  const ask = async (impi: string, scheme: string) => {
    const { result, auth } = await bench.mar({ impi, auth: { scheme } });
    return auth?.[0]?.scheme ?? result;
  };
  assert.equal(await ask(aliceSim, 'Unknown'), 'Digest-AKAv1-MD5');
  assert.equal(await ask(aliceSim, 'Digest-AKAv1-MD5'), 'Digest-AKAv1-MD5');
  assert.equal(await ask(aliceSim, 'SIP Digest'), 'DIAMETER_ERROR_AUTH_SCHEME_NOT_SUPPORTED');
  assert.equal(await ask(aliceLogin, 'Unknown'), 'SIP Digest');
  assert.equal(await ask(aliceLogin, 'SIP Digest'), 'SIP Digest');
  assert.equal(
    await ask(aliceLogin, 'Digest-AKAv1-MD5'),
    'DIAMETER_ERROR_AUTH_SCHEME_NOT_SUPPORTED',
  );
  assert.equal(await ask(aliceLogin, 'NASS-Bundled'), 'DIAMETER_ERROR_AUTH_SCHEME_NOT_SUPPORTED');
  assert.equal(bench.decision('hss.mar').clause, 'TS 29.228 §6.3.1 step 3');
});

test('the card takes a vector and comes to the same RES, CK and IK', async () => {
  const bench = await new Bench().start();
  const { result, impi, impu, vectors, auth } = await bench.mar({ auth: AKA });
  assert.deepEqual([result, impi, impu, vectors], ['DIAMETER_SUCCESS', aliceSim, aliceNumber, 1]);
  const { rand, autn } = challengeOf(auth![0]);
  assert.deepEqual(bench.usim().authenticate(rand, autn), {
    kind: 'success',
    res: Uint8Array.from(auth![0]!.authorization!),
    ck: Uint8Array.from(auth![0]!.confidentialityKey!),
    ik: Uint8Array.from(auth![0]!.integrityKey!),
  });
});

test('vectors have growing SEQ, a RAND of their own, and one IND per S-CSCF', async () => {
  const bench = await new Bench().start();
  const first = challengeOf((await bench.mar()).auth![0]);
  const other = challengeOf((await bench.mar({}, 'scscf2')).auth![0]);
  const again = challengeOf((await bench.mar()).auth![0]);
  assert.deepEqual([first.seq, other.seq, again.seq], [1, 2, 3]);
  assert.notEqual(first.ind, other.ind);
  assert.equal(first.ind, again.ind);
  assert.ok(first.ind >= 16 && other.ind >= 16, 'the indexes of EPS stay free');
  assert.notDeepEqual(first.rand, again.rand);
});

test('as many vectors as are asked for, up to a bound, in one batch of one IND', async () => {
  const bench = await new Bench().start();
  const three = await bench.mar({ vectors: 3 });
  assert.deepEqual(
    three.auth!.map(item => item.itemNumber),
    [1, 2, 3],
  );
  assert.equal(new Set(three.auth!.map(item => challengeOf(item).ind)).size, 1);
  assert.deepEqual(
    three.auth!.map(item => challengeOf(item).seq),
    [1, 2, 3],
  );
  assert.equal((await bench.mar({ vectors: 4_000_000_000 })).vectors, 5);
  assert.equal((await bench.mar({ vectors: 0 })).vectors, 1);
});

test('the SQN is durable before the vector leaves, and a restarted HSS goes on behind it', async () => {
  const bench = await new Bench().start();
  for (let n = 0; n < 3; n++) await bench.mar();
  bench.sim.store('hss').failure = 1;
  assert.equal((await bench.mar()).result, 'DIAMETER_UNABLE_TO_COMPLY');
  bench.sim.store('hss').failure = 0;
  await bench.stop();
  bench.hss = bench.make();
  await bench.settle(() => bench.hss.start());
  const view = await bench.settle(() => bench.hss.get(alice.imsi));
  assert.equal(seqOf(Number.parseInt(view!.sqn, 16)), 3);
  await bench.stop();
});

test('an AUTS brings the centre to where the card is', async () => {
  const bench = await new Bench().start();
  const ahead = new SequenceArray(new Array(32).fill(5000));
  const usim = new Usim(key, ahead);
  const first = challengeOf((await bench.mar({ auth: AKA })).auth![0]);
  const answer = usim.authenticate(first.rand, first.autn);
  assert.equal(answer.kind, 'synchronisation failure');
  if (answer.kind !== 'synchronisation failure') return;
  const authorization = Buffer.concat([first.rand, answer.auts]);
  const second = await bench.mar({ auth: { ...AKA, authorization } });
  assert.equal(second.result, 'DIAMETER_SUCCESS');
  assert.match(bench.decision('hss.mar').because, /SEQ set from 1 to the card's 5000/);
  const { rand, autn, seq } = challengeOf(second.auth![0]);
  assert.equal(seq, 5001);
  assert.equal(usim.authenticate(rand, autn).kind, 'success');
});

test('an AUTS of another card gets nothing and changes nothing', async () => {
  const bench = await new Bench().start();
  const { rand } = challengeOf((await bench.mar({ auth: AKA })).auth![0]);
  const authorization = Buffer.concat([rand, Buffer.alloc(14, 1)]);
  const { result, auth } = await bench.mar({ auth: { ...AKA, authorization } });
  assert.deepEqual([result, auth ?? []], ['DIAMETER_UNABLE_TO_COMPLY', []]);
  assert.equal(bench.decision('hss.mar').clause, 'TS 33.102 §6.3.5 step 4');
  assert.equal(challengeOf((await bench.mar({ auth: AKA })).auth![0]).seq, 2);
});

test('an AUTS of the wrong length is an invalid AVP', async () => {
  const bench = await new Bench().start();
  const answer = await bench.mar({ auth: { ...AKA, authorization: Buffer.alloc(29) } });
  assert.equal(answer.result, 'DIAMETER_INVALID_AVP_VALUE');
});

test('MAR step 4: another S-CSCF than the one assigned cannot resynchronise', async () => {
  const bench = await new Bench().start();
  const { rand } = challengeOf((await bench.mar({ auth: AKA })).auth![0]);
  const authorization = Buffer.concat([rand, Buffer.alloc(14)]);
  const answer = await bench.mar({ auth: { ...AKA, authorization } }, 'scscf2');
  assert.equal(answer.result, 'DIAMETER_UNABLE_TO_COMPLY');
  assert.equal(bench.decision('hss.mar').clause, 'TS 29.228 §6.3.1 step 4');
});

test('MAR step 5: the S-CSCF that asks becomes the one assigned, also over another', async () => {
  const bench = await new Bench().start();
  await bench.mar();
  assert.equal((await bench.uar()).server, scscfUri);
  await bench.mar({}, 'scscf2');
  assert.equal((await bench.uar()).server, otherUri);
  assert.match(bench.decision('hss.mar').because, /scscf2.* is assigned in place of sip:scscf\./);
});

test('a password is proven by HA1 over the IMPI; a second item is for the short spelling', async () => {
  const bench = await new Bench().start();
  const one = await bench.mar({ impi: aliceLogin, auth: { scheme: 'SIP Digest' } });
  assert.equal(one.vectors, 1);
  const proof = { realm: home, secret: 'alice-secret' };
  assert.deepEqual(one.auth![0]!.digest, {
    realm: home,
    algorithm: 'MD5',
    qop: 'auth',
    ha1: ha1({ ...proof, username: aliceLogin }),
  });
  const two = await bench.mar({ impi: aliceLogin, vectors: 2 });
  assert.deepEqual(
    two.auth!.map(({ digest }) => digest!.ha1),
    [aliceLogin, 'alice'].map(username => ha1({ ...proof, username })),
  );
  assert.equal((await bench.mar({ impi: aliceLogin, vectors: 9 })).vectors, 2);
});

test('HA1 counts username and password in UTF-8', async () => {
  const password = 'grüß-göttin';
  const bench = await new Bench({ subscribers: [{ ...alice, password }] }).start();
  const { auth } = await bench.mar({ impi: aliceLogin });
  assert.equal(auth![0]!.digest!.ha1, ha1({ username: aliceLogin, realm: home, secret: password }));
});

test("digest algorithms are the network's, or the subscriber's own, in their order", async () => {
  const bench = await new Bench({ digestAlgorithms: ['MD5', 'SHA-256'] }).start();
  const ask = async () => (await bench.mar({ impi: aliceLogin })).auth![0]!.digest!;
  const both = await ask();
  assert.deepEqual([both.algorithm, both.alternateAlgorithm], ['MD5', 'SHA-256']);
  assert.deepEqual([both.ha1.length, both.alternateHa1!.length], [32, 64]);
  await bench.settle(() => bench.hss.patch(alice.imsi, { digest: 'SHA-256' }));
  const strong = await ask();
  assert.deepEqual([strong.algorithm, strong.alternateAlgorithm], ['SHA-256', undefined]);
  assert.equal(strong.ha1.length, 64);
});

test('another K is another card: the sequence starts anew and the old card is refused', async () => {
  const bench = await new Bench().start();
  const old = bench.usim();
  for (let n = 0; n < 3; n++) await bench.mar();
  const newK = '0123456789abcdef0123456789abcdef';
  await bench.settle(() => bench.hss.patch(alice.imsi, { k: newK }));
  const { authenticate } = (await bench.mar({ auth: AKA })).auth![0]!;
  const [rand, autn] = [authenticate!.slice(0, 16), authenticate!.slice(16)];
  assert.equal(old.authenticate(rand, autn).kind, 'mac failure');
  const card = bench.usim(newK);
  assert.equal(card.authenticate(rand, autn).kind, 'success');
  assert.equal(seqOf(card.sequence.highest), 1);
});

test('an SQN that is set is where counting goes on', async () => {
  const bench = await new Bench().start();
  await bench.mar();
  const sqn = sqnOf(77, 0).toString(16).padStart(12, '0');
  const done = await bench.settle(() => bench.hss.patch(alice.imsi, { sqn }));
  assert.equal(done?.subscriber.sqn, sqn);
  assert.equal(challengeOf((await bench.mar()).auth![0]).seq, 78);
});
