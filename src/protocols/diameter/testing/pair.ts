// An HSS and an S-CSCF that is connected to it, in simulated time: what node tests stand on.

import type { Host } from '#kernel/host';
import { type Simulation, simulate } from '#kernel/simulation';
import { Cx } from '../cx.ts';
import { type DiameterConfig, DiameterNode, type PeerConfig } from '../node.ts';

export const REALM = 'ims.example';
export type Links = 'local' | 'checked' | 'tcp';

export interface Pair {
  readonly sim: Simulation;
  readonly hss: DiameterNode;
  readonly scscf: DiameterNode;
}

export const toHss: PeerConfig = {
  identity: 'hss.ims.example',
  realm: REALM,
  endpoints: ['hss.ims.example'],
};

/** A node named for its host: 's-cscf' is scscf.ims.example. */
export const nodeOf = (host: Host, change: Partial<DiameterConfig> = {}): DiameterNode =>
  new DiameterNode(host, {
    identity: `${host.name.replace('-', '')}.ims.example`,
    realm: REALM,
    applications: [Cx],
    ...change,
  });

/** Makes the HSS and has it listen, by local link or TCP, where its name leads. */
export async function serve(
  sim: Simulation,
  name: string,
  links: Links,
  change: Partial<DiameterConfig> = {},
): Promise<DiameterNode> {
  const node = nodeOf(sim.host(name), { allowedPeers: () => true, ...change });
  const fqdn = `${name}.ims.example`;
  if (links === 'tcp') {
    const address = { host: sim.addressOf(name), port: 3868 };
    await sim.settle(() => node.listen(address));
    sim.setName(fqdn, 'diameter', [{ protocol: 'tcp', address }]);
  } else {
    node.serveLocal(`diameter:${name}`);
    sim.setName(fqdn, 'diameter', [{ protocol: 'local', name: `diameter:${name}` }]);
  }
  return node;
}

export async function pair(
  links: Links,
  change: { readonly hss?: Partial<DiameterConfig>; readonly scscf?: Partial<DiameterConfig> } = {},
): Promise<Pair> {
  const sim = simulate({ seed: 1, localLinks: links === 'checked' ? 'checked' : 'local' });
  const hss = await serve(sim, 'hss', links, change.hss);
  const scscf = nodeOf(sim.host('s-cscf'), change.scscf);
  scscf.connect(toHss);
  return { sim, hss, scscf };
}

export const mar = {
  impi: 'alice@ims.example',
  impu: 'sip:alice@ims.example',
  auth: { scheme: 'Digest-AKAv1-MD5' },
  vectors: 1,
  server: 'sip:scscf.ims.example',
};

export const toRealm = { destinationRealm: REALM };
