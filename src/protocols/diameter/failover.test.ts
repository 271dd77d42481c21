import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Simulation, simulate } from '#kernel/simulation';
import { minutes, ms, seconds } from '#kernel/time';
import { MultimediaAuth } from './cx.ts';
import { FLAG } from './header.ts';
import type { DiameterConfig, DiameterNode } from './node.ts';
import { mar, nodeOf, REALM, serve, toHss, toRealm } from './testing/pair.ts';

interface Trio {
  readonly sim: Simulation;
  readonly scscf: DiameterNode;
  /** How each of hss1 and hss2 answers; undefined not at all. */
  readonly answers: Record<string, (() => Promise<object> | object) | undefined>;
  /** Names of those that served a request, in order; with ' T' where it said it was a repetition. */
  readonly served: string[];
}

/** An S-CSCF with two HSSs of one realm. */
async function trio(scscf: Partial<DiameterConfig> = {}): Promise<Trio> {
  const sim = simulate({ seed: 5 });
  const answers: Trio['answers'] = {};
  const served: string[] = [];
  for (const name of ['hss1', 'hss2']) {
    const hss = await serve(sim, name, 'tcp');
    answers[name] = () => ({ result: 'DIAMETER_SUCCESS' });
    hss.handle(MultimediaAuth, async (_, { message }) => {
      served.push(message.flags & FLAG.retransmitted ? `${name} T` : name);
      return (await answers[name]?.()) as { result: 'DIAMETER_SUCCESS' };
    });
  }
  const node = nodeOf(sim.host('s-cscf'), scscf);
  for (const name of ['hss1', 'hss2']) {
    node.connect({
      identity: `${name}.ims.example`,
      realm: REALM,
      endpoints: [`${name}.ims.example`],
    });
  }
  await sim.run(seconds(2));
  return { sim, scscf: node, answers, served };
}

const never = () => new Promise<object>(() => {});

test('requests go to the first peer of the realm, and to a named host where one is named', async () => {
  const { sim, scscf, served } = await trio();
  await sim.settle(() => scscf.call(MultimediaAuth, mar, toRealm));
  const to = { ...toRealm, destinationHost: 'hss2.ims.example' };
  await sim.settle(() => scscf.call(MultimediaAuth, mar, to));
  assert.deepEqual(served, ['hss1', 'hss2']);
});

test('when a connection breaks, what waited there is sent to the next peer with the T flag', async () => {
  const { sim, scscf, answers, served } = await trio();
  answers.hss1 = never;
  sim.after(ms(500), () => sim.crash('hss1'));
  const answer = await sim.settle(() => scscf.call(MultimediaAuth, mar, toRealm));
  assert.equal(answer.result, 'DIAMETER_SUCCESS');
  assert.deepEqual(served, ['hss1', 'hss2 T']);
});

test('when no other peer is left, what waited is undeliverable as soon as the link breaks', async () => {
  const { sim, scscf, answers } = await trio();
  answers.hss1 = never;
  const to = { ...toRealm, timeout: minutes(1) };
  sim.crash('hss2');
  await sim.run(seconds(1));
  sim.after(seconds(2), () => sim.crash('hss1'));
  const answer = await sim.settle(() => scscf.call(MultimediaAuth, mar, to), seconds(3));
  assert.equal(answer.result, 'DIAMETER_UNABLE_TO_DELIVER');
});

test('a silent peer is failed over by the watchdog, and used again when it is back', async () => {
  const { sim, scscf, served } = await trio({ tw: seconds(6) });
  const states = () => scscf.peers().map(({ state }) => state);
  sim.partition(['s-cscf'], ['hss1']);
  const to = { ...toRealm, timeout: minutes(1) };
  const answer = await sim.settle(() => scscf.call(MultimediaAuth, mar, to), seconds(20));
  assert.equal(answer.result, 'DIAMETER_SUCCESS');
  assert.deepEqual(served, ['hss2 T']);
  assert.deepEqual(states(), ['suspect', 'open']);

  await sim.settle(() => scscf.call(MultimediaAuth, mar, toRealm));
  assert.equal(served.at(-1), 'hss2', 'nothing new is sent to a suspect');

  await sim.run(seconds(10));
  assert.ok(['closed', 'connecting'].includes(states()[0] as string));
  sim.partition(['s-cscf'], ['hss1'], false);
  await sim.runUntil(() => states()[0] === 'open', minutes(2));
  await sim.settle(() => scscf.call(MultimediaAuth, mar, toRealm));
  assert.equal(served.at(-1), 'hss1');
});

test('a suspect that speaks again keeps its connection and what waits there', async () => {
  const sim = simulate({ seed: 5 });
  const hss = await serve(sim, 'hss', 'tcp');
  let finish = () => {};
  hss.handle(MultimediaAuth, async () => {
    await new Promise<void>(resolve => {
      finish = resolve;
    });
    return { result: 'DIAMETER_SUCCESS' };
  });
  const scscf = nodeOf(sim.host('s-cscf'), { tw: seconds(6) });
  scscf.connect(toHss);
  await sim.run(seconds(1));
  const call = scscf.call(MultimediaAuth, mar, { ...toRealm, timeout: minutes(2) });
  sim.after(seconds(1), () => sim.partition(['s-cscf'], ['hss']));
  await sim.runUntil(() => scscf.peers()[0]?.state === 'suspect');
  sim.partition(['s-cscf'], ['hss'], false);
  sim.after(0, finish);
  const answer = await sim.settle(() => call, seconds(30));
  assert.equal(answer.result, 'DIAMETER_SUCCESS');
  assert.equal(scscf.peers()[0]?.state, 'open');
});

test('a peer that is too busy is passed over for the next one; the last one is believed', async () => {
  const { sim, scscf, answers, served } = await trio();
  const busy = () => ({ result: 'DIAMETER_TOO_BUSY' });
  answers.hss1 = busy;
  const ask = () => sim.settle(() => scscf.call(MultimediaAuth, mar, toRealm));
  assert.equal((await ask()).result, 'DIAMETER_SUCCESS');
  assert.deepEqual(served, ['hss1', 'hss2 T']);
  answers.hss2 = busy;
  assert.equal((await ask()).result, 'DIAMETER_TOO_BUSY');
});

test('two nodes that connect to each other at once end with one connection', async () => {
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    const sim = simulate({ seed, links: { jitter: ms(5) } });
    const names = ['hss', 's-cscf'] as const;
    const nodes = [];
    for (const name of names) {
      const node = nodeOf(sim.host(name));
      const address = { host: sim.addressOf(name), port: 3868 };
      await sim.settle(() => node.listen(address));
      sim.setName(`${name.replace('-', '')}.ims.example`, 'diameter', [
        { protocol: 'tcp', address },
      ]);
      nodes.push(node);
    }
    const [hss, scscf] = nodes as [DiameterNode, DiameterNode];
    hss.connect({ identity: 'scscf.ims.example', realm: REALM, endpoints: ['scscf.ims.example'] });
    scscf.connect(toHss);
    hss.handle(MultimediaAuth, () => ({ result: 'DIAMETER_SUCCESS' }));
    const answer = await sim.settle(() => scscf.call(MultimediaAuth, mar, toRealm));
    assert.equal(answer.result, 'DIAMETER_SUCCESS');
    await sim.run(minutes(5));
    assert.deepEqual([hss.peers()[0]?.state, scscf.peers()[0]?.state], ['open', 'open']);
    assert.equal(hss.peers().length + scscf.peers().length, 2);
    assert.deepEqual(
      hss.peers()[0]?.remote?.port === 3868,
      scscf.peers()[0]?.remote?.port !== 3868,
    );
  }
});
