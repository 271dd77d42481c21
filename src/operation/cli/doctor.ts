// `carillon doctor`: what is wrong with the machine, the configuration or a running network, and what
// to do about it. It changes nothing.

import type { Command } from 'commander';
import { UsageError } from '#kernel/errors';
import type { NetworkSettings } from '#networks/schema';
import { checkExposure, exposureOf } from '../api/access.ts';
import { API_HELP, ApiClient, withApi } from './api-client.ts';
import type { Finding } from './doctor-finding.ts';
import { clockFindings, dataFindings, machineFindings } from './doctor-machine.ts';
import { networkFindings, whatRuns } from './doctor-network.ts';
import { portFindings } from './doctor-ports.ts';
import { reporting } from './failure.ts';
import { DEFAULT_DATA } from './find-subscribers.ts';
import { collect, readSettings } from './settings.ts';

interface DoctorOptions {
  readonly api?: string;
  readonly data: string;
  readonly set?: readonly string[];
  readonly json?: boolean;
}

const SIGNS = { good: '✔', warning: '!', problem: '✖' } as const;

export function configure(command: Command): void {
  withApi(command)
    .argument('[file]', 'network file (default: the built-in lab network)')
    .option('--data <dir>', 'data directory', DEFAULT_DATA)
    .option('--set <path=value>', 'override one setting of the file; may be repeated', collect)
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Exit status: 0 where nothing is wrong (warnings may be), 1 where something is.
${API_HELP}

Examples:
  carillon doctor
  carillon doctor office.yaml --data /var/lib/carillon
  carillon doctor --api https://ims.example:8080 --json`,
    )
    .action(reporting(doctor));
}

async function doctor(file: string | undefined, options: DoctorOptions): Promise<void> {
  const api = new ApiClient(options);
  const findings: Finding[] = [];
  const told = (...found: readonly Finding[]): void => {
    findings.push(...found);
    if (!options.json) for (const one of found) process.stdout.write(`${textOf(one)}\n`);
  };
  told(...machineFindings());
  told(clockFindings());
  const running = await whatRuns(api);
  const settings = settingsOf(file, options.set ?? [], told);
  told(...dataFindings(options.data, running.network));
  if (settings !== undefined) told(...(await portFindings(settings, running.network)));
  told(...(await networkFindings(api, running)));

  const count = (level: Finding['level']): number =>
    findings.filter(one => one.level === level).length;
  const [problems, warnings] = [count('problem'), count('warning')];
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ problems, warnings, findings }, null, 2)}\n`);
  } else {
    process.stdout.write(`\n${counted(problems, 'problem')}, ${counted(warnings, 'warning')}\n`);
  }
  process.exitCode = problems > 0 ? 1 : 0;
}

/** A file that is wrong is what a doctor finds, not a wrong call; a wrong --set is. */
function settingsOf(
  file: string | undefined,
  set: readonly string[],
  told: (finding: Finding) => void,
): NetworkSettings | undefined {
  const name = file ?? 'the built-in lab network';
  try {
    const settings = readSettings(file, set);
    checkExposure(exposureOf(settings));
    told({ check: 'file', level: 'good', found: `${name} is valid` });
    return settings;
  } catch (error) {
    if (!(error instanceof UsageError) || error.message.startsWith('--set')) throw error;
    for (const line of error.message.split('\n')) {
      told({ check: 'file', level: 'problem', found: line, remedy: 'mend the network file there' });
    }
    return undefined;
  }
}

function textOf({ check, level, found, remedy }: Finding): string {
  const line = `${SIGNS[level]} ${check.padEnd(9)} ${found}`;
  return remedy === undefined ? line : `${line}\n${' '.repeat(12)}→ ${remedy}`;
}

const counted = (count: number, what: string): string =>
  `${count === 0 ? 'no' : count} ${what}${count === 1 ? '' : 's'}`;
