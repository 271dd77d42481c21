// `carillon subscriber …`: the records of a running network, or of a data directory when none runs.

import type { Command } from 'commander';
import type { SubscriberView } from '#functions/hss/hss';
import type { Changes } from '#functions/hss/provisioning';
import {
  FIELDS,
  type FieldName,
  RecordError,
  type SubscriberInput,
} from '#functions/hss/subscriber';
import { UsageError } from '#kernel/errors';
import { API_HELP, ApiRefusal, withApi } from './api-client.ts';
import { CommandFailed, reporting } from './failure.ts';
import { DEFAULT_DATA, findSubscribers, type Where } from './find-subscribers.ts';
import { configureFiles } from './subscriber-files.ts';
import { describe, HEADING, pushedText, rowOf } from './subscriber-text.ts';
import type { Subscribers } from './subscribers.ts';

interface Common extends Where {
  readonly json?: boolean;
}
interface ListOptions extends Common {
  readonly after?: string;
  readonly limit?: string;
  readonly find?: string;
}
type RecordOptions = Common & { readonly [F in FieldName]?: string };

const PAGE = 500;

export function configure(command: Command): void {
  command.addHelpText(
    'after',
    `
A subscriber is named by IMSI, number, name, or any identity of his. Where no network answers, the
records of --data are used (default ${DEFAULT_DATA}); a directory in use by a network is refused.
${API_HELP}

Examples:
  carillon subscriber list
  carillon subscriber add --imsi 001010000000009 --msisdn 15550100009 --name erin --password erin-secret
  carillon subscriber set erin --k 465b5ce8b199b49faa5f0a2ee238a6bc --opc cd63cb71954a9f4e48a5994e37a02baf
  carillon subscriber set erin --msisdn ''          takes the number away
  carillon subscriber import people.csv --skip-bad
  carillon subscriber generate --count 100000 --imsi 001019000000000 --msisdn 15559000000 --password load
  carillon subscriber export --with-secrets --data ./carillon-data > backup.csv`,
  );

  common(command.command('list').summary('list subscribers').description('Lists subscribers.'))
    .option('--find <text>', 'only him: IMSI, number, name or identity')
    .option('--after <imsi>', 'begin behind this one')
    .option('--limit <n>', 'at most so many')
    .addHelpText('after', '\nExample:\n  carillon subscriber list --limit 20 --json')
    .action(reporting(list));

  common(command.command('show <who>').summary('show one').description('Shows one subscriber.'))
    .addHelpText('after', '\nExample:\n  carillon subscriber show +15550100001')
    .action(reporting(show));

  const add = command.command('add').summary('add one').description('Adds a subscriber.');
  common(fields(add, true))
    .addHelpText(
      'after',
      '\nExample:\n  carillon subscriber add --imsi 001010000000009 --name erin --password erin-secret',
    )
    .action(reporting((options: RecordOptions) => addOne(options)));

  const set = command
    .command('set <who>')
    .summary('change some fields of one')
    .description("Changes the fields named; '' takes a value away. It takes effect at once.");
  common(fields(set, false))
    .addHelpText(
      'after',
      '\nExample:\n  carillon subscriber set alice --services "mmtel sms screening"',
    )
    .action(reporting(change));

  const remove = command
    .command('remove <who...>')
    .summary('remove one or several')
    .description('Removes subscribers and ends their registrations.');
  common(remove)
    .addHelpText('after', '\nExample:\n  carillon subscriber remove erin')
    .action(reporting(removeAll));

  configureFiles(command, common);
}

function common(command: Command): Command {
  return withApi(command)
    .option('--data <dir>', `the data directory of a stopped network (default: ${DEFAULT_DATA})`)
    .option(
      '--file <file>',
      'the network file that the data directory belongs to (default: the lab)',
    )
    .option('--json', 'print one JSON document');
}

/** An option per field of the record. */
function fields(command: Command, isNew: boolean): Command {
  for (const { name, right, list: isList } of FIELDS) {
    if (name === 'imsi' && !isNew) continue;
    const text = isList ? `${right}; several in one word, with spaces between` : right;
    if (name === 'imsi') command.requiredOption('--imsi <value>', text);
    else command.option(`--${name} <value>`, text);
  }
  return command;
}

async function list(options: ListOptions): Promise<void> {
  const most = options.limit === undefined ? Number.POSITIVE_INFINITY : positive(options.limit);
  await using(options, false, async subscribers => {
    const print = options.json ? jsonList() : plainList();
    if (options.find !== undefined) {
      const found = await subscribers.find(options.find);
      return print.end(found === undefined ? [] : [found], found === undefined ? 0 : 1);
    }
    let { after } = options;
    for (let left = most; ; ) {
      const limit = Math.min(PAGE, left);
      const page = await subscribers.list({ limit, ...(after === undefined ? {} : { after }) });
      left -= page.subscribers.length;
      after = page.next;
      if (after === undefined || left <= 0) return print.end(page.subscribers, page.total);
      print.page(page.subscribers);
    }
  });
}

function positive(text: string): number {
  if (/^[1-9][0-9]{0,8}$/.test(text)) return Number(text);
  throw new UsageError(`--limit ${text}: write a number of 1 or more`);
}

interface ListPrinter {
  page(subscribers: readonly SubscriberView[]): void;
  end(subscribers: readonly SubscriberView[], total: number): void;
}

function plainList(): ListPrinter {
  let shown = 0;
  const page = (subscribers: readonly SubscriberView[]): void => {
    if (shown === 0 && subscribers.length > 0) write(HEADING);
    for (const one of subscribers) write(rowOf(one));
    shown += subscribers.length;
  };
  return {
    page,
    end(subscribers, total) {
      page(subscribers);
      write(shown < total ? `${shown} of ${total} subscribers` : `${shown} subscribers`);
    },
  };
}

/** One document, however long, without holding it. */
function jsonList(): ListPrinter {
  let separator = '{"subscribers":[\n';
  const page = (subscribers: readonly SubscriberView[]): void => {
    for (const one of subscribers) {
      process.stdout.write(`${separator}${JSON.stringify(one)}`);
      separator = ',\n';
    }
  };
  return {
    page,
    end(subscribers, total) {
      page(subscribers);
      process.stdout.write(`${separator.startsWith('{') ? separator : '\n'}],"total":${total}}\n`);
    },
  };
}

async function show(who: string, options: Common): Promise<void> {
  await using(options, false, async subscribers => {
    const found = await named(subscribers, who);
    write(options.json ? JSON.stringify(found, null, 2) : describe(found));
  });
}

async function addOne(options: RecordOptions): Promise<void> {
  await using(options, true, async subscribers => {
    const added = await subscribers.add(given(options) as unknown as SubscriberInput);
    write(options.json ? JSON.stringify(added, null, 2) : describe(added));
  });
}

async function change(who: string, options: RecordOptions): Promise<void> {
  const changes = given(options) as Changes;
  if (Object.keys(changes).length === 0) {
    const names = FIELDS.filter(({ name }) => name !== 'imsi').map(({ name }) => `--${name}`);
    throw new UsageError(`subscriber set: name what to change: ${names.join(', ')}`);
  }
  await using(options, false, async subscribers => {
    const { imsi } = await named(subscribers, who);
    const done = await subscribers.change(imsi, changes);
    if (done === undefined) throw nobody(who, subscribers);
    const { subscriber, pushed } = done;
    if (options.json) return write(JSON.stringify({ ...subscriber, pushed }, null, 2));
    write([describe(subscriber), ...pushedText(pushed)].join('\n'));
  });
}

async function removeAll(who: readonly string[], options: Common): Promise<void> {
  await using(options, false, async subscribers => {
    const removed: object[] = [];
    for (const one of who) {
      const { imsi } = await named(subscribers, one);
      const pushed = await subscribers.remove(imsi);
      if (pushed === undefined) throw nobody(one, subscribers);
      removed.push({ imsi, pushed });
      if (!options.json) write([`removed ${one} (${imsi})`, ...pushedText(pushed)].join('\n'));
    }
    if (options.json) write(JSON.stringify({ removed }, null, 2));
  });
}

async function named(subscribers: Subscribers, who: string): Promise<SubscriberView> {
  const found = await subscribers.find(who);
  if (found === undefined) throw nobody(who, subscribers);
  return found;
}

const nobody = (who: string, { where }: Subscribers): CommandFailed =>
  new CommandFailed(`${where} has no subscriber ${who}`);

/** The fields that options name; an empty text takes a value away. */
function given(options: RecordOptions): Record<string, string | null> {
  const found: Record<string, string | null> = {};
  for (const { name } of FIELDS) {
    const value = options[name];
    if (value !== undefined) found[name] = value === '' ? null : value;
  }
  return found;
}

async function using(
  where: Where,
  create: boolean,
  work: (subscribers: Subscribers) => Promise<void>,
): Promise<void> {
  const subscribers = await findSubscribers(where, create);
  try {
    await work(subscribers);
  } catch (error) {
    throw asOptions(error);
  } finally {
    await subscribers.close();
  }
}

/** What is wrong with a record, by the options that said so: the call was wrong, unless taken. */
function asOptions(error: unknown): unknown {
  if (error instanceof RecordError) {
    const isTaken = error.problems.every(({ taken }) => taken === true);
    return refusal(error.problems, isTaken);
  }
  const { problem, status } = error instanceof ApiRefusal ? error : {};
  if (problem?.errors === undefined || (status !== 409 && status !== 422)) return error;
  return refusal(problem.errors, status === 409);
}

function refusal(
  problems: readonly { readonly field: string; readonly message: string }[],
  isTaken: boolean,
): Error {
  const text = problems.map(({ field, message }) => `--${field}: ${message}`).join('\n          ');
  return isTaken ? new CommandFailed(text) : new UsageError(text);
}

const write = (text: string): void => void process.stdout.write(`${text}\n`);
