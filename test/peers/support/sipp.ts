// SIPp with scenarios of our own (sipp/*.xml): one call, then it ends with a status.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Child } from './child.ts';
import type { Lab } from './lab.ts';

export const PACKAGE = 'sip-tester';

export interface SippOptions {
  /** Its own port, on 127.0.0.1: the network knows a registered phone by it. */
  readonly port: number;
  /** Where it sends to; without it only what comes is answered. */
  readonly to?: string;
  /** A line of the file the scenario takes its fields from. */
  readonly fields?: readonly string[];
  readonly keys?: Readonly<Record<string, string>>;
}

let files = 0;

export class Sipp {
  readonly child: Child;
  readonly #scenario: string;
  readonly #errors: string;

  static start(lab: Lab, scenario: string, options: SippOptions): Sipp {
    const { port, to, fields, keys = {} } = options;
    const injected = join(lab.folder, `sipp-${++files}.csv`);
    const errors = join(lab.folder, `sipp-${files}.log`);
    if (fields !== undefined) writeFileSync(injected, `SEQUENTIAL\n${fields.join(';')}\n`);
    const child = new Child(
      'sipp',
      [
        ...(to === undefined ? [] : [to]),
        ...['-sf', join(import.meta.dirname, '..', 'sipp', `${scenario}.xml`)],
        ...['-i', '127.0.0.1', '-p', String(port), '-m', '1', '-nostdin'],
        ...['-timeout', '20s', '-timeout_error', '-recv_timeout', '15000'],
        ...['-watchdog_interval', '0', '-trace_err', '-error_file', errors, '-auth_uri', lab.home],
        ...(fields === undefined ? [] : ['-inf', injected]),
        ...Object.entries({ domain: lab.home, ...keys }).flatMap(([key, value]) => [
          '-key',
          key,
          value,
        ]),
      ],
      { cwd: lab.folder, env: { TERM: 'dumb' } },
    );
    lab.defer(() => child.stop());
    return new Sipp(child, scenario, errors);
  }

  private constructor(child: Child, scenario: string, errors: string) {
    this.child = child;
    this.#scenario = scenario;
    this.#errors = errors;
  }

  /** Whether the scenario ran as written. */
  async held(): Promise<boolean> {
    return (await this.child.ended) === 0;
  }

  /** Rejects, with what SIPp says, where the scenario did not run as written. */
  async done(): Promise<void> {
    if (await this.held()) return;
    throw new Error(`scenario ${this.#scenario} failed:\n${this.child.output}\n${this.errors}`);
  }

  get errors(): string {
    return existsSync(this.#errors) ? readFileSync(this.#errors, 'latin1') : '';
  }
}
