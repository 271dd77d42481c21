// Random seeds over a bad network: loss, chopped streams, partitions, crashes of the server. What must
// hold whatever happens: every call ends, in time, with an answer or with the reason why none came.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom, simulate } from '#kernel/simulation';
import { minutes, ms, seconds } from '#kernel/time';
import { MultimediaAuth } from './cx.ts';
import type { DiameterNode } from './node.ts';
import { mar, nodeOf, REALM, serve, toRealm } from './testing/pair.ts';

const TIMEOUT = seconds(5);
const servers = ['hss1', 'hss2'] as const;

async function live(seed: number): Promise<Map<string, number>> {
  const links = { delay: ms(5), jitter: ms(5), loss: 0.05, chopping: 0.3 };
  const sim = simulate({ seed, links });
  const chance = new SeededRandom(seed, 'chaos');
  const below = (bound: number) => Math.floor(chance.fraction() * bound);

  const begin = async (name: string) => {
    const hss = await serve(sim, name, 'tcp');
    const { clock } = sim.host(name);
    hss.handle(MultimediaAuth, async ({ impi }) => {
      await new Promise(resolve => clock.after(below(200), () => resolve(undefined)));
      return { result: 'DIAMETER_SUCCESS', impi };
    });
  };
  for (const name of servers) await begin(name);
  const scscf = nodeOf(sim.host('s-cscf'), { tw: seconds(6), timeout: TIMEOUT });
  for (const name of servers) {
    const fqdn = `${name}.ims.example`;
    scscf.connect({ identity: fqdn, realm: REALM, endpoints: [fqdn] });
  }

  const results = new Map<string, number>();
  let begun = 0;
  let ended = 0;
  const ask = async (node: DiameterNode) => {
    const impi = `${begun++}@ims.example`;
    const from = sim.now();
    const answer = await node.call(MultimediaAuth, { ...mar, impi }, toRealm);
    assert.ok(sim.now() - from <= TIMEOUT, `a call took ${sim.now() - from} ms`);
    if (answer.result === 'DIAMETER_SUCCESS') assert.equal(answer.impi, impi);
    results.set(answer.result, (results.get(answer.result) ?? 0) + 1);
    ended++;
  };

  for (let round = 0; round < 30; round++) {
    const name = servers[below(2)] as string;
    switch (below(5)) {
      case 0:
        sim.link('s-cscf', name).partitioned = true;
        break;
      case 1:
        for (const each of servers) sim.link('s-cscf', each).partitioned = false;
        break;
      case 2:
        sim.crash(name);
        await sim.run(below(seconds(3)));
        sim.restart(name);
        await begin(name);
        break;
    }
    for (let calls = below(6); calls > 0; calls--)
      sim.after(below(seconds(4)), () => void ask(scscf));
    await sim.run(seconds(5));
  }
  for (const each of servers) sim.link('s-cscf', each).partitioned = false;
  await sim.run(minutes(2));
  assert.equal(ended, begun, 'every call ends');
  assert.deepEqual(
    scscf.peers().map(({ state, pending }) => [state, pending]),
    [
      ['open', 0],
      ['open', 0],
    ],
    'and once the network is well, so are the peers',
  );
  return results;
}

for (let seed = 1; seed <= 12; seed++) {
  test(`every call ends, and the peers recover, with seed ${seed}`, async () => {
    const results = await live(seed);
    assert.ok((results.get('DIAMETER_SUCCESS') ?? 0) > 10, JSON.stringify([...results]));
    results.delete('DIAMETER_SUCCESS');
    results.delete('DIAMETER_UNABLE_TO_DELIVER');
    assert.deepEqual([...results], []);
  });
}
