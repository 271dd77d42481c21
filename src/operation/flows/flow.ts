// A flow is an executable specification: steps in the order of the specification, each with its
// clause, what must cross which reference point, and what can be broken there. The same flow runs
// as a command, in the tests, on sockets and in simulated time.

import type { Clock } from '#kernel/host';
import { type Duration, ms, seconds } from '#kernel/time';
import type { MessageEvent, TraceEvent } from '#kernel/trace';
import type { RunningNetwork } from '#networks/compose';

const LOOK_AGAIN: Duration = ms(50);

export interface Flow {
  readonly name: string;
  readonly summary: string;
  /** Emulated phones by subscriber name, in the order of their columns. */
  readonly phones: readonly string[];
  readonly steps: readonly Step[];
}

export interface Step {
  readonly title: string;
  /** 'TS 24.229 §5.4.1.2.1' */
  readonly clause: string;
  /** The names `--break` takes to make this step the first that fails. */
  readonly breaks: readonly string[];
  run(stage: Stage): Promise<void>;
}

/** Why a step did not hold; the message is the verdict a person reads. */
export class StepFailed extends Error {
  override readonly name = 'StepFailed';
}

export interface Verdict {
  readonly step: string;
  readonly clause: string;
  readonly held: boolean;
  /** Why not, where it did not. */
  readonly because?: string;
}

export interface FlowResult {
  readonly flow: string;
  readonly held: boolean;
  readonly steps: readonly Verdict[];
  readonly events: readonly TraceEvent[];
}

/** A crossing that a step waits for: every named member must fit. */
export interface Expected {
  readonly from: string;
  readonly to: string;
  /** The whole summary, or its first word: 'REGISTER', '401 Unauthorized', 'MAA'. */
  readonly message: string;
}

/** What steps act on and look at: the network under test and the trace it leaves. */
export class Stage {
  readonly network: RunningNetwork;
  readonly clock: Clock;
  /** How long a step waits for one crossing before it has failed. */
  readonly patience: Duration;
  readonly #events: TraceEvent[] = [];
  readonly #waiting = new Set<() => void>();
  /** Per pair of functions, the event after the last one expected: hops without causal order interleave. */
  readonly #seen = new Map<string, number>();
  #gaveUp: string | undefined;

  constructor(network: RunningNetwork, clock: Clock, patience: Duration = seconds(20)) {
    this.network = network;
    this.clock = clock;
    this.patience = patience;
  }

  get events(): readonly TraceEvent[] {
    return this.#events;
  }

  /** The recorder's feed. */
  record(event: TraceEvent): void {
    this.#events.push(event);
    for (const look of [...this.#waiting]) look();
  }

  /** What the flow stands on has failed: whatever waits for its messages need wait no longer. */
  giveUp(because: string): void {
    this.#gaveUp ??= because;
    for (const look of [...this.#waiting]) look();
  }

  /** The next crossing between these two, after the last one expected of them, that fits. */
  async crossed(expected: Expected): Promise<MessageEvent> {
    const pair = `${expected.from} ${expected.to}`;
    let at = this.#seen.get(pair) ?? 0;
    const event = await this.#until(() => {
      for (; at < this.#events.length; at++) {
        const candidate = this.#events[at];
        if (candidate?.kind === 'message' && fits(candidate, expected)) return candidate;
      }
      return undefined;
    });
    if (event === undefined) throw new StepFailed(this.#missing(expected));
    this.#seen.set(pair, at + 1);
    if (event.lost !== undefined) {
      throw new StepFailed(`${describe(event)} was lost: ${event.lost}`);
    }
    return event;
  }

  /** Waits until `condition` holds; `otherwise` completes «… » of the verdict when it never does. */
  async holds(condition: () => boolean, otherwise: string): Promise<void> {
    if ((await this.#until(() => (condition() ? true : undefined))) === undefined) {
      throw new StepFailed(
        this.#gaveUp === undefined ? otherwise : `${otherwise}; ${this.#gaveUp}`,
      );
    }
  }

  /** A condition that must hold now. */
  check(condition: boolean, otherwise: string): asserts condition {
    if (!condition) throw new StepFailed(otherwise);
  }

  #missing(expected: Expected): string {
    const where = `${expected.from} → ${expected.to}`;
    const last = this.#events.findLast(event => event.kind === 'message');
    const seen = last
      ? `the last message was ${describe(last)}`
      : 'nothing crossed any reference point';
    return `no ${expected.message} crossed ${where}: ${this.#gaveUp ?? `nothing more came within ${this.patience / 1000} s`}; ${seen}`;
  }

  /** `look`'s first answer; undefined when patience ends or the flow gave up. */
  #until<T>(look: () => T | undefined): Promise<T | undefined> {
    const now = look();
    if (now !== undefined) return Promise.resolve(now);
    if (this.#gaveUp !== undefined) return Promise.resolve(undefined);
    return new Promise(resolve => {
      const end = this.clock.now() + this.patience;
      let timer = this.clock.after(0, () => {});
      const again = (): void => {
        timer.cancel();
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
}

function fits(event: MessageEvent, expected: Expected): boolean {
  const summary = event.message.summary();
  return (
    event.from === expected.from &&
    event.to === expected.to &&
    (summary === expected.message || summary.startsWith(`${expected.message} `))
  );
}

const describe = (event: MessageEvent): string =>
  `${event.message.summary()}, ${event.from} → ${event.to}`;

/** Runs the steps in order and stops at the first that does not hold. */
export async function runSteps(
  flow: Flow,
  stage: Stage,
  onVerdict: (verdict: Verdict) => void = () => {},
): Promise<FlowResult> {
  const steps: Verdict[] = [];
  const report = (verdict: Verdict): void => {
    steps.push(verdict);
    onVerdict(verdict);
  };
  for (const step of flow.steps) {
    const { title, clause } = step;
    try {
      await step.run(stage);
      report({ step: title, clause, held: true });
    } catch (error) {
      if (!(error instanceof StepFailed)) throw error;
      report({ step: title, clause, held: false, because: error.message });
      break;
    }
  }
  const held = steps.length === flow.steps.length && steps.every(step => step.held);
  return { flow: flow.name, held, steps, events: stage.events };
}
