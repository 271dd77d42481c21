// What the I-CSCF's tests stand on: the I-CSCF on a simulated host, checked local links to an HSS whose
// answers a test gives, and as many S-CSCFs as it names.

import type { AnswerInput } from '#diameter/application';
import {
  Cx,
  LocationInfo,
  type LocationInfoRequest,
  UserAuthorization,
  type UserAuthorizationRequest,
} from '#diameter/cx';
import { DiameterNode } from '#diameter/node';
import { type Simulation, simulate } from '#kernel/simulation';
import { minutes } from '#kernel/time';
import type { DecisionEvent } from '#kernel/trace';
import { CallId, Contact, CSeq, From, MaxForwards, nameAddr, Route, To } from '#sip/headers';
import { type Edit, request, type SipRequest, type SipResponse, set } from '#sip/message';
import { Peer } from '#sip/testing/peer';
import { parseUri } from '#sip/uri';
import { type ICscfSettings, iCscfConfig } from '../config.ts';
import { ICscf } from '../i-cscf.ts';

export const home = 'ims.example';
export const scscfUri = (name = 'scscf'): string => `sip:${name}.${home}:6060`;

type Uaa = AnswerInput<typeof UserAuthorization>;
type Lia = AnswerInput<typeof LocationInfo>;

export class Bench {
  readonly sim: Simulation;
  readonly uars: UserAuthorizationRequest[] = [];
  readonly lirs: LocationInfoRequest[] = [];
  onUar: (request: UserAuthorizationRequest) => Uaa = () => ({
    result: 'DIAMETER_SUBSEQUENT_REGISTRATION',
    server: scscfUri(),
  });
  onLir: (request: LocationInfoRequest) => Lia = () => ({
    result: 'DIAMETER_SUCCESS',
    server: scscfUri(),
  });
  readonly pcscf: Peer;
  readonly #scscfs = new Map<string, Peer>();
  readonly #settings: Omit<ICscfSettings, 'home'>;
  readonly #hss: DiameterNode;
  #icscf: ICscf | undefined;
  #calls = 0;

  constructor(settings: Omit<ICscfSettings, 'home'> = {}) {
    this.sim = simulate({ seed: 1, localLinks: 'checked' });
    this.#settings = settings;
    this.sim.setName(`hss.${home}`, 'diameter', [{ protocol: 'local', name: `hss.${home}` }]);
    this.#name('icscf');
    this.pcscf = new Peer(this.sim, 'p-cscf', `pcscf.${home}`);
    this.#hss = new DiameterNode(this.sim.host('hss'), {
      identity: `hss.${home}`,
      realm: home,
      applications: [Cx],
      allowedPeers: () => true,
    });
    this.#hss.handle(UserAuthorization, uar => {
      this.uars.push(uar);
      return this.onUar(uar);
    });
    this.#hss.handle(LocationInfo, lir => {
      this.lirs.push(lir);
      return this.onLir(lir);
    });
  }

  /** An S-CSCF, which answers 200 unless told otherwise. */
  scscf(name = 'scscf'): Peer {
    let peer = this.#scscfs.get(name);
    if (peer === undefined) {
      this.#name(name);
      peer = new Peer(this.sim, name, `${name}.${home}`);
      this.#scscfs.set(name, peer);
    }
    return peer;
  }

  /** An S-CSCF that takes connections and hangs: not even a 100 comes of it. */
  hung(name: string): void {
    this.#name(name);
    this.sim.host(name).network.serveLocal(`${name}.${home}`, () => {});
  }

  async start(options: { readonly hss?: boolean } = {}): Promise<this> {
    this.scscf();
    if (options.hss !== false) this.#hss.serveLocal(`hss.${home}`);
    this.sim.install('i-cscf', async host => {
      this.#icscf = new ICscf(iCscfConfig({ home, ...this.#settings }), host);
      await this.#icscf.start();
    });
    const connected = () => this.#icscf?.peers()[0]?.state === 'open';
    if (options.hss !== false) await this.sim.runUntil(connected, minutes(1), 'Cx is open');
    else await this.sim.run(1000);
    return this;
  }

  register(...edits: readonly Edit[]): SipRequest {
    const alice = parseUri(`sip:alice@${home}`);
    return this.#request('REGISTER', `sip:${home}`, set(To, nameAddr(alice)), ...edits);
  }

  initial(method: string, to: string, ...edits: readonly Edit[]): SipRequest {
    return this.#request(method, to, set(To, nameAddr(parseUri(to))), ...edits);
  }

  /** Sends to the I-CSCF, as P-CSCF, S-CSCF or application server; the final response. */
  send(message: SipRequest): Promise<SipResponse> {
    return this.pcscf.send(message, { uri: parseUri(`sip:icscf.${home}:4060`) });
  }

  begin(message: SipRequest) {
    return this.pcscf.endpoint.request(message, { uri: parseUri(`sip:icscf.${home}:4060`) });
  }

  decisions(): readonly DecisionEvent[] {
    return this.sim.events.filter(
      (event): event is DecisionEvent =>
        event.kind === 'decision' && event.decision.startsWith('i-cscf.'),
    );
  }

  #request(method: string, uri: string, ...edits: readonly Edit[]): SipRequest {
    const n = ++this.#calls;
    return request(
      method,
      parseUri(uri),
      set(MaxForwards, 60),
      set(From, nameAddr(parseUri(`sip:alice@${home}`), { tag: `f${n}` })),
      set(CallId, `call-${n}`),
      set(CSeq, { sequence: n, method }),
      set(Contact, nameAddr(parseUri('sip:alice@192.0.2.1:5060'))),
      ...edits,
    );
  }

  #name(name: string): void {
    this.sim.setName(`${name}.${home}`, 'sip', [{ protocol: 'local', name: `${name}.${home}` }]);
  }
}

export const routeTo = (uri: string): Edit => set(Route, nameAddr(parseUri(uri)));
