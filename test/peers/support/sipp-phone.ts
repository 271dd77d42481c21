// A subscriber of the lab played by SIPp: one port for all its scenarios, because the network knows a
// registered phone by where it sends from.

import { freePort, type Lab } from './lab.ts';
import { Sipp } from './sipp.ts';

export interface Credentials {
  readonly user: string;
  readonly impi: string;
  /** As SIPp writes them: 'password=…' or 'aka_K=… aka_OP=… aka_AMF=…'. */
  readonly secret: string;
}

export class SippPhone {
  readonly #lab: Lab;
  readonly #port: number;
  readonly #credentials: Credentials;

  /** By password; `credentials` says otherwise. */
  static async of(
    lab: Lab,
    user: string,
    credentials: Partial<Credentials> = {},
  ): Promise<SippPhone> {
    const impi = `${user}@${lab.home}`;
    const secret = `password=${user}-secret`;
    return new SippPhone(lab, await freePort(), { user, impi, secret, ...credentials });
  }

  private constructor(lab: Lab, port: number, credentials: Credentials) {
    this.#lab = lab;
    this.#port = port;
    this.#credentials = credentials;
  }

  /** Runs a scenario of sipp/, towards `peer` where it calls somebody. */
  run(scenario: string, peer = ''): Sipp {
    const { user, impi, secret } = this.#credentials;
    return Sipp.start(this.#lab, scenario, {
      port: this.#port,
      to: this.#lab.gm('udp'),
      fields: [user, `[authentication username=${impi} ${secret}]`, impi],
      keys: { peer },
    });
  }

  async registered(): Promise<this> {
    await this.run('register').done();
    return this;
  }
}
