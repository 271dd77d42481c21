import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Host } from '#kernel/host';
import { type Simulation, simulate } from '#kernel/simulation';
import { minutes, ms, seconds } from '#kernel/time';
import { Cx, LocationInfo, MultimediaAuth, ServerAssignment } from './cx.ts';
import { DiameterError } from './errors.ts';
import { type DiameterConfig, DiameterNode, type PeerConfig } from './node.ts';

const REALM = 'ims.example';

interface Pair {
  readonly sim: Simulation;
  readonly hss: DiameterNode;
  readonly scscf: DiameterNode;
}

/** An HSS and an S-CSCF that is connected to it, over local links or simulated TCP. */
async function pair(
  link: 'local' | 'checked' | 'tcp',
  change: { readonly hss?: Partial<DiameterConfig>; readonly scscf?: Partial<DiameterConfig> } = {},
): Promise<Pair> {
  const sim = simulate({ seed: 1, localLinks: link === 'checked' ? 'checked' : 'local' });
  const hss = nodeOf(sim.host('hss'), { allowedPeers: () => true, ...change.hss });
  const scscf = nodeOf(sim.host('s-cscf'), change.scscf);
  if (link === 'tcp') {
    const address = { host: sim.addressOf('hss'), port: 3868 };
    await sim.settle(() => hss.listen(address));
    sim.setName('hss.ims.example', 'diameter', [{ protocol: 'tcp', address }]);
  } else {
    hss.serveLocal('diameter:hss');
    sim.setName('hss.ims.example', 'diameter', [{ protocol: 'local', name: 'diameter:hss' }]);
  }
  scscf.connect(toHss);
  return { sim, hss, scscf };
}

const toHss: PeerConfig = {
  identity: 'hss.ims.example',
  realm: REALM,
  endpoints: ['hss.ims.example'],
};

const nodeOf = (host: Host, change: Partial<DiameterConfig> = {}) =>
  new DiameterNode(host, {
    identity: `${host.name.replace('-', '')}.ims.example`,
    realm: REALM,
    applications: [Cx],
    ...change,
  });

const mar = {
  impi: 'alice@ims.example',
  impu: 'sip:alice@ims.example',
  auth: { scheme: 'Digest-AKAv1-MD5' },
  vectors: 1,
  server: 'sip:scscf.ims.example',
};

for (const link of ['local', 'checked', 'tcp'] as const) {
  describe(`over ${link} links`, () => {
    test('a call gets what the handler answers', async () => {
      const { sim, hss, scscf } = await pair(link);
      hss.handle(MultimediaAuth, async (request, context) => {
        assert.deepEqual(request, {
          ...mar,
          auth: { ...mar.auth, lineIdentifiers: [] },
          features: [],
        });
        assert.deepEqual(context.origin, { host: 'scscf.ims.example', realm: REALM });
        return {
          result: 'DIAMETER_SUCCESS',
          impi: request.impi,
          auth: [{ itemNumber: 1, authorization: Uint8Array.of(1, 2, 3) }],
        };
      });
      const answer = await sim.settle(() =>
        scscf.call(MultimediaAuth, mar, { destinationRealm: REALM }),
      );
      const { message, ...values } = answer;
      assert.deepEqual(values, {
        result: 'DIAMETER_SUCCESS',
        impi: mar.impi,
        auth: [{ itemNumber: 1, authorization: Uint8Array.of(1, 2, 3), lineIdentifiers: [] }],
        features: [],
      });
      assert.equal(message?.summary(), 'MAA DIAMETER_SUCCESS');
      assert.deepEqual(sim.ladder(), [
        's-cscf → hss  CER',
        'hss → s-cscf  CEA DIAMETER_SUCCESS',
        's-cscf → hss  MAR',
        'hss → s-cscf  MAA DIAMETER_SUCCESS',
      ]);
    });
  });
}
