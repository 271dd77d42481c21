// An emulated UE: registers, calls, answers, sends messages and hears. TS 24.229 §5.1.

import { Usim } from '#aka/usim';
import type { Host } from '#kernel/host';
import { Authentication } from './authentication.ts';
import { impiOf, type UeConfig } from './config.ts';
import { Gm } from './gm.ts';
import type { DeregistrationOutcome, Registered, RegistrationOutcome } from './outcomes.ts';
import { Registration, type RegistrationState } from './registration.ts';

export class Ue {
  readonly config: UeConfig;
  readonly host: Host;
  /** The SIM, where it has one: its sequence numbers outlive a UE by `usim.sequence.toJson()`. */
  readonly usim: Usim | undefined;
  /** Every change of the registration, and every renewal. */
  onRegistration: (state: RegistrationState) => void = () => {};
  readonly #gm: Gm;
  readonly #registration: Registration;

  constructor(config: UeConfig, host: Host, usim?: Usim) {
    this.config = config;
    this.host = host;
    const { credentials, home } = config;
    this.usim = credentials.kind === 'sim' ? (usim ?? new Usim(credentials)) : undefined;
    const authentication = new Authentication(
      impiOf(home, credentials),
      home,
      credentials.kind === 'sim' ? { usim: this.usim! } : { password: credentials.password },
      () => host.random.hex(8),
    );
    this.#gm = new Gm(config, host);
    this.#registration = new Registration(this.#gm, authentication);
    this.#registration.onChange = state => this.onRegistration(state);
    this.#gm.endpoint.onFlowClosed = flow => this.#registration.flowClosed(flow);
  }

  /** Opens its ports; rejects with an AddressError. */
  async start(): Promise<void> {
    await this.#gm.start();
  }

  /** The registration that stands now. */
  get registered(): Registered | undefined {
    return this.#registration.registered;
  }

  get registrationState(): RegistrationState {
    return this.#registration.state;
  }

  /** Registers, or renews at once. Never rejects. */
  register(): Promise<RegistrationOutcome> {
    return this.#registration.register();
  }

  /** Ends every call, then the registration. */
  deregister(): Promise<DeregistrationOutcome> {
    return this.#registration.deregister();
  }

  /** Power off: nothing more is sent. */
  async stop(): Promise<void> {
    this.#registration.stop();
    await this.#gm.endpoint.stop();
  }
}
