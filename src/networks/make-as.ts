// The application server of a network file.

import { As } from '#functions/as/as';
import { asConfig } from '#functions/as/config';
import type { Made, Making } from './compose.ts';

export function makeAs({ settings, home, host, wire, address }: Making): Made<As> {
  const { as: section, rtp } = settings;
  const as = new As(
    asConfig({
      home,
      port: section.port,
      listen: wire(section.port, 'udp', 'tcp'),
      media: { address, ports: rtp },
      rejected: Array.isArray(section.rejected)
        ? new Map([['*', section.rejected]])
        : new Map(Object.entries(section.rejected)),
      forward: new Map(Object.entries(section.forward)),
    }),
    host,
  );
  return { function: as, start: () => as.start(), stop: () => as.stop() };
}
