// How the UE proves who it is: an AKA challenge answered by the SIM, a digest challenge by the
// password; and the network's own proof. TS 24.229 §5.1.1.2, §5.1.1.4, §5.1.1.5.

import type { Usim } from '#aka/usim';
import { credentials, type DigestValue, digestAlgorithm, rspauth, type Secret } from '#sip/digest';
import { akaCredentials, akaSecret, isAka, readAkaNonce } from '#sip/digest-aka';

export type ChallengeAnswer =
  /** Send the request again with these. */
  | { readonly kind: 'answer'; readonly authorization: DigestValue }
  /** §5.1.1.5.3: the card's sequence numbers are ahead; the network is told by AUTS. */
  | { readonly kind: 'resynchronise'; readonly authorization: DigestValue }
  /** §5.1.1.5.3: not the home network; answered without a response. */
  | { readonly kind: 'mac failure'; readonly authorization: DigestValue }
  | { readonly kind: 'unusable'; readonly because: string };

/** What the last answered challenge left: RFC 7616 §3.4 lets its nonce be used again. */
interface Session {
  readonly challenge: DigestValue;
  readonly secret: Secret;
  readonly cnonce: string;
  count: number;
}

export class Authentication {
  readonly #impi: string;
  readonly #realm: string;
  readonly #proof: { readonly usim: Usim } | { readonly password: string };
  readonly #newCnonce: () => string;
  #session: Session | undefined;

  constructor(
    impi: string,
    realm: string,
    proof: { readonly usim: Usim } | { readonly password: string },
    newCnonce: () => string,
  ) {
    this.#impi = impi;
    this.#realm = realm;
    this.#proof = proof;
    this.#newCnonce = newCnonce;
  }

  /**
   * What a REGISTER carries that answers no challenge: the nonce of the last one, else only who we
   * are (§5.1.1.2.2, §5.1.1.2.3, §5.1.1.4).
   */
  unchallenged(uri: string): DigestValue {
    return this.again('REGISTER', uri) ?? this.#nobody(uri);
  }

  /** Another request under the last nonce; undefined before any challenge was answered. */
  again(method: string, uri: string): DigestValue | undefined {
    const session = this.#session;
    if (session === undefined) return undefined;
    session.count++;
    return credentials(session.challenge, {
      username: this.#impi,
      method,
      uri,
      cnonce: session.cnonce,
      count: session.count,
      secret: session.secret,
    });
  }

  /** The answer to the first of the challenges that we can meet. */
  answer(challenges: readonly DigestValue[], method: string, uri: string): ChallengeAnswer {
    this.#session = undefined;
    let because = 'the 401 carries no challenge';
    for (const challenge of challenges) {
      const tried = this.#tryAnswer(challenge, method, uri);
      if (tried.kind !== 'unusable') return tried;
      because = tried.because;
    }
    return { kind: 'unusable', because };
  }

  /** Forgets the nonce: the next REGISTER is an initial one. */
  forget(): void {
    this.#session = undefined;
  }

  /**
   * Whether the network knows the secret too: 'absent' where it did not say (RFC 7616 §3.5). Takes
   * over the nonce it wants to be used next.
   */
  confirm(info: DigestValue | undefined, uri: string): 'proven' | 'absent' | 'wrong' {
    const session = this.#session;
    if (session === undefined || info === undefined) return 'absent';
    const given = info.params.get('rspauth');
    const verdict = given == null ? 'absent' : this.#check(session, info, given, uri);
    const next = info.params.get('nextnonce');
    if (verdict !== 'wrong' && next != null && next !== '') {
      const params = new Map(session.challenge.params).set('nonce', next);
      this.#session = { ...session, challenge: { ...session.challenge, params }, count: 0 };
    }
    return verdict;
  }

  #tryAnswer(challenge: DigestValue, method: string, uri: string): ChallengeAnswer {
    if (challenge.scheme.toLowerCase() !== 'digest') {
      return { kind: 'unusable', because: `scheme ${challenge.scheme}` };
    }
    const algorithm = digestAlgorithm(challenge.params.get('algorithm'));
    if (algorithm === undefined) {
      return { kind: 'unusable', because: `algorithm ${challenge.params.get('algorithm')}` };
    }
    const cnonce = this.#newCnonce();
    const input = { username: this.#impi, method, uri, cnonce };
    if ('password' in this.#proof) {
      if (isAka(algorithm)) return { kind: 'unusable', because: `${algorithm} needs a SIM` };
      const secret = this.#proof.password;
      const made = credentials(challenge, { ...input, secret });
      if (made === undefined) return { kind: 'unusable', because: 'no realm, nonce or known qop' };
      this.#session = { challenge, secret, cnonce, count: 1 };
      return { kind: 'answer', authorization: made };
    }
    if (!isAka(algorithm)) {
      return { kind: 'unusable', because: `${algorithm} needs a password and we have a SIM` };
    }
    return this.#askCard(challenge, algorithm, this.#proof.usim, input);
  }

  #askCard(
    challenge: DigestValue,
    algorithm: NonNullable<ReturnType<typeof digestAlgorithm>>,
    usim: Usim,
    input: { username: string; method: string; uri: string; cnonce: string },
  ): ChallengeAnswer {
    const nonce = readAkaNonce(challenge.params.get('nonce') ?? '');
    if (nonce === undefined) {
      return { kind: 'unusable', because: 'the nonce holds less than RAND and AUTN' };
    }
    const answer = usim.authenticate(nonce.rand, nonce.autn);
    if (answer.kind === 'success') {
      const secret = akaSecret(algorithm, answer);
      const made = credentials(challenge, { ...input, secret });
      if (made === undefined) return { kind: 'unusable', because: 'no realm or known qop' };
      this.#session = { challenge, secret, cnonce: input.cnonce, count: 1 };
      return { kind: 'answer', authorization: made };
    }
    // A card that refused refuses again: it changes nothing when it does.
    const made = akaCredentials(challenge, usim, input);
    if (made.kind === 'synchronisation failure') {
      return { kind: 'resynchronise', authorization: made.credentials };
    }
    if (made.kind === 'mac failure') return { kind: made.kind, authorization: made.credentials };
    return { kind: 'unusable', because: 'no realm or known qop' };
  }

  #check(
    session: Session,
    info: DigestValue,
    given: string,
    uri: string,
  ): 'proven' | 'absent' | 'wrong' {
    const qop = info.params.get('qop');
    if (qop !== 'auth') return 'absent'; // auth-int covers the body, which a 200 to REGISTER lacks
    const { params } = session.challenge;
    const expected = rspauth({
      username: this.#impi,
      realm: params.get('realm') ?? '',
      secret: session.secret,
      algorithm: digestAlgorithm(params.get('algorithm')) ?? 'MD5',
      method: 'REGISTER',
      uri,
      nonce: params.get('nonce') ?? '',
      qop,
      nc: session.count.toString(16).padStart(8, '0'),
      cnonce: session.cnonce,
    });
    return expected === given.toLowerCase() ? 'proven' : 'wrong';
  }

  /** §5.1.1.2.2, §5.1.1.2.3: who wants to register, with nothing to prove it yet. */
  #nobody(uri: string): DigestValue {
    return {
      scheme: 'Digest',
      params: new Map([
        ['username', this.#impi],
        ['realm', this.#realm],
        ['nonce', ''],
        ['uri', uri],
        ['response', ''],
      ]),
    };
  }
}
