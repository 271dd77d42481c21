// `carillon up` as processes of their own on ports of their own, to be killed and started again.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ueConfig } from '#functions/ue/config';
import { Ue } from '#functions/ue/ue';
import { createProcess } from '#kernel/node/process';
import { FUNCTIONS, type FunctionName } from '#networks/compose';
import { readSettings } from '#operation/cli/settings';

const MAIN = fileURLToPath(new URL('../../../src/operation/cli/main.ts', import.meta.url));
const PORTS = [
  ...['udp', 'tcp', 'tls', 'ws', 'wss', 'mw'].map(name => `pcscf.${name}`),
  ...['icscf', 'scscf', 'hss', 'as', 'console'].map(name => `${name}.port`),
];

type Owner = (work: () => Promise<void>) => void;

/** A network whose processes can die. */
export class Mortal {
  /** How long the process started last took to say that it serves, in milliseconds. */
  ready = 0;
  readonly directory = mkdtempSync(join(tmpdir(), 'carillon-kill-'));
  readonly #ports: ReadonlyMap<string, number>;
  readonly #settings: readonly string[];
  readonly #running = new Map<string, ChildProcess>();
  readonly #phones: (() => Promise<void>)[] = [];

  /** One process for all functions, or one for each. */
  static async start(owner: Owner, processes: 'one' | 'each', ...settings: string[]) {
    const ports = new Map<string, number>();
    for (const name of PORTS) ports.set(name, await freePort());
    const network = new Mortal(ports, processes, settings);
    owner(() => network.#stop());
    for (const name of network.names) await network.revive(name);
    return network;
  }

  readonly names: readonly string[];

  private constructor(
    ports: ReadonlyMap<string, number>,
    processes: 'one' | 'each',
    settings: readonly string[],
  ) {
    this.#ports = ports;
    this.#settings = settings;
    this.names = processes === 'one' ? ['all'] : FUNCTIONS;
  }

  /** kill -9. */
  async kill(name: string): Promise<void> {
    const child = this.#running.get(name)!;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    this.#running.delete(name);
  }

  /** Starts the process on what it left, and waits until it serves. */
  async revive(name: string): Promise<void> {
    const only = FUNCTIONS.includes(name as FunctionName) ? ['--only', name] : [];
    const split = only.length > 0;
    const settings = [
      ...Array.from(this.#ports, ([setting, port]) =>
        split && setting === 'console.port' ? `${setting}=0` : `${setting}=${port}`,
      ),
      'log.level=error',
      ...this.#settings,
    ].flatMap(setting => ['--set', setting]);
    const data = join(this.directory, split ? name : 'all');
    const start = performance.now();
    const child = spawn(process.execPath, [MAIN, 'up', '--data', data, ...only, ...settings], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#running.set(name, child);
    let said = '';
    await new Promise<void>((resolve, reject) => {
      const hear = (text: Buffer): void => {
        said += text;
        if (/^Ready in/m.test(said)) resolve();
      };
      child.stdout.on('data', hear);
      child.stderr.on('data', hear);
      child.once('exit', code => reject(new Error(`${name} ended with ${code}: ${said}`)));
    });
    this.ready = performance.now() - start;
  }

  /** A phone of a subscriber of the lab, registered. */
  async phone(name: string): Promise<Ue> {
    const machine = createProcess({ log: { level: 'error' } });
    const record = readSettings(undefined).subscribers.find(one => one.name === name)!;
    const ue = new Ue(
      ueConfig({
        home: 'ims.mnc001.mcc001.3gppnetwork.org',
        pcscf: `sip:127.0.0.1:${this.#ports.get('pcscf.udp')}`,
        address: '127.0.0.1',
        credentials: {
          kind: 'sim',
          imsi: record.imsi,
          k: Buffer.from(record.k!, 'hex'),
          opc: Buffer.from(record.opc!, 'hex'),
        },
        retry: false,
      }),
      machine.host(name),
    );
    this.#phones.push(async () => {
      await ue.stop();
      await machine.close();
    });
    await ue.start();
    const outcome = await ue.register();
    if (outcome.kind !== 'registered') throw new Error(`${name}: ${JSON.stringify(outcome)}`);
    return ue;
  }

  /** How many are registered, as the metrics of the one process tell. */
  async registrations(): Promise<number> {
    const answer = await fetch(`http://127.0.0.1:${this.#ports.get('console.port')}/metrics`);
    return Number(/^carillon_registrations (\d+)$/m.exec(await answer.text())?.[1]);
  }

  async #stop(): Promise<void> {
    for (const name of [...this.#running.keys()]) await this.kill(name);
    for (const end of this.#phones) await end();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' ? (address?.port ?? 0) : 0));
    });
  });
}
