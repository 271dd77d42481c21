// A peer as a child process: what it says is kept, what it should say can be waited for, and it is
// ended with the test whatever happens.

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';

/** Milliseconds. */
const LONGEST_LIFE = 90_000;
const GRACE = 1500;
const PATIENCE = 15_000;

export interface ChildOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export class Child {
  readonly name: string;
  /** All it has written so far, both streams. */
  output = '';
  /** Its exit status; null where a signal ended it. */
  readonly ended: Promise<number | null>;
  readonly #process: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #listeners = new Set<() => void>();
  readonly #life: NodeJS.Timeout;
  #isOver = false;

  constructor(program: string, words: readonly string[], options: ChildOptions = {}) {
    this.name = program;
    this.#process = spawn(program, words, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
        this.#tell();
      });
    }
    this.#process.stdin.on('error', () => {}); // it ended before it read all
    this.ended = new Promise((resolve, reject) => {
      this.#process.on('error', reject);
      this.#process.on('close', code => {
        this.#isOver = true;
        clearTimeout(this.#life);
        this.#tell();
        resolve(code);
      });
    });
    this.ended.catch(() => {}); // whoever waits is told
    this.#life = setTimeout(() => this.#process.kill('SIGKILL'), LONGEST_LIFE);
  }

  say(line: string): void {
    this.#process.stdin.write(`${line}\n`);
  }

  /** Waits until `pattern` stands in its output at `from` or after. Rejects with all it said. */
  async until(pattern: RegExp, from = 0, patience = PATIENCE): Promise<RegExpExecArray> {
    const match = await this.#wait(() => pattern.exec(this.output.slice(from)), patience);
    if (match !== null) return match;
    const why = this.#isOver ? 'it ended' : `nothing within ${patience / 1000} s`;
    throw new Error(`${this.name} did not say ${pattern}: ${why}; it said:\n${this.output}`);
  }

  /** Asks it to end, and ends it where it does not. */
  async stop(): Promise<void> {
    this.#process.kill('SIGTERM');
    const kill = setTimeout(() => this.#process.kill('SIGKILL'), GRACE);
    await this.ended.catch(() => {});
    clearTimeout(kill);
  }

  #wait<T>(look: () => T | null, patience: number): Promise<T | null> {
    return new Promise(resolve => {
      const finish = (found: T | null): void => {
        clearTimeout(timer);
        this.#listeners.delete(again);
        resolve(found);
      };
      const again = (): void => {
        const found = look();
        if (found !== null || this.#isOver) finish(found);
      };
      const timer = setTimeout(() => finish(look()), patience);
      this.#listeners.add(again);
      again();
    });
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
