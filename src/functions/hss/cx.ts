// The HSS's end of Cx (TS 29.228): which procedure answers which request, in the order of one
// subscription, and what is said of it in the trace.

import type { AnswerInput, AnyCommand, RequestOf } from '#diameter/application';
import { LocationInfo, MultimediaAuth, ServerAssignment, UserAuthorization } from '#diameter/cx';
import { DiameterError } from '#diameter/errors';
import type { DiameterNode, RequestContext } from '#diameter/node';
import { Unavailable } from '#kernel/errors';
import type { Host } from '#kernel/host';
import type { Queue } from '#kernel/wait';
import { serverAssignment } from './assignment.ts';
import { multimediaAuth } from './authentication.ts';
import { userAuthorization } from './authorization.ts';
import type { Capabilities, HssConfig, Psi } from './config.ts';
import type { Database, Entry } from './database.ts';
import { type featuresIn, lacksRequired, ourFeatures } from './features.ts';
import { canonicalImpu, impisOf, impusOf, type PublicUserIdentity, setsOf } from './identities.ts';
import { locationInfo } from './location.ts';
import type { Profiles } from './profile.ts';
import type { Psis } from './psis.ts';
import type { Pushes } from './pushes.ts';
import { psiKey, type Registrations } from './registrations.ts';
import type { Undelivered } from './undelivered.ts';

/** What the procedures work with. */
export interface HssParts {
  readonly host: Host;
  readonly config: HssConfig;
  readonly database: Database;
  readonly registrations: Registrations;
  readonly profiles: Profiles;
  /** Registration and profile procedures, one after another per subscription. */
  readonly queue: Queue;
  readonly pushes: Pushes;
  readonly undelivered: Undelivered;
  readonly psis: Psis;
}

/** What a procedure came to: the answer, and why. */
export interface Outcome<C> {
  readonly answer: AnswerInput<C>;
  /** Made only when somebody reads it. */
  readonly because: () => string;
  /** 'TS 29.228 §6.1.1.1 step 5' */
  readonly clause: string;
  /** What is pushed to S-CSCFs once the answer is out; outside the queue. */
  readonly after?: () => void;
}

export type Procedure<C> = (
  hss: HssParts,
  request: RequestOf<C>,
  context: RequestContext,
) => Promise<Outcome<C>>;

/** Answers the requests of Cx that reach `node`. */
export function serveCx(hss: HssParts, node: DiameterNode): void {
  node.handle(UserAuthorization, (request, context) =>
    serve(hss, 'hss.uar', userAuthorization, request, context, [request.impi, request.impu]),
  );
  node.handle(ServerAssignment, (request, context) =>
    serve(hss, 'hss.sar', serverAssignment, request, context, [request.impi, request.impus[0]]),
  );
  node.handle(MultimediaAuth, (request, context) =>
    serve(hss, 'hss.mar', multimediaAuth, request, context, [request.impi, request.impu]),
  );
  // A session, which waits for no registration procedure: it reads what is true now.
  node.handle(LocationInfo, (request, context) =>
    answer(hss, 'hss.lir', request, context, () => locationInfo(hss, request, context)),
  );
}

async function serve<C extends AnyCommand>(
  hss: HssParts,
  decision: string,
  procedure: Procedure<C>,
  request: RequestOf<C>,
  context: RequestContext,
  [impi, impu]: readonly [string | undefined, string | undefined],
): Promise<AnswerInput<C>> {
  return answer(hss, decision, request, context, async () => {
    const key = await keyFor(hss, impi, impu);
    if (key === undefined) return procedure(hss, request, context);
    let hadItsTurn = false;
    try {
      return await hss.queue.run(key, () => {
        hadItsTurn = true;
        return procedure(hss, request, context);
      });
    } catch (error) {
      if (hadItsTurn || !(error instanceof Unavailable)) throw error;
      throw new DiameterError('DIAMETER_TOO_BUSY', error.message, { clause: 'RFC 6733 §7.1.3' });
    }
  });
}

async function answer<C extends AnyCommand>(
  hss: HssParts,
  decision: string,
  request: RequestOf<C>,
  context: RequestContext,
  run: () => Promise<Outcome<C>>,
): Promise<AnswerInput<C>> {
  const { host } = hss;
  const about = context.message;
  const told = (request as unknown as { readonly features: Parameters<typeof featuresIn>[0] })
    .features;
  const features = told.length === 0 ? {} : { features: ourFeatures };
  try {
    const outcome = lacksRequired(about) ? unsupported<C>() : await run();
    if (host.trace.enabled) {
      const { clause, because } = outcome;
      const { result } = outcome.answer as { readonly result: string };
      host.trace.decide(decision, { chose: result, because: because(), clause, about });
    }
    if (outcome.after !== undefined) host.clock.soon(outcome.after);
    return { ...outcome.answer, ...features };
  } catch (error) {
    const because = error instanceof Error ? error.message : String(error);
    if (error instanceof DiameterError) {
      const { result, clause = 'RFC 6733 §7.1' } = error;
      host.trace.decide(decision, { chose: result, because, clause, about });
      throw error;
    }
    const result = 'DIAMETER_UNABLE_TO_COMPLY';
    host.trace.decide(decision, { chose: result, because, clause: 'RFC 6733 §7.1.5', about });
    host.log.error('hss cannot answer', { decision, because, ...about.keys() });
    return { result, errorMessage: because } as AnswerInput<C>;
  }
}

// §7.2.1: the answer says what we have, so that the sender may do without the rest.
const unsupported = <C>(): Outcome<C> => ({
  answer: { result: 'DIAMETER_ERROR_FEATURE_UNSUPPORTED' } as unknown as AnswerInput<C>,
  because: () => 'the sender cannot do without a feature that we have not',
  clause: 'TS 29.229 §7.2.1',
});

/** The subscription whose turn it is: an IMSI, or a PSI's key; undefined for nobody's. */
async function keyFor(
  hss: HssParts,
  impi: string | undefined,
  impu: string | undefined,
): Promise<string | undefined> {
  if (impi !== undefined) {
    const imsi = await hss.database.find('impi', impi);
    if (imsi !== undefined) return imsi;
  }
  const identity = impu === undefined ? undefined : canonicalImpu(impu);
  if (identity === undefined) return undefined;
  const psi = await psiOf(hss, identity);
  return psi === undefined ? (await hss.database.owner(identity))?.imsi : psiKey(psi.identity);
}

/** The service that an identity is of, unless a subscriber has this very one. */
export async function psiOf(hss: HssParts, identity: string): Promise<Psi | undefined> {
  const psi = hss.psis.find(identity);
  if (psi?.wildcard === undefined) return psi;
  const canonical = canonicalImpu(identity) ?? identity;
  return (await hss.database.find('impu', canonical)) === undefined ? psi : undefined;
}

export type Found =
  | {
      readonly kind: 'found';
      readonly entry: Entry;
      /** Implicit sets of the IMPUs; without any, those the IMPI may register. At least one. */
      readonly sets: readonly [string, ...string[]];
      /** The wildcarded identity that stands for the first IMPU. */
      readonly wildcard?: string;
    }
  | { readonly kind: 'refused'; readonly result: IdentityError; readonly because: () => string };

type IdentityError = 'DIAMETER_ERROR_USER_UNKNOWN' | 'DIAMETER_ERROR_IDENTITIES_DONT_MATCH';

/**
 * The subscription that the identities belong to: the first two checks of every procedure. At least
 * one of them is given.
 */
export async function subscriptionOf(
  hss: HssParts,
  impi: string | undefined,
  impus: readonly string[],
): Promise<Found> {
  let imsi: string | undefined;
  if (impi !== undefined) {
    imsi = await hss.database.find('impi', impi);
    if (imsi === undefined) return unknown(() => `no record has the IMPI ${impi}`);
  }
  const names: string[] = [];
  let wildcard: string | undefined;
  for (const impu of impus) {
    const canonical = canonicalImpu(impu) ?? impu;
    const owner = await hss.database.owner(canonical);
    if (owner === undefined) return unknown(() => `no record has the IMPU ${impu}`);
    if (imsi !== undefined && owner.imsi !== imsi) {
      return mismatch(
        () => `${impu} is of the subscriber ${owner.imsi}, ${impi ?? impus[0]} of ${imsi}`,
      );
    }
    imsi = owner.imsi;
    if (names.length === 0) wildcard = owner.wildcard;
    names.push(owner.wildcard ?? canonical);
  }
  const entry = imsi === undefined ? undefined : await hss.database.get(imsi);
  if (entry === undefined) return unknown(() => `there is no record ${imsi}`);
  const sets = setsFor(entry, impi, names);
  if (sets.length === 0) return unknown(() => `${impi} may register no implicit set`);
  const other = sets.find(set => impi !== undefined && !mayRegister(entry, impi, set));
  if (other !== undefined) {
    return mismatch(() => `${impi} is not for the implicit set ${other || 'without a name'}`);
  }
  return {
    kind: 'found',
    entry,
    sets: sets as readonly string[] as readonly [string, ...string[]],
    ...(wildcard === undefined ? {} : { wildcard }),
  };
}

function setsFor(
  entry: Entry,
  impi: string | undefined,
  names: readonly string[],
): readonly string[] {
  const all = setsOf(entry.identities);
  if (names.length === 0) {
    return all.filter(set => impi === undefined || mayRegister(entry, impi, set));
  }
  if (all.length === 1) return all;
  return [...new Set(names.map(name => identityOf(entry, name)?.set ?? ''))];
}

const mayRegister = (entry: Entry, impi: string, set: string): boolean =>
  impisOf(entry.identities, set).some(identity => identity.impi === impi);

/** The record's public identity of that name. */
const identityOf = (entry: Entry, name: string): PublicUserIdentity | undefined =>
  entry.identities.impus.find(({ impu }) => impu === name);

/** What the record says of a public identity, itself or by the wildcard that stands for it. */
export const identityIn = (
  { entry, wildcard }: { readonly entry: Entry; readonly wildcard?: string },
  impu: string,
): PublicUserIdentity | undefined => identityOf(entry, wildcard ?? canonicalImpu(impu) ?? impu);

/** Every identity of the set is barred. */
export const isSetBarred = (entry: Entry, set: string): boolean =>
  impusOf(entry.identities, set).every(({ barred }) => barred);

const mismatch = (because: () => string): Found => ({
  kind: 'refused',
  result: 'DIAMETER_ERROR_IDENTITIES_DONT_MATCH',
  because,
});

const unknown = (because: () => string): Found => ({
  kind: 'refused',
  result: 'DIAMETER_ERROR_USER_UNKNOWN',
  because,
});

/** Server-Capabilities, the subscriber's own or the network's; absent where any S-CSCF will do. §6.7 */
export function capabilities(config: HssConfig, entry?: Entry) {
  const own = entry?.subscriber.capabilities;
  const { mandatory, optional, servers } =
    own === undefined ? config.capabilities : capabilitiesFrom(own);
  return mandatory.length + optional.length + servers.length === 0
    ? {}
    : { capabilities: { mandatory, optional, servers } };
}

function capabilitiesFrom(own: readonly string[]): Capabilities {
  const after = (prefix: string): readonly string[] =>
    own.filter(item => item.startsWith(prefix)).map(item => item.slice(prefix.length));
  return {
    mandatory: own.filter(item => /^[0-9]+$/.test(item)).map(Number),
    optional: after('optional:').map(Number),
    servers: after('server:'),
  };
}
