// The S-CSCF of a network file.

import { type SharedSetSettings, sharedSets } from '#functions/hss/service-profiles';
import { sCscfConfig } from '#functions/s-cscf/config';
import { SCscf } from '#functions/s-cscf/s-cscf';
import { seconds } from '#kernel/time';
import type { Made, Making } from './compose.ts';
import { diameterOf } from './diameter-of.ts';

export function makeSCscf({ settings, home, host, wire }: Making): Made<SCscf> {
  const { scscf: section, icscf, country } = settings;
  const { expires, minimum, maximum, awaitAuth, contacts } = section.registration;
  const scscf = new SCscf(
    sCscfConfig({
      home,
      port: section.port,
      ...(section.uri !== undefined && { serverName: section.uri }),
      icscf: `sip:icscf.${home}:${icscf.port}`,
      listen: wire(section.port, 'udp', 'tcp'),
      diameter: diameterOf(settings, home),
      registration: {
        expires: seconds(expires),
        minimum: seconds(minimum),
        maximum: seconds(maximum),
        awaitAuth: seconds(awaitAuth),
        contacts,
      },
      digest: { algorithms: section.digest.algorithms },
      aka: section.aka,
      numbers: { country: country.code, ...section.numbers },
      sharedFilterCriteria: sharedCriteria(settings.hss.sharedFilterCriteria ?? []),
    }),
    host,
  );
  return { function: scscf, start: () => scscf.start(), stop: () => scscf.stop() };
}

/** The S-CSCF's own table of the sets that the HSS names by number. */
const sharedCriteria = (settings: readonly SharedSetSettings[]) =>
  new Map([...sharedSets(settings)].map(([id, { criteria }]) => [id, criteria] as const));
