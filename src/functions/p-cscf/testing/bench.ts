// What the P-CSCF's tests stand on: the P-CSCF on a simulated host, UEs that reach it over any
// transport and address family, and the core behind checked local links, as the test scripts it.

import { type Simulation, simulate } from '#kernel/simulation';
import type { DecisionEvent } from '#kernel/trace';
import type { ServerTransaction } from '#sip/endpoint';
import type { Target } from '#sip/flow';
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
  PAssociatedUri,
  Path,
  PCalledPartyId,
  PChargingVector,
  RecordRoute,
  Route,
  ServiceRoute,
  To,
} from '#sip/headers';
import {
  type Edit,
  fields,
  remove,
  request,
  type SipRequest,
  type SipResponse,
  set,
  toTag,
} from '#sip/message';
import { Peer } from '#sip/testing/peer';
import { parseUri, uriText } from '#sip/uri';
import { type PCscfConfig, pCscfConfig } from '../config.ts';
import { PCscf } from '../p-cscf.ts';

export const home = 'ims.example';
export const serviceRoute = `sip:orig@scscf.${home}:6060;lr`;
export type Transport = 'udp' | 'tcp' | 'tls' | 'ws' | 'wss';
const PORTS: Readonly<Record<Transport, number>> = {
  udp: 5060,
  tcp: 5060,
  tls: 5061,
  ws: 8088,
  wss: 8443,
};

export const identitiesOf = (name: string): readonly string[] => [
  `sip:${name}@${home}`,
  `tel:+1555${String(name.charCodeAt(0)).padStart(7, '0')}`,
];
export const texts = (values: readonly NameAddr[]): string[] =>
  values.map(({ uri }) => uriText(uri));

/** A phone, or whatever else sends over Gm. */
export class Phone extends Peer {
  readonly name: string;
  readonly #bench: Bench;
  readonly #transport: Transport;
  readonly #family: 4 | 6;
  #sequence = 0;

  constructor(bench: Bench, name: string, transport: Transport = 'udp', family: 4 | 6 = 4) {
    super(bench.sim, name, `${name}.phone`, 'Gm');
    this.name = name;
    this.#bench = bench;
    this.#transport = transport;
    this.#family = family;
    this.handle = tx => answer(tx);
  }

  async listen(port = 5060): Promise<this> {
    const host = this.#bench.sim.addressOf(this.name, this.#family);
    await this.endpoint.listen('udp', { host, port });
    await this.endpoint.listen('tcp', { host, port });
    return this;
  }

  get contact(): string {
    const host = this.#bench.sim.addressOf(this.name, this.#family);
    return `sip:${this.name}@${host.includes(':') ? `[${host}]` : host}:5060`;
  }

  /** The P-CSCF by this phone's transport. */
  get pcscf(): Target {
    const host = this.#bench.sim.addressOf('p-cscf', this.#family);
    const shown = host.includes(':') ? `[${host}]` : host;
    const transport = this.#transport;
    return { uri: parseUri(`sip:${shown}:${PORTS[transport]};transport=${transport}`) };
  }

  register(...edits: readonly Edit[]): Promise<SipResponse> {
    return this.send(this.registerRequest(...edits), this.pcscf);
  }

  registerRequest(...edits: readonly Edit[]): SipRequest {
    const impu = parseUri(identitiesOf(this.name)[0]!);
    return request(
      'REGISTER',
      parseUri(`sip:${home}`),
      set(MaxForwards, 70),
      set(From, nameAddr(impu, { tag: 'reg' })),
      set(To, nameAddr(impu)),
      set(CallId, `register-${this.name}`),
      set(CSeq, { sequence: ++this.#sequence, method: 'REGISTER' }),
      set(Contact, nameAddr(parseUri(this.contact))),
      set(Expires, 3600),
      ...edits,
    );
  }

  /** A request that opens a dialog or stands alone. */
  initial(method: string, to: string, ...edits: readonly Edit[]): SipRequest {
    const impu = parseUri(identitiesOf(this.name)[0]!);
    return request(
      method,
      parseUri(to),
      set(MaxForwards, 70),
      set(Route, nameAddr(parseUri(serviceRoute))),
      set(From, nameAddr(impu, { tag: `t${++this.#sequence}` })),
      set(To, nameAddr(parseUri(to))),
      set(CallId, `${this.name}-${this.#sequence}`),
      set(CSeq, { sequence: 1, method }),
      set(Contact, nameAddr(parseUri(this.contact))),
      ...edits,
    );
  }

  ask(message: SipRequest): Promise<SipResponse> {
    return this.send(message, this.pcscf);
  }
}

export class Bench {
  readonly sim: Simulation;
  /** The rest of the network: it registers whoever asks, and answers 200 to everything else. */
  readonly icscf: Peer;
  readonly scscf: Peer;
  readonly #settings: Partial<PCscfConfig>;
  #pcscf: PCscf | undefined;
  #calls = 0;

  constructor(settings: Partial<PCscfConfig> = {}, seed = 1) {
    this.sim = simulate({ seed, localLinks: 'checked' });
    this.#settings = settings;
    for (const name of ['pcscf', 'icscf', 'scscf']) {
      this.sim.setName(`${name}.${home}`, 'sip', [{ protocol: 'local', name: `${name}.${home}` }]);
    }
    this.icscf = new Peer(this.sim, 'i-cscf', `icscf.${home}`);
    this.scscf = new Peer(this.sim, 's-cscf', `scscf.${home}`);
    this.icscf.handle = tx => this.serve(tx);
    this.scscf.handle = answer;
  }

  get pcscf(): PCscf {
    if (this.#pcscf === undefined) throw new Error('the P-CSCF is not started');
    return this.#pcscf;
  }

  async start(): Promise<this> {
    this.sim.install('p-cscf', async host => {
      const gm = ([4, 6] as const).flatMap(family =>
        (Object.keys(PORTS) as Transport[]).map(protocol => ({
          protocol,
          address: { host: this.sim.addressOf('p-cscf', family), port: PORTS[protocol] },
        })),
      );
      const pcscf = new PCscf(pCscfConfig({ home, gm, regEvent: false, ...this.#settings }), host);
      await pcscf.start();
      this.#pcscf = pcscf;
    });
    await this.sim.runUntil(() => this.#pcscf !== undefined);
    return this;
  }

  /** From now on the S-CSCF takes connections and hangs. */
  hang(): void {
    this.sim.crash('s-cscf');
    this.sim.setName(`scscf.${home}`, 'sip', [{ protocol: 'local', name: 'hung' }]);
    this.sim.host('hung').network.serveLocal('hung', () => {});
  }

  async restart(): Promise<void> {
    this.#pcscf = undefined;
    this.sim.crash('p-cscf');
    this.sim.restart('p-cscf');
    await this.sim.runUntil(() => this.#pcscf !== undefined);
  }

  phone(name: string, transport: Transport = 'udp', family: 4 | 6 = 4): Promise<Phone> {
    return new Phone(this, name, transport, family).listen();
  }

  /** A phone that has registered. */
  async registered(name: string, transport?: Transport, family?: 4 | 6): Promise<Phone> {
    const phone = await this.phone(name, transport, family);
    const { status } = await phone.register();
    if (status !== 200) throw new Error(`registering ${name} was answered ${status}`);
    return phone;
  }

  /** What the I-CSCF and S-CSCF make of a request that needs no more than 200. */
  serve(tx: ServerTransaction, ...edits: readonly Edit[]): void {
    if (tx.request.method !== 'REGISTER') {
      answer(tx);
      return;
    }
    const name = uriText(tx.request.get(To)!.uri).replace(/^sip:|@.*$/g, '');
    const granted = tx.request.get(Expires) ?? 3600;
    const contacts = tx.request.all(Contact).filter(({ uri }) => uri.scheme !== '*');
    const stand = contacts.map(contact => ({
      ...contact,
      params: new Map([...contact.params, ['expires', String(granted)]]),
    }));
    tx.reply(
      200,
      set(Path, ...tx.request.all(Path)),
      granted === 0 ? remove(Contact) : set(Contact, ...stand),
      set(PAssociatedUri, ...identitiesOf(name).map(each => nameAddr(parseUri(each)))),
      set(ServiceRoute, nameAddr(parseUri(serviceRoute))),
      ...edits,
    );
  }

  /** The Path of the last REGISTER of a phone: how the core reaches it. */
  pathOf(phone: Phone): NameAddr {
    const asked = uriText(parseUri(identitiesOf(phone.name)[0]!));
    const register = this.icscf
      .of('REGISTER')
      .findLast(each => uriText(each.get(To)!.uri) === asked);
    return register!.get(Path)!;
  }

  /** A request of the core for a phone, as its S-CSCF sends it. */
  towards(phone: Phone, method: string, ...edits: readonly Edit[]): SipRequest {
    const n = ++this.#calls;
    const caller = parseUri(`sip:caller@${home}`);
    return request(
      method,
      parseUri(phone.contact),
      set(MaxForwards, 60),
      set(Route, this.pathOf(phone)),
      set(RecordRoute, nameAddr(parseUri(`sip:scscf.${home}:6060;lr;dialog=x`))),
      set(From, nameAddr(caller, { tag: `core-${n}` })),
      set(To, nameAddr(parseUri(identitiesOf(phone.name)[0]!))),
      set(CallId, `core-${n}`),
      set(CSeq, { sequence: 1, method }),
      set(Contact, nameAddr(parseUri('sip:caller@192.0.2.99:5060'))),
      set(PAssertedIdentity, nameAddr(caller)),
      set(PCalledPartyId, nameAddr(parseUri(identitiesOf(phone.name)[0]!))),
      set(PChargingVector, { icid: `icid-${n}`, origIoi: 'elsewhere.example' }),
      ...edits,
    );
  }

  decisions(name: string): readonly DecisionEvent[] {
    return this.sim.events.filter(
      (event): event is DecisionEvent =>
        event.kind === 'decision' && event.decision === `p-cscf.${name}`,
    );
  }
}

/** Answers 200 as an end of a dialog does. */
export function answer(tx: ServerTransaction, ...edits: readonly Edit[]): void {
  tx.reply(
    200,
    fields(...tx.request.lines(RecordRoute)),
    toTag('callee'),
    set(Contact, nameAddr(parseUri('sip:callee@192.0.2.2:5060'))),
    ...edits,
  );
}

/** A request within the dialog of `initial` and its 2xx, from whoever began it. */
export function within(
  method: string,
  initial: SipRequest,
  ok: SipResponse,
  ...edits: readonly Edit[]
): SipRequest {
  return request(
    method,
    ok.get(Contact)!.uri,
    set(MaxForwards, 70),
    set(Route, ...[...ok.all(RecordRoute)].reverse()),
    set(From, initial.get(From)!),
    set(To, ok.get(To)!),
    set(CallId, initial.get(CallId)!),
    set(CSeq, { sequence: 2, method }),
    ...edits,
  );
}

/** The same from whoever was asked: `received` is the initial request as it came there. */
export function back(method: string, received: SipRequest, ...edits: readonly Edit[]): SipRequest {
  return request(
    method,
    received.get(Contact)!.uri,
    set(MaxForwards, 70),
    set(Route, ...received.all(RecordRoute)),
    set(From, nameAddr(received.get(To)!.uri, { tag: 'callee' })),
    set(To, received.get(From)!),
    set(CallId, received.get(CallId)!),
    set(CSeq, { sequence: 1, method }),
    ...edits,
  );
}

/** Credentials as a client writes them. */
export const digest = (name: string, more: Readonly<Record<string, string>> = {}) =>
  set(Authorization, {
    scheme: 'Digest',
    params: new Map(
      Object.entries({
        username: `${name}@${home}`,
        realm: home,
        nonce: 'n',
        uri: `sip:${home}`,
        response: 'r',
        ...more,
      }),
    ),
  });

/** What the P-CSCF said of each REGISTER. */
export const marksOf = (bench: Bench): (string | null | undefined)[] =>
  bench.icscf
    .of('REGISTER')
    .map(each => each.get(Authorization)?.params.get('integrity-protected'));
