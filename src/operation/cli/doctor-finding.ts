// What the doctor finds.

export interface Finding {
  /** What was looked at: 'runtime', 'ports' … */
  readonly check: string;
  /** A warning may be as it should. */
  readonly level: 'good' | 'warning' | 'problem';
  readonly found: string;
  /** What to do about it. */
  readonly remedy?: string;
}
