// The compliance suite for hosts; see host-suite/suite.ts.

export { hostSuite, type SuiteSetting, type SuiteWorld } from './host-suite/suite.ts';
