// What the steps of a flow act on: the network under test, its emulated phones, and the trace.

import type { Call } from '#functions/ue/call';
import type { Ue } from '#functions/ue/ue';
import type { Clock } from '#kernel/host';
import { type Duration, seconds } from '#kernel/time';
import type { MessageEvent } from '#kernel/trace';
import {
  FUNCTIONS,
  type FunctionName,
  type Functions,
  INSTANCE,
  type RunningNetwork,
} from '#networks/compose';
import type { NetworkSettings } from '#networks/schema';
import type { Faults } from './faults.ts';
import { type Expected, StepFailed, Watch } from './watch.ts';

/** How long a phone rings before it is answered. */
const RINGING: Duration = seconds(2);
/** Seconds of a tone that prove it was heard. */
const ENOUGH = 0.5;

export interface Says {
  readonly phone: string;
  /** Hz */
  readonly tone: number;
}

/** How an outcome of the UE's reads; every one has a kind. */
interface Outcome {
  readonly kind: string;
}

export class Stage extends Watch {
  readonly network: RunningNetwork;
  readonly faults: Faults;
  readonly #phones: ReadonlyMap<string, Ue>;
  readonly #outcomes = new Map<string, Outcome | undefined>();

  constructor(
    network: RunningNetwork,
    phones: ReadonlyMap<string, Ue>,
    faults: Faults,
    clock: Clock,
    patience: Duration,
  ) {
    super(clock, patience);
    this.network = network;
    this.faults = faults;
    this.#phones = phones;
  }

  /** A message on its way to a function that is down has crossed nothing. */
  override async crossed(expected: Expected): Promise<MessageEvent> {
    const event = await super.crossed(expected);
    const down = FUNCTIONS.find(name => INSTANCE[name] === event.to && this.isDown(name));
    if (down !== undefined)
      throw new StepFailed(`${expected.message} reached nobody: ${event.to} is down`);
    return event;
  }

  isDown(name: FunctionName): boolean {
    return this.network.functions[name] === undefined;
  }

  phone(name: string): Ue {
    const phone = this.#phones.get(name);
    if (phone === undefined) throw new Error(`the flow has no phone ${name}`);
    return phone;
  }

  imsi(name: string): string {
    return this.#record(name).imsi;
  }

  /** The subscriber's number as it is dialled: '+15550100001'. */
  number(name: string): string {
    return `+${this.#record(name).msisdn}`;
  }

  #record(name: string): NetworkSettings['subscribers'][number] {
    const record = this.network.settings.subscribers.find(one => one.name === name);
    if (record === undefined) throw new Error(`the network has no subscriber ${name}`);
    return record;
  }

  function<K extends keyof Functions>(name: K): NonNullable<Functions[K]> {
    const found = this.network.functions[name];
    if (found === undefined) throw new StepFailed(`${name} is down`);
    return found as NonNullable<Functions[K]>;
  }

  /**
   * Begins something whose messages the steps watch. Should it come to nothing, whoever waits for
   * more of its messages is told why.
   */
  start(phone: string, procedure: Promise<Outcome>): void {
    this.#outcomes.set(phone, undefined);
    void procedure.then(outcome => {
      this.#outcomes.set(phone, outcome);
      if (isFailure(outcome)) this.giveUp(`${phone} came to: ${told(outcome)}`);
    });
  }

  /** Waits for what was started to come to `kind`. */
  async finished(phone: string, kind: string): Promise<void> {
    await this.holds(
      () => this.#outcomes.get(phone) !== undefined,
      `${phone} never came to an end`,
    );
    const outcome = this.#outcomes.get(phone);
    this.check(outcome?.kind === kind, `${phone} came to: ${outcome ? told(outcome) : 'nothing'}`);
  }

  /** The call a phone is in; of several the first. */
  call(phone: string): Call {
    const [call] = this.phone(phone).calls;
    if (call === undefined) throw new StepFailed(`${phone} is in no call`);
    return call;
  }

  /** One phone calls another, which rings for two seconds and answers; each says a tone of so many Hz. */
  async dial(caller: Says, callee: Says): Promise<void> {
    this.fromNow();
    const { phone: fault } = this.faults;
    this.phone(callee.phone).onIncoming = incoming => {
      if (fault === 'busy') void incoming.reject(486);
      if (fault === 'busy' || fault === 'no-answer') return;
      if (fault !== 'silent') incoming.say({ tone: callee.tone });
      this.clock.after(RINGING, () => void incoming.answer());
    };
    const call = await this.phone(caller.phone).call(this.number(callee.phone), {
      say: { tone: caller.tone },
    });
    this.start(caller.phone, call.answered);
  }

  /** Waits until a phone has heard half a second of a tone. */
  async hears(phone: string, hertz: number): Promise<void> {
    const call = this.call(phone);
    const before = call.heardTone(hertz);
    await this.holds(
      () => call.heardTone(hertz) > before + ENOUGH,
      `${phone} hears no tone of ${hertz} Hz`,
    );
  }

  /** 'registered', 'unregistered', 'not registered' as the HSS has it. */
  async registrationAtHss(name: string): Promise<string | undefined> {
    return (await this.function('hss').get(this.imsi(name)))?.registration.state;
  }
}

const isFailure = ({ kind }: Outcome): boolean =>
  !['registered', 'deregistered', 'answered', 'done', 'delivered'].includes(kind);

function told(outcome: Outcome): string {
  return Object.entries(outcome)
    .filter(([, value]) => value !== undefined && typeof value !== 'object')
    .map(([key, value]) => (key === 'kind' ? value : `${key} ${value}`))
    .join(', ');
}
