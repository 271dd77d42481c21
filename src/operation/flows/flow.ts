// A flow is an executable specification: steps in the order of the specification, each with its
// clause, what must cross which reference point, and what can be broken there. The same flow runs
// as a command, in the tests, on sockets and in simulated time.

import type { Clock } from '#kernel/host';
import { type Duration, seconds } from '#kernel/time';
import type { MessageEvent, TraceEvent } from '#kernel/trace';
import type { RunningNetwork } from '#networks/compose';

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
  readonly from?: string;
  readonly to?: string;
  readonly point?: string;
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
  #seen = 0;
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

  /** The next crossing, after the last one expected, that fits. */
  async crossed(expected: Expected): Promise<MessageEvent> {
    let at = this.#seen;
    const event = await this.#until(() => {
      for (; at < this.#events.length; at++) {
        const candidate = this.#events[at];
        if (candidate?.kind === 'message' && fits(candidate, expected)) return candidate;
      }
      return undefined;
    });
    if (event === undefined) throw new StepFailed(this.#missing(expected));
    if (event.lost !== undefined) {
      throw new StepFailed(`${describe(event)} was lost: ${event.lost}`);
    }
    this.#seen = this.#events.indexOf(event, this.#seen) + 1;
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
    const where = `${expected.from ?? 'anybody'} → ${expected.to ?? 'anybody'}`;
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
      const done = (result: T | undefined): void => {
        timer.cancel();
        poll.cancel();
        this.#waiting.delete(again);
        resolve(result);
      };
      const again = (): void => {
        const result = look();
        if (result !== undefined || this.#gaveUp !== undefined) done(result);
      };
      // State that changes with no message of its own (a store, a timer) is looked at now and then.
      let poll = this.clock.after(50, function tick(this: void) {
        again();
        if (stillWaiting()) poll = rearm(tick);
      });
      const rearm = (tick: () => void) => this.clock.after(50, tick);
      const stillWaiting = (): boolean => this.#waiting.has(again);
      const timer = this.clock.after(this.patience, () => done(look()));
      this.#waiting.add(again);
    });
  }
}

function fits(event: MessageEvent, expected: Expected): boolean {
  const summary = event.message.summary();
  return (
    (expected.from === undefined || event.from === expected.from) &&
    (expected.to === undefined || event.to === expected.to) &&
    (expected.point === undefined || event.point === expected.point) &&
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
