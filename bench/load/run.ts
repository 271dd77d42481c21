// The load benchmark: every system through the same scenarios, one after another, in one run.

import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DriverResult, drive, type Measured, type Place, scenarioOf } from './driver.ts';
import { secondsToReady } from './ready.ts';
import { makeSubscribers } from './subscribers.ts';
import type { System } from './systems.ts';

export const SCENARIOS = ['register', 'reregister', 'call0', 'call2', 'message'] as const;
export type Scenario = (typeof SCENARIOS)[number];

/** Where all are compared: about a third of what the peer can do on two cores. Per second. */
const RATES: Readonly<Record<Scenario, number>> = {
  register: 400,
  reregister: 400,
  call0: 200,
  call2: 150,
  message: 600,
};
/** For short runs, also on a machine that others use: below what half a core can do. */
const RATES_QUICK: Readonly<Record<Scenario, number>> = {
  register: 150,
  reregister: 150,
  call0: 60,
  call2: 50,
  message: 200,
};
/** Where the search for the highest rate begins; it climbs by 1.3. */
const SEARCHED_FROM: Readonly<Record<Scenario, number>> = {
  register: 500,
  reregister: 500,
  call0: 250,
  call2: 200,
  message: 800,
};
const SUBSCRIBERS = 100_000;
const SUBSCRIBERS_QUICK = 20_000;
const REGISTERED = [0, 10_000, 50_000];
const REGISTERED_QUICK = [0, 1000, 4000];
/** How fast subscribers are registered before the others are measured. */
const SPARING = ['--preload-rate', '150'];

export interface BenchOptions {
  /** The folder of the supplied scenarios. */
  readonly scenarios: string;
  readonly run: readonly Scenario[];
  readonly quick: boolean;
  /** Seconds of each run. */
  readonly seconds: number;
  readonly say: (line: string) => void;
}

export interface SystemResult {
  readonly system: System;
  readonly secondsToReady: number;
  /** At the rate where all are compared. */
  readonly fixed: Readonly<Partial<Record<Scenario, Measured>>>;
  /** Highest sustained rates and what was measured there; none where it was not searched for. */
  readonly highest: Readonly<Partial<Record<Scenario, Measured & { readonly max_rate: number }>>>;
  /** Octets for each registered subscriber: the difference between the two larger numbers. */
  readonly octetsPerSubscriber: number | undefined;
  /** Megabytes in use (PSS) with nobody registered. */
  readonly megabytesEmpty: number | undefined;
}

export interface BenchReport {
  readonly date: string;
  readonly machine: { readonly cores: number; readonly model: string };
  readonly seconds: number;
  readonly systems: readonly SystemResult[];
}

export async function runBench(
  systems: readonly System[],
  options: BenchOptions,
): Promise<BenchReport> {
  const directory = mkdtempSync(join(tmpdir(), 'carillon-bench-'));
  const place = {
    scenarios: options.scenarios,
    directory,
    subscribers: options.quick ? SUBSCRIBERS_QUICK : SUBSCRIBERS,
    hasty: options.quick,
  };
  try {
    options.say(`bench: making ${place.subscribers.toLocaleString('en')} subscribers …`);
    makeSubscribers(directory, place.subscribers);
    const results: SystemResult[] = [];
    for (const system of systems) {
      options.say(`bench: ${system.name}, ${system.authentication} (${system.about})`);
      results.push(await measure(place, system, options));
    }
    const [cpu] = cpus();
    return {
      date: new Date().toISOString(),
      machine: { cores: cpus().length, model: cpu?.model ?? '' },
      seconds: options.seconds,
      systems: results,
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function measure(place: Place, system: System, options: BenchOptions): Promise<SystemResult> {
  const { quick, run } = options;
  const registered = quick ? REGISTERED_QUICK : REGISTERED;
  const words = [
    ...['--scenarios', run.join(','), '--secs', `${options.seconds}`],
    ...['--runs', quick ? '1' : '3', '--trial', `${Math.min(8, options.seconds)}`],
    ...(quick ? SPARING : []),
  ];
  // Subscribers that are brought by the API are no part of the start.
  const ready = await secondsToReady(place, { ...system, imports: false });
  const memory = await drive(place, system, [
    ...['--mode', 'mem', '--mem', registered.join(',')],
    ...(quick ? SPARING : []),
  ]);
  const fixed = await drive(place, system, [
    ...words,
    '--mode',
    'fixed',
    '--rates',
    rates(quick ? RATES_QUICK : RATES),
  ]);
  const searches = system.searched && !quick;
  const highest = searches
    ? await drive(place, system, [...words, '--mode', 'max', '--rates', rates(SEARCHED_FROM)])
    : {};
  return {
    system,
    secondsToReady: ready,
    fixed: Object.fromEntries(run.map(name => [name, scenarioOf(fixed, name)?.fixed])),
    highest: Object.fromEntries(
      run.map(name => [name, scenarioOf(highest, name)?.max ?? undefined]),
    ),
    ...memoryOf(memory, registered),
  };
}

const rates = (of: Readonly<Record<Scenario, number>>): string =>
  Object.entries(of)
    .map(([name, rate]) => `${name}=${rate}`)
    .join(',');

function memoryOf(
  { memory }: DriverResult,
  registered: readonly number[],
): Pick<SystemResult, 'octetsPerSubscriber' | 'megabytesEmpty'> {
  const [empty, some, many] = registered.map(count => memory?.[count]?.total.pss_mb);
  const [, fewer = 0, more = 0] = registered;
  return {
    megabytesEmpty: empty,
    octetsPerSubscriber:
      some === undefined || many === undefined
        ? undefined
        : Math.round(((many - some) * 1024 * 1024) / (more - fewer)),
  };
}
