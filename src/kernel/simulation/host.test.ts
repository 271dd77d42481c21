import { hostSuite } from '../host.suite.ts';
import type { StreamProtocol } from '../host.ts';
import { ms } from '../time.ts';
import type { SimulationOptions } from './options.ts';
import { simulate } from './simulation.ts';

const webSocket = { path: '/sip', subprotocol: 'sip' };
const isWeb = (protocol: StreamProtocol) => protocol === 'ws' || protocol === 'wss';

const kinds: Readonly<Record<string, Partial<SimulationOptions>>> = {
  simulated: {},
  'simulated, with streams cut in pieces and a slow disk': {
    links: { chopping: 0.5, jitter: ms(2) },
    store: { jitter: ms(20), reordering: true },
  },
};

for (const [kind, options] of Object.entries(kinds)) {
  hostSuite(
    kind,
    ({ links, names }) => {
      const resolve = (name: string) => names[name];
      const sim = simulate({ seed: 1, localLinks: links, resolve, ...options });
      return {
        host: name => sim.host(name),
        run: work => sim.settle(() => work),
        close() {},
        options: protocol => (isWeb(protocol) ? { webSocket } : {}),
      };
    },
    ['tcp', 'tls', 'ws', 'wss'],
  );
}
