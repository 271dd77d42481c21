// What `--break` makes go wrong, and when: `wrong-key`, `drop=MAA`, `down=hss`, each from the start or,
// with `@STEP`, from the step of that id on.

import { UsageError } from '#kernel/errors';
import { FUNCTIONS, type FunctionName } from '#networks/compose';
import { drop, type Fault } from '#networks/faults';
import type { Flow } from './flow.ts';

/** Faults of a phone, told to the phone that the flow is about. */
const PHONE_FAULTS = {
  'wrong-key': 'the SIM has another K than the HSS',
  'wrong-password': 'the phone has another password than the HSS',
  'unknown-user': 'the SIM is nobody the HSS knows',
  busy: 'the called phone is in another call',
  'no-answer': 'nobody takes the call',
  silent: 'the called phone sends no sound',
} as const;

export type PhoneFault = keyof typeof PHONE_FAULTS;

export class Faults implements Fault {
  readonly phone: PhoneFault | undefined;
  /** The function that is down. */
  readonly down: FunctionName | undefined;
  readonly #drop: Fault | undefined;
  readonly #step: string | undefined;
  #active: boolean;
  /** Called when a function that is down from a later step on goes down. */
  onDown: (name: FunctionName) => void = () => {};

  /** Throws a UsageError naming what could be broken. */
  constructor(flow: Flow, text: string | undefined) {
    const [what, step] = text?.split('@') ?? [];
    this.#step = step;
    this.#active = step === undefined;
    if (what === undefined) return;
    if (step !== undefined && flow.steps.every(({ id }) => id !== step)) {
      throw new UsageError(
        `--break ${text}: flow ${flow.name} has no step ${step}; it has ${flow.steps.map(({ id }) => id).join(', ')}`,
      );
    }
    const [kind, value] = what.split('=');
    if (value === undefined && kind !== undefined && Object.hasOwn(PHONE_FAULTS, kind)) {
      this.phone = kind as PhoneFault;
    } else if (kind === 'drop' && value) {
      this.#drop = drop(value);
    } else if (kind === 'down' && FUNCTIONS.includes(value as FunctionName)) {
      this.down = value as FunctionName;
    } else {
      throw new UsageError(
        `--break ${text}: write drop=MESSAGE (such as drop=MAA or drop=401), down=FUNCTION (${FUNCTIONS.join(', ')}), or ${Object.keys(PHONE_FAULTS).join(', ')}; each may end in @STEP`,
      );
    }
  }

  get isActive(): boolean {
    return this.#active;
  }

  reached(step: string): void {
    if (this.#active || step !== this.#step) return;
    this.#active = true;
    if (this.down !== undefined) this.onDown(this.down);
  }

  loses(summary: string): string | undefined {
    return this.#active ? this.#drop?.loses(summary) : undefined;
  }
}
