// One process per data directory: a file with the pid of whoever holds it.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../errors.ts';

const NAME = 'lock';
/** Locks that this process holds; its own pid in a file it did not write is that of a past life. */
const held = new Set<string>();

export interface DirectoryLock {
  release(): void;
}

/**
 * Takes the directory, which is made where it is missing. The lock of a process that is gone is taken
 * over.
 * @throws UsageError that names the process holding it
 */
export function lockDirectory(directory: string): DirectoryLock {
  const path = join(directory, NAME);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new UsageError(`data directory ${directory}: ${(error as Error).message}`);
  }
  const mine = `${process.pid} ${startOf(process.pid) ?? ''}\n`;
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      writeFileSync(path, mine, { flag: 'wx', mode: 0o600 });
      held.add(path);
      return { release: () => release(path, mine) };
    } catch (error) {
      if ((error as { code?: string }).code !== 'EEXIST') {
        throw new UsageError(`data directory ${directory}: ${(error as Error).message}`);
      }
    }
    const holder = directoryHolder(directory);
    if (holder !== undefined) {
      throw new UsageError(
        `data directory ${directory} is in use by process ${holder}: stop it, or give another directory with --data`,
      );
    }
    rmSync(path, { force: true });
  }
  throw new UsageError(`data directory ${directory}: its lock file changes hands, try again`);
}

/** The process that holds the directory; undefined where none does. */
export function directoryHolder(directory: string): number | undefined {
  const path = join(directory, NAME);
  const [pidText, start] = read(path).trim().split(' ');
  const pid = Number(pidText);
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  if (pid === process.pid) return held.has(path) ? pid : undefined;
  if (!isAlive(pid)) return undefined;
  // A pid is given again, to a process that started at another time.
  const nowStarted = startOf(pid);
  const isAnother = start !== undefined && nowStarted !== undefined && start !== nowStarted;
  return isAnother ? undefined : pid;
}

function release(path: string, mine: string): void {
  if (held.delete(path) && read(path) === mine) rmSync(path, { force: true });
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM';
  }
}

/** When a process started, in ticks since the machine did; only Linux tells. */
function startOf(pid: number): string | undefined {
  const stat = read(`/proc/${pid}/stat`);
  // The name, in parentheses, may hold anything; the start is the 20th field after it.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}
