// One call, the same messages in the same order over every kind of link.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '#kernel/simulation/simulation';
import { seconds } from '#kernel/time';
import { SipEndpoint } from './endpoint.ts';
import { nameAddr } from './headers.ts';
import { forward, forwardAck, nextHop, takeRoute } from './proxy.ts';
import { isSipUri, parseUri } from './uri.ts';
import { type OutgoingSession, UserAgent } from './user-agent.ts';

const octets = (text: string): Uint8Array => Buffer.from(text);
const kinds = ['local', 'checked', 'udp', 'tcp', 'ws'] as const;

async function ladderOver(kind: (typeof kinds)[number]): Promise<readonly string[]> {
  const sim = simulate({ seed: 1, localLinks: kind === 'checked' ? 'checked' : 'local' });
  const endpoint = async (name: string): Promise<SipEndpoint> => {
    const made = new SipEndpoint(sim.host(name), { point: 'Mw', name: `${name}.test` });
    if (kind === 'local' || kind === 'checked') {
      made.serveLocal(`${name}.test`);
      sim.setName(`${name}.test`, 'sip', [{ protocol: 'local', name: `${name}.test` }]);
    } else {
      const address = await made.listen(kind, { host: sim.addressOf(name), port: 0 });
      sim.setName(`${name}.test`, 'sip', [{ protocol: kind, address }]);
    }
    return made;
  };
  const proxy = await endpoint('proxy');
  const self = parseUri('sip:proxy.test;lr');
  proxy.onRequest = async tx => {
    const isOurs = (uri: typeof self) => isSipUri(uri) && uri.host === 'proxy.test';
    const { request } = takeRoute(tx.request, isOurs);
    const target = { uri: nextHop(request) };
    if (request.method === 'ACK') forwardAck(proxy, tx, request, target);
    else await forward(proxy, tx, [{ request, target }], { recordRoute: nameAddr(self) });
  };
  const agent = async (name: string): Promise<UserAgent> => {
    const own = await endpoint(name);
    const me = nameAddr(parseUri(`sip:${name}@${name}.test`));
    return new UserAgent(own, own.host, { contact: me, from: me, route: [nameAddr(self)] });
  };
  const alice = await agent('alice');
  const bob = await agent('bob');
  bob.onInvite = async session => {
    await session.provisional(183, { sdp: octets('B') });
    await session.provisional(180, { reliable: true });
    session.answer();
  };
  bob.onRequest = tx => tx.reply(202);
  const uri = parseUri('sip:bob@bob.test');
  const call: OutgoingSession = alice.invite({ uri, offer: octets('A') });
  await sim.run(seconds(1));
  assert.equal(call.state, 'confirmed');
  call.hangup();
  await sim.run(seconds(1));
  const message = alice.build('MESSAGE', { uri });
  assert.equal((await sim.settle(() => alice.request(message))).status, 202);
  return [...sim.ladder('alice', 'proxy'), ...sim.ladder('proxy', 'bob')];
}

test('local, checked, datagram, stream and WebSocket links give the same ladder', async () => {
  const wanted = await ladderOver('local');
  assert.equal(wanted.length, 28);
  for (const kind of kinds) assert.deepEqual(await ladderOver(kind), wanted, kind);
});
