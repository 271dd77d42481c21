// The command line as a person uses it: processes of their own, in a directory of their own.

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

const root = join(import.meta.dirname, '../..');
const MAIN = join(root, 'src/operation/cli/main.ts');
export const LAUNCHER = join(root, 'carillon');

/** Nobody listens there: commands find no running network unless a test starts one. */
export const NOWHERE = 'http://127.0.0.1:1';
export const K = '465b5ce8b199b49faa5f0a2ee238a6bc';
export const OPC = 'cd63cb71954a9f4e48a5994e37a02baf';

export interface Done {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Place {
  readonly directory: string;
  /** Runs a command to its end. */
  run(words: readonly string[], options?: RunOptions): Promise<Done>;
  /** Starts a command; it ends with the test. */
  start(words: readonly string[], options?: RunOptions): Started;
  /** A network on free ports, ready. */
  up(words?: readonly string[]): Promise<Up>;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly program?: string;
}

export interface Started {
  readonly child: ChildProcessWithoutNullStreams;
  readonly done: Promise<Done>;
  /** What it said so far. */
  said(): string;
  /** Waits for it to say something. */
  saying(what: RegExp): Promise<RegExpExecArray>;
}

export interface Up extends Started {
  readonly url: string;
  /** For commands that are to find it. */
  readonly env: Readonly<Record<string, string>>;
}

export function place(t: TestContext): Place {
  const directory = mkdtempSync(join(tmpdir(), 'carillon-cli-'));
  const running = new Set<Started>();
  t.after(async () => {
    for (const one of running) one.child.kill('SIGKILL');
    await Promise.all(Array.from(running, one => one.done));
    rmSync(directory, { recursive: true, force: true });
  });

  const start = (words: readonly string[], options: RunOptions = {}): Started => {
    const { program } = options;
    const [command, first] = program === undefined ? [process.execPath, [MAIN]] : [program, []];
    const child = spawn(command, [...first, ...words], {
      cwd: directory,
      env: {
        PATH: process.env.PATH,
        CARILLON_API: NOWHERE,
        NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/compile'),
        ...options.env,
      },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', text => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', text => {
      stderr += text;
    });
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
    const done = new Promise<Done>(resolve => {
      child.on('close', status => {
        running.delete(started);
        resolve({ status, stdout, stderr });
      });
    });
    const started: Started = {
      child,
      done,
      said: () => stdout + stderr,
      saying: what => awaited(child, what, () => stdout + stderr),
    };
    running.add(started);
    return started;
  };

  return {
    directory,
    start,
    run: (words, options) => start(words, options).done,
    async up(words = []) {
      const free = ['udp', 'tcp', 'tls', 'ws', 'wss'].flatMap(name => ['--set', `pcscf.${name}=0`]);
      const started = start(['up', ...free, '--set', 'console.port=0', ...words]);
      await started.saying(/^Ready in/m);
      const url = /https?:\/\/[^ ]+/.exec(started.said())![0];
      return { ...started, url, env: { CARILLON_API: url } };
    },
  };
}

function awaited(
  child: ChildProcessWithoutNullStreams,
  what: RegExp,
  said: () => string,
): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => reject(new Error(`${why}, without ${what}:\n${said()}`));
    const timer = setTimeout(() => fail('30 s passed'), 30_000);
    const look = (): void => {
      const found = what.exec(said());
      if (found === null) return;
      clearTimeout(timer);
      resolve(found);
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    child.on('close', () => {
      look();
      clearTimeout(timer);
      fail('it ended');
    });
    look();
  });
}
