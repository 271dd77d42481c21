// Where the CSCFs find their HSS: this network's own, or one that the file names elsewhere.

import type { NetworkSettings } from './schema.ts';

export function diameterOf(
  settings: NetworkSettings,
  home: string,
): {
  readonly hss: string;
  readonly endpoints: readonly string[];
  readonly realm: string;
  readonly agent?: string;
} {
  const hss = settings.hss.host ?? `hss.${home}`;
  const { address, agent } = settings.hss;
  const over = agent === undefined ? {} : { agent };
  return { hss, realm: home, endpoints: [address ?? `hss.${home}`], ...over };
}
