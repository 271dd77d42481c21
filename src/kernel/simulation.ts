// The simulated host, as others use it.

export { type LadderOptions, ladderLine, ladderOf } from './ladder-of.ts';
export { type LogEntry, SimulationFailure } from './simulation/failure.ts';
export { OutsideSimulation } from './simulation/guards.ts';
export type { Link, LinkDirection, LinkSettings } from './simulation/link.ts';
export { SeededRandom } from './simulation/random.ts';
export {
  type Factory,
  type SimulatedHostOptions,
  Simulation,
  type SimulationOptions,
  simulate,
} from './simulation/simulation.ts';
export type { StoreSettings } from './simulation/store.ts';
