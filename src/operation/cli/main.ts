// The command line. Only the module of the command asked for is loaded, so that `help` and errors
// come at once. Exit status: 0 done, 1 the thing asked for failed, 2 the call was wrong.

import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { UsageError } from '#kernel/errors';

interface CommandModule {
  /** Adds options, examples and the action to the command it is given. */
  configure(command: Command): void;
}

const COMMANDS: readonly (readonly [
  name: string,
  summary: string,
  load: () => Promise<CommandModule>,
])[] = [
  ['up', 'start a network and keep it running', () => import('./up.ts')],
  ['test', 'run the tests, all or those named', () => import('./test.ts')],
  ['flow', 'run one end-to-end flow and show its ladder', () => import('./flow.ts')],
  [
    'subscriber',
    'add, list, change, import and export subscribers',
    () => import('./subscriber.ts'),
  ],
  ['ue', 'an emulated phone: register, call, answer, message', () => import('./ue.ts')],
  ['trace', 'watch what a running network does, and why', () => import('./trace.ts')],
  [
    'doctor',
    'check the machine, the configuration and a running network',
    () => import('./doctor.ts'),
  ],
  ['bench', 'run the load benchmarks, alone or beside a peer', () => import('./bench.ts')],
];

const { version } = JSON.parse(
  readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
) as { version: string };

async function main(words: readonly string[]): Promise<void> {
  const program = new Command('carillon')
    .description('An IMS network, started by one command.')
    .version(version)
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true })
    .addHelpText(
      'after',
      `
Start here:
  carillon up                     the lab network: four subscribers, SIP on 127.0.0.1:5060
  carillon flow registration      one registration through every function, as a ladder
  carillon help COMMAND           options and examples of one command`,
    );
  // `help flow` and `flow --help` are the same question.
  const named = words[0] === 'help' ? words[1] : words[0];
  for (const [name, summary, load] of COMMANDS) {
    const command = program
      .command(name)
      .summary(summary)
      .description(`${capitalised(summary)}.`);
    if (name === named) (await load()).configure(command);
  }
  exitInsteadOfThrowing(program);
  await program.parseAsync(words, { from: 'user' });
}

const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Commander ends the process with 1 where the call was wrong; here that is 2. */
function exitInsteadOfThrowing(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) exitInsteadOfThrowing(child);
}

// Whoever read our output has enough of it (`| head`).
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof CommanderError) {
    // Help and version were asked for, and given; anything else has been explained already.
    const asked = ['commander.helpDisplayed', 'commander.version'].includes(error.code);
    const bare = error.code === 'commander.help' && process.argv.length <= 3;
    process.exitCode = asked || (bare && process.argv[2] === 'help') ? 0 : 2;
  } else if (error instanceof UsageError) {
    process.stderr.write(`carillon: ${error.message}\n`);
    process.exitCode = 2;
  } else {
    process.stderr.write(`carillon: ${(error as Error).stack ?? String(error)}\n`);
    process.exitCode = 1;
  }
}
