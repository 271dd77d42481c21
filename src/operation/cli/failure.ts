// A command that cannot do what was asked says so in a line or a few, and exits with 1. (A call that is
// wrong is a UsageError, and exits with 2.)

import { UsageError } from '#kernel/errors';

/** What was asked for failed; the message says why and what to do. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
}

/** An action of a command whose failures are told instead of thrown. */
export function reporting<A extends readonly unknown[]>(
  action: (...words: A) => Promise<void>,
): (...words: A) => Promise<void> {
  return async (...words) => {
    try {
      await action(...words);
    } catch (error) {
      if (!(error instanceof CommandFailed)) throw error;
      process.stderr.write(`carillon: ${error.message}\n`);
      process.exitCode = 1;
    }
  };
}

/**
 * What the machine refuses though the call was right: a directory that is in use, a database that is
 * damaged.
 */
export function asFailure(error: unknown): unknown {
  const isOfMachine =
    error instanceof UsageError && /^(data directory|database) /.test(error.message);
  return isOfMachine ? new CommandFailed(error.message) : error;
}
