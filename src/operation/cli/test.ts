// `carillon test`: types, house rules and every test, in parts that can be named. Tests that need a
// peer which is not installed skip themselves with the package's name; with CI=true they fail.

import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { UsageError } from '#kernel/errors';

interface Part {
  readonly about: string;
  /** Test files, as globs from the root of the checkout. */
  readonly files?: readonly string[];
  /** A program whose exit status is one test. */
  readonly check?: readonly [program: string, ...words: string[]];
  /** Peers and real ports do not share a machine well: one file at a time. */
  readonly alone?: boolean;
}

const PARTS: Readonly<Record<string, Part>> = {
  types: { about: 'the whole tree type-checks', check: ['node_modules/.bin/tsc', '--noEmit'] },
  lint: {
    about: 'formatting and lint',
    check: ['node_modules/.bin/biome', 'check', '--error-on-warnings', 'src', 'test', 'bench'],
  },
  unit: {
    about: 'fast tests beside the code, and the house rules',
    files: ['src/**/*.test.ts', 'test/*.test.ts'],
  },
  flows: {
    about: 'whole-network flows, on every kind of link',
    files: ['test/flows/**/*.test.ts'],
  },
  faults: {
    about: 'seeded networks with faults, in simulated time',
    files: ['test/faults/**/*.test.ts'],
  },
  fuzz: {
    about: 'every parser on mutated input, for a minute or CARILLON_FUZZ_SECONDS',
    files: ['test/fuzz/**/*.test.ts'],
    alone: true,
  },
  hostile: {
    about: 'torture, malice, kill -9 and overload against a network that really runs',
    files: ['test/hostile/**/*.test.ts'],
    alone: true,
  },
  cli: {
    about: 'the command line as a person uses it',
    files: ['test/cli/**/*.test.ts'],
    alone: true,
  },
  peers: {
    about: 'SIPp, baresip, Linphone and tshark against the real network',
    files: ['test/peers/**/*.test.ts'],
    alone: true,
  },
};

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

const root = fileURLToPath(new URL('../../..', import.meta.url));

export function configure(command: Command): void {
  command
    .argument(
      '[name...]',
      `parts to run (default all): ${Object.keys(PARTS).join(', ')}; or test files`,
    )
    .option('--seeds <n>', 'of the part faults: how many random lives of the network, default 60')
    .option('--json', 'end with one JSON document instead of the counts')
    .addHelpText(
      'after',
      `
Parts:
${Object.entries(PARTS)
  .map(([name, part]) => `  ${name.padEnd(8)} ${part.about}`)
  .join('\n')}

Examples:
  carillon test                                   everything
  carillon test unit flows                        two parts
  carillon test faults --seeds 1000               more chance than usual
  CARILLON_FUZZ_SECONDS=3600 CARILLON_FUZZ_SEED=7 carillon test fuzz
  carillon test src/protocols/sip/uri.test.ts     one file`,
    )
    .action(async (names: string[], options: { json?: boolean; seeds?: string }) => {
      if (options.seeds !== undefined) {
        if (!/^[1-9]\d{0,6}$/.test(options.seeds)) {
          throw new UsageError(`--seeds ${options.seeds}: write a number from 1 to 9999999`);
        }
        process.env.CARILLON_SEEDS = options.seeds;
      }
      const counts = await runParts(names);
      process.stdout.write(
        options.json
          ? `${JSON.stringify(counts)}\n`
          : `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`,
      );
      process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0;
    });
}

async function runParts(names: readonly string[]): Promise<Counts> {
  const files = names.filter(name => name.endsWith('.test.ts'));
  const parts = names.filter(name => !name.endsWith('.test.ts'));
  for (const name of parts) {
    if (PARTS[name] === undefined) {
      throw new UsageError(
        `test: there is no part named ${name}; write one of ${Object.keys(PARTS).join(', ')}, or a *.test.ts file`,
      );
    }
  }
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  const chosen = names.length === 0 ? Object.keys(PARTS) : parts;
  for (const name of chosen) {
    const part = PARTS[name];
    if (part !== undefined) add(counts, await runPart(name, part));
  }
  if (files.length > 0) add(counts, await runFiles(files, true));
  return counts;
}

function add(to: Counts, from: Counts): void {
  to.passed += from.passed;
  to.failed += from.failed;
  to.skipped += from.skipped;
}

async function runPart(name: string, part: Part): Promise<Counts> {
  process.stdout.write(`── ${name}: ${part.about}\n`);
  if (part.check) {
    const [program, ...words] = part.check;
    const status = await run(program, words);
    process.stdout.write(`${status === 0 ? '✔' : '✖'} ${name}\n`);
    return { passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1, skipped: 0 };
  }
  const files = (part.files ?? []).flatMap(pattern => globSync(pattern, { cwd: root })).sort();
  return files.length === 0
    ? { passed: 0, failed: 0, skipped: 0 }
    : runFiles(files, part.alone ?? false);
}

/** Runs test files under node's runner and reads its counts from the closing lines. */
async function runFiles(files: readonly string[], alone: boolean): Promise<Counts> {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  const read = (line: string): boolean => {
    const match = /^ℹ (tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) ([\d.]+)$/.exec(
      line,
    );
    if (!match) return true;
    const n = Number(match[2]);
    if (match[1] === 'pass') counts.passed += n;
    if (match[1] === 'fail' || match[1] === 'cancelled') counts.failed += n;
    if (match[1] === 'skipped') counts.skipped += n;
    return false; // our own closing line says it
  };
  const concurrency = alone ? 1 : availableParallelism();
  const reporter = fileURLToPath(new URL('./test-reporter.ts', import.meta.url));
  const status = await run(
    process.execPath,
    ['--test', `--test-concurrency=${concurrency}`, `--test-reporter=${reporter}`, ...files],
    read,
  );
  if (status !== 0 && counts.failed === 0) counts.failed = 1; // the runner itself failed
  return counts;
}

/** Runs a program in the root of the checkout; `keep` chooses the lines of its output to show. */
function run(
  program: string,
  words: readonly string[],
  keep: (line: string) => boolean = () => true,
): Promise<number> {
  return new Promise(resolve => {
    const child = spawn(program, words, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    let rest = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (keep(line)) process.stdout.write(`${line}\n`);
    });
    child.on('error', error => {
      process.stderr.write(`${program}: ${error.message}\n`);
      resolve(1);
    });
    child.on('close', code => resolve(code ?? 1));
  });
}
