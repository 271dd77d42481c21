// The driver of the supplied scenarios (bench.py), called as it is: it starts and restarts the system
// under test, loads it with SIPp, and prints figures as JSON.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { CommandFailed } from '#operation/cli/failure';
import { HOME, type System } from './systems.ts';

const DRIVER = fileURLToPath(new URL('./drive.py', import.meta.url));
const START = fileURLToPath(new URL('./start-core.sh', import.meta.url));
const PCSCF = '127.0.0.11:5060';

/** One scenario at one rate: medians over its runs. */
export interface Measured {
  readonly rate: number;
  readonly passed: number;
  readonly of: number;
  readonly fail_ratio: number;
  readonly sut_cpu_per_1000: number | null;
  readonly other_share: number;
  readonly timers_ms: Readonly<Record<string, { readonly p50: number; readonly p99: number }>>;
}

interface ScenarioResult extends Partial<Measured> {
  readonly max?: (Measured & { readonly max_rate: number }) | null;
  readonly fixed?: Measured;
}

interface Memory {
  readonly total: { readonly pss_mb: number };
}

export interface DriverResult {
  readonly idle_cpu_per_s?: Readonly<Record<string, number>>;
  readonly memory?: Readonly<Record<string, Memory>>;
  readonly [scenario: string]: ScenarioResult | unknown;
}

export const scenarioOf = (result: DriverResult, name: string): ScenarioResult | undefined =>
  result[name] as ScenarioResult | undefined;

export interface Place {
  /** The folder of the supplied scenarios and their driver. */
  readonly scenarios: string;
  /** The folder of this run, with the subscribers. */
  readonly directory: string;
  readonly subscribers: number;
  /** Fewer subscribers call, and what others on the machine disturbed is kept, not measured again. */
  readonly hasty: boolean;
}

/** Runs the driver on one system with these words. Its progress goes to our standard error. */
export async function drive(
  place: Place,
  system: System,
  words: readonly string[],
): Promise<DriverResult> {
  const child = spawn('python3', [DRIVER, place.scenarios, '--sut', system.sut, ...words], {
    env: { ...process.env, ...environmentOf(place, system) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  // Whoever stops us stops the driver, which stops what it started.
  const stop = (): void => void child.kill('SIGTERM');
  process.once('SIGINT', stop).once('SIGTERM', stop);
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
  });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  process.off('SIGINT', stop).off('SIGTERM', stop);
  if (status !== 0) {
    throw new CommandFailed(`bench: the driver ended with ${status} on ${system.name}; see above`);
  }
  const { results } = JSON.parse(text) as { results: Record<string, DriverResult> };
  return results[system.sut] ?? {};
}

export function environmentOf(place: Place, system: System): NodeJS.ProcessEnv {
  const shared = {
    ALG: system.authentication,
    HOME_DOMAIN: HOME,
    COUNT: String(place.subscribers),
    PCSCF,
    ...(place.hasty && { QUIET_WAIT: '3', NOISE: '1', PAIRS: '1000' }),
  };
  if (system.sut === 'trio') return shared;
  return {
    ...shared,
    BENCH_DIR: place.directory,
    BENCH_IMPORT: system.imports ? 'yes' : '',
    START_CMD: [START, ...system.settings].map(quoted).join(' '),
    ...(system.authentication === 'AKAv1-MD5' && {
      WITH_HSS: '1',
      HSS_HOST: `hss.${HOME}`,
      SCSCF_NAME: `sip:scscf.${HOME}:6060`,
    }),
  };
}

/** As Python's shlex reads it. */
const quoted = (word: string): string => `'${word.replaceAll("'", `'"'"'`)}'`;
