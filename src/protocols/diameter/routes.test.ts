import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Simulation, simulate } from '#kernel/simulation';
import { seconds } from '#kernel/time';
import { Avp } from './avp.ts';
import { RedirectHost, RedirectHostUsage, RedirectMaxCacheTime } from './base.ts';
import { Cx, MultimediaAuth } from './cx.ts';
import { FLAG } from './header.ts';
import { DiameterMessage } from './message.ts';
import type { DiameterConfig, DiameterNode } from './node.ts';
import { Routes } from './routes.ts';
import { mar, nodeOf, REALM, serve } from './testing/pair.ts';
import { RawPeer } from './testing/raw-peer.ts';

const answerWith = (avps: readonly Avp[]): DiameterMessage =>
  new DiameterMessage(
    { flags: FLAG.error, code: MultimediaAuth.code, application: Cx.id, hopByHop: 1, endToEnd: 1 },
    avps,
  );

const query = { application: Cx.id, realm: 'far.example', host: undefined, sessionId: 's;1' };

test('the narrowest row of the routing table counts', () => {
  const routes = new Routes([
    { realm: '*', peers: ['any'] },
    { realm: 'FAR.example', peers: ['Far1', 'far2'] },
    { realm: 'far.example', application: 7, peers: ['seven'] },
    { realm: '*', application: 9, peers: ['nine'] },
  ]);
  assert.deepEqual(routes.peersFor(query), ['far1', 'far2']);
  assert.deepEqual(routes.peersFor({ ...query, application: 7 }), ['seven']);
  assert.deepEqual(routes.peersFor({ ...query, application: 9 }), ['far1', 'far2']);
  assert.deepEqual(routes.peersFor({ ...query, realm: 'other', application: 9 }), ['nine']);
  assert.deepEqual(routes.peersFor({ ...query, realm: 'other' }), ['any']);
  assert.equal(new Routes([]).peersFor(query), undefined);
});

interface Net {
  readonly sim: Simulation;
  readonly scscf: DiameterNode;
  readonly served: string[];
  readonly agent: RawPeer;
  readonly ask: (sessionId?: string) => Promise<string>;
}

/** An S-CSCF with an agent before another realm, whose HSS it does not know. */
async function net(redirect: readonly Avp[], change: Partial<DiameterConfig> = {}): Promise<Net> {
  const sim = simulate({ seed: 4 });
  const served: string[] = [];
  for (const name of ['hss1', 'hss2']) {
    const hss = await serve(sim, name, 'tcp', { realm: 'far.example' });
    hss.handle(MultimediaAuth, () => {
      served.push(name);
      return { result: 'DIAMETER_SUCCESS' };
    });
  }
  const scscf = nodeOf(sim.host('s-cscf'), {
    allowedPeers: () => true,
    routes: [{ realm: 'far.example', peers: ['agent.ims.example'] }],
    ...change,
  });
  const at = { host: sim.addressOf('s-cscf'), port: 3868 };
  await sim.settle(() => scscf.listen(at));
  const agent = new RawPeer(sim.host('agent'), at, 'agent.ims.example', REALM);
  agent.onMessage = message => {
    if (message.code !== MultimediaAuth.code || !message.isRequest) return;
    served.push('agent');
    const answer = agent.envelope.refusal(message, 'DIAMETER_REDIRECT_INDICATION');
    agent.send(answer.and(redirect));
  };
  agent.cer();
  await sim.run(seconds(1));
  const ask = async (sessionId?: string) => {
    const to = { destinationRealm: 'far.example', sessionId };
    return (await sim.settle(() => scscf.call(MultimediaAuth, mar, to))).result;
  };
  return { sim, scscf, served, agent, ask };
}

const host = (name: string): Avp => Avp.of(RedirectHost, `aaa://${name}.ims.example;transport=tcp`);

test('a request for another realm goes to the peer that the routing table names', async () => {
  const { served, ask } = await net([]);
  assert.equal(await ask(), 'DIAMETER_REDIRECT_INDICATION');
  assert.deepEqual(served, ['agent']);
});

test('without a row, a peer that is no relay is not given requests for another realm', async () => {
  const { served, ask } = await net([], { routes: [] });
  assert.equal(await ask(), 'DIAMETER_UNABLE_TO_DELIVER');
  assert.deepEqual(served, []);
});

test('a redirect is followed to a host that we are not connected to yet', async () => {
  const { served, ask } = await net([host('hss2')]);
  assert.equal(await ask(), 'DIAMETER_SUCCESS');
  assert.equal(await ask(), 'DIAMETER_SUCCESS');
  // Once connected, a peer of the realm is asked at once.
  assert.deepEqual(served, ['agent', 'hss2', 'hss2']);
});

test('a redirect to a host that we would not talk to is not followed', async () => {
  const { served, ask } = await net([host('hss2')], {
    allowedPeers: identity => identity === 'agent.ims.example',
  });
  assert.equal(await ask(), 'DIAMETER_UNABLE_TO_DELIVER');
  assert.deepEqual(served, ['agent']);
});

test('redirects that lead from one to the next come to an end', async () => {
  const { served, agent, ask } = await net([Avp.of(RedirectHost, 'aaa://agent.ims.example')]);
  assert.equal(await ask(), 'DIAMETER_UNABLE_TO_DELIVER');
  assert.deepEqual(served, ['agent']);
  assert.equal(agent.closed, undefined);
});

test('what is redirected for long is remembered as long as it was told', () => {
  const routes = new Routes([]);
  const message = answerWith([
    host('hss2'),
    Avp.of(RedirectHostUsage, 'ALL_REALM'),
    Avp.of(RedirectMaxCacheTime, 60),
  ]);
  const to = routes.learn(message, query, 0);
  assert.deepEqual(to?.hosts, [{ identity: 'hss2.ims.example', endpoint: 'hss2.ims.example' }]);
  assert.deepEqual(routes.redirected({ ...query, sessionId: 'other' }, seconds(59)), to);
  assert.equal(routes.redirected({ ...query, realm: 'near.example' }, seconds(1)), undefined);
  assert.equal(routes.redirected(query, seconds(60)), undefined);
});

for (const [usage, kept, other] of [
  ['ALL_SESSION', query, { ...query, sessionId: 'else' }],
  ['REALM_AND_APPLICATION', query, { ...query, application: 1 }],
  ['ALL_APPLICATION', { ...query, realm: 'near.example' }, { ...query, application: 1 }],
  ['ALL_HOST', { ...query, host: 'h' }, { ...query, host: 'g' }],
] as const) {
  test(`a redirect of usage ${usage} holds for that and nothing else`, () => {
    const routes = new Routes([]);
    const message = answerWith([
      host('hss2'),
      Avp.of(RedirectHostUsage, usage),
      Avp.of(RedirectMaxCacheTime, 60),
    ]);
    routes.learn(message, { ...query, host: 'h' }, 0);
    assert.ok(routes.redirected(kept, 1));
    assert.equal(routes.redirected(other, 1), undefined);
  });
}

test('a redirect that names no host we can reach is none', () => {
  const routes = new Routes([]);
  for (const uri of ['http://hss2', 'aaa://hss2;transport=sctp', 'aaa://a b', '']) {
    const message = answerWith([Avp.of(RedirectHost, uri)]);
    assert.equal(routes.learn(message, query, 0), undefined, uri);
  }
});
