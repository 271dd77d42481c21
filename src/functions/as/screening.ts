// Call screening: the AS as a SIP proxy (TS 24.229 §5.7.4). A caller on the list is refused, any
// other request goes back to the S-CSCF as it came (TS 24.611 §4.5.2, ICB).

import type { ServerTransaction } from '#sip/endpoint';
import { PAssertedIdentity, PServedUser } from '#sip/headers';
import { checkRequest, forward, nextHop, takeRoute } from '#sip/proxy';
import { impuOf } from '#sip/uri';
import type { As } from './as.ts';
import { identityNamed, identityOf } from './identity.ts';

/** Identities, and expressions for them, whose calls a subscriber does not take. */
export interface Refused {
  readonly identities: ReadonlySet<string>;
  readonly patterns: readonly RegExp[];
}

/** Longest identity that an expression is tried on. */
const LONGEST = 255;
const URI = /^(sips?|tel):/i;

export class Screening {
  readonly #as: As;
  readonly #everybody: Refused;
  readonly #byServed = new Map<string, Refused>();

  /** Throws a UsageError where an entry is neither an identity nor an expression. */
  constructor(as: As) {
    this.#as = as;
    const { home, rejected } = as.config;
    this.#everybody = refused(rejected.get('*') ?? [], home);
    for (const [served, list] of rejected) {
      if (served === '*') continue;
      this.#byServed.set(identityNamed(served, home, 'as.rejected'), refused(list, home));
    }
  }

  async serve(tx: ServerTransaction): Promise<void> {
    const as = this.#as;
    const refusal = checkRequest(tx.request, as.sip);
    if (refusal !== undefined) return tx.respond(refusal);
    const { request } = takeRoute(tx.request, uri => as.isOurs(uri));

    const callers = request.all(PAssertedIdentity).map(({ uri }) => uri);
    const { uri: served } = request.get(PServedUser) ?? request;
    const unwanted = callers.find(caller =>
      this.refuses(identityOf(served, as.config.home), caller),
    );
    const names = callers.map(impuOf).join(', ') || 'an anonymous caller';
    as.decide('as.screening', tx.request, {
      chose: unwanted === undefined ? 'let through' : '603',
      because:
        unwanted === undefined
          ? `${names} is not on the list of callers ${impuOf(served)} refuses`
          : `${impuOf(unwanted)} is on the list of callers ${impuOf(served)} refuses`,
      clause: 'TS 24.611 §4.5.2.6.2',
    });
    if (unwanted !== undefined) return tx.reply(603);
    await forward(as.sip, tx, [{ request, target: { uri: nextHop(request) } }]);
  }

  refuses(served: string, caller: Parameters<typeof impuOf>[0]): boolean {
    const identity = identityOf(caller, this.#as.config.home);
    const texts = [identity, impuOf(caller)].filter(text => text.length <= LONGEST);
    return [this.#everybody, this.#byServed.get(served)].some(
      list =>
        list !== undefined &&
        (list.identities.has(identity) ||
          list.patterns.some(pattern => texts.some(text => pattern.test(text)))),
    );
  }
}

function refused(list: readonly string[], home: string): Refused {
  const patterns = list.filter(entry => !URI.test(entry));
  return {
    identities: new Set(
      list.filter(entry => URI.test(entry)).map(entry => identityNamed(entry, home, 'as.rejected')),
    ),
    patterns: patterns.map(entry => expression(entry, home)),
  };
}

function expression(text: string, home: string): RegExp {
  try {
    return new RegExp(text, 'i');
  } catch {
    identityNamed(text, home, 'as.rejected'); // throws: it is neither
    throw new Error('an identity is no expression');
  }
}
