// `carillon subscriber import|export|generate`: many records at once.

import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { csvLine } from '#functions/hss/csv';
import { FIELDS } from '#functions/hss/fields';
import { type CsvSource, type GenerateOptions, generateSubscribers } from '#functions/hss/transfer';
import { UsageError } from '#kernel/errors';
import { Spool } from '../spool.ts';
import { CommandFailed, reporting } from './failure.ts';
import { findSubscribers, type Where } from './find-subscribers.ts';
import { ProgressBar } from './progress-bar.ts';
import { problemLines, reportText } from './subscriber-text.ts';

interface ImportOptions extends Where {
  readonly skipBad?: boolean;
  readonly update?: boolean;
  readonly json?: boolean;
}
interface ExportOptions extends Where {
  readonly withSecrets?: boolean;
  readonly output?: string;
}
type GenerateWords = Where & {
  readonly json?: boolean;
  readonly csv?: boolean;
} & { readonly [F in keyof GenerateOptions]?: string };

/** What a pipe may bring. */
const LARGEST = 4 * 1024 * 1024 * 1024;
/** Lines of generated text in one piece. */
const PIECE = 1000;

export function configureFiles(command: Command, common: (command: Command) => Command): void {
  const bring = command
    .command('import <file>')
    .summary('add records from CSV')
    .description(
      'Adds records from CSV; - is the standard input. Every line is checked before any is applied.',
    );
  common(bring)
    .option('--skip-bad', 'apply the good lines and leave the bad ones out')
    .option('--update', 'lines whose IMSI is known change the record instead of being bad')
    .addHelpText(
      'after',
      `
The first line names the columns, in any order:
  ${FIELDS.map(({ name }) => name).join(', ')}

Examples:
  carillon subscriber import people.csv
  carillon subscriber export --with-secrets --data old | carillon subscriber import - --data new`,
    )
    .action(reporting(bringIn));

  const give = command
    .command('export')
    .summary('all records as CSV')
    .description('Writes all records as CSV, without secrets.');
  common(give)
    .option(
      '--with-secrets',
      'keys and passwords too; only from the data directory of a stopped network',
    )
    .option(
      '--output <file>',
      'write there, readable to you alone, instead of to the standard output',
    )
    .addHelpText('after', '\nExample:\n  carillon subscriber export > people.csv')
    .action(reporting(giveOut));

  const make = command
    .command('generate')
    .summary('make records for load tests')
    .description('Makes numbered records, for load tests.');
  common(make)
    .requiredOption('--count <n>', 'how many')
    .requiredOption('--imsi <first>', 'IMSI of the first; the next ones count on')
    .option('--msisdn <first>', 'number of the first')
    .option('--password <password>', 'the same for all: SIP digest')
    .option('--k <k>', 'the same for all: SIM, with --opc')
    .option('--opc <opc>', 'the same for all')
    .option('--csv', 'print them as CSV instead of adding them')
    .addHelpText(
      'after',
      `
Examples:
  carillon subscriber generate --count 10000 --imsi 001019000000000 --msisdn 15559000000 --password load
  carillon subscriber generate --count 10000 --imsi 001019000000000 --csv --k 465b5ce8b199b49faa5f0a2ee238a6bc --opc cd63cb71954a9f4e48a5994e37a02baf`,
    )
    .action(reporting(makeMany));
}

async function bringIn(file: string, options: ImportOptions): Promise<void> {
  const input = file === '-' ? await piped() : await fileInput(file);
  try {
    await importFrom(file === '-' ? 'standard input' : file, input.source, options);
  } finally {
    await input.close();
  }
}

async function importFrom(
  name: string,
  source: CsvSource,
  options: ImportOptions,
  known?: number,
): Promise<void> {
  const total = known ?? (await recordsIn(source));
  const begun = performance.now();
  const subscribers = await findSubscribers(options, true);
  const bar = new ProgressBar();
  try {
    const report = await subscribers.import(source, {
      skipBad: options.skipBad === true,
      update: options.update === true,
      onProgress: ({ pass, lines }) =>
        bar.show(pass === 'check' ? 'checking' : 'applying', lines, total),
    });
    bar.clear();
    for (const line of problemLines(name, report)) process.stderr.write(`${line}\n`);
    const text = reportText(report, performance.now() - begun);
    if (options.json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    if (!report.applied) throw new CommandFailed(`${name}: ${text}`);
    if (!options.json) process.stdout.write(`${text}\n`);
  } finally {
    bar.clear();
    await subscribers.close();
  }
}

interface Input {
  readonly source: CsvSource;
  close(): Promise<void>;
}

async function piped(): Promise<Input> {
  const spool = await Spool.of(process.stdin, LARGEST);
  return { source: () => spool.read(), close: () => spool.close() };
}

async function fileInput(path: string): Promise<Input> {
  try {
    if ((await stat(path)).isDirectory()) throw new UsageError(`${path} is a directory`);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw new UsageError(code === 'ENOENT' ? `${path}: there is no such file` : message);
  }
  return {
    source: () => createReadStream(path, { encoding: 'utf8' }) as AsyncIterable<string>,
    async close() {},
  };
}

/** About: lines with a break in a value count twice. */
async function recordsIn(source: CsvSource): Promise<number> {
  let lines = 0;
  for await (const piece of source()) {
    for (let at = piece.indexOf('\n'); at >= 0; at = piece.indexOf('\n', at + 1)) lines++;
  }
  return Math.max(0, lines - 1);
}

async function giveOut(options: ExportOptions): Promise<void> {
  const subscribers = await findSubscribers(options, false);
  try {
    const pieces = Readable.from(subscribers.export(options.withSecrets === true));
    if (options.output === undefined) {
      await pipeline(pieces, process.stdout, { end: false });
    } else {
      await pipeline(pieces, createWriteStream(options.output, { mode: 0o600 }));
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EPIPE') return; // whoever read has enough
    throw code === undefined ? error : new CommandFailed(message);
  } finally {
    await subscribers.close();
  }
}

async function makeMany(options: GenerateWords): Promise<void> {
  const { imsi, msisdn, password, k, opc } = options;
  const count = Number(options.count);
  if (!/^[1-9][0-9]{0,8}$/.test(options.count ?? '')) {
    throw new UsageError(`--count ${options.count}: write a number of 1 or more`);
  }
  if ((k === undefined) !== (opc === undefined)) {
    throw new UsageError('--k and --opc belong together');
  }
  if (k === undefined && password === undefined) {
    throw new UsageError('give --password, or --k and --opc: they could not register otherwise');
  }
  if (k === undefined && msisdn === undefined) {
    throw new UsageError('give --msisdn: nobody could be called otherwise');
  }
  const given: GenerateOptions = {
    count,
    imsi: imsi!,
    ...(msisdn === undefined ? {} : { msisdn }),
    ...(password === undefined ? {} : { password }),
    ...(k === undefined ? {} : { k }),
    ...(opc === undefined ? {} : { opc }),
  };
  const source = () => generated(given);
  if (options.csv) await pipeline(Readable.from(source()), process.stdout, { end: false });
  else await importFrom('generated', source, options, count);
}

function* generated(options: GenerateOptions): Generator<string> {
  const columns = (['imsi', 'msisdn', 'password', 'k', 'opc'] as const).filter(
    name => options[name] !== undefined,
  );
  let piece = csvLine(columns);
  let lines = 0;
  for (const record of generateSubscribers(options)) {
    piece += csvLine(columns.map(name => String(record[name] ?? '')));
    if (++lines % PIECE > 0) continue;
    yield piece;
    piece = '';
  }
  yield piece;
}
