// What every host must do alike. The real host and the simulated one run this same suite, so that
// neither drifts from what functions were written against.

import { describe, test } from 'node:test';
import type { StreamProtocol } from '../host.ts';
import { clockChecks, nameChecks, randomChecks } from './basics.ts';
import { datagramChecks } from './datagrams.ts';
import { localChecks } from './local-links.ts';
import { storeChecks } from './store.ts';
import { streamChecks } from './streams.ts';
import type { SuiteSetting, SuiteWorld } from './tools.ts';

export type { SuiteSetting, SuiteWorld } from './tools.ts';

/** Runs the suite over the hosts that `make` makes. */
export function hostSuite(
  kind: string,
  make: (setting: SuiteSetting) => SuiteWorld,
  protocols: readonly StreamProtocol[] = ['tcp'],
): void {
  const check = (
    name: string,
    body: (world: SuiteWorld) => Promise<void>,
    setting: Partial<SuiteSetting> = {},
  ) =>
    test(name, async () => {
      const world = make({ links: 'local', names: {}, ...setting });
      try {
        await world.run(body(world));
      } finally {
        await world.close();
      }
    });

  describe(`a host (${kind})`, () => {
    clockChecks(check);
    datagramChecks(check);
    for (const protocol of protocols) streamChecks(check, protocol);
    localChecks(check);
    storeChecks(check);
    nameChecks(check);
    randomChecks(check);
  });
}
