// Watches the trace for what a step expects. Hops with no causal order between them may interleave,
// so the place reached is kept for each pair of functions.

import type { Clock } from '#kernel/host';
import { type Duration, ms } from '#kernel/time';
import type { MessageEvent, TraceEvent } from '#kernel/trace';
import { sleep } from '#kernel/wait';

/** Why a step did not hold; the message is the verdict a person reads. */
export class StepFailed extends Error {
  override readonly name = 'StepFailed';
}

/** A crossing that a step waits for. */
export interface Expected {
  readonly from: string;
  readonly to: string;
  /** The whole summary, or how it begins: 'REGISTER', '401', 'MAA DIAMETER_SUCCESS'. */
  readonly message: string;
}

const LOOK_AGAIN: Duration = ms(50);
const QUIET: Duration = ms(200);

export class Watch {
  readonly clock: Clock;
  /** How long a step waits for one thing before it has failed. */
  readonly patience: Duration;
  readonly #events: TraceEvent[] = [];
  readonly #waiting = new Set<() => void>();
  readonly #reached = new Map<string, number>();
  #gaveUp: string | undefined;
  #floor = 0;

  constructor(clock: Clock, patience: Duration) {
    this.clock = clock;
    this.patience = patience;
  }

  get events(): readonly TraceEvent[] {
    return this.#events;
  }

  /** The recorder's feed. */
  record(event: TraceEvent): void {
    this.#events.push(event);
    this.#lookAgain();
  }

  /** What crossed before is of no interest any more. */
  fromNow(): void {
    this.#floor = this.#events.length;
  }

  /** What the flow stands on has failed: whoever waits for its messages need wait no longer. */
  giveUp(because: string): void {
    this.#gaveUp ??= because;
    this.#lookAgain();
  }

  /** The next crossing between these two, after the last one expected of them, that fits. */
  async crossed(expected: Expected): Promise<MessageEvent> {
    const pair = `${expected.from} ${expected.to}`;
    let at = Math.max(this.#reached.get(pair) ?? 0, this.#floor);
    const event = await this.#until(() => {
      for (; at < this.#events.length; at++) {
        const candidate = this.#events[at];
        if (candidate?.kind === 'message' && fits(candidate, expected)) return candidate;
      }
      return undefined;
    });
    if (event === undefined) throw new StepFailed(this.#missing(expected));
    this.#reached.set(pair, at + 1);
    if (event.lost !== undefined) {
      throw new StepFailed(`${textOf(event)} was lost: ${event.lost}`);
    }
    return event;
  }

  /** Waits until `condition` holds; `otherwise` is the verdict when it never does. */
  async holds(condition: () => boolean, otherwise: string): Promise<void> {
    const held = await this.#until(() => (condition() ? true : undefined));
    if (held !== undefined) return;
    throw new StepFailed(this.#gaveUp === undefined ? otherwise : `${otherwise}: ${this.#gaveUp}`);
  }

  /** A condition that must hold now. */
  check(condition: boolean, otherwise: string): void {
    if (!condition) throw new StepFailed(otherwise);
  }

  /** Waits until what is still on its way has arrived: nothing crosses for a while. */
  async quiet(): Promise<void> {
    let seen = -1;
    while (seen !== this.#events.length) {
      seen = this.#events.length;
      await sleep(this.clock, QUIET);
    }
  }

  #missing({ from, to, message }: Expected): string {
    const last = this.#events.findLast(event => event.kind === 'message');
    const why = this.#gaveUp ?? `nothing more came within ${this.patience / 1000} s`;
    const seen =
      last === undefined
        ? 'nothing crossed any reference point'
        : `the last message was ${textOf(last)}`;
    return `no ${message} crossed ${from} → ${to}: ${why}; ${seen}`;
  }

  /** `look`'s first answer; undefined when patience ends or the flow gave up. */
  #until<T>(look: () => T | undefined): Promise<T | undefined> {
    const end = this.clock.now() + this.patience;
    return new Promise(resolve => {
      let timer: { cancel(): void } | undefined;
      const again = (): void => {
        timer?.cancel();
        const result = look();
        if (result !== undefined || this.#gaveUp !== undefined || this.clock.now() >= end) {
          this.#waiting.delete(again);
          resolve(result);
          return;
        }
        // State that changes with no message of its own is looked at now and then.
        timer = this.clock.after(LOOK_AGAIN, again);
      };
      this.#waiting.add(again);
      again();
    });
  }

  #lookAgain(): void {
    for (const look of [...this.#waiting]) look();
  }
}

function fits(event: MessageEvent, { from, to, message }: Expected): boolean {
  if (event.from !== from || event.to !== to) return false;
  const summary = event.message.summary();
  return summary === message || summary.startsWith(`${message} `);
}

const textOf = (event: MessageEvent): string =>
  `${event.message.summary()}, ${event.from} → ${event.to}`;
