// The authentication centre: AKA vectors from K and the sequence number, HA1 from the password.
// TS 33.203 §6.1, TS 33.102 §6.3, TS 29.228 §6.3.

import { type CardKey, vectorFor } from '#aka/functions';
import { type HeSequence, nextSqn, sqnOctets } from '#aka/sequence';
import type { AnswerInput } from '#diameter/application';
import type { MultimediaAuth } from '#diameter/cx';
import { ha1 } from '#sip/digest';
import { AKA_SCHEME, type Card, DIGEST_SCHEME } from './identities.ts';
import { type DigestChoice, tuakOf } from './subscriber.ts';

/** A SIP-Auth-Data-Item of an MAA. */
export type AuthItem = NonNullable<AnswerInput<typeof MultimediaAuth>['auth']>[number];

/** What the algorithm set of the card computes with. */
export function keyOf({ k, opc, algorithm }: Card): CardKey {
  const [key, constant] = [Buffer.from(k, 'hex'), Buffer.from(opc, 'hex')];
  if (!algorithm.startsWith('tuak')) return { k: key, opc: constant };
  const { res, iterations } = tuakOf(algorithm);
  return { k: key, topc: constant, lengths: { res }, iterations };
}

/**
 * A batch of vectors for one requester, and the sequence to commit before they leave. undefined when
 * the sequence is used up. A batch has one IND (TS 33.102 §C.3.4), which no other requester has.
 */
export function akaItems(
  card: Card,
  sequence: HeSequence,
  request: { requester: string; count: number; rand: () => Uint8Array },
): { readonly items: readonly AuthItem[]; readonly sequence: HeSequence } | undefined {
  const key = keyOf(card);
  // As the record has it, in IMS too: cards and test tools compute with the AMF they were given.
  const amf = Buffer.from(card.amf, 'hex');
  const items: AuthItem[] = [];
  let state = sequence;
  for (let itemNumber = 1; itemNumber <= request.count; itemNumber++) {
    const next = nextSqn(state, 'ims', request.requester);
    if (next === undefined) return undefined;
    state = next.state;
    const rand = request.rand();
    const vector = vectorFor({ ...key, rand, amf, sqn: sqnOctets(next.sqn) });
    items.push({
      itemNumber,
      scheme: AKA_SCHEME,
      authenticate: Buffer.concat([rand, vector.autn]),
      authorization: vector.res,
      confidentialityKey: vector.ck,
      integrityKey: vector.ik,
    });
  }
  return { items, sequence: state };
}

export interface DigestRequest {
  readonly impi: string;
  readonly password: string;
  readonly realm: string;
  /** Best first. */
  readonly algorithms: readonly DigestChoice[];
  readonly count: number;
}

/**
 * What proves a password. The first item is the standard's, computed over the IMPI. Where the S-CSCF
 * asks for two, which the standard's never does (TS 29.228 table 6.3.1), the second is for clients
 * that spell their username without '@' and the domain; SIP-Item-Number tells them apart.
 */
export function digestItems(request: DigestRequest): readonly AuthItem[] {
  const { impi, password, realm, algorithms, count } = request;
  const spellings = [impi, impi.slice(0, impi.indexOf('@'))].slice(
    0,
    Math.max(1, Math.min(2, count)),
  );
  const [first = 'MD5', second] = algorithms;
  return spellings.map((username, at) => {
    const hash = (algorithm: DigestChoice): string =>
      ha1({ username: octets(username), realm, secret: password, algorithm });
    return {
      ...(count > 1 ? { itemNumber: at + 1 } : {}),
      scheme: DIGEST_SCHEME,
      digest: {
        realm,
        algorithm: first,
        qop: 'auth',
        ha1: hash(first),
        ...(second === undefined ? {} : { alternateAlgorithm: second, alternateHa1: hash(second) }),
      },
    };
  });
}

// A client's username counts in the octets of its message, which are UTF-8.
const octets = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
