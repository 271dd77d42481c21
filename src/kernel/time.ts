// Points in time and spans of time. Everything that waits says how long by one of these builders,
// so that no bare 4000 leaves a reader to guess its unit.

/** Milliseconds since 1970-01-01T00:00Z on the host's clock; fractions allowed. */
export type Instant = number;

/** A span of time in milliseconds. */
export type Duration = number;

export const ms = (n: number): Duration => n;
export const seconds = (n: number): Duration => n * 1000;
export const minutes = (n: number): Duration => n * 60_000;
export const hours = (n: number): Duration => n * 3_600_000;
export const days = (n: number): Duration => n * 86_400_000;

/** Whole seconds in a duration, rounded down: what Expires and Session-Expires carry. */
export const inSeconds = (duration: Duration): number => Math.floor(duration / 1000);
