// A network with its API for tests: the lab on free ports and a directory of its own, and phones in it.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type UeSettings, ueConfig } from '#functions/ue/config';
import { Ue } from '#functions/ue/ue';
import { createProcess } from '#kernel/node/process';
import { readSettings } from '../../cli/settings.ts';
import { type NetworkInProcess, type RunOptions, runNetwork } from '../../run-network.ts';
import { type Api, serveApi } from '../server.ts';

const FREE_PORTS = [
  ...['udp', 'tcp', 'tls', 'ws', 'wss'].map(name => `pcscf.${name}=0`),
  'console.port=0',
  'rtp.from=20000',
  'rtp.to=29999',
];

export const K = '465b5ce8b199b49faa5f0a2ee238a6bc';
export const OPC = 'cd63cb71954a9f4e48a5994e37a02baf';

export interface TestNetwork {
  readonly running: NetworkInProcess;
  readonly api: Api;
  readonly url: string;
  /** Asks for JSON; `body` is sent as JSON too. */
  ask(method: string, path: string, body?: unknown): Promise<Asked>;
  /** A phone of the lab, registered. It ends with the test. */
  phone(name: string, settings?: Partial<UeSettings>): Promise<Ue>;
}

export interface Asked {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a test says what it expects of an answer
  readonly body: any;
  readonly text: string;
}

export async function testNetwork(
  t: TestContext,
  set: readonly string[] = [],
  options: RunOptions = {},
): Promise<TestNetwork> {
  const data = mkdtempSync(join(tmpdir(), 'carillon-test-'));
  const settings = readSettings(undefined, [...FREE_PORTS, ...set]);
  const running = await runNetwork(settings, { data, log: { level: 'silent' }, ...options });
  const api = await serveApi(running, settings);
  t.after(async () => {
    await api.close();
    await running.stop(0);
    rmSync(data, { recursive: true, force: true });
  });
  return {
    running,
    api,
    url: api.url,
    ask: (method, path, body) => ask(api.url, method, path, body),
    phone: (name, more) => phone(t, running, name, more),
  };
}

export async function ask(
  url: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Asked> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    redirect: 'manual',
  });
  const text = await response.text();
  const isJson = /json/.test(response.headers.get('content-type') ?? '') && text !== '';
  return {
    status: response.status,
    headers: response.headers,
    body: isJson ? JSON.parse(text) : undefined,
    text,
  };
}

async function phone(
  t: TestContext,
  { network }: NetworkInProcess,
  name: string,
  more: Partial<UeSettings> = {},
): Promise<Ue> {
  const { home, listening } = network;
  const gm = listening.find(one => one.point === 'Gm' && one.protocol === 'udp')!.address;
  const process = createProcess({ log: { level: 'silent' } });
  const settings = ueConfig({
    home,
    credentials: { kind: 'password', username: `${name}@${home}`, password: `${name}-secret` },
    impu: `sip:${name}@${home}`,
    pcscf: `sip:${gm.host}:${gm.port}`,
    address: '127.0.0.1',
    ...more,
  });
  const ue = new Ue(settings, process.host(name));
  t.after(async () => {
    await ue.stop();
    await process.close();
  });
  await ue.start();
  const outcome = await ue.register();
  if (outcome.kind !== 'registered') throw new Error(`${name}: ${JSON.stringify(outcome)}`);
  return ue;
}

/** Waits for what takes a moment; fails with `what` when it never comes. */
export async function eventually(what: string, holds: () => unknown): Promise<void> {
  for (let left = 200; left > 0; left--) {
    if (await holds()) return;
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  throw new Error(`never: ${what}`);
}
