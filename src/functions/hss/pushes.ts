// What the HSS tells an S-CSCF unasked: RTR (TS 29.228 §6.1.3) and PPR (§6.2.2). Never from within a
// subscription's queue: the S-CSCF may be asking us about the same one.

import type { RequestInput } from '#diameter/application';
import { PushProfile, RegistrationTermination } from '#diameter/cx';
import type { DiameterNode } from '#diameter/node';
import { isSuccessName } from '#diameter/result';
import type { Host } from '#kernel/host';
import type { AuthItem } from './auc.ts';
import type { HssConfig } from './config.ts';
import type { Holder } from './registrations.ts';

export type ReasonCode = RequestInput<typeof RegistrationTermination>['reason']['code'];

export interface Reason {
  readonly code: ReasonCode;
  /** For people. */
  readonly info?: string;
}

/** What became of a push. */
export interface Pushed {
  readonly command: 'RTR' | 'PPR';
  /** The S-CSCF's Diameter identity. */
  readonly to: string;
  readonly impis: readonly string[];
  /** The answer's result, or DIAMETER_UNABLE_TO_DELIVER where none came. */
  readonly result: string;
  /**
   * 'done'; 'undelivered': the S-CSCF is away; 'refused': it answered that it does not.
   */
  readonly outcome: 'done' | 'undelivered' | 'refused';
}

// An agent on the way says so in the S-CSCF's place. RFC 6733 §7.1.3
const UNDELIVERED = [
  'DIAMETER_UNABLE_TO_DELIVER',
  'DIAMETER_REALM_NOT_SERVED',
  'DIAMETER_TOO_BUSY',
];

export class Pushes {
  readonly #host: Host;
  readonly #config: HssConfig;
  /** undefined while the HSS does not run: then nobody can be told anything. */
  node: DiameterNode | undefined;

  constructor(host: Host, config: HssConfig) {
    this.#host = host;
    this.#config = config;
  }

  /** Takes registrations away. Without `impus`, all of the IMPIs'. */
  async terminate(
    to: Holder,
    impis: readonly string[],
    reason: Reason,
    impus: readonly string[] = [],
  ): Promise<Pushed> {
    const [impi, ...others] = impis;
    this.#decide('hss.rtr', reason.code, impis, reason.info ?? 'asked for by the operator', {
      clause: 'TS 29.228 §6.1.3',
    });
    const answer = await this.node?.call(
      RegistrationTermination,
      {
        impi: impi!,
        ...(others.length === 0 ? {} : { associated: { impis: others } }),
        impus,
        reason: { code: reason.code, ...(reason.info === undefined ? {} : { info: reason.info }) },
      },
      this.#destination(to),
    );
    return this.#pushed('RTR', to, impis, answer);
  }

  /** Gives the S-CSCF the profile, or what proves a password, as it is now. */
  async update(
    to: Holder,
    impi: string,
    what: { readonly userData?: string; readonly auth?: AuthItem },
    because: string,
  ): Promise<Pushed> {
    const chose = Object.keys(what).join(' and ');
    this.#decide('hss.ppr', chose, [impi], because, { clause: 'TS 29.228 §6.2.2' });
    const answer = await this.node?.call(PushProfile, { impi, ...what }, this.#destination(to));
    return this.#pushed('PPR', to, [impi], answer);
  }

  #destination(to: Holder) {
    return {
      destinationHost: to.host,
      destinationRealm: to.realm,
      timeout: this.#config.diameter.timeout,
    };
  }

  #pushed(
    command: 'RTR' | 'PPR',
    to: Holder,
    impis: readonly string[],
    answer: { readonly result: string; readonly message: unknown } | undefined,
  ): Pushed {
    const result = answer?.result ?? 'DIAMETER_UNABLE_TO_DELIVER';
    const isAway = answer?.message === undefined || UNDELIVERED.includes(result);
    const outcome = isSuccessName(result) ? 'done' : isAway ? 'undelivered' : 'refused';
    const pushed: Pushed = { command, to: to.host, impis, result, outcome };
    if (outcome !== 'done') this.#host.log.warn('hss push failed', { ...pushed });
    return pushed;
  }

  #decide(
    decision: string,
    chose: string,
    impis: readonly string[],
    because: string,
    { clause }: { clause: string },
  ): void {
    if (!this.#host.trace.enabled) return;
    const [impi] = impis;
    this.#host.trace.decide(decision, {
      chose: `${chose} of ${impis.join(' and ')}`,
      because,
      clause,
      ...(impi === undefined ? {} : { keys: { impi } }),
    });
  }
}
