// The simulated host, as others use it.

export { type LadderOptions, ladderLine, ladderOf } from './ladder-of.ts';
export { type LogEntry, SimulationFailure } from './simulation/failure.ts';
export { OutsideSimulation } from './simulation/guards.ts';
export type { Link, LinkDirection, LinkSettings } from './simulation/link.ts';
export type { Factory, SimulatedHostOptions, SimulationOptions } from './simulation/options.ts';
export { SeededRandom } from './simulation/random.ts';
export { Simulation, simulate } from './simulation/simulation.ts';
export type { StoreSettings } from './simulation/store.ts';
