// The network under attack: a child process, asked how it fares.

import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ueConfig } from '#functions/ue/config';
import { Ue } from '#functions/ue/ue';
import { createProcess } from '#kernel/node/process';
import type { Listening } from '#networks/compose';
import type { NetworkSettings } from '#networks/schema';

export type Said =
  | { kind: 'response'; status: number; callId: string | undefined; link: string; to: string }
  | {
      kind: 'decision';
      decision: string;
      chose: string;
      because: string;
      callId: string | undefined;
    };

export interface Fare {
  readonly kind: 'fare';
  /** Decisions, and responses on Gm, since it was asked last. */
  readonly said: readonly Said[];
  /** What it logged as an error. */
  readonly mistakes: readonly string[];
  /** The longest turn of its loop since then, in milliseconds of its own processor time. */
  readonly longest: number;
  readonly rss: number;
  readonly heap: number;
  /** SIP transactions of all functions, lingering ones too. */
  readonly transactions: number;
  /** What the S-CSCF holds, as JSON. */
  readonly registrations: string;
}

/** `collect`: tell, with all garbage gone. */
export type Asked = 'fare' | 'collect' | 'stop';

interface Ready {
  readonly kind: 'ready';
  readonly home: string;
  readonly listening: readonly Listening[];
  readonly subscribers: NetworkSettings['subscribers'];
}

/** What nothing from outside may tie the loop up for, in milliseconds. */
export const LONGEST_TURN = 50;

export class Victim {
  readonly home: string;
  readonly #child: ChildProcess;
  readonly #ready: Ready;
  #exit: string | undefined;

  /** Starts a network, and ends it with the suite. The ring of the trace is small and fills soon. */
  static async start(
    owner: (work: () => Promise<void>) => void,
    ...settings: readonly string[]
  ): Promise<Victim> {
    const ephemeral = ['udp', 'tcp', 'tls', 'ws', 'wss'].map(name => `pcscf.${name}=0`);
    const all = ['store.kind=memory', 'trace.events=2000', ...ephemeral, ...settings];
    const main = fileURLToPath(new URL('./victim-main.ts', import.meta.url));
    const child = fork(main, [JSON.stringify(all)], { execArgv: ['--expose-gc'] });
    const ready = await told<Ready>(child, 'ready');
    const victim = new Victim(child, ready);
    owner(() => victim.#stop());
    await victim.serves(); // what is compiled at first use is compiled now
    await victim.collected();
    return victim;
  }

  private constructor(child: ChildProcess, ready: Ready) {
    this.#child = child;
    this.#ready = ready;
    this.home = ready.home;
    child.once('exit', (code, signal) => {
      this.#exit = `ended with ${code ?? signal}`;
    });
  }

  port(point: string, protocol: string): number {
    const one = this.#ready.listening.find(
      each => each.point === point && each.protocol === protocol,
    );
    assert.ok(one, `${point} ${protocol} is not open`);
    return one.address.port;
  }

  /** How it is; whatever was sent to it before has arrived. */
  fare(): Promise<Fare> {
    return this.#ask('fare');
  }

  /** The same once it holds nothing that could go. */
  collected(): Promise<Fare> {
    return this.#ask('collect');
  }

  /**
   * What it says until `enough`, or until `patience` milliseconds are over. No turn of its loop may
   * have taken too long, and nothing may have gone wrong.
   */
  async says(enough: (said: readonly Said[]) => boolean, patience: number) {
    const said: Said[] = [];
    const end = performance.now() + patience;
    do {
      await sleep(2);
      const fare = await this.fare();
      said.push(...fare.said);
      assert.deepEqual(fare.mistakes, [], 'it logged an error');
      assert.ok(fare.longest < LONGEST_TURN, `a turn of its loop took ${fare.longest} ms`);
    } while (!enough(said) && performance.now() < end);
    return said;
  }

  /** Waits until no transaction is left of what was sent: 64·T1 and some. Then tells what it holds. */
  async rested(): Promise<Fare> {
    const end = performance.now() + 64 * 500 + 8000;
    while ((await this.fare()).transactions > 0) {
      assert.ok(performance.now() < end, 'transactions outlive their timers');
      await sleep(250);
    }
    return this.collected();
  }

  async #ask(what: Asked): Promise<Fare> {
    assert.equal(this.#exit, undefined, 'the process is gone');
    this.#child.send(what);
    return told<Fare>(this.#child, 'fare');
  }

  /** A subscriber registers and deregisters: the network still serves. Rejects where it does not. */
  async serves(name = 'alice'): Promise<void> {
    const { ue, end } = await this.phone(name);
    try {
      await ue.deregister();
    } finally {
      await end();
    }
  }

  /** A phone of a subscriber, registered over UDP. */
  async phone(name: string): Promise<{ readonly ue: Ue; readonly end: () => Promise<void> }> {
    const machine = createProcess({ log: { level: 'error' } });
    const record = this.#ready.subscribers.find(one => one.name === name);
    const ue = new Ue(
      ueConfig({
        home: this.home,
        pcscf: `sip:127.0.0.1:${this.port('Gm', 'udp')}`,
        address: '127.0.0.1',
        credentials: {
          kind: 'sim',
          imsi: record!.imsi,
          k: Buffer.from(record!.k!, 'hex'),
          opc: Buffer.from(record!.opc!, 'hex'),
        },
        retry: false,
      }),
      machine.host(name),
    );
    const end = async (): Promise<void> => {
      await ue.stop();
      await machine.close();
    };
    await ue.start();
    const outcome = await ue.register();
    if (outcome.kind !== 'registered') await end();
    assert.equal(outcome.kind, 'registered', JSON.stringify(outcome));
    return { ue, end };
  }

  async #stop(): Promise<void> {
    if (this.#exit !== undefined) return;
    const gone = new Promise(resolve => this.#child.once('exit', resolve));
    this.#child.send('stop' satisfies Asked);
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), 5000);
    await gone;
    clearTimeout(kill);
  }
}

function told<T extends { readonly kind: string }>(
  child: ChildProcess,
  kind: T['kind'],
): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      child.off('message', hear);
      child.off('exit', gone);
    };
    const hear = (message: unknown): void => {
      if ((message as T).kind !== kind) return;
      end();
      resolve(message as T);
    };
    const gone = (code: number | null): void => {
      end();
      reject(new Error(`the network ended with ${code}`));
    };
    const timer = setTimeout(() => {
      end();
      reject(new Error(`the network did not say ${kind} within 20 s`));
    }, 20_000);
    child.on('message', hear);
    child.once('exit', gone);
  });
}
