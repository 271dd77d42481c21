// How far a long job is, in one line of a terminal. Where the output is no terminal, nothing.

const WIDTH = 30;
/** Milliseconds between drawings. */
const INTERVAL = 100;

export interface Output {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

export class ProgressBar {
  readonly #output: Output;
  readonly #now: () => number;
  readonly #begun: number;
  #drawn = Number.NEGATIVE_INFINITY;
  #isShown = false;

  constructor(output: Output = process.stderr, now: () => number = () => performance.now()) {
    this.#output = output;
    this.#now = now;
    this.#begun = now();
  }

  /** `total` is undefined where nobody knows. */
  show(what: string, done: number, total: number | undefined): void {
    if (this.#output.isTTY !== true) return;
    const now = this.#now();
    const isWhole = done === total;
    if (now - this.#drawn < INTERVAL && !isWhole) return;
    this.#drawn = now;
    this.#isShown = true;
    this.#output.write(`\r\x1b[K${barLine(what, done, total, now - this.#begun)}`);
  }

  /** Leaves the line to what is printed next. */
  clear(): void {
    if (this.#isShown) this.#output.write('\r\x1b[K');
    this.#isShown = false;
  }
}

/** `elapsed` in milliseconds. */
export function barLine(
  what: string,
  done: number,
  total: number | undefined,
  elapsed: number,
): string {
  const count = done.toLocaleString('en');
  if (total === undefined || total === 0) return `${what}  ${count}`;
  const share = Math.min(done / total, 1);
  const filled = Math.round(share * WIDTH);
  const bar = `${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)}`;
  const left =
    share > 0.02 && share < 1 ? `, ${timeText((elapsed / share) * (1 - share))} left` : '';
  const percent = String(Math.floor(share * 100)).padStart(3);
  return `${what}  ${bar} ${percent} %  ${count} of ${total.toLocaleString('en')}${left}`;
}

function timeText(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000);
  return seconds < 90 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}
