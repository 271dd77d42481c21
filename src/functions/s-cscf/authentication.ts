// Does whoever sends a REGISTER prove who he is? TS 24.229 §5.4.1.2.1 (challenge), §5.4.1.2.2
// (protected REGISTER), §5.4.1.2.3 (failure, resynchronisation), TS 33.203 §6.1, RFC 7616, RFC 3310.

import { challenge as challengeValue, type DigestAlgorithm } from '#sip/digest';
import { akaNonce, akaSecret, autsOf } from '#sip/digest-aka';
import type { ServerTransaction } from '#sip/endpoint';
import { WwwAuthenticate } from '#sip/headers';
import { add } from '#sip/message';
import type { Challenge, Secret } from './challenges.ts';
import { isProtected, type User, verify } from './credentials.ts';
import { registrationStatus, type Vector } from './cx.ts';
import { retryAfter } from './register-answer.ts';
import type { RegistrationSet } from './registrar.ts';
import type { SCscf } from './s-cscf.ts';

/** What vouches for the user: the answer to a challenge, or the protection of Gm alone. */
export type Proof =
  | { readonly kind: 'answer'; readonly challenge: Challenge; readonly secret: Secret }
  | { readonly kind: 'protection' };

/** The proof, or undefined where the REGISTER has been answered: challenged, or refused. */
export async function authenticate(
  scscf: SCscf,
  tx: ServerTransaction,
  user: User,
): Promise<Proof | undefined> {
  const { answer, impi } = user;
  const pending = answer && scscf.challenges.find(impi, answer.params.get('nonce') ?? '');

  if (pending === undefined && isKnownProtected(scscf, user)) {
    scscf.decide('authentication', {
      chose: 'no challenge',
      because: `integrity-protected="${user.protection}" on a registered contact`,
      clause: 'TS 24.229 §5.4.1.2.2',
      about: tx.request,
    });
    return { kind: 'protection' };
  }
  if (answer === undefined || pending === undefined) return challenge(scscf, tx, user);

  const auts = autsOf(answer);
  if (auts !== undefined) return resynchronise(scscf, tx, user, pending, auts);
  if (answer.params.get('response') === '') {
    // the card found that the challenge was not its network's
    return refuse(scscf, tx, user, pending, 'the UE could not verify the network (MAC failure)');
  }
  return check(scscf, tx, user, pending);
}

/** A re-registration that cryptography on Gm vouches for, with no challenge under way. */
function isKnownProtected(scscf: SCscf, user: User): boolean {
  if (!isProtected(user.protection) || scscf.challenges.awaits(user.impi)) return false;
  return scscf.registrar.ofImpi(user.impi).some(set => hasBindings(set, user.impi));
}

const hasBindings = (set: RegistrationSet, impi: string): boolean =>
  set.bindings.some(binding => binding.impi === impi);

// ---------------------------------------------------------------------------- §5.4.1.2.1

/** Fetches vectors and challenges. A digest answer to a nonce of before is stale, if it is right. */
async function challenge(
  scscf: SCscf,
  tx: ServerTransaction,
  user: User,
  resync?: { readonly auts: Uint8Array; readonly pending: Challenge },
): Promise<undefined> {
  // without credentials, nobody knows yet how the client will spell itself
  const bothSpellings = resync === undefined && user.username !== user.impi;
  const maa = await scscf.cx.multimediaAuth(user, bothSpellings, resync && randAuts(resync));
  if (resync !== undefined && maa.result === 'DIAMETER_UNABLE_TO_COMPLY') {
    // TS 29.228 §6.3.1 step 4: MAC-S is wrong. The attempt is over, and with it what it left behind
    return refuse(scscf, tx, user, resync.pending, 'the HSS does not take the AUTS of the UE');
  }
  if (maa.result !== 'DIAMETER_SUCCESS') {
    const status = registrationStatus(maa.result);
    scscf.decide('authentication', {
      chose: String(status),
      because: `the HSS gave no vector: ${maa.result}`,
      clause: 'TS 24.229 §5.4.1.2.1',
      about: tx.request,
    });
    tx.reply(status, ...retryAfter(status));
    return undefined;
  }
  const resynchronisations = resync === undefined ? 0 : resync.pending.resynchronisations + 1;
  const { pending, values } = newChallenge(scscf, user, maa.vectors, resynchronisations);
  const stale = user.answer !== undefined && isStale(user, pending);
  scscf.decide('authentication', {
    chose: `401 ${pending.scheme}${stale ? ' stale' : ''}`,
    because: resync === undefined ? whyChallenged(user) : 'synchronisation failure: new vector',
    clause: 'TS 24.229 §5.4.1.2.1',
    about: tx.request,
  });
  tx.reply(401, ...values.map(value => add(WwwAuthenticate, challengeValue({ ...value, stale }))));
  return undefined;
}

const randAuts = (resync: { auts: Uint8Array; pending: Challenge }): Uint8Array =>
  Buffer.concat([resync.pending.rand ?? new Uint8Array(16), resync.auts]);

function whyChallenged(user: User): string {
  if (user.answer === undefined) return `no answer to a challenge from ${user.impi}`;
  return `${user.impi} answered a nonce that is not, or no longer, ours`;
}

type ChallengeInput = Parameters<typeof challengeValue>[0];

function newChallenge(
  scscf: SCscf,
  user: User,
  vectors: readonly Vector[],
  resynchronisations: number,
): { pending: Challenge; values: readonly ChallengeInput[] } {
  const { home: realm, registration } = scscf.config;
  const { impi, impu } = user;
  const [first] = vectors as readonly [Vector];
  if (first.scheme === 'AKA') {
    const nonce = akaNonce(first.rand, first.autn);
    const secrets = scscf.config.aka.algorithms.flatMap(algorithm =>
      akaSecretsOf(first, algorithm),
    );
    const pending = scscf.challenges.start(
      { impi, impu, nonce, scheme: 'AKA', secrets, resynchronisations, rand: first.rand },
      registration.awaitAuth,
    );
    const keys = keysOf(first);
    return {
      pending,
      values: secrets.map(({ algorithm }) => ({ realm, nonce, algorithm, ...keys })),
    };
  }
  const nonce = scscf.host.random.hex(16);
  const secrets = vectors.flatMap(secretsOf);
  const pending = scscf.challenges.start(
    { impi, impu, nonce, scheme: 'digest', secrets, resynchronisations: 0 },
    registration.awaitAuth,
  );
  const algorithms = new Set(secretsOf(first).map(secret => secret.algorithm));
  return { pending, values: [...algorithms].map(algorithm => ({ realm, nonce, algorithm })) };
}

/** CK and IK for the P-CSCF, which takes them out (§5.4.1.2.1). */
function keysOf(vector: Extract<Vector, { scheme: 'AKA' }>): { ck?: string; ik?: string } {
  const { ck, ik } = vector;
  if (ck === undefined || ik === undefined) return {};
  return { ck: Buffer.from(ck).toString('hex'), ik: Buffer.from(ik).toString('hex') };
}

/** AKAv2 needs the keys as well (RFC 4169 §3). */
function akaSecretsOf(
  { xres, ck, ik }: Extract<Vector, { scheme: 'AKA' }>,
  algorithm: DigestAlgorithm,
): readonly Secret[] {
  if (algorithm === 'AKAv1-MD5') return [{ algorithm, secret: xres }];
  if (ck === undefined || ik === undefined) return [];
  return [{ algorithm, secret: akaSecret(algorithm, { res: xres, ck, ik }) }];
}

function secretsOf(vector: Vector): readonly Secret[] {
  if (vector.scheme !== 'digest') return [];
  return vector.ha1.map(({ algorithm, ha1 }) => ({
    algorithm: algorithm as DigestAlgorithm,
    username: vector.username,
    ha1,
  }));
}

/** The answer is right but for the age of its nonce: the client may try again without asking. */
function isStale(user: User, pending: Challenge): boolean {
  if (pending.scheme !== 'digest') return false;
  return verify(user, pending).kind === 'right';
}

// ---------------------------------------------------------------------------- §5.4.1.2.3A

async function resynchronise(
  scscf: SCscf,
  tx: ServerTransaction,
  user: User,
  pending: Challenge,
  auts: Uint8Array,
): Promise<undefined> {
  if (pending.scheme !== 'AKA' || pending.answered) return challenge(scscf, tx, user);
  if (pending.resynchronisations >= scscf.config.aka.resynchronisations) {
    return refuse(scscf, tx, user, pending, 'the UE is out of synchronisation again and again');
  }
  scscf.challenges.remove(pending);
  return challenge(scscf, tx, user, { auts, pending });
}

// ---------------------------------------------------------------------------- the answer

async function check(
  scscf: SCscf,
  tx: ServerTransaction,
  user: User,
  pending: Challenge,
): Promise<Proof | undefined> {
  if (pending.scheme === 'AKA' && user.protection !== 'yes') {
    const because = `integrity-protected="${user.protection}": no security association on Gm`;
    if (scscf.config.aka.requireSecurityAssociation) {
      return refuse(scscf, tx, user, pending, because);
    }
    scscf.decide('authentication.deviation', {
      chose: 'AKA without a security association',
      because: `${because}, and aka.requireSecurityAssociation is false`,
      clause: 'TS 33.203 §7, TS 24.229 §5.4.1.2.2',
      about: tx.request,
    });
  }
  const verdict = verify(user, pending);
  switch (verdict.kind) {
    case 'right':
      // a card's nonce serves once; a digest nonce goes on with a growing count
      if (pending.scheme === 'AKA') scscf.challenges.remove(pending);
      else scscf.challenges.accept(pending, verdict.nc, scscf.config.digest.nonceLifetime);
      return { kind: 'answer', challenge: pending, secret: verdict.secret };
    case 'replayed':
    case 'other spelling':
      // neither proves nor disproves anything: once more, from the start
      scscf.challenges.remove(pending);
      return challenge(scscf, tx, user);
    case 'malformed':
      return refuse(scscf, tx, user, pending, 'the answer to the challenge is malformed', 400);
    case 'wrong':
      return refuse(scscf, tx, user, pending, 'the response to the challenge is wrong');
  }
}

/** §5.4.1.2.3, §5.4.1.2.3A: the attempt failed; what was registered before stays so. */
async function refuse(
  scscf: SCscf,
  tx: ServerTransaction,
  user: User,
  pending: Challenge,
  because: string,
  status = 403,
): Promise<undefined> {
  scscf.challenges.remove(pending);
  scscf.decide('authentication', {
    chose: `${status}`,
    because,
    clause: 'TS 24.229 §5.4.1.2.3',
    about: tx.request,
  });
  tx.reply(status);
  await authenticationEnded(scscf, user, 'AUTHENTICATION_FAILURE');
  return undefined;
}

/**
 * Tells the HSS that an attempt came to nothing (§5.4.1.2.3), unless another of the same private
 * identity is under way: the HSS has one pending flag for all of them (TS 29.228 §6.1.2.1), and a
 * stranger who guesses must not take from the user what he is about to prove himself by.
 */
export async function authenticationEnded(
  scscf: SCscf,
  { impi, impu }: Pick<User, 'impi' | 'impu'>,
  how: 'AUTHENTICATION_FAILURE' | 'AUTHENTICATION_TIMEOUT',
): Promise<void> {
  if (scscf.challenges.awaits(impi)) return;
  await scscf.cx.serverAssignment({ impi, impus: [impu] }, how, true);
}
