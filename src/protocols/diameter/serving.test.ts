import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Simulation, simulate } from '#kernel/simulation';
import { minutes, seconds } from '#kernel/time';
import { Avp, MANDATORY, VENDOR_SPECIFIC } from './avp.ts';
import {
  CapabilitiesExchange,
  DestinationHost,
  DestinationRealm,
  DeviceWatchdog,
  DisconnectPeer,
  FailedAvp,
  OriginHost,
  ProxyHost,
  ProxyInfo,
  ProxyState,
  ResultCode,
  RouteRecord,
  SessionId,
} from './base.ts';
import {
  LocationInfo,
  MultimediaAuth,
  PublicIdentity,
  ServerAssignment,
  ServerAssignmentType,
  SipAuthDataItem,
  SipNumberAuthItems,
} from './cx.ts';
import type { Values } from './group.ts';
import { FLAG } from './header.ts';
import { DiameterMessage } from './message.ts';
import type { DiameterConfig } from './node.ts';
import { mar, REALM, serve } from './testing/pair.ts';
import { edit, RawPeer } from './testing/raw-peer.ts';

interface Met {
  readonly sim: Simulation;
  readonly peer: RawPeer;
  readonly served: () => number;
  /** A correct MAR's AVPs. */
  readonly mar: readonly Avp[];
  /** Sends, and gives what came back. */
  readonly ask: (message: DiameterMessage | Uint8Array) => Promise<DiameterMessage | undefined>;
}

/** An HSS that has exchanged capabilities with a raw peer. */
async function meet(change: Partial<DiameterConfig> = {}): Promise<Met> {
  const sim = simulate({ seed: 9 });
  let served = 0;
  const hss = await serve(sim, 'hss', 'tcp', change);
  hss.handle(MultimediaAuth, async request => {
    served++;
    await new Promise(resolve => sim.host('hss').clock.after(seconds(1), () => resolve(undefined)));
    return { result: 'DIAMETER_SUCCESS', impi: request.impi };
  });
  hss.handle(ServerAssignment, () => ({ result: 'DIAMETER_SUCCESS' }));
  const peer = await raw(sim);
  peer.cer();
  await sim.run(seconds(1));
  const ask: Met['ask'] = async message => {
    const before = peer.heard.length;
    if (message instanceof DiameterMessage) peer.send(message);
    else peer.octets(message);
    await sim.run(seconds(2));
    return peer.heard[before];
  };
  const to = { sessionId: 'raw;1', destinationRealm: REALM };
  const avps = peer.envelope.request(MultimediaAuth, mar, to);
  return { sim, peer, served: () => served, mar: avps, ask };
}

const raw = (sim: Simulation, identity = 'raw.ims.example') =>
  sim.settle(
    () => new RawPeer(sim.host('raw'), { host: sim.addressOf('hss'), port: 3868 }, identity, REALM),
  );

const code = MultimediaAuth.code;
const u32 = (value: number) => Buffer.from([value >>> 24, value >>> 16, value >>> 8, value]);

test('a right request is answered in the order and with the identifiers that §6.2 wants', async () => {
  const { peer, mar, ask } = await meet();
  const proxies = ['one', 'two'].map(host => Avp.of(ProxyInfo, { host, state: Buffer.from(host) }));
  const request = peer.request({ code }, [...mar, ...proxies]);
  const answer = await ask(request);
  assert.equal(answer?.summary(), 'MAA DIAMETER_SUCCESS');
  assert.equal(answer?.hopByHop, request.hopByHop);
  assert.equal(answer?.endToEnd, request.endToEnd);
  assert.equal(answer?.flags, FLAG.proxiable);
  assert.ok(answer?.avps[0]?.is(SessionId));
  assert.equal(answer?.get(SessionId), 'raw;1');
  assert.deepEqual(
    answer?.all(ProxyInfo).map(({ host }) => host),
    ['one', 'two'],
  );
  assert.equal(answer?.get(OriginHost), 'hss.ims.example');
  assert.ok(ProxyHost.code && ProxyState.code);
});

/** What is wrong with the request, the result it deserves, and the code of its Failed-AVP. */
const wrong: readonly (readonly [
  what: string,
  result: string,
  failed: number | undefined,
  (met: Met) => DiameterMessage | Uint8Array,
])[] = [
  [
    'a mandatory AVP that nobody knows',
    'DIAMETER_AVP_UNSUPPORTED',
    4242,
    ({ peer, mar }) =>
      peer.request({ code }, [...mar, Avp.raw(4242, 10415, VENDOR_SPECIFIC | MANDATORY, u32(7))]),
  ],
  [
    'a mandatory AVP that nobody knows, within a group',
    'DIAMETER_AVP_UNSUPPORTED',
    4242,
    ({ peer, mar }) => {
      const unknown = Avp.of(FailedAvp, [Avp.raw(4242, 0, MANDATORY, u32(7))]).data;
      return peer.request({ code }, edit.data(mar, SipAuthDataItem, unknown));
    },
  ],
  [
    'a value outside its table',
    'DIAMETER_INVALID_AVP_VALUE',
    ServerAssignmentType.code,
    ({ peer }) => {
      const to = { sessionId: 'raw;1', destinationRealm: REALM };
      const sar: Values = {
        server: 'sip:s',
        type: 'REGISTRATION',
        userDataAlreadyAvailable: 'USER_DATA_NOT_AVAILABLE',
      };
      const avps = peer.envelope.request(ServerAssignment, sar, to);
      const edited = edit.data(avps, ServerAssignmentType, u32(99));
      return peer.request({ code: ServerAssignment.code }, edited);
    },
  ],
  [
    'text that is not UTF-8',
    'DIAMETER_INVALID_AVP_VALUE',
    PublicIdentity.code,
    ({ peer, mar }) =>
      peer.request({ code }, edit.data(mar, PublicIdentity, Uint8Array.of(0xc3, 0x28))),
  ],
  [
    'a missing AVP',
    'DIAMETER_MISSING_AVP',
    PublicIdentity.code,
    ({ peer, mar }) => peer.request({ code }, edit.without(mar, PublicIdentity)),
  ],
  [
    'a missing AVP of the envelope',
    'DIAMETER_MISSING_AVP',
    SessionId.code,
    ({ peer, mar }) => peer.request({ code }, edit.without(mar, SessionId)),
  ],
  [
    'one AVP too many',
    'DIAMETER_AVP_OCCURS_TOO_MANY_TIMES',
    SipNumberAuthItems.code,
    ({ peer, mar }) => peer.request({ code }, edit.twice(mar, SipNumberAuthItems)),
  ],
  [
    'a number of the wrong size',
    'DIAMETER_INVALID_AVP_LENGTH',
    SipNumberAuthItems.code,
    ({ peer, mar }) => peer.request({ code }, edit.data(mar, SipNumberAuthItems, Uint8Array.of(1))),
  ],
  [
    'an AVP longer than the message',
    'DIAMETER_INVALID_AVP_LENGTH',
    SipNumberAuthItems.code,
    ({ peer, mar }) => {
      const kept = edit.without(mar, SipNumberAuthItems);
      const octets = Buffer.from(
        peer.request({ code }, [...kept, Avp.of(SipNumberAuthItems, 1)]).encode(),
      );
      octets.writeUIntBE(0xfff, octets.length - 16 + 5, 3);
      return octets;
    },
  ],
  [
    'an AVP shorter than its header',
    'DIAMETER_INVALID_AVP_LENGTH',
    SessionId.code,
    ({ peer, mar }) => {
      const octets = Buffer.from(peer.request({ code }, mar).encode());
      octets.writeUIntBE(7, 20 + 5, 3);
      return octets;
    },
  ],
  [
    'a command of no application of ours',
    'DIAMETER_COMMAND_UNSUPPORTED',
    undefined,
    ({ peer, mar }) => peer.request({ code: 399 }, mar),
  ],
  [
    'a command that nobody handles here',
    'DIAMETER_COMMAND_UNSUPPORTED',
    undefined,
    ({ peer, mar }) => peer.request({ code: LocationInfo.code }, mar),
  ],
  [
    'an unknown command between peers',
    'DIAMETER_COMMAND_UNSUPPORTED',
    undefined,
    ({ peer }) => peer.base(399, []),
  ],
  [
    'an application that is not ours',
    'DIAMETER_APPLICATION_UNSUPPORTED',
    undefined,
    ({ peer, mar }) => peer.request({ code, application: 16777217 }, mar),
  ],
  [
    'a request with the E flag',
    'DIAMETER_INVALID_HDR_BITS',
    undefined,
    ({ peer, mar }) => peer.request({ code, flags: FLAG.request | FLAG.error }, mar),
  ],
  [
    'a reserved flag of the header',
    'DIAMETER_INVALID_BIT_IN_HEADER',
    undefined,
    ({ peer, mar }) => peer.request({ code, flags: FLAG.request | 0x01 }, mar),
  ],
  [
    'a V flag where the AVP has no vendor',
    'DIAMETER_INVALID_AVP_BITS',
    RouteRecord.code,
    ({ peer, mar }) => {
      const octets = Buffer.alloc(20);
      octets.writeUInt32BE(RouteRecord.code, 0);
      octets.writeUInt32BE(0xc000_0010, 4); // 16 octets: the Vendor-Id is 0
      const whole = peer.request({ code }, [...mar, Avp.raw(1, 0, 0, octets.subarray(0, 8))]);
      const encoded = Buffer.from(whole.encode());
      octets.copy(encoded, encoded.length - 16, 0, 16);
      return encoded;
    },
  ],
  [
    'a request for another realm',
    'DIAMETER_REALM_NOT_SERVED',
    undefined,
    ({ peer, mar }) =>
      peer.request({ code }, edit.data(mar, DestinationRealm, Buffer.from('other.example'))),
  ],
  [
    'a request for another host',
    'DIAMETER_UNABLE_TO_DELIVER',
    undefined,
    ({ peer, mar }) => peer.request({ code }, [...mar, Avp.of(DestinationHost, 'x.ims.example')]),
  ],
  [
    'a request that has been here',
    'DIAMETER_LOOP_DETECTED',
    undefined,
    ({ peer, mar }) => peer.request({ code }, [...mar, Avp.of(RouteRecord, 'HSS.ims.example')]),
  ],
];

for (const [what, result, failed, make] of wrong) {
  test(`${what} is ${result}`, async () => {
    const met = await meet();
    const request = make(met);
    const answer = await met.ask(request);
    assert.equal(answer?.summary().replace(/^.* /, ''), result);
    assert.equal(answer?.isRequest, false);
    assert.equal(answer?.get(FailedAvp)?.[0]?.code, failed);
    const isProtocolError = ((answer?.get(ResultCode) ?? 0) / 1000) | 0;
    assert.equal((answer?.flags ?? 0) & FLAG.error, isProtocolError === 3 ? FLAG.error : 0);
    assert.equal(met.served(), 0);
    // and the connection is as good as before
    const right = await met.ask(met.peer.request({ code }, met.mar));
    assert.equal(right?.summary(), 'MAA DIAMETER_SUCCESS');
  });
}

test('identities and realms are compared without regard to case', async () => {
  const { peer, mar, ask } = await meet();
  const avps = edit.data(mar, DestinationRealm, Buffer.from('IMS.Example'));
  const answer = await ask(
    peer.request({ code }, [...avps, Avp.of(DestinationHost, 'HSS.IMS.example')]),
  );
  assert.equal(answer?.summary(), 'MAA DIAMETER_SUCCESS');
});

test('unknown AVPs without M are passed over', async () => {
  const { peer, mar, ask } = await meet();
  const answer = await ask(peer.request({ code }, [...mar, Avp.raw(4242, 0, 0, u32(1))]));
  assert.equal(answer?.summary(), 'MAA DIAMETER_SUCCESS');
});

test('a request that comes again over a new connection is served once and answered', async () => {
  const { sim, peer, mar, served } = await meet();
  const ids = { hopByHop: 7, endToEnd: 77 };
  peer.send(peer.request({ code, ...ids }, mar));
  await sim.run(seconds(0.2));
  peer.close();
  await sim.run(seconds(0.2));
  const again = await raw(sim);
  again.cer({ stateId: 2 });
  await sim.run(seconds(0.2));
  const flags = FLAG.request | FLAG.proxiable | FLAG.retransmitted;
  again.send(again.request({ code, flags, hopByHop: 8, endToEnd: 77 }, mar)); // still being served
  await sim.run(seconds(3));
  again.send(again.request({ code, flags, hopByHop: 9, endToEnd: 77 }, mar)); // served before
  await sim.run(seconds(1));
  assert.equal(served(), 1);
  assert.equal(
    sim.ladder().filter(line => /MAA/.test(line)).length,
    2,
    'what could not be sent is not in the trace',
  );
  assert.deepEqual(
    again.heard.slice(1).map(answer => [answer.summary(), answer.hopByHop]),
    [
      ['MAA DIAMETER_SUCCESS', 8],
      ['MAA DIAMETER_SUCCESS', 9],
    ],
  );
  await sim.run(minutes(1));
  again.send(again.request({ code, hopByHop: 10, endToEnd: 77 }, mar)); // forgotten by now
  await sim.run(seconds(2));
  assert.equal(served(), 2);
});

// ------------------------------------------------------------------ between peers

test('a watchdog request is answered, and a goodbye is answered and taken', async () => {
  const { sim, peer, ask } = await meet();
  const origin: Values = { originHost: peer.identity, originRealm: REALM };
  const dwr = peer.base(DeviceWatchdog.code, peer.envelope.base(DeviceWatchdog, origin));
  assert.equal((await ask(dwr))?.summary(), 'DWA DIAMETER_SUCCESS');
  const values: Values = { ...origin, cause: 'BUSY' };
  const dpr = peer.base(DisconnectPeer.code, peer.envelope.base(DisconnectPeer, values));
  assert.equal((await ask(dpr))?.summary(), 'DPA DIAMETER_SUCCESS');
  await sim.run(seconds(2));
  assert.notEqual(peer.closed, undefined, 'a peer that does not close after DPA is closed');
});

test('a second CER on an open connection is answered as the first was', async () => {
  const { sim, peer } = await meet();
  peer.cer();
  await sim.run(seconds(1));
  assert.deepEqual(
    peer.heard.map(message => message.summary()),
    ['CEA DIAMETER_SUCCESS', 'CEA DIAMETER_SUCCESS'],
  );
});

test('what is no Diameter at all ends the connection', async () => {
  for (const octets of [
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.from([1, 0, 0, 19]),
    Buffer.from([1, 0xff, 0xff, 0xfc]),
    Buffer.from([1, 0, 0, 21]),
  ]) {
    const { peer, ask } = await meet();
    await ask(octets);
    assert.match(peer.closed ?? '', /./);
  }
});

const introductions: readonly (readonly [
  what: string,
  result: string | undefined,
  (peer: RawPeer) => void,
  change?: Partial<DiameterConfig>,
])[] = [
  [
    'a peer that is not ours',
    'CEA DIAMETER_UNKNOWN_PEER',
    peer => peer.cer(),
    { allowedPeers: identity => identity === 'scscf.ims.example' },
  ],
  [
    'a peer without an application of ours',
    'CEA DIAMETER_NO_COMMON_APPLICATION',
    peer => peer.cer({ applications: [] }),
  ],
  [
    'a CER without Origin-Host',
    'CEA DIAMETER_MISSING_AVP',
    peer => peer.send(peer.base(CapabilitiesExchange.code, [])),
  ],
  ['a request before the CER', undefined, peer => peer.send(peer.request({ code }, []))],
  ['silence', undefined, () => {}],
];
for (const [what, result, act, change] of introductions) {
  test(`${what} is not let in`, async () => {
    const sim = simulate({ seed: 9 });
    const hss = await serve(sim, 'hss', 'tcp', change ?? {});
    const peer = await raw(sim);
    act(peer);
    await sim.run(seconds(10));
    assert.deepEqual(
      peer.heard.map(message => message.summary()),
      result === undefined ? [] : [result],
    );
    assert.notEqual(peer.closed, undefined);
    assert.deepEqual(hss.peers(), []);
  });
}

test('connections that do not say who they are are bounded', async () => {
  const sim = simulate({ seed: 9 });
  await serve(sim, 'hss', 'tcp', { maxConnections: 2 });
  const peers = [await raw(sim), await raw(sim), await raw(sim)];
  await sim.run(seconds(1));
  assert.deepEqual(
    peers.map(({ closed }) => closed !== undefined),
    [false, false, true],
  );
});

test('peers that come by themselves are bounded', async () => {
  const sim = simulate({ seed: 9 });
  const hss = await serve(sim, 'hss', 'tcp', { maxConnections: 2 });
  for (const name of ['a', 'b', 'c']) (await raw(sim, name)).cer();
  await sim.run(seconds(1));
  assert.deepEqual(
    hss.peers().map(({ identity }) => identity),
    ['a', 'b'],
  );
});
