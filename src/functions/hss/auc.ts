// The authentication centre: AKA vectors from K and the sequence number, HA1 from the password.
// TS 33.203 §6.1, TS 33.102 §6.3, TS 29.228 §6.3.

import { milenage, type SubscriberKey } from '#aka/milenage';
import { type HeSequence, nextSqn, sqnOctets } from '#aka/sequence';
import type { AnswerInput } from '#diameter/application';
import type { MultimediaAuth } from '#diameter/cx';
import { ha1 } from '#sip/digest';
import { AKA_SCHEME, DIGEST_SCHEME } from './identities.ts';
import type { DigestChoice, Subscriber } from './subscriber.ts';

/** A SIP-Auth-Data-Item of an MAA. */
export type AuthItem = NonNullable<AnswerInput<typeof MultimediaAuth>['auth']>[number];

export const keyOf = (subscriber: Subscriber): SubscriberKey => ({
  k: Buffer.from(subscriber.k!, 'hex'),
  opc: Buffer.from(subscriber.opc!, 'hex'),
});

/**
 * A batch of vectors for one requester, and the sequence to commit before they leave. undefined when
 * the sequence is used up. A batch has one IND (TS 33.102 §C.3.4), which no other requester has.
 */
export function akaItems(
  subscriber: Subscriber,
  sequence: HeSequence,
  request: { requester: string; count: number; rand: () => Uint8Array },
): { readonly items: readonly AuthItem[]; readonly sequence: HeSequence } | undefined {
  const key = keyOf(subscriber);
  // As the record has it, in IMS too: cards and test tools compute with the AMF they were given.
  const amf = Buffer.from(subscriber.amf, 'hex');
  const items: AuthItem[] = [];
  let state = sequence;
  for (let itemNumber = 1; itemNumber <= request.count; itemNumber++) {
    const next = nextSqn(state, 'ims', request.requester);
    if (next === undefined) return undefined;
    state = next.state;
    const rand = request.rand();
    const vector = milenage({ ...key, rand, amf, sqn: sqnOctets(next.sqn) });
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
  readonly realm: string;
  /** The network's, for subscribers that have none of their own. */
  readonly algorithms: readonly DigestChoice[];
  readonly count: number;
}

/**
 * What proves a password. The first item is the standard's, computed over the IMPI. Where the S-CSCF
 * asks for two, which the standard's never does (TS 29.228 table 6.3.1), the second is for clients
 * that spell their username without '@' and the domain; SIP-Item-Number tells them apart.
 */
export function digestItems(subscriber: Subscriber, request: DigestRequest): readonly AuthItem[] {
  const { impi, realm, algorithms, count } = request;
  const spellings = [impi, impi.slice(0, impi.indexOf('@'))].slice(
    0,
    Math.max(1, Math.min(2, count)),
  );
  const [first = 'MD5', second] = subscriber.digest ?? algorithms;
  return spellings.map((username, at) => {
    const hash = (algorithm: DigestChoice): string =>
      ha1({ username: octets(username), realm, secret: subscriber.password!, algorithm });
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
