// freeDiameter as a peer of ours, and as the relay between our S-CSCF and our HSS.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { RouteRecord } from '#diameter/base';
import { Cx, MultimediaAuth, RegistrationTermination } from '#diameter/cx';
import { type DiameterConfig, DiameterNode } from '#diameter/node';
import { createProcess } from '#kernel/node/process';
import { seconds } from '#kernel/time';
import {
  Authority,
  FreeDiameter,
  type FreeDiameterOptions,
  PACKAGE,
} from './support/free-diameter.ts';
import { folderOf, freePort, Lab } from './support/lab.ts';
import { needs } from './support/needs.ts';

const skip = needs('freeDiameterd', PACKAGE) || needs('openssl', 'openssl');
const options = { skip, timeout: 60_000 };
const REALM = 'ims.example';
const HSS_REALM = 'hss.example';
const relay = 'relay.transit.example';
const loopback = { host: '127.0.0.1', port: 0 };

const mar = {
  impi: 'alice@ims.example',
  impu: 'sip:alice@ims.example',
  auth: { scheme: 'Digest-AKAv1-MD5' },
  vectors: 1,
  server: 'sip:scscf.ims.example',
};

type Peers = FreeDiameterOptions['peers'];

/** Nodes of ours in one process, and freeDiameter once it knows where they listen. */
function bench(t: TestContext) {
  const process = createProcess({ names: () => undefined, log: { level: 'silent' } });
  const folder = folderOf(t);
  t.after(() => process.close());
  const node = (identity: string, realm: string, change: Partial<DiameterConfig> = {}) => {
    const made = new DiameterNode(process.host(identity.split('.')[0] as string), {
      identity,
      realm,
      applications: [Cx],
      allowedPeers: name => name === relay,
      ...change,
    });
    t.after(() => made.stop());
    return made;
  };
  const authority = new Authority(folder);
  const freeDiameter = async (peers: Peers) => {
    const started = await FreeDiameter.start({
      folder,
      identity: relay,
      realm: 'transit.example',
      certificate: authority.certificateOf(relay),
      authority: authority.cert,
      peers,
    });
    t.after(() => started.child.stop());
    return started;
  };
  return { node, freeDiameter, authority };
}

/** Resolves when a peer of the node is open. */
function open(node: DiameterNode): Promise<void> {
  return new Promise(resolve => {
    const look = () => {
      if (node.peers().some(({ state }) => state === 'open')) resolve();
    };
    node.onPeerChange = look;
    look();
  });
}

const scscfPeer = { identity: 'scscf.ims.example', realm: REALM };

test(
  'freeDiameter takes our CER, and answers for a realm that it has no way to',
  options,
  async t => {
    const { node, freeDiameter } = bench(t);
    const { port } = await freeDiameter([scscfPeer]);
    const scscf = node(scscfPeer.identity, REALM);
    scscf.connect({ identity: relay, realm: 'transit.example', endpoints: [`127.0.0.1:${port}`] });
    await open(scscf);
    const answer = await scscf.call(MultimediaAuth, mar, { destinationRealm: 'nowhere.example' });
    assert.equal(answer.result, 'DIAMETER_UNABLE_TO_DELIVER');
  },
);

test('freeDiameter connects to us, and the watchdog keeps the connection', options, async t => {
  const { node, freeDiameter } = bench(t);
  const scscf = node(scscfPeer.identity, REALM, { tw: seconds(6) });
  const { port } = await scscf.listen(loopback);
  await freeDiameter([{ ...scscfPeer, port }]);
  await open(scscf);
  await new Promise(resolve => setTimeout(resolve, 9000));
  assert.equal(scscf.peers()[0]?.state, 'open');
  assert.equal(scscf.peers()[0]?.identity, relay);
});

/** A relay that has just met both its peers may take a moment to route between them. */
async function routed<A extends { readonly result: string }>(ask: () => Promise<A>): Promise<A> {
  for (let tries = 0; ; tries++) {
    const answer = await ask();
    if (answer.result !== 'DIAMETER_UNABLE_TO_DELIVER' || tries === 40) return answer;
    await new Promise(resolve => setTimeout(resolve, 250));
  }
}

test('requests go through the relay both ways, and answers find back', options, async t => {
  const { node, freeDiameter } = bench(t);
  const hss = node('hss.hss.example', HSS_REALM);
  const seen: string[][] = [];
  hss.handle(MultimediaAuth, (request, { message, origin }) => {
    seen.push([origin.host, ...message.all(RouteRecord)]);
    return { result: 'DIAMETER_SUCCESS', impi: request.impi, vectors: 0 };
  });
  const { port: hssPort } = await hss.listen(loopback);
  const { port } = await freeDiameter([
    scscfPeer,
    { identity: 'hss.hss.example', realm: HSS_REALM, port: hssPort },
  ]);
  const scscf = node(scscfPeer.identity, REALM);
  scscf.handle(RegistrationTermination, () => ({ result: 'DIAMETER_SUCCESS' }));
  scscf.connect({ identity: relay, realm: 'transit.example', endpoints: [`127.0.0.1:${port}`] });
  await Promise.all([open(hss), open(scscf)]);

  const maa = await routed(() => scscf.call(MultimediaAuth, mar, { destinationRealm: HSS_REALM }));
  assert.equal(maa.result, 'DIAMETER_SUCCESS');
  assert.equal(maa.impi, mar.impi);
  assert.deepEqual(seen, [['scscf.ims.example', 'scscf.ims.example']]);

  const rtr = { impi: mar.impi, impus: [mar.impu], reason: { code: 'SERVER_CHANGE' } } as const;
  const to = { destinationRealm: REALM, destinationHost: 'scscf.ims.example' };
  const rta = await routed(() => hss.call(RegistrationTermination, rtr, to));
  assert.equal(rta.result, 'DIAMETER_SUCCESS');

  await hss.stop();
  const gone = await scscf.call(MultimediaAuth, mar, { destinationRealm: HSS_REALM });
  assert.equal(gone.result, 'DIAMETER_UNABLE_TO_DELIVER');
  assert.equal(gone.message === undefined, false, 'the relay said so');
});

test('we and freeDiameter know each other by certificates over TLS', options, async t => {
  const { node, freeDiameter, authority } = bench(t);
  const { securePort } = await freeDiameter([{ ...scscfPeer, tls: true }]);
  const scscf = node(scscfPeer.identity, REALM);
  scscf.connect({
    identity: relay,
    realm: 'transit.example',
    endpoints: [`127.0.0.1:${securePort}`],
    tls: { ...authority.certificateOf(scscfPeer.identity), ca: authority.cert },
  });
  await open(scscf);
  assert.equal(scscf.peers()[0]?.link, 'tls');
});

test('a phone registers while every message of Cx goes through the relay', options, async t => {
  const [hssPort, port] = [await freePort(), await freePort()];
  const lab = await Lab.start(t, {
    ports: 'own',
    settings: [
      ...['udp', 'tcp', 'tls', 'ws', 'wss'].map(name => `pcscf.${name}=0`),
      ...['hss.listen=true', `hss.port=${hssPort}`, `hss.peers=["${relay}"]`],
      ...[`hss.address=127.0.0.1:${port}`, `hss.agent=${relay}`],
    ],
  });
  const authority = new Authority(lab.folder);
  const names = ['hss', 'icscf', 'scscf'].map(name => `${name}.${lab.home}`);
  const started = await FreeDiameter.start({
    port,
    folder: lab.folder,
    identity: relay,
    realm: 'transit.example',
    certificate: authority.certificateOf(relay),
    authority: authority.cert,
    peers: names.map((identity, at) => ({
      identity,
      realm: lab.home,
      ...(at === 0 ? { port: hssPort } : {}),
    })),
  });
  lab.defer(() => started.child.stop());
  const { hss, icscf, scscf } = lab.network.functions;
  const isOpen = (node: { peers(): readonly { identity: string | undefined; state: string }[] }) =>
    node.peers().some(({ identity, state }) => identity === relay && state === 'open');
  await lab.holds(
    () => [hss!, icscf!, scscf!].every(isOpen),
    () => `not all are connected:\n${started.child.output}`,
    20_000,
  );
  await lab.phone('alice');
  assert.deepEqual(
    hss?.peers().map(({ identity }) => identity),
    [relay],
  );
  const ended = await hss?.deregister('alice');
  assert.deepEqual(
    ended?.map(({ outcome }) => outcome),
    ['done'],
  );
});
