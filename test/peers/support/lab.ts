// A network with what a test needs beside it: peers that stop before it does, a folder that goes with
// it, and emulated phones.

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ueConfig } from '#functions/ue/config';
import { Ue } from '#functions/ue/ue';
import type { TraceEvent } from '#kernel/trace';
import type { FunctionName } from '#networks/compose';
import { readSettings } from '#operation/cli/settings';
import { type NetworkInProcess, runNetwork } from '#operation/run-network';

/** The part of a test or suite that ends things. */
export interface Owner {
  after(work: () => Promise<void>): void;
}

export interface LabOptions {
  /** As `--set` takes them. */
  readonly settings?: readonly string[];
  /** 'own' where the ports themselves matter; the address is then the test's own too. */
  readonly ports?: 'own' | 'ephemeral';
  /** The functions to run; the others are where their sections say. Default all. */
  readonly only?: readonly FunctionName[];
}

export type GmProtocol = 'udp' | 'tcp' | 'tls';

const EPHEMERAL = ['udp', 'tcp', 'tls', 'ws', 'wss'].map(name => `pcscf.${name}=0`);
/** Milliseconds between two looks at something that sends no event. */
const LOOK_AGAIN = 50;

export class Lab {
  readonly home: string;
  /** Goes when the test ends. */
  readonly folder: string;
  readonly #running: NetworkInProcess;
  readonly #ends: (() => Promise<void>)[] = [];
  #isStopped = false;

  static async start(owner: Owner, options: LabOptions = {}): Promise<Lab> {
    const { ports = 'ephemeral' } = options;
    const own = ports === 'own' ? [] : EPHEMERAL;
    const settings = readSettings(undefined, [
      'store.kind=memory',
      ...own,
      ...(options.settings ?? []),
    ]);
    const { only } = options;
    const running = await runNetwork(settings, {
      ports,
      log: { level: 'error' },
      ...(only === undefined ? {} : { only }),
    });
    const lab = new Lab(running, newFolder());
    owner.after(async () => {
      await lab.stop();
      rmSync(lab.folder, { recursive: true, force: true });
    });
    return lab;
  }

  private constructor(running: NetworkInProcess, folder: string) {
    this.#running = running;
    this.home = running.network.home;
    this.folder = folder;
  }

  get network(): NetworkInProcess['network'] {
    return this.#running.network;
  }

  get events(): readonly TraceEvent[] {
    return [...this.#running.trace];
  }

  /** 'host:port' of the P-CSCF. */
  gm(protocol: GmProtocol): string {
    const one = this.network.listening.find(
      listening => listening.point === 'Gm' && listening.protocol === protocol,
    );
    if (one === undefined) throw new Error(`the P-CSCF does not listen on ${protocol}`);
    return `${one.address.host}:${one.address.port}`;
  }

  /** Done before the network stops, the last first. */
  defer(end: () => Promise<void>): void {
    this.#ends.push(end);
  }

  /** An emulated phone with the SIM of a subscriber of the lab, registered. */
  async phone(name: string): Promise<Ue> {
    const record = this.network.settings.subscribers.find(one => one.name === name);
    if (record?.k === undefined || record.opc === undefined) throw new Error(`no SIM for ${name}`);
    const ue = new Ue(
      ueConfig({
        home: this.home,
        pcscf: `sip:${this.gm('udp')}`,
        address: '127.0.0.1',
        credentials: {
          kind: 'sim',
          imsi: record.imsi,
          k: Buffer.from(record.k, 'hex'),
          opc: Buffer.from(record.opc, 'hex'),
        },
        retry: false,
      }),
      this.#running.process.host(name),
    );
    await ue.start();
    this.defer(() => ue.stop());
    const outcome = await ue.register();
    if (outcome.kind !== 'registered') throw new Error(`${name}: ${JSON.stringify(outcome)}`);
    return ue;
  }

  /** Waits for something that shows only when looked at. */
  async holds(
    condition: () => boolean | Promise<boolean>,
    otherwise: string | (() => string),
    patience = 8000,
  ): Promise<void> {
    const end = Date.now() + patience;
    while (!(await condition())) {
      if (Date.now() > end)
        throw new Error(typeof otherwise === 'string' ? otherwise : otherwise());
      await new Promise(resolve => setTimeout(resolve, LOOK_AGAIN));
    }
  }

  /** Comes with the end of the test; earlier where the test wants its addresses again. */
  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    for (const end of this.#ends.reverse()) await end();
    await this.#running.stop(0);
  }
}

const newFolder = (): string => mkdtempSync(join(tmpdir(), 'carillon-peers-'));

/** A folder that goes with the test. */
export function folderOf(owner: Owner): string {
  const folder = newFolder();
  owner.after(async () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A TCP port nobody has, for a peer that cannot choose one by itself. */
export function freePort(host = '127.0.0.1'): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, host, () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
