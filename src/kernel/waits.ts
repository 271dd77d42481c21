// Who watches the waiting of procedures for their turn: the simulation, to find cycles of waits.
// Elsewhere nobody, at no cost.

export interface WaitObserver {
  /** Runs the procedure that now has the turn for `key`. */
  holds<T>(queue: object, key: string, procedure: () => Promise<T>): Promise<T>;
  /** The caller waits behind whoever has the turn; call what is returned when it has come. */
  waits(queue: object, key: string): () => void;
}

let present: WaitObserver | undefined;

export const waitObserver = (): WaitObserver | undefined => present;

/** Sets the observer; gives the one before. */
export function observeWaits(observer: WaitObserver | undefined): WaitObserver | undefined {
  const before = present;
  present = observer;
  return before;
}
