// How long this thread's loop was ever tied up by what it ran itself. Time in which the machine gave
// the processor to somebody else does not count: that is the machine's, not ours.

/** Milliseconds between two looks. */
const RESOLUTION = 2;

export interface OwnCost {
  /** The longest turn since it was asked last, in milliseconds. */
  take(): number;
  /** What was spent in this turn is not the network's. */
  forget(): void;
}

export function ownCostOf(): OwnCost {
  const spent = (): number => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1000;
  };
  let last = spent();
  let longest = 0;
  const look = (): void => {
    const now = spent();
    longest = Math.max(longest, now - last);
    last = now;
  };
  setInterval(look, RESOLUTION).unref();
  return {
    take() {
      const told = longest;
      longest = 0;
      return told;
    },
    forget() {
      last = spent();
    },
  };
}
