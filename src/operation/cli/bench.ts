// `carillon bench`: the load benchmark, alone or beside a peer.

import { accessSync, constants, existsSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { type BenchOptions, runBench, SCENARIOS, type Scenario } from '#bench/load/run';
import { type Authentication, systemsFor } from '#bench/load/systems';
import { tablesOf } from '#bench/load/table';
import { UsageError } from '#kernel/errors';
import { CommandFailed, reporting } from './failure.ts';

interface BenchWords {
  readonly quick?: boolean;
  readonly peer?: string;
  readonly scenarios: string;
  readonly auth: string;
  readonly system?: string;
  readonly seconds?: string;
  readonly json?: boolean;
  readonly out?: string;
}

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const AUTHENTICATIONS: Readonly<Record<string, Authentication>> = { md5: 'MD5', aka: 'AKAv1-MD5' };
/** Programs, and the Debian package that brings each. */
const NEEDED = { sipp: 'sip-tester', python3: 'python3' } as const;
const NEEDED_FOR_CX = { gcc: 'gcc libc6-dev' } as const;
const NEEDED_FOR_KAMAILIO = {
  kamailio: 'kamailio kamailio-ims-modules kamailio-presence-modules',
  ...NEEDED_FOR_CX,
} as const;

export function configure(command: Command): void {
  command
    .option('--quick', 'short runs at fixed rates, and no search for the highest')
    .option('--peer <name>', 'measure a peer too, in the same run: kamailio')
    .option('--scenarios <names>', SCENARIOS.join(','), 'register,call0,message')
    .option('--auth <names>', 'md5 (own HSS), aka (the supplied Cx responder)', 'md5,aka')
    .option('--system <names>', 'only these: memory,durable,traced,whole,kamailio')
    .option('--seconds <n>', 'of each run (default 15; quick 5)')
    .option('--json', 'print one JSON document instead of the tables')
    .option('--out <file>', 'write that document to a file as well')
    .addHelpText(
      'after',
      `
The scenarios, and the driver that runs SIPp, lie beside the checkout in ../shared/bench, or where
CARILLON_BENCH_SCENARIOS says. All is on 127.0.0.x. Beside other work the figures are worth little.

Examples:
  carillon bench --quick                              ten minutes
  carillon bench --peer kamailio --auth md5 --out md5.json
  carillon bench --quick --scenarios register --system memory,kamailio --peer kamailio`,
    )
    .action(reporting(bench));
}

async function bench(words: BenchWords): Promise<void> {
  if (words.peer !== undefined && words.peer !== 'kamailio') {
    throw new UsageError(`bench: --peer ${words.peer}: there is no such peer; write kamailio`);
  }
  const run = chosen('scenarios', words.scenarios, SCENARIOS) as readonly Scenario[];
  const authentications = chosen('auth', words.auth, Object.keys(AUTHENTICATIONS));
  const quick = words.quick === true;
  const all = authentications.flatMap(name =>
    systemsFor(AUTHENTICATIONS[name]!, {
      peer: words.peer !== undefined,
      quick: quick && words.system === undefined,
    }),
  );
  const names = [...new Set(all.map(({ name }) => shortName(name)))];
  const only = words.system === undefined ? names : chosen('system', words.system, names);
  const scenarios = scenariosFolder();
  demand({
    ...NEEDED,
    ...(authentications.includes('aka') && NEEDED_FOR_CX),
    ...(words.peer !== undefined && NEEDED_FOR_KAMAILIO),
  });
  const options: BenchOptions = {
    scenarios,
    run,
    quick,
    seconds: secondsOf(words.seconds ?? (quick ? '5' : '15')),
    say: line => void process.stderr.write(`${line}\n`),
  };
  const systems = all.filter(({ name }) => only.includes(shortName(name)));
  const report = await runBench(systems, options);
  const document = `${JSON.stringify(report, null, 2)}\n`;
  if (words.out !== undefined) writeFileSync(words.out, document);
  process.stdout.write(words.json ? document : `${tablesOf(report, run)}\n`);
}

const shortName = (name: string): string => name.replace('carillon ', '');

function chosen(option: string, list: string, known: readonly string[]): readonly string[] {
  return list.split(',').map(name => {
    if (known.includes(name)) return name;
    throw new UsageError(`bench: --${option} ${name}: write of ${known.join(',')}`);
  });
}

function secondsOf(text: string): number {
  if (/^[1-9][0-9]{0,3}$/.test(text)) return Number(text);
  throw new UsageError(`bench: --seconds ${text}: write a number of 1 or more`);
}

function scenariosFolder(): string {
  const named = process.env.CARILLON_BENCH_SCENARIOS;
  const folder = resolve(named ?? join(ROOT, '..', 'shared', 'bench'));
  if (existsSync(join(folder, 'bench.py'))) return folder;
  throw new CommandFailed(
    `bench: there are no scenarios in ${folder}: name the folder that holds bench.py in CARILLON_BENCH_SCENARIOS`,
  );
}

/** @throws CommandFailed that names what to install. */
function demand(programs: Readonly<Record<string, string>>): void {
  const missing = Object.keys(programs).filter(program => !isInstalled(program));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map(program => programs[program]))].join(' ');
  throw new CommandFailed(
    `bench: ${missing.join(', ')} not installed. Install: apt-get install ${packages}`,
  );
}

function isInstalled(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some(folder => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
