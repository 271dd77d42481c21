// Authentication procedure: vectors for the S-CSCF. TS 29.228 §6.3, TS 33.203 §6.1

import { resynchronise } from '#aka/auts';
import type { HeSequence } from '#aka/sequence';
import type { MultimediaAuth, MultimediaAuthRequest } from '#diameter/cx';
import { DiameterError } from '#diameter/errors';
import type { RequestContext } from '#diameter/node';
import { assert } from '#kernel/errors';
import type { Write } from '#kernel/host';
import { type AuthItem, akaItems, digestItems, keyOf } from './auc.ts';
import { type HssParts, type Outcome, type Procedure, subscriptionOf } from './cx.ts';
import type { Entry } from './database.ts';
import { AKA_SCHEME, type Card, DIGEST_SCHEME, type Scheme } from './identities.ts';
import { intoRow, ofSet, type Registration, type Row } from './registrations.ts';

type Answer = Outcome<typeof MultimediaAuth>;

const clause = (step: number): string => `TS 29.228 §6.3.1 step ${step}`;

/** RAND and AUTS, in the SIP-Authorization of a request. TS 29.228 table 6.3.3 */
const RESYNCHRONISATION = 16 + 14;

/** Vectors for the S-CSCF that is to authenticate this IMPI. */
export const multimediaAuth: Procedure<typeof MultimediaAuth> = async (hss, request, context) => {
  const { impi, impu, server, auth } = request;
  const found = await subscriptionOf(hss, impi, [impu]);
  if (found.kind === 'refused') {
    const step = found.result === 'DIAMETER_ERROR_USER_UNKNOWN' ? 1 : 2;
    return { answer: { result: found.result }, because: found.because, clause: clause(step) };
  }
  const { entry } = found;
  const { scheme, card, password } = hss.database
    .loginsOf(entry)
    .find(login => login.impi === impi)!;
  if (!isOfScheme(auth.scheme, scheme)) {
    return {
      answer: { result: 'DIAMETER_ERROR_AUTH_SCHEME_NOT_SUPPORTED' },
      because: () => `${impi} is authenticated by ${scheme}, not by ${auth.scheme ?? 'nothing'}`,
      clause: clause(3),
    };
  }
  const row = await hss.registrations.get(entry.subscriber.imsi);
  const [set] = found.sets;
  const registration = ofSet(row, set);
  const next = assigned(registration, impi, server);
  const asked: Asked = {
    hss,
    request,
    entry,
    registration,
    after: next === registration ? undefined : intoRow(row, set, next),
  };
  if (card !== undefined) return aka(asked, card, context);
  assert(password !== undefined, 'what is no card has a password');
  return digest(asked, password);
};

/** A request whose identities and scheme are right. */
interface Asked {
  readonly hss: HssParts;
  readonly request: MultimediaAuthRequest;
  readonly entry: Entry;
  readonly registration: Registration;
  /** Where the subscription stands once the vectors are out; undefined: where it stood. */
  readonly after: Row | undefined;
}

// 'Unknown' is asked where the REGISTER does not tell. The clause answers it for SIP Digest alone; we
// do for AKA too, since here the IMPI decides and the S-CSCF reads the scheme from the answer.
function isOfScheme(asked: string | undefined, scheme: Scheme): boolean {
  if (asked === undefined || asked === 'Unknown') return true;
  return scheme === AKA_SCHEME ? /^Digest-AKAv[12]-/.test(asked) : asked === DIGEST_SCHEME;
}

/**
 * Step 5: the S-CSCF that asks is the one assigned from now on, and has an answer outstanding. A
 * re-registration where the IMPI is registered already changes nothing.
 */
function assigned(registration: Registration, impi: string, server: string): Registration {
  const { impis, pending, reassign } = registration;
  const isSame = registration.server === server;
  if (isSame && (impis.includes(impi) || pending.includes(impi))) return registration;
  return {
    ...registration,
    server,
    pending: pending.includes(impi) ? pending : [...pending, impi],
    reassign: isSame && reassign,
  };
}

async function digest(asked: Asked, password: string): Promise<Answer> {
  const { hss, request, entry, registration, after } = asked;
  const { impi, server, vectors } = request;
  const { home, digestAlgorithms } = hss.config;
  if (after !== undefined) await hss.registrations.set(entry.subscriber.imsi, after);
  const items = digestItems({
    impi,
    password,
    realm: home,
    algorithms: entry.subscriber.digest ?? digestAlgorithms,
    count: vectors,
  });
  return success(
    request,
    items,
    () => `${impi} has a password; ${assignment(registration, server)}`,
  );
}

async function aka(asked: Asked, card: Card, context: RequestContext): Promise<Answer> {
  const { hss, request, entry, registration, after } = asked;
  const { server, vectors, auth } = request;
  const { imsi } = entry.subscriber;
  let sequence = await hss.database.sequence(card);
  let resynchronised = '';
  if (auth.authorization !== undefined) {
    const taken = takeAuts(card, sequence, registration, request);
    if ('answer' in taken) return taken;
    sequence = taken.sequence;
    resynchronised = `${taken.because}; `;
  }
  const made = akaItems(card, sequence, {
    requester: context.origin.host,
    count: Math.min(Math.max(vectors, 1), hss.config.vectors),
    rand: () => hss.host.random.bytes(16),
  });
  if (made === undefined) {
    return {
      answer: { result: 'DIAMETER_UNABLE_TO_COMPLY', errorMessage: 'no sequence number is left' },
      because: () => `every SQN of ${card.key} has been used; it needs another K`,
      clause: 'TS 33.102 §C.1.2',
    };
  }
  // Durable before a vector leaves: a crash may lose vectors, but hands out no SQN twice.
  const writes: Write[] = [hss.database.sequenceWrite(card.key, made.sequence)];
  if (after !== undefined) writes.push(hss.registrations.write(imsi, after));
  await hss.host.store.commit(writes);
  hss.database.sequenceCommitted(card.key, made.sequence);
  if (after !== undefined) hss.registrations.committed(imsi, after);
  return success(request, made.items, () => {
    return `${resynchronised}SEQ ${made.sequence.seq}; ${assignment(registration, server)}`;
  });
}

/** Step 4: the card found the SQN out of range. TS 33.102 §6.3.5 */
function takeAuts(
  card: Card,
  sequence: HeSequence,
  registration: Registration,
  request: MultimediaAuthRequest,
): Answer | { readonly sequence: HeSequence; readonly because: string } {
  const { impi, server, auth } = request;
  const { authorization } = auth;
  if (authorization?.length !== RESYNCHRONISATION) {
    throw new DiameterError(
      'DIAMETER_INVALID_AVP_VALUE',
      `SIP-Authorization has ${authorization?.length} octets; RAND and AUTS have ${RESYNCHRONISATION}`,
      { clause: 'TS 29.228 §6.3' },
    );
  }
  if (registration.server !== undefined && registration.server !== server) {
    return {
      answer: { result: 'DIAMETER_UNABLE_TO_COMPLY', errorMessage: 'another S-CSCF is assigned' },
      because: () => `${server} resynchronises, but ${registration.server} is assigned`,
      clause: clause(4),
    };
  }
  const [rand, auts] = [authorization.subarray(0, 16), authorization.subarray(16)];
  const taken = resynchronise(keyOf(card), sequence, rand, auts);
  switch (taken.kind) {
    case 'mac failure':
      return {
        answer: { result: 'DIAMETER_UNABLE_TO_COMPLY', errorMessage: 'MAC-S is wrong' },
        because: () => `the AUTS is not of the card of ${impi}: MAC-S is wrong`,
        clause: 'TS 33.102 §6.3.5 step 4',
      };
    case 'in range':
      return { sequence, because: 'the next SQN is in the range of the card' };
    case 'reset':
      return {
        sequence: taken.state,
        because: `SEQ set from ${sequence.seq} to the card's ${taken.state.seq}`,
      };
  }
}

function success(
  request: MultimediaAuthRequest,
  items: readonly AuthItem[],
  because: () => string,
): Answer {
  const { impi, impu } = request;
  return {
    answer: { result: 'DIAMETER_SUCCESS', impi, impu, vectors: items.length, auth: items },
    because: () =>
      `${items[0]?.scheme}, ${items.length} of ${request.vectors} asked for; ${because()}`,
    clause: clause(5),
  };
}

function assignment(registration: Registration, server: string): string {
  if (registration.server === undefined) return `${server} is assigned`;
  if (registration.server === server) return `${server} stays assigned`;
  return `${server} is assigned in place of ${registration.server}`;
}
