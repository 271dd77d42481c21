// A whole lab network in simulated time, for tests short enough to read aloud: what `up` starts, on
// links that lose and delay as told, with emulated phones. The test itself runs in virtual time, so
// it awaits what a phone comes to, and weeks pass in seconds.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Call } from '#functions/ue/call';
import { type UeSettings, ueConfig } from '#functions/ue/config';
import type { IncomingCall } from '#functions/ue/incoming-call';
import type { CallOptions, OutgoingCall } from '#functions/ue/outgoing-call';
import { Ue } from '#functions/ue/ue';
import { ladderOf } from '#kernel/ladder-of';
import { type Simulation, simulate } from '#kernel/simulation';
import type { LinkSettings } from '#kernel/simulation/link';
import type { StoreSettings } from '#kernel/simulation/store';
import { type Duration, days, minutes, ms, seconds } from '#kernel/time';
import type { Decision, MessageEvent } from '#kernel/trace';
import { sleep } from '#kernel/wait';
import {
  compose,
  FUNCTIONS,
  type FunctionName,
  type Functions,
  INSTANCE,
  type RunningNetwork,
} from '#networks/compose';
import { readNetworkFile } from '#networks/network-file';
import type { NetworkSettings } from '#networks/schema';
import { simulatedWorld } from '#networks/world';
import type { SipMessage, SipRequest, SipResponse } from '#sip/message';
import { hostThat, type Tamper } from './tamper.ts';

export interface LabOptions {
  readonly seed?: number | string;
  /** What every link between machines is like. */
  readonly links?: Partial<LinkSettings>;
  /** What every store is like. */
  readonly store?: Partial<StoreSettings>;
  /** As `--set` has them: 'pcscf.strictRoute=true'. */
  readonly settings?: readonly string[];
  /** Log events of level error that the test means to cause. */
  readonly errors?: RegExp;
  /** Virtual time that the test may take. */
  readonly limit?: Duration;
}

export type PhoneOptions = Omit<Partial<UeSettings>, 'credentials'> & {
  /** The subscriber whose phone it is; default the phone's name. */
  readonly of?: string;
  /** Registers with the password instead of the SIM: a softphone. */
  readonly password?: true | string;
  /** Another K than the record's, in hexadecimal. */
  readonly k?: string;
  readonly imsi?: string;
  /** Another user name than the subscriber's, with `password`. */
  readonly username?: string;
  /** Changes every SIP message on its way out of the phone. */
  readonly tamper?: Tamper;
  readonly usim?: ConstructorParameters<typeof Ue>[2];
  readonly transport?: 'udp' | 'tcp' | 'tls' | 'ws' | 'wss';
};

const LAB = new URL('../../src/networks/lab.yaml', import.meta.url);
const TOLD = 60;

/** Runs `script` in a fresh network. Whatever it throws tells the seed and what happened last. */
export async function inLab(
  options: LabOptions,
  script: (lab: Lab) => Promise<void>,
): Promise<void> {
  const simulation = simulate({
    seed: options.seed ?? 1,
    ...(options.links && { links: options.links }),
    ...(options.store && { store: options.store }),
  });
  const settings = readNetworkFile({
    name: 'lab',
    text: readFileSync(LAB, 'utf8'),
    settings: ['links=wire', ...(options.settings ?? [])],
  });
  try {
    await simulation.settle(async () => {
      const world = simulatedWorld(simulation);
      const lab = new Lab(simulation, await compose(settings, world));
      await script(lab);
    }, options.limit ?? days(30));
    const errors = simulation.logs.filter(
      ({ level, event }) => level === 'error' && options.errors?.test(event) !== true,
    );
    assert.deepEqual(errors, [], 'a function logged an error');
  } catch (error) {
    if (error instanceof Error) {
      const { message } = error;
      const told = message + story(simulation);
      error.message = told;
      if (!error.stack?.includes(told))
        error.stack = error.stack?.replace(message, () => told) ?? told;
    }
    throw error;
  }
}

function story(simulation: Simulation): string {
  const all = ladderOf(simulation.events, undefined, undefined, { lost: true });
  const lines = all.filter(line => !/ DW[RA]\b/.test(line)).slice(-TOLD);
  const head = `seed ${simulation.seed}, ${simulation.elapsed / 1000} s after the start; the last messages:`;
  return `\n  ${head}\n${lines.map(line => `    ${line}`).join('\n')}`;
}

export class Lab {
  readonly simulation: Simulation;
  readonly network: RunningNetwork;
  readonly home: string;
  readonly phones: Ue[] = [];

  constructor(simulation: Simulation, network: RunningNetwork) {
    this.simulation = simulation;
    this.network = network;
    this.home = network.home;
  }

  get hss() {
    return this.#function('hss');
  }
  get scscf() {
    return this.#function('scscf');
  }
  get icscf() {
    return this.#function('icscf');
  }
  get pcscf() {
    return this.#function('pcscf');
  }
  get as() {
    return this.#function('as');
  }

  #function<K extends keyof Functions>(name: K): NonNullable<Functions[K]> {
    const found = this.network.functions[name];
    assert.ok(found, `${name} is down`);
    return found;
  }

  // ---------------------------------------------------------------------------------- phones

  /** A phone, switched on but not registered. */
  async ue(name: string, options: PhoneOptions = {}): Promise<Ue> {
    const {
      of = name,
      password,
      k,
      imsi,
      username,
      tamper,
      usim,
      transport = 'udp',
      ...overrides
    } = options;
    const record = this.subscriber(of);
    const credentials =
      password === undefined
        ? {
            kind: 'sim' as const,
            imsi: imsi ?? record.imsi,
            k: Buffer.from(k ?? record.k!, 'hex'),
            opc: Buffer.from(record.opc!, 'hex'),
          }
        : {
            kind: 'password' as const,
            username: username ?? `${of}@${this.home}`,
            password: password === true ? record.password! : password,
          };
    const { simulation } = this;
    const gm = this.network.listening.find(
      ({ point, protocol }) => point === 'Gm' && protocol === transport,
    )!;
    const host = simulation.host(name);
    const phone = new Ue(
      ueConfig({
        home: this.home,
        pcscf: `sip:${gm.address.host}:${gm.address.port};transport=${transport}`,
        address: simulation.addressOf(name),
        credentials,
        ...overrides,
      }),
      tamper === undefined ? host : hostThat(tamper, host),
      usim,
    );
    await phone.start();
    this.phones.push(phone);
    return phone;
  }

  /** Phones of subscribers of these names, registered and watching their registrations. */
  async registered<const N extends readonly string[]>(
    ...names: N
  ): Promise<{ [K in keyof N]: Ue }> {
    const phones: Ue[] = [];
    for (const name of names) phones.push(await this.ue(name));
    for (const phone of phones) await registers(phone);
    await this.sleep(seconds(1));
    return phones as { [K in keyof N]: Ue };
  }

  subscriber(name: string): NetworkSettings['subscribers'][number] {
    const record = this.network.settings.subscribers.find(one => one.name === name);
    assert.ok(record, `the lab has no subscriber ${name}`);
    return record;
  }

  /** '+15550100001' */
  number(name: string): string {
    return `+${this.subscriber(name).msisdn}`;
  }

  /** The default public identity: 'sip:+15550100001@home'. */
  impu(name: string): string {
    return `sip:${this.number(name)}@${this.home}`;
  }

  /** One phone calls another, which takes it at once; both ends as they see the call. */
  async connect(
    caller: Ue,
    callee: Ue,
    target = callee.host.name,
    options: CallOptions = {},
  ): Promise<{ out: OutgoingCall; in: IncomingCall }> {
    const rings = ringing(callee);
    const out = await caller.call(target, options);
    void out.answered.then(outcome => {
      if (outcome.kind !== 'answered') rings.cancel(new Error(`the call came to ${told(outcome)}`));
    });
    const incoming = await rings.call;
    void incoming.answer();
    const outcome = await out.answered;
    assert.equal(outcome.kind, 'answered', told(outcome));
    return { out, in: incoming };
  }

  // ------------------------------------------------------------------------------------ time

  sleep(delay: Duration): Promise<void> {
    return sleep(this.simulation.host('composition').clock, delay);
  }

  /** Looks every 100 ms until the condition holds. */
  async until(
    condition: () => boolean | Promise<boolean>,
    what: string,
    limit: Duration = minutes(1),
  ): Promise<void> {
    const end = this.simulation.now() + limit;
    while (!(await condition())) {
      if (this.simulation.now() >= end) assert.fail(`after ${limit / 1000} s: not ${what}`);
      await this.sleep(ms(100));
    }
  }

  // ---------------------------------------------------------------------------------- faults

  /** Its process dies: what was in memory, and not yet durable, is gone. */
  crash(name: FunctionName): void {
    this.simulation.crash(INSTANCE[name]);
  }

  /** A new process on the same store and address. */
  async restart(name: FunctionName): Promise<void> {
    this.simulation.restart(INSTANCE[name]);
    await this.network.startFunction(name);
  }

  // ----------------------------------------------------------------------------------- trace

  /** SIP messages that crossed between two, in order, from the trace. */
  sip(from: string, to: string, what: string): SipMessage[] {
    return this.simulation.events
      .filter((event): event is MessageEvent => event.kind === 'message')
      .filter(event => event.from === from && event.to === to && event.lost === undefined)
      .map(event => event.message as unknown as SipMessage)
      .filter(message => message.summary().startsWith(what));
  }

  /** The last request of a method between two. */
  request(from: string, to: string, method: string): SipRequest {
    const found = this.sip(from, to, method).at(-1);
    assert.ok(found, `no ${method} crossed ${from} → ${to}`);
    return found as SipRequest;
  }

  response(from: string, to: string, status: number): SipResponse {
    const found = this.sip(from, to, String(status)).at(-1);
    assert.ok(found, `no ${status} crossed ${from} → ${to}`);
    return found as SipResponse;
  }

  decisions(name: string): Decision[] {
    return this.simulation.events.flatMap(event =>
      event.kind === 'decision' && event.decision === name ? [event as Decision] : [],
    );
  }

  // ------------------------------------------------------------------------------ invariants

  /** As the HSS has it: 'registered', 'unregistered', 'not registered'. */
  async atHss(name: string): Promise<string> {
    return (await this.hss.get(this.subscriber(name).imsi))!.registration.state;
  }

  /** What the S-CSCF holds the HSS knows, and the other way round. */
  async assertAgreed(): Promise<void> {
    const held = this.scscf.registrations().map(({ impu }) => impu);
    const known = (await this.hss.registrations({ limit: 1000 }))
      .filter(({ state }) => state === 'registered')
      .map(({ impus }) => impus[0]!);
    assert.deepEqual([...held].sort(), [...known].sort(), 'S-CSCF and HSS disagree');
  }

  /** Everybody registered can be called: the phone, and not some contact it had before. */
  async assertReached(): Promise<void> {
    for (const phone of this.phones) {
      if (phone.registered === undefined) continue;
      const outcome = await phone.message(phone.registered.impu, 'to myself');
      assert.equal(outcome.kind, 'delivered', `${phone.host.name}: ${told(outcome)}`);
    }
  }

  /** Once all calls are over: nothing outlives its timers, anywhere. */
  async assertNothingLeft(): Promise<void> {
    await this.sleep(minutes(5));
    const { hss, scscf, icscf, pcscf, as } = this;
    const endpoints = Object.entries({ scscf, icscf, pcscf, as });
    const left = (): readonly string[] =>
      endpoints
        .map(([name, { sip }]) => `${name}: ${JSON.stringify(sip.counts)}`)
        .filter(counts => /[1-9]/.test(counts));
    // phones renew their registrations now and then: there is a moment between
    for (let look = 0; look < 60 && left().length > 0; look++) await this.sleep(seconds(7));
    assert.deepEqual(left(), [], 'transactions are left');
    assert.equal(scscf.sessions.size, 0, 'sessions of the S-CSCF');
    for (const { imsi, name } of this.network.settings.subscribers) {
      for (const user of [imsi, name]) {
        const waits = scscf.challenges.awaits(`${user}@${this.home}`);
        assert.ok(!waits, `a challenge of ${user} waits at the S-CSCF`);
      }
    }
    for (const peer of [...hss.peers(), ...scscf.peers(), ...icscf.peers()]) {
      assert.equal(peer.pending, 0, `Diameter requests that wait for ${peer.identity}`);
    }
    for (const phone of this.phones) {
      assert.deepEqual(phone.calls, [], `calls of ${phone.host.name}`);
    }
  }
}

export { FUNCTIONS, type FunctionName, INSTANCE };

/** Registers a phone, which must succeed. */
export async function registers(phone: Ue): Promise<void> {
  const outcome = await phone.register();
  assert.equal(outcome.kind, 'registered', `${phone.host.name} came to ${told(outcome)}`);
}

/** The next call that rings at a phone. */
export function ringing(phone: Ue): {
  readonly call: Promise<IncomingCall>;
  cancel(error: Error): void;
} {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingCall>();
  promise.catch(() => {});
  phone.onIncoming = resolve;
  return { call: promise, cancel: reject };
}

/** Calls `target`, which is refused: the status. */
export async function refusal(phone: Ue, target: string, options?: CallOptions): Promise<number> {
  const call = await phone.call(target, options);
  const outcome = await call.answered;
  assert.equal(outcome.kind, 'refused', told(outcome));
  return (outcome as { status: number }).status;
}

/** Ends a call from one side; the other learns of it. */
export async function hangsUp(call: Call, other: Call): Promise<void> {
  await call.hangup();
  assert.equal((await other.ended).by, 'remote');
}

/** `refused 403 Forbidden` */
export function told(outcome: { readonly kind: string }): string {
  return Object.values(outcome)
    .filter(value => value !== undefined && typeof value !== 'object')
    .join(' ');
}

export { days, minutes, ms, seconds };
