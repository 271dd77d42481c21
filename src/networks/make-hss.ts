// The HSS of a network file, with the public service identities of the lab's application server.

import { Hss } from '#functions/hss/hss';
import type { Made, Making } from './compose.ts';

type Section = Making['settings']['hss'];

/** What is left out is as the HSS has it. */
function provisioningOf(section: Section) {
  const { filterCriteria, sharedFilterCriteria, profiles, capabilities } = section;
  const { visitedNetworks, keepServerName } = section;
  return {
    ...(filterCriteria !== undefined && { filterCriteria }),
    ...(sharedFilterCriteria !== undefined && { sharedFilterCriteria }),
    ...(profiles !== undefined && { profiles }),
    ...(capabilities !== undefined && { capabilities }),
    ...(visitedNetworks !== undefined && { visitedNetworks }),
    ...(keepServerName !== undefined && { keepServerName }),
  };
}

export function makeHss({ settings, home, host, wire }: Making): Made<Hss> {
  const { hss: section, as, scscf } = settings;
  const own = [`icscf.${home}`, `scscf.${home}`];
  const hss = new Hss(
    {
      home,
      diameter: {
        listen: wire(section.port, 'tcp').map(({ address }) => address),
        peers: [...own, ...section.peers],
      },
      ...provisioningOf(section),
      psis: [
        { identity: `sip:echo@${home}`, server: `sip:echo@as.${home}:${as.port}` },
        ...(section.psis ?? []),
      ],
      digestAlgorithms: scscf.digest.algorithms,
      subscribers: settings.subscribers,
    },
    host,
  );
  return {
    function: hss,
    start: async () => {
      const bound = await hss.start();
      return bound.map(address => ({ point: 'Cx', protocol: 'tcp', address }) as const);
    },
    stop: () => hss.stop(),
  };
}
