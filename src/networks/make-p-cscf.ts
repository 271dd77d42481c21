// The P-CSCF of a network file.

import { type GmListener, pCscfConfig } from '#functions/p-cscf/config';
import { PCscf } from '#functions/p-cscf/p-cscf';
import type { StreamOptions } from '#kernel/host';
import type { Made, Making } from './compose.ts';
import type { Certificate } from './world.ts';

export function makePCscf({
  settings,
  home,
  host,
  wire,
  address,
  certificate,
}: Making): Made<PCscf> {
  const section = settings.pcscf;
  const shown = certificate(section.certificate, [`pcscf.${home}`, section.advertise ?? address]);
  const gm: GmListener[] = (['udp', 'tcp', 'tls', 'ws', 'wss'] as const).map(protocol => ({
    protocol,
    address: { host: address, port: section[protocol] },
    options: streamOptions(protocol, shown),
  }));
  const config = pCscfConfig({
    home,
    gm,
    mw: wire(section.mw, 'udp', 'tcp'),
    mwPort: section.mw,
    icscf: `sip:icscf.${home}:${settings.icscf.port}`,
    strictRoute: section.strictRoute,
    towardsUe: section.towardsUe,
    regEvent: section.regEvent,
    ...(section.advertise === undefined ? {} : { advertise: section.advertise }),
    ...(section.visitedNetwork === undefined ? {} : { visitedNetwork: section.visitedNetwork }),
  });
  const pcscf = new PCscf(config, host);
  return { function: pcscf, start: () => pcscf.start(), stop: () => pcscf.stop() };
}

function streamOptions(
  protocol: GmListener['protocol'],
  certificate: Certificate | undefined,
): StreamOptions {
  const tls = certificate === undefined ? {} : { tls: certificate };
  const webSocket = { path: '/sip', subprotocol: 'sip' };
  switch (protocol) {
    case 'tls':
      return tls;
    case 'ws':
      return { webSocket };
    case 'wss':
      return { ...tls, webSocket };
    default:
      return {};
  }
}
