// Messages as a node sends them: the envelope that every message of an application carries around
// what the procedure says. RFC 6733 §6.1.1 (requests), §6.2 (answers), §7.2 (errors)

import type { AnyCommand, Application } from './application.ts';
import { Avp } from './avp.ts';
import {
  AuthSessionState,
  DestinationHost,
  DestinationRealm,
  Drmp,
  ErrorMessage,
  FailedAvp,
  OriginHost,
  OriginRealm,
  ProxyInfo,
  SessionId,
  VendorSpecificApplicationId,
} from './base.ts';
import { avpsOf } from './command.ts';
import type { Values } from './group.ts';
import { FLAG } from './header.ts';
import { DiameterMessage } from './message.ts';
import { SUPPORTED } from './overload.ts';
import { resultAvp } from './result.ts';
import { BASE_RESULTS, isProtocolError } from './results.ts';

/** Auth-Session-State: no 3GPP application keeps a Diameter session for this node. TS 29.229 §6.1 */
const NO_STATE = Avp.of(AuthSessionState, 'NO_STATE_MAINTAINED');

/** What one node puts around everything it sends. */
export class Envelope {
  readonly #origin: readonly Avp[];
  readonly #applications = new Map<Application, readonly Avp[]>();
  readonly #results = new Map<string, Avp>();
  #destination: { readonly realm: string; readonly avp: Avp } | undefined;

  constructor(identity: string, realm: string) {
    this.#origin = [prepared(Avp.of(OriginHost, identity)), prepared(Avp.of(OriginRealm, realm))];
    NO_STATE.data;
  }

  /** The AVPs of a request, but for its header. */
  request(
    command: AnyCommand,
    values: Values,
    to: {
      readonly sessionId: string;
      readonly destinationRealm: string;
      readonly destinationHost?: string | undefined;
      /** RFC 7944 */
      readonly priority?: number | undefined;
    },
  ): readonly Avp[] {
    const { application } = command;
    const avps = [Avp.of(SessionId, to.sessionId), ...this.#application(application)];
    avps.push(...this.#origin);
    if (to.destinationHost !== undefined) avps.push(Avp.of(DestinationHost, to.destinationHost));
    avps.push(this.#destinationRealm(to.destinationRealm));
    avps.push(...avpsOf(command.request, values));
    if (to.priority !== undefined) avps.push(Avp.of(Drmp, to.priority));
    avps.push(SUPPORTED);
    return avps;
  }

  /** A request between two peers: no session, no destination. */
  base(command: AnyCommand, values: Values): readonly Avp[] {
    return avpsOf(command.request, values);
  }

  /** An answer that a procedure gave. */
  answer(
    request: DiameterMessage,
    command: AnyCommand,
    result: string,
    values: Values,
    errorMessage?: string | undefined,
  ): DiameterMessage {
    const { application } = command;
    const avps = this.#head(request);
    if (application.vendor !== 0) avps.push(this.#application(application)[0] as Avp);
    avps.push(this.#result(application, result));
    if (application.vendor !== 0) avps.push(NO_STATE);
    if (application.id !== 0) avps.push(...this.#origin); // base answers name it themselves
    avps.push(...avpsOf(command.answer, values));
    if (errorMessage !== undefined) avps.push(Avp.of(ErrorMessage, errorMessage));
    return this.#finish(request, avps, isProtocolError(codeOf(result)));
  }

  /** An answer to a request that got no further. §7.2; Failed-AVP as §7.5 wants it. */
  refusal(
    request: DiameterMessage,
    result: string,
    why: { readonly message?: string; readonly failedAvp?: Avp | undefined } = {},
  ): DiameterMessage {
    const avps = this.#head(request);
    avps.push(...this.#origin, this.#result(undefined, result));
    if (why.message !== undefined) avps.push(Avp.of(ErrorMessage, why.message));
    if (why.failedAvp !== undefined) avps.push(Avp.of(FailedAvp, [why.failedAvp]));
    return this.#finish(request, avps, isProtocolError(codeOf(result)));
  }

  #head(request: DiameterMessage): Avp[] {
    return request.avps.filter(avp => avp.is(SessionId)).slice(0, 1);
  }

  #finish(request: DiameterMessage, avps: Avp[], isError: boolean): DiameterMessage {
    for (const avp of request.avps) if (avp.is(ProxyInfo)) avps.push(avp); // §6.2: in their order
    const { code, application, hopByHop, endToEnd } = request;
    const flags = (request.flags & FLAG.proxiable) | (isError ? FLAG.error : 0);
    return new DiameterMessage({ flags, code, application, hopByHop, endToEnd }, avps);
  }

  #application(application: Application): readonly Avp[] {
    if (application.vendor === 0) return [];
    let avps = this.#applications.get(application);
    if (avps === undefined) {
      const { vendor, id } = application;
      const named = Avp.of(VendorSpecificApplicationId, { vendor: [vendor], auth: id });
      avps = [prepared(named), NO_STATE];
      this.#applications.set(application, avps);
    }
    return avps;
  }

  #result(application: Application | undefined, result: string): Avp {
    const key = `${application?.name} ${result}`;
    let avp = this.#results.get(key);
    if (avp === undefined) {
      avp = prepared(resultAvp(application, result));
      if (this.#results.size < 256) this.#results.set(key, avp);
    }
    return avp;
  }

  /** Nearly always the same one. */
  #destinationRealm(realm: string): Avp {
    if (this.#destination?.realm !== realm) {
      this.#destination = { realm, avp: prepared(Avp.of(DestinationRealm, realm)) };
    }
    return this.#destination.avp;
  }
}

/** Written once for all the messages it will be part of. */
function prepared(avp: Avp): Avp {
  avp.data;
  return avp;
}

const codeOf = (result: string): number =>
  (BASE_RESULTS as Readonly<Record<string, number>>)[result] ??
  Number(/^RESULT_(\d+)$/.exec(result)?.[1] ?? 0);
