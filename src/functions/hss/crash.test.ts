// An HSS that dies at any moment: what it answered holds, and no sequence number is used twice.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromRand, xor } from '#aka/milenage';
import { seqOf, sqnFrom } from '#aka/sequence';
import { Cx, MultimediaAuth, ServerAssignment } from '#diameter/cx';
import { DiameterNode } from '#diameter/node';
import { simulate } from '#kernel/simulation';
import { ms, seconds } from '#kernel/time';
import { alice, aliceNumber, aliceSim, home, k, opc, scscfUri } from './hss.fixture.ts';
import { Hss } from './hss.ts';

const key = { k: Buffer.from(k, 'hex'), opc: Buffer.from(opc, 'hex') };

/** The SEQ of every vector that arrived, with crashes of the HSS between, before and after. */
async function life(seed: number): Promise<{ seqs: number[]; registered: boolean; state: string }> {
  const sim = simulate({ seed, links: { delay: ms(3), jitter: ms(3) }, store: { delay: ms(4) } });
  const address = { host: sim.addressOf('hss'), port: 3868 };
  sim.setName(`hss.${home}`, 'diameter', [{ protocol: 'tcp', address }]);
  let hss: Hss | undefined;
  sim.install('hss', async host => {
    hss = new Hss({ home, subscribers: [alice], diameter: { listen: [address] } }, host);
    await hss.start();
  });
  const node = new DiameterNode(sim.host('s-cscf'), {
    identity: `scscf.${home}`,
    realm: home,
    applications: [Cx],
    timeout: seconds(2),
  });
  node.connect({ realm: home, endpoints: [`hss.${home}`] });
  const request = {
    impi: aliceSim,
    impu: aliceNumber,
    vectors: 1,
    auth: { scheme: 'Unknown' },
    server: scscfUri,
  };
  const seqs: number[] = [];
  for (let crashes = 0; crashes < 6; crashes++) {
    sim.after(ms(5 + ((seed * 7 + crashes * 13) % 60)), () => {
      sim.crash('hss');
      sim.restart('hss');
    });
    for (let n = 0; n < 5; n++) {
      await sim.runUntil(() => node.peers()[0]?.state === 'open', seconds(120));
      const { auth } = await sim.settle(() =>
        node.call(MultimediaAuth, request, { destinationRealm: home }),
      );
      const item = auth?.[0]?.authenticate;
      if (item === undefined) continue;
      const { ak } = fromRand(key, item.slice(0, 16));
      seqs.push(seqOf(sqnFrom(xor(item.slice(16, 22), ak))));
    }
  }
  await sim.runUntil(() => node.peers()[0]?.state === 'open', seconds(120));
  const assignment = {
    ...request,
    impus: [aliceNumber],
    type: 'REGISTRATION',
    userDataAlreadyAvailable: 'USER_DATA_NOT_AVAILABLE',
  } as const;
  const { result } = await sim.settle(() =>
    node.call(ServerAssignment, assignment, { destinationRealm: home }),
  );
  sim.crash('hss');
  sim.restart('hss');
  await sim.run(seconds(5));
  const view = await sim.settle(() => hss!.get(alice.imsi));
  return { seqs, registered: result === 'DIAMETER_SUCCESS', state: view!.registration.state };
}

for (let seed = 1; seed <= 8; seed++) {
  test(`an HSS that is killed six times hands out no SQN twice and keeps its word (seed ${seed})`, async () => {
    const { seqs, registered, state } = await life(seed);
    assert.ok(seqs.length >= 20, `${seqs.length} vectors arrived`);
    assert.deepEqual(
      seqs,
      [...new Set(seqs)].sort((a, b) => a - b),
    );
    assert.equal(state, registered ? 'registered' : 'not registered');
  });
}
