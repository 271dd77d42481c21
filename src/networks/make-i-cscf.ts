// The I-CSCF of a network file.

import { iCscfConfig } from '#functions/i-cscf/config';
import { ICscf } from '#functions/i-cscf/i-cscf';
import type { Made, Making } from './compose.ts';
import { diameterOf } from './diameter-of.ts';

export function makeICscf({ settings, home, host, wire }: Making): Made<ICscf> {
  const { uri, port, capabilities } = settings.scscf;
  const icscf = new ICscf(
    iCscfConfig({
      home,
      port: settings.icscf.port,
      listen: wire(settings.icscf.port, 'udp', 'tcp'),
      diameter: diameterOf(settings, home),
      sCscfs: [{ uri: uri ?? `sip:scscf.${home}:${port}`, capabilities }],
    }),
    host,
  );
  return { function: icscf, start: () => icscf.start(), stop: () => icscf.stop() };
}
