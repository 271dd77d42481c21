// A flow is an executable specification: steps in the order of the specification, each with its
// clause, what must cross which reference point, and what can be broken there. The same flow runs
// as a command, in the tests, on sockets and in simulated time.

import type { TraceEvent } from '#kernel/trace';
import type { Stage } from './stage.ts';
import { StepFailed } from './watch.ts';

export interface Flow {
  readonly name: string;
  readonly summary: string;
  /** Emulated phones by subscriber name, in the order of their columns. */
  readonly phones: readonly string[];
  readonly steps: readonly Step[];
}

export interface Step {
  /** What `--break FAULT@ID` names it by. */
  readonly id: string;
  readonly title: string;
  /** 'TS 24.229 §5.4.1.2.1' */
  readonly clause: string;
  /** What `--break` takes to make this step the first that fails. */
  readonly breaks: readonly string[];
  /** Throws StepFailed, saying why. */
  run(stage: Stage): Promise<void>;
}

export interface Verdict {
  readonly id: string;
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

/** Runs the steps in order and stops at the first that does not hold. */
export async function runSteps(
  flow: Flow,
  stage: Stage,
  onVerdict: (verdict: Verdict) => void = () => {},
): Promise<FlowResult> {
  const steps: Verdict[] = [];
  for (const step of flow.steps) {
    const { id, title, clause } = step;
    stage.faults.reached(id);
    const because = await failureOf(step, stage);
    const verdict: Verdict = {
      id,
      step: title,
      clause,
      held: because === undefined,
      ...(because !== undefined && { because }),
    };
    steps.push(verdict);
    onVerdict(verdict);
    if (because !== undefined) break;
  }
  await stage.quiet();
  const held = steps.length === flow.steps.length && steps.every(step => step.held);
  return { flow: flow.name, held, steps, events: stage.events };
}

async function failureOf(step: Step, stage: Stage): Promise<string | undefined> {
  try {
    await step.run(stage);
    return undefined;
  } catch (error) {
    if (error instanceof StepFailed) return error.message;
    throw error;
  }
}
