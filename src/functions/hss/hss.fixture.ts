// What the HSS's tests stand on: an HSS on a simulated host, an I-CSCF and S-CSCFs that are real
// Diameter nodes on local links to it, and a card for each subscriber who has one.

import { Usim } from '#aka/usim';
import type { RequestInput } from '#diameter/application';
import {
  Cx,
  LocationInfo,
  MultimediaAuth,
  PushProfile,
  type PushProfileRequest,
  RegistrationTermination,
  type RegistrationTerminationRequest,
  ServerAssignment,
  UserAuthorization,
} from '#diameter/cx';
import { DiameterNode } from '#diameter/node';
import { type Simulation, simulate } from '#kernel/simulation';
import type { DecisionEvent } from '#kernel/trace';
import { type Hss, type HssSettings, hss } from './hss.ts';
import type { SubscriberInput } from './subscriber.ts';

export const home = 'ims.mnc001.mcc001.3gppnetwork.org';
export const k = '465b5ce8b199b49faa5f0a2ee238a6bc';
export const opc = 'cd63cb71954a9f4e48a5994e37a02baf';

/** As the lab is born with him: a SIM, a password, a number and a name. */
export const alice: SubscriberInput = {
  imsi: '001010000000001',
  msisdn: '15550100001',
  name: 'alice',
  k,
  opc,
  password: 'alice-secret',
};

export const aliceSim = `${alice.imsi}@${home}`;
export const aliceLogin = `alice@${home}`;
export const aliceNumber = `sip:+15550100001@${home}`;
export const aliceTel = 'tel:+15550100001';
export const aliceBarred = `sip:${alice.imsi}@${home}`;

export const scscfUri = `sip:scscf.${home}:6060`;
export const otherUri = `sip:scscf2.${home}:6060`;

type Optional<T, K extends keyof T> = Omit<T, K> & Partial<Pick<T, K>>;
type Uar = RequestInput<typeof UserAuthorization>;
type Sar = RequestInput<typeof ServerAssignment>;
type Mar = RequestInput<typeof MultimediaAuth>;
type Lir = RequestInput<typeof LocationInfo>;

export class Bench {
  readonly sim: Simulation;
  hss: Hss;
  /** By the first label of their Diameter identity: icscf, scscf, scscf2. */
  readonly nodes = new Map<string, DiameterNode>();
  /** What S-CSCFs were told, in order. */
  readonly told: (
    | { readonly to: string; readonly rtr: RegistrationTerminationRequest }
    | { readonly to: string; readonly ppr: PushProfileRequest }
  )[] = [];
  /** How an S-CSCF answers a push; by default with DIAMETER_SUCCESS. */
  answerPush: (
    to: string,
  ) =>
    | 'DIAMETER_SUCCESS'
    | 'DIAMETER_ERROR_USER_UNKNOWN'
    | 'DIAMETER_ERROR_TOO_MUCH_DATA'
    | 'DIAMETER_UNABLE_TO_COMPLY'
    | 'DIAMETER_UNABLE_TO_DELIVER' = () => 'DIAMETER_SUCCESS';
  readonly #settings: HssSettings;

  constructor(settings: Partial<HssSettings> = {}, seed = 1) {
    this.sim = simulate({ seed, localLinks: 'checked' });
    this.#settings = {
      home,
      subscribers: [alice],
      ...settings,
      diameter: { peers: ['icscf', 'scscf', 'scscf2'].map(name => `${name}.${home}`) },
    };
    this.hss = this.make();
  }

  /** An HSS on the store as it is: what a restarted process would find. */
  make(settings: Partial<HssSettings> = {}): Hss {
    return hss({ ...this.#settings, ...settings }, this.sim.host('hss'));
  }

  async start(): Promise<this> {
    this.sim.setName(`hss.${home}`, 'diameter', [{ protocol: 'local', name: `hss.${home}` }]);
    await this.settle(() => this.hss.start());
    for (const name of ['icscf', 'scscf', 'scscf2']) this.#connect(name);
    await this.#isConnected();
    return this;
  }

  /** Ends a CSCF's connection to the HSS, and brings it up again. */
  async reconnect(name: string): Promise<void> {
    await this.settle(() => this.nodes.get(name)!.stop());
    this.#connect(name);
    await this.#isConnected();
    await this.sim.run(1000);
  }

  async #isConnected(): Promise<void> {
    await this.sim.runUntil(
      () => [...this.nodes.values()].every(node => node.peers()[0]?.state === 'open'),
      60_000,
      'every CSCF has its HSS',
    );
  }

  async stop(): Promise<void> {
    for (const node of this.nodes.values()) await this.settle(() => node.stop());
    await this.settle(() => this.hss.stop());
  }

  settle<T>(what: () => Promise<T>): Promise<T> {
    return this.sim.settle(what);
  }

  uar(request: Optional<Uar, 'visitedNetwork' | 'impi' | 'impu'> = {}) {
    const defaults = { impi: aliceSim, impu: aliceNumber, visitedNetwork: home };
    return this.#call('icscf', UserAuthorization, { ...defaults, ...request });
  }

  lir(request: Optional<Lir, 'impu'> = {}) {
    return this.#call('icscf', LocationInfo, { impu: aliceNumber, ...request });
  }

  mar(request: Partial<Mar> = {}, from = 'scscf') {
    const defaults = {
      impi: aliceSim,
      impu: aliceNumber,
      vectors: 1,
      auth: { scheme: 'Unknown' },
      server: serverOf(from),
    };
    return this.#call(from, MultimediaAuth, { ...defaults, ...request });
  }

  /** With `impi: undefined` or an empty `impus` the element is left out. */
  sar(type: Sar['type'], request: Partial<Omit<Sar, 'type'>> = {}, from = 'scscf') {
    const defaults = {
      impi: aliceSim,
      impus: [aliceNumber],
      server: serverOf(from),
      userDataAlreadyAvailable: 'USER_DATA_NOT_AVAILABLE' as const,
    };
    return this.#call(from, ServerAssignment, { ...defaults, ...request, type });
  }

  /** A registration as an S-CSCF reports it: vectors, then assignment. */
  async register(impi = aliceSim, from = 'scscf', impu = aliceNumber) {
    await this.mar({ impi, impu }, from);
    return this.sar('REGISTRATION', { impi, impus: [impu] }, from);
  }

  /** Where alice's subscription stands. */
  async registration() {
    const view = await this.settle(() => this.hss.get(alice.imsi));
    return view!.registration;
  }

  /** Why the HSS decided as it did, the latest of that name. */
  decision(name: string): DecisionEvent {
    const found = this.sim.events.findLast(
      (event): event is DecisionEvent => event.kind === 'decision' && event.decision === name,
    );
    if (found === undefined) throw new Error(`no decision ${name}`);
    return found;
  }

  usim(key = k): Usim {
    return new Usim({ k: Buffer.from(key, 'hex'), opc: Buffer.from(opc, 'hex') });
  }

  #call<
    C extends
      | typeof UserAuthorization
      | typeof ServerAssignment
      | typeof MultimediaAuth
      | typeof LocationInfo,
  >(from: string, command: C, request: RequestInput<C>) {
    const node = this.nodes.get(from)!;
    const to = { destinationRealm: home, destinationHost: `hss.${home}` };
    return this.settle(() => node.call(command, request, to));
  }

  #connect(name: string): void {
    const node = new DiameterNode(this.sim.host(name), {
      identity: `${name}.${home}`,
      realm: home,
      applications: [Cx],
    });
    node.handle(RegistrationTermination, rtr => {
      this.told.push({ to: name, rtr });
      return { result: this.answerPush(name) };
    });
    node.handle(PushProfile, ppr => {
      this.told.push({ to: name, ppr });
      return { result: this.answerPush(name) };
    });
    node.connect({ identity: `hss.${home}`, realm: home, endpoints: [`hss.${home}`] });
    this.nodes.set(name, node);
  }
}

export const serverOf = (name: string): string => `sip:${name}.${home}:6060`;
