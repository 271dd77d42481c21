// Runs a flow on a fresh network of its own: over sockets with ports that no other network has, or
// in simulated time from a seed.

import { readFileSync } from 'node:fs';
import { diameterCodec } from '#diameter/codec';
import { ueConfig } from '#functions/ue/config';
import { Ue } from '#functions/ue/ue';
import type { Host } from '#kernel/host';
import { simulate } from '#kernel/simulation';
import { type Duration, seconds } from '#kernel/time';
import type { TraceEvent } from '#kernel/trace';
import { compose, type RunningNetwork } from '#networks/compose';
import { faulty } from '#networks/faults';
import { readNetworkFile } from '#networks/network-file';
import type { NetworkSettings } from '#networks/schema';
import { simulatedWorld, type World } from '#networks/world';
import { sipCodec } from '#sip/codec';
import { runNetwork } from '../run-network.ts';
import { Faults } from './faults.ts';
import { type Flow, type FlowResult, runSteps, type Verdict } from './flow.ts';
import { Stage } from './stage.ts';

export interface RunFlowOptions {
  /** How functions meet. Default 'wire'. */
  readonly links?: NetworkSettings['links'];
  /** Simulated time from this seed; without it real sockets and real time. */
  readonly seed?: number;
  /** What goes wrong: see Faults. */
  readonly break?: string;
  readonly onEvent?: (event: TraceEvent) => void;
  readonly onVerdict?: (verdict: Verdict) => void;
  /** How long a step waits for one thing. */
  readonly patience?: Duration;
}

const LAB = new URL('../../networks/lab.yaml', import.meta.url);
const PATIENCE = seconds(12);

/** Throws a UsageError where `break` names nothing of this flow. */
export function runFlow(flow: Flow, options: RunFlowOptions = {}): Promise<FlowResult> {
  const faults = new Faults(flow, options.break);
  const settings = readNetworkFile({
    name: 'lab',
    text: readFileSync(LAB, 'utf8'),
    settings: [
      `links=${options.links ?? 'wire'}`,
      'store.kind=memory',
      ...['udp', 'tcp', 'tls', 'ws', 'wss'].map(name => `pcscf.${name}=0`),
    ],
  });
  return options.seed === undefined
    ? overSockets(flow, settings, faults, options)
    : inSimulation(flow, settings, faults, options, options.seed);
}

async function overSockets(
  flow: Flow,
  settings: NetworkSettings,
  faults: Faults,
  options: RunFlowOptions,
): Promise<FlowResult> {
  let record: (event: TraceEvent) => void = () => {};
  let isOver = false;
  const running = await runNetwork(settings, {
    ports: 'ephemeral',
    log: { level: 'silent' },
    host: host => broken(host, faults),
    onEvent: event => {
      if (isOver) return; // what the network says while it stops is no part of the flow
      options.onEvent?.(event);
      record(event);
    },
  });
  try {
    const { network, process } = running;
    const world = {
      clock: process.clock,
      host: (name: string) => process.host(name),
      address: () => settings.bind,
    };
    const { stage, phones } = await prepare(flow, network, world, faults, options);
    record = event => stage.record(event);
    const result = await runSteps(flow, stage, options.onVerdict);
    isOver = true;
    await Promise.all(phones.map(phone => phone.stop()));
    return result;
  } finally {
    await running.stop();
  }
}

async function inSimulation(
  flow: Flow,
  settings: NetworkSettings,
  faults: Faults,
  options: RunFlowOptions,
  seed: number,
): Promise<FlowResult> {
  let record: (event: TraceEvent) => void = () => {};
  const simulation = simulate({
    seed,
    localLinks: settings.links === 'checked' ? 'checked' : 'local',
    recorder: {
      enabled: true,
      record(event) {
        options.onEvent?.(event);
        record(event);
      },
    },
  });
  const world = simulatedWorld(simulation);
  return simulation.settle(async () => {
    const network = await compose(settings, world, { host: host => broken(host, faults) });
    const places = { ...world, address: (name: string) => simulation.addressOf(name) };
    const { stage } = await prepare(flow, network, places, faults, options);
    record = event => stage.record(event);
    return runSteps(flow, stage, options.onVerdict);
  });
}

const broken = (host: Host, faults: Faults): Host =>
  faulty(host, faults, [sipCodec, diameterCodec]);

async function prepare(
  flow: Flow,
  network: RunningNetwork,
  world: Pick<World, 'clock' | 'host'> & { readonly address: (instance: string) => string },
  faults: Faults,
  options: RunFlowOptions,
): Promise<{ stage: Stage; phones: readonly Ue[] }> {
  const gm = network.listening.find(({ point, protocol }) => point === 'Gm' && protocol === 'udp');
  if (gm === undefined) throw new Error('the P-CSCF does not listen on UDP');
  const host = gm.address.host.includes(':') ? `[${gm.address.host}]` : gm.address.host;
  const phones = new Map<string, Ue>();
  for (const name of flow.phones) {
    const phone = new Ue(
      ueConfig({
        home: network.home,
        pcscf: `sip:${host}:${gm.address.port}`,
        address: world.address(name),
        credentials: simOf(network.settings, name, name === flow.phones[0] ? faults : undefined),
        retry: false,
      }),
      broken(world.host(name), faults),
    );
    await phone.start();
    phones.set(name, phone);
  }
  const stage = new Stage(network, phones, faults, world.clock, options.patience ?? PATIENCE);
  faults.onDown = name => void network.stopFunction(name);
  if (faults.down !== undefined && faults.isActive) await network.stopFunction(faults.down);
  return { stage, phones: [...phones.values()] };
}

function simOf(settings: NetworkSettings, name: string, faults: Faults | undefined) {
  const record = settings.subscribers.find(one => one.name === name);
  if (record?.k === undefined || record.opc === undefined) {
    throw new Error(`the lab has no SIM for ${name}`);
  }
  const k = Buffer.from(record.k, 'hex');
  if (faults?.phone === 'wrong-key') k[0] = k[0]! ^ 0xff;
  const imsi =
    faults?.phone === 'unknown-user' ? record.imsi.replace(/\d{4}$/, '9999') : record.imsi;
  return { kind: 'sim', imsi, k, opc: Buffer.from(record.opc, 'hex') } as const;
}
