// A network in this process, as `carillon up` runs it: data directory, functions, trace, seeds, API.

import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Host, Log } from '#kernel/host';
import { nodeDns } from '#kernel/node/dns-source';
import { createLog, type LogOptions } from '#kernel/node/log';
import { createProcess, type HostProcess } from '#kernel/node/process';
import { type Duration, type Instant, ms } from '#kernel/time';
import type { TraceEvent } from '#kernel/trace';
import { compose, FUNCTIONS, type FunctionName, type RunningNetwork } from '#networks/compose';
import type { NetworkSettings } from '#networks/schema';
import { Names, nodeWorld } from '#networks/world';
import { certificateOf } from './certificates.ts';
import { Ring } from './trace/ring.ts';

/** `carillon up` promises to be gone 5 s after it was asked; closing takes some of them. */
const DRAIN: Duration = ms(2500);

export interface RunOptions {
  /** Where all that persists is; created when missing. */
  readonly data?: string;
  readonly only?: readonly FunctionName[];
  readonly log?: LogOptions;
  /** 'ephemeral' lets networks run beside each other: for flows and tests. */
  readonly ports?: 'own' | 'ephemeral';
  readonly onStarted?: (name: FunctionName) => void;
  /** Puts something between a function and its host: faults, for flows and tests. */
  readonly host?: (host: Host) => Host;
  readonly onEvent?: (event: TraceEvent) => void;
}

export interface NetworkInProcess {
  readonly network: RunningNetwork;
  readonly process: HostProcess;
  readonly log: Log;
  readonly trace: Ring;
  /** The data directory; undefined where all is in memory. */
  readonly data: string | undefined;
  /** The functions that this process was asked to run. */
  readonly asked: readonly FunctionName[];
  readonly started: Instant;
  /**
   * Refuses what is new, gives what is under way up to `drain` (default 2.5 s) to come to its end, and
   * stops everything.
   */
  stop(drain?: Duration): Promise<void>;
}

/** Rejects with a UsageError or AddressError that says what to do; nothing is left running then. */
export async function runNetwork(
  settings: NetworkSettings,
  options: RunOptions = {},
): Promise<NetworkInProcess> {
  const persists = options.data !== undefined && settings.store.kind === 'sqlite';
  if (persists) mkdirSync(options.data, { recursive: true });
  const trace = new Ring({
    events: settings.trace.events,
    octets: settings.trace.megabytes * 1024 * 1024,
  });
  trace.enabled = settings.trace.enabled;
  if (options.onEvent !== undefined) trace.subscribe(options.onEvent);
  const names = new Names();
  const logging = { level: settings.log.level, ...options.log };
  const process = createProcess({
    ...(persists && { data: options.data }),
    synchronous: settings.store.synchronous === 'full' ? 'FULL' : 'NORMAL',
    links: settings.links === 'checked' ? 'checked' : 'local',
    names: (name, service) => names.find(name, service),
    dns: nodeDns({ servers: settings.dns.servers, timeout: settings.dns.timeout }),
    recorder: trace,
    log: logging,
  });
  try {
    const world = nodeWorld(process, names, {
      bind: settings.bind,
      ports: options.ports ?? 'own',
      certificate: (files, hosts) =>
        certificateOf(files, hosts, {
          data: persists ? options.data : undefined,
          now: process.clock.now(),
        }),
    });
    const network = await compose(settings, world, {
      ...(options.only !== undefined && { only: options.only }),
      ...(options.host !== undefined && { host: options.host }),
      ...(options.onStarted !== undefined && { onStarted: options.onStarted }),
    });
    return {
      network,
      process,
      log: createLog('operation', process.clock, logging),
      trace,
      data: persists ? resolve(options.data) : undefined,
      asked: FUNCTIONS.filter(name => options.only?.includes(name) ?? true),
      started: process.clock.now(),
      async stop(longest = DRAIN) {
        await drain(network, longest);
        await network.stop();
        await process.close();
      },
    };
  } catch (error) {
    await process.close();
    throw error;
  }
}

async function drain({ functions }: RunningNetwork, longest: Duration): Promise<void> {
  const { pcscf, icscf, scscf, as } = functions;
  await Promise.all([pcscf, icscf, scscf, as].map(one => one?.sip.drain(longest)));
}
