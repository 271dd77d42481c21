// What the S-CSCF's tests stand on: the S-CSCF on a simulated host, checked local links to an HSS,
// a P-CSCF, an I-CSCF and an application server whose behaviour the test scripts.

import { Usim } from '#aka/usim';
import { type Simulation, simulate } from '#kernel/simulation';
import type { Instant } from '#kernel/time';
import { minutes } from '#kernel/time';
import type { DecisionEvent } from '#kernel/trace';
import { credentials } from '#sip/digest';
import { akaCredentials } from '#sip/digest-aka';
import { type ServerTransaction, SipEndpoint } from '#sip/endpoint';
import {
  Authorization,
  CallId,
  Contact,
  CSeq,
  Expires,
  From,
  MaxForwards,
  type NameAddr,
  nameAddr,
  PAssertedIdentity,
  Path,
  PChargingVector,
  Require,
  Route,
  To,
  WwwAuthenticate,
} from '#sip/headers';
import { type Edit, request, type SipRequest, type SipResponse, set } from '#sip/message';
import { withParams } from '#sip/params';
import { parseUri } from '#sip/uri';
import { type SCscfSettings, sCscfConfig } from '../config.ts';
import { SCscf } from '../s-cscf.ts';
import { home, key, type Person, ScriptedHss } from './scripted-hss.ts';

export const scscfUri = `sip:scscf.${home}:6060`;
export const serviceRoute = `sip:orig@scscf.${home}:6060;lr`;

/** A SIP peer that keeps what it received and does what the test says. */
export class Peer {
  readonly endpoint: SipEndpoint;
  readonly received: SipRequest[] = [];
  handle: (tx: ServerTransaction) => void = tx => tx.reply(200);
  readonly #sim: Simulation;

  constructor(sim: Simulation, instance: string, label: string) {
    this.#sim = sim;
    this.endpoint = new SipEndpoint(sim.host(instance), { point: 'Mw', name: `${label}.${home}` });
    this.endpoint.onRequest = tx => {
      this.received.push(tx.request);
      if (tx.request.method !== 'ACK') this.handle(tx);
    };
    this.endpoint.serveLocal(`${label}.${home}`);
  }

  of(method: string): readonly SipRequest[] {
    return this.received.filter(each => each.method === method);
  }

  last(method: string): SipRequest {
    const found = this.received.findLast(each => each.method === method);
    if (found === undefined) throw new Error(`no ${method} came`);
    return found;
  }

  /** Sends to the S-CSCF, or to where the topmost Route leads; the final response. */
  send(
    message: SipRequest,
    to = message.get(Route)?.uri ?? parseUri(scscfUri),
  ): Promise<SipResponse> {
    return this.#sim.settle(() => this.begin(message, to));
  }

  /** The same from within an event: what comes of it while the simulation runs. */
  begin(message: SipRequest, to = parseUri(scscfUri)): Promise<SipResponse> {
    return this.endpoint.request(message, { uri: to }).final;
  }
}

export interface RegisterOptions {
  readonly impi?: string;
  readonly to?: string;
  readonly contact?: string | NameAddr;
  readonly expires?: number;
  readonly protection?: string;
  readonly edits?: readonly Edit[];
  readonly usim?: Usim;
  readonly username?: string;
  readonly password?: string;
}

export class Bench {
  readonly sim: Simulation;
  readonly hss: ScriptedHss;
  readonly pcscf: Peer;
  readonly icscf: Peer;
  readonly as: Peer;
  #scscf: SCscf | undefined;
  readonly #settings: Omit<SCscfSettings, 'home'>;
  #calls = 0;

  constructor(
    settings: Omit<SCscfSettings, 'home'> = {},
    seed = 1,
    localLinks: 'local' | 'checked' = 'checked',
  ) {
    this.sim = simulate({ seed, localLinks });
    this.#settings = settings;
    for (const name of ['scscf', 'pcscf', 'icscf', 'as']) {
      this.sim.setName(`${name}.${home}`, 'sip', [{ protocol: 'local', name: `${name}.${home}` }]);
    }
    this.sim.setName(`hss.${home}`, 'diameter', [{ protocol: 'local', name: `hss.${home}` }]);
    this.hss = new ScriptedHss(this.sim.host('hss'));
    this.pcscf = new Peer(this.sim, 'p-cscf', 'pcscf');
    this.icscf = new Peer(this.sim, 'i-cscf', 'icscf');
    this.as = new Peer(this.sim, 'as', 'as');
  }

  get scscf(): SCscf {
    if (this.#scscf === undefined) throw new Error('the S-CSCF is not started');
    return this.#scscf;
  }

  async start(options: { hss?: boolean } = {}): Promise<this> {
    if (options.hss !== false) this.hss.start();
    this.sim.install('s-cscf', async host => {
      this.#scscf = new SCscf(
        sCscfConfig({
          home,
          ...this.#settings,
          aka: { requireSecurityAssociation: false, ...this.#settings.aka },
        }),
        host,
      );
      await this.#scscf.start();
    });
    const connected = () => this.#scscf?.peers()[0]?.state === 'open';
    if (options.hss !== false) await this.sim.runUntil(connected, minutes(1), 'Cx is open');
    else await this.sim.run(1000);
    return this;
  }

  /** A REGISTER as the P-CSCF and I-CSCF pass it on. */
  register(who: Person, options: RegisterOptions = {}, more: readonly Edit[] = []): SipRequest {
    const impu = parseUri(options.to ?? who.number);
    const { contact = `sip:${who.name}@192.0.2.1:5060`, expires = 3600 } = options;
    const sequence = ++this.#calls;
    const contacts = typeof contact === 'string' ? nameAddr(parseUri(contact)) : contact;
    return request(
      'REGISTER',
      parseUri(scscfUri),
      set(MaxForwards, 68),
      set(From, nameAddr(impu, { tag: 'f' })),
      set(To, nameAddr(impu)),
      set(CallId, `register-${who.name}`),
      set(CSeq, { sequence, method: 'REGISTER' }),
      set(Contact, contacts),
      set(Expires, expires),
      set(Path, nameAddr(parseUri(`sip:term-${who.name}@pcscf.${home}:5060;lr`))),
      set(Require, 'path'),
      set(PChargingVector, { icid: `icid-${sequence}` }),
      ...(options.edits ?? []),
      ...more,
    );
  }

  /** The credentials a client sends before it was challenged, as IMS UEs do. */
  blank(impi: string, protection = 'no'): Edit {
    return set(Authorization, {
      scheme: 'Digest',
      params: new Map([
        ['username', impi],
        ['realm', home],
        ['nonce', ''],
        ['uri', `sip:${home}`],
        ['response', ''],
        ['integrity-protected', protection],
      ]),
    });
  }

  /** REGISTER, 401 and REGISTER with the answer of a card; the final response. */
  async registerByCard(who: Person, options: RegisterOptions = {}): Promise<SipResponse> {
    const impi = options.impi ?? who.sim;
    const challenged = await this.pcscf.send(this.register(who, options, [this.blank(impi)]));
    if (challenged.status !== 401) return challenged;
    return this.answerByCard(who, challenged, options);
  }

  answerByCard(
    who: Person,
    challenged: SipResponse,
    options: RegisterOptions = {},
  ): Promise<SipResponse> {
    return this.pcscf.send(this.cardAnswer(who, challenged, options));
  }

  /** The REGISTER by which a card answers. */
  cardAnswer(
    who: Person,
    challenged: SipResponse,
    options: RegisterOptions = {},
    which = 0,
  ): SipRequest {
    const made = akaCredentials(
      challenged.all(WwwAuthenticate)[which]!,
      options.usim ?? this.usim(),
      {
        username: options.impi ?? who.sim,
        method: 'REGISTER',
        uri: `sip:${home}`,
        cnonce: 'c0ffee',
      },
    );
    if (made.kind === 'unusable') throw new Error('the challenge is unusable');
    const protection = options.protection ?? 'no';
    return this.register(who, options, [protectedBy(made.credentials, protection)]);
  }

  /** The same with a password; the client begins without credentials, as softphones do. */
  async registerByPassword(who: Person, options: RegisterOptions = {}): Promise<SipResponse> {
    const all = { to: who.named, ...options };
    const challenged = await this.pcscf.send(this.register(who, all));
    if (challenged.status !== 401) return challenged;
    return this.answerByPassword(who, challenged, 1, all);
  }

  answerByPassword(
    who: Person,
    challenged: SipResponse,
    count = 1,
    options: RegisterOptions = {},
    which = 0,
  ): Promise<SipResponse> {
    return this.pcscf.send(this.passwordAnswer(who, challenged, count, options, which));
  }

  /** The REGISTER by which a password answers, to one challenge of several. */
  passwordAnswer(
    who: Person,
    challenged: SipResponse,
    count = 1,
    options: RegisterOptions = {},
    which = 0,
  ): SipRequest {
    const made = credentials(challenged.all(WwwAuthenticate)[which]!, {
      username: options.username ?? who.login,
      secret: options.password ?? `${who.name}-secret`,
      method: 'REGISTER',
      uri: `sip:${home}`,
      cnonce: 'c0ffee',
      count,
    });
    const answer = protectedBy(made!, options.protection ?? 'ip-assoc-pending');
    return this.register(who, { to: who.named, ...options }, [answer]);
  }

  usim(): Usim {
    return new Usim(key);
  }

  /** An initial request as the P-CSCF sends it for a registered user. */
  initial(method: string, from: string, to: string, ...edits: readonly Edit[]): SipRequest {
    const n = ++this.#calls;
    return request(
      method,
      parseUri(to),
      set(MaxForwards, 68),
      set(Route, nameAddr(parseUri(serviceRoute))),
      set(From, nameAddr(parseUri(from), { tag: `from-${n}` })),
      set(To, nameAddr(parseUri(to))),
      set(CallId, `call-${n}`),
      set(CSeq, { sequence: 1, method }),
      set(Contact, nameAddr(parseUri('sip:caller@192.0.2.9:5060'))),
      set(PAssertedIdentity, nameAddr(parseUri(from))),
      set(PChargingVector, { icid: `icid-${n}` }),
      ...edits,
    );
  }

  /** The same as the I-CSCF sends it to the S-CSCF of whoever is called. */
  towards(method: string, from: string, to: string, ...edits: readonly Edit[]): SipRequest {
    const route = nameAddr(parseUri(`${scscfUri};lr`));
    return this.initial(method, from, to, set(Route, route), ...edits);
  }

  decisions(name: string): readonly DecisionEvent[] {
    return this.sim.events.filter(
      (event): event is DecisionEvent =>
        event.kind === 'decision' && event.decision === `s-cscf.${name}`,
    );
  }

  now(): Instant {
    return this.sim.now();
  }
}

function protectedBy(value: ReturnType<typeof credentials> & object, protection: string): Edit {
  const params = withParams(value.params, { 'integrity-protected': protection });
  return set(Authorization, { scheme: value.scheme, params });
}
