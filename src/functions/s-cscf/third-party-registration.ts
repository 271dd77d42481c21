// Telling application servers who is registered: third-party REGISTER. TS 24.229 §5.4.1.7, with the
// body of §7.6 (service information) and the messages that a criterion asks to be shown.

import type { ApplicationServer, InitialFilterCriterion } from '#diameter/cx-user-data';
import { inSeconds } from '#kernel/time';
import { Queue } from '#kernel/wait';
import {
  CallId,
  Contact,
  CSeq,
  Expires,
  From,
  MaxForwards,
  nameAddr,
  PAccessNetworkInfo,
  PChargingVector,
  PVisitedNetworkId,
  To,
} from '#sip/headers';
import { body, type Edit, request, type SipRequest, set } from '#sip/message';
import { parseUri, type Uri } from '#sip/uri';
import { matches } from './ifc.ts';
import type { RegistrationSet } from './registrar.ts';
import type { RegistrationExchange } from './registration.ts';
import type { SCscf } from './s-cscf.ts';
import { serviceBody } from './service-body.ts';
import { isAway } from './treatment.ts';

/** What an AS has been told of a set: the same Call-ID goes on, with growing CSeq (RFC 3261 §10.2.4). */
interface Told {
  readonly callId: string;
  sequence: number;
}

export class ThirdPartyRegistration {
  readonly #scscf: SCscf;
  /** By set and server. */
  readonly #told = new Map<string, Map<string, Told>>();
  /** What is told of one set is told in order. */
  readonly #queue = new Queue({ perKey: 32, total: 100_000 });

  constructor(scscf: SCscf) {
    this.#scscf = scscf;
  }

  /** Tells the servers whose criteria match. Without an exchange, the network changed something. */
  changed(set: RegistrationSet, exchange: RegistrationExchange | undefined): void {
    const criteria = set.profile.subscription.serviceProfiles.flatMap(
      ({ filterCriteria }) => filterCriteria,
    );
    if (criteria.length === 0) return;
    const expires = this.#secondsLeft(set);
    const initial = exchange?.type === 'INITIAL_REGISTRATION';
    const still = initial ? 'INITIAL_REGISTRATION' : 'RE_REGISTRATION'; // one contact of several left
    const type = expires === 0 ? 'DE_REGISTRATION' : still;
    const told = exchange?.request ?? standIn(set);
    const servers = serversOf(criteria, told, type);
    if (expires === 0 && servers.length === 0) this.#told.delete(set.id);
    for (const criterion of servers) {
      this.#queue
        .run(set.id, () => this.#tell(set, criterion.applicationServer, expires, exchange))
        .catch(error => {
          this.#scscf.host.log.warn('s-cscf.third-party registration left out', {
            impus: set.profile.shown,
            error: String(error),
          });
        });
    }
  }

  #secondsLeft({ bindings }: RegistrationSet): number {
    const now = this.#scscf.host.clock.now();
    const last = Math.max(now, ...bindings.map(({ expires }) => expires));
    return Math.ceil((last - now) / 1000);
  }

  async #tell(
    of: RegistrationSet,
    server: ApplicationServer,
    expires: number,
    exchange: RegistrationExchange | undefined,
  ): Promise<void> {
    const { sip, isc } = this.#scscf;
    const target = parseUri(server.serverName);
    const register = this.#register(of, server, target, expires, exchange);
    this.#scscf.decide('third-party registration', {
      chose: server.serverName,
      because: `a criterion of ${of.profile.defaultImpu} for REGISTER applies; expires ${expires}`,
      clause: 'TS 24.229 §5.4.1.7',
      about: register,
    });
    isc.knows(target);
    const final = await sip.request(register, { uri: target, point: 'ISC' }).final;
    if (expires === 0) this.#told.get(of.id)?.delete(server.serverName);
    if (this.#told.get(of.id)?.size === 0) this.#told.delete(of.id);
    // no response, 408 or 5xx: a refusal is the AS's own business (§5.4.1.7)
    if (expires === 0 || !isAway(final)) return;

    const { defaultHandling } = server;
    this.#scscf.decide('third-party registration', {
      chose: defaultHandling === 'SESSION_TERMINATED' ? 'user de-registered' : 'left at that',
      because: `${server.serverName} answered ${final.summary()}; ${defaultHandling}`,
      clause: 'TS 24.229 §5.4.1.7, TS 29.228 §B.2.2',
      about: register,
    });
    if (defaultHandling === 'SESSION_TERMINATED') {
      await this.#scscf.deregister(of.profile.defaultImpu ?? of.id);
    }
  }

  #register(
    of: RegistrationSet,
    server: ApplicationServer,
    target: Uri,
    expires: number,
    exchange: RegistrationExchange | undefined,
  ): SipRequest {
    const { uri: self, host, config } = this.#scscf;
    const told = this.#toldTo(of, server.serverName);
    told.sequence++;
    const user = parseUri(of.profile.defaultImpu ?? of.id);
    const received = exchange?.request;
    const visited = received?.all(PVisitedNetworkId) ?? [];
    const access = received?.all(PAccessNetworkInfo) ?? [];
    const vector = received?.get(PChargingVector) ?? { icid: host.random.hex(16) };
    const content = serviceBody(server, exchange);
    const edits: Edit[] = [
      set(MaxForwards, 70),
      set(From, nameAddr(self, { tag: host.random.hex(6) })),
      set(To, nameAddr(user)),
      set(CallId, told.callId),
      set(CSeq, { sequence: told.sequence, method: 'REGISTER' }),
      set(Contact, nameAddr(self)),
      set(Expires, expires),
      set(PChargingVector, { ...vector, origIoi: config.home }),
    ];
    if (visited.length > 0) edits.push(set(PVisitedNetworkId, ...visited));
    if (access.length > 0) edits.push(set(PAccessNetworkInfo, ...access));
    if (content !== undefined) edits.push(body(content.type, content.octets));
    return request('REGISTER', target, ...edits);
  }

  #toldTo(of: RegistrationSet, server: string): Told {
    const servers = this.#told.get(of.id) ?? new Map<string, Told>();
    this.#told.set(of.id, servers);
    // after a restart the number must not fall behind what the AS has seen
    const sequence = inSeconds(this.#scscf.host.clock.now()) % 2 ** 30;
    const told = servers.get(server) ?? { callId: this.#callId(), sequence };
    servers.set(server, told);
    return told;
  }

  #callId(): string {
    return `${this.#scscf.host.random.hex(12)}@${this.#scscf.config.name}`;
  }
}

/** The criteria that apply, one per server. */
function serversOf(
  criteria: readonly InitialFilterCriterion[],
  register: SipRequest,
  registration: RegistrationExchange['type'],
): readonly InitialFilterCriterion[] {
  const found = new Map<string, InitialFilterCriterion>();
  const circumstances = { sessionCase: undefined, registered: true, registration };
  for (const criterion of criteria) {
    if (!matches(criterion, register, circumstances)) continue;
    const { serverName } = criterion.applicationServer;
    if (!found.has(serverName)) found.set(serverName, criterion);
  }
  return [...found.values()];
}

/** A REGISTER to evaluate criteria on where the network, and no UE, changed the registration. */
function standIn(set_: RegistrationSet): SipRequest {
  const user = parseUri(set_.profile.defaultImpu ?? set_.id);
  return request(
    'REGISTER',
    user,
    set(From, nameAddr(user)),
    set(To, nameAddr(user)),
    set(Expires, 0),
  );
}
