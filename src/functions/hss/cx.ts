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
import type { HssConfig, Psi } from './config.ts';
import type { Database, Entry } from './database.ts';
import { canonicalImpu } from './identities.ts';
import { locationInfo } from './location.ts';
import type { Profiles } from './profile.ts';
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
  readonly psis: ReadonlyMap<string, Psi>;
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
    answer(hss, 'hss.lir', context, () => locationInfo(hss, request, context)),
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
  return answer(hss, decision, context, async () => {
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
  context: RequestContext,
  run: () => Promise<Outcome<C>>,
): Promise<AnswerInput<C>> {
  const { host } = hss;
  const about = context.message;
  try {
    const outcome = await run();
    if (host.trace.enabled) {
      const { clause, because } = outcome;
      const { result } = outcome.answer as { readonly result: string };
      host.trace.decide(decision, { chose: result, because: because(), clause, about });
    }
    if (outcome.after !== undefined) host.clock.soon(outcome.after);
    return outcome.answer;
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
  return hss.psis.has(identity) ? psiKey(identity) : hss.database.find('impu', identity);
}

export type Found =
  | { readonly kind: 'found'; readonly entry: Entry }
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
  for (const impu of impus) {
    const owner = await hss.database.find('impu', canonicalImpu(impu) ?? impu);
    if (owner === undefined) return unknown(() => `no record has the IMPU ${impu}`);
    if (imsi !== undefined && owner !== imsi) {
      return {
        kind: 'refused',
        result: 'DIAMETER_ERROR_IDENTITIES_DONT_MATCH',
        because: () => `${impu} is of the subscriber ${owner}, ${impi ?? impus[0]} of ${imsi}`,
      };
    }
    imsi = owner;
  }
  const entry = imsi === undefined ? undefined : await hss.database.get(imsi);
  return entry === undefined
    ? unknown(() => `there is no record ${imsi}`)
    : { kind: 'found', entry };
}

const unknown = (because: () => string): Found => ({
  kind: 'refused',
  result: 'DIAMETER_ERROR_USER_UNKNOWN',
  because,
});

/** Server-Capabilities, absent where any S-CSCF will do. TS 29.228 §6.7 */
export function capabilities(config: HssConfig) {
  const { mandatory, optional, servers } = config.capabilities;
  return mandatory.length + optional.length + servers.length === 0
    ? {}
    : { capabilities: { mandatory, optional, servers } };
}
