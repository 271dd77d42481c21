// Calls with peers that do what our own UE does not: scripted user agents and raw endpoints.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Simulation, simulate } from '#kernel/simulation';
import { minutes, ms, seconds } from '#kernel/time';
import { parseSdp } from '#sdp/session-description';
import { challenge, verifyDigest } from '#sip/digest';
import { type ServerTransaction, SipEndpoint } from '#sip/endpoint';
import {
  Contact,
  From,
  nameAddr,
  PPreferredIdentity,
  ProxyAuthenticate,
  ProxyAuthorization,
  Require,
  Supported,
} from '#sip/headers';
import { body, type Edit, set, toTag } from '#sip/message';
import { parseUri, sipUri, uriText } from '#sip/uri';
import { type IncomingSession, UserAgent } from '#sip/user-agent';
import { type CallDefaults, ueConfig } from './config.ts';
import type { IncomingCall } from './incoming-call.ts';
import { Ue } from './ue.ts';

const home = 'ims.example';

interface World {
  readonly sim: Simulation;
  readonly ue: Ue;
  readonly endpoint: SipEndpoint;
  /** A user agent on the endpoint, where it is asked for. */
  agent(options?: { supported?: readonly string[] }): UserAgent;
  sdp(...media: string[]): Uint8Array;
}

async function world(calls: Partial<CallDefaults> = {}): Promise<World> {
  const sim = simulate({ seed: 41 });
  const host = sim.host('peer');
  const endpoint = new SipEndpoint(host, { point: 'Gm', name: 'peer' });
  const address = { host: sim.addressOf('peer'), port: 5060 };
  await endpoint.listen('udp', address);
  const config = ueConfig({
    home,
    credentials: { kind: 'password', username: `alice@${home}`, password: 'secret' },
    pcscf: `sip:${address.host}:5060`,
    address: sim.addressOf('alice'),
    port: 5060,
    calls,
  });
  const ue = new Ue(config, sim.host('alice'));
  await ue.start();
  const agent: World['agent'] = (options = {}) =>
    new UserAgent(endpoint, host, {
      contact: nameAddr(sipUri(address)),
      from: nameAddr(parseUri(`sip:peer@${home}`)),
      target: { uri: sipUri({ host: sim.addressOf('alice'), port: 5060 }) },
      ...options,
    });
  const sdp: World['sdp'] = (...media) =>
    Buffer.from(
      [
        'v=0',
        `o=- 1 1 IN IP4 ${address.host}`,
        's=-',
        `c=IN IP4 ${address.host}`,
        't=0 0',
        ...media,
        '',
      ].join('\r\n'),
    );
  return { sim, ue, endpoint, agent, sdp };
}

test('an INVITE without offer is answered with ours, and the ACK completes the call', async () => {
  const { sim, ue, agent, sdp } = await world({ answering: 'automatic', ringing: ms(500) });
  let incoming: IncomingCall | undefined;
  ue.onIncoming = call => {
    incoming = call;
  };
  const session = agent().invite({ uri: parseUri(`sip:alice@${home}`) });
  let offered: string | undefined;
  session.onOffer = offer => {
    offered = Buffer.from(offer).toString();
    return sdp('m=audio 40000 RTP/AVP 0');
  };
  await sim.run(seconds(2));
  assert.match(offered ?? '', /m=audio \d+ RTP\/AVP 8 0 101/);
  assert.equal(incoming!.state, 'talking');
  assert.ok(incoming!.statistics().sent.packets > 40);
  session.hangup();
  assert.equal((await sim.settle(() => incoming!.ended)).by, 'remote');
});

test('of two forks the one that answers is talked to, with its own answer', async () => {
  const { sim, ue, endpoint, sdp } = await world();
  const invites: ServerTransaction[] = [];
  const after: string[] = [];
  endpoint.onRequest = tx => {
    if (tx.request.method === 'INVITE') invites.push(tx);
    else {
      after.push(tx.request.method);
      if (tx.request.method !== 'ACK') tx.reply(200);
    }
  };
  const call = await ue.call('bob', { preconditions: false, say: { tone: 440 } });
  await sim.run(ms(100));
  const contact = nameAddr(sipUri({ host: sim.addressOf('peer'), port: 5060 }));
  const early = (tag: string, port: number): Edit[] => [
    toTag(tag),
    body('application/sdp', sdp(`m=audio ${port} RTP/AVP 8`)),
  ];
  const [invite] = invites;
  const ports: number[] = [];
  const heardOn = (port: number) =>
    sim.host('peer').network.bindDatagram({ host: sim.addressOf('peer'), port }, () => {
      ports.push(port);
    });
  await heardOn(41000);
  await heardOn(42000);
  invite!.reply(183, set(Contact, contact), ...early('one', 41000));
  invite!.reply(183, set(Contact, contact), ...early('two', 42000));
  await sim.run(ms(500));
  assert.deepEqual(ports, [], 'nothing is said before the answer');
  invite!.reply(200, set(Contact, contact), ...early('two', 42000));
  await sim.run(seconds(1));
  assert.equal(call.state, 'talking');
  assert.ok(ports.length > 40 && ports.every(port => port === 42000), `${new Set(ports)}`);
  await sim.settle(() => call.hangup());
  await sim.run(seconds(1));
  assert.deepEqual(after, ['ACK', 'BYE']);
});

test('preconditions that cannot be met are refused with 580', async () => {
  const { sim, ue, agent, sdp } = await world();
  const ringing: unknown[] = [];
  ue.onIncoming = call => ringing.push(call);
  const invite = async (...lines: string[]) => {
    const session = agent({ supported: ['100rel', 'precondition'] }).invite({
      uri: parseUri(`sip:alice@${home}`),
      offer: sdp('m=audio 40000 RTP/AVP 8', ...lines),
      edits: [set(Supported, '100rel', 'precondition')],
    });
    return sim.settle(
      () =>
        new Promise<number | undefined>(resolve => {
          session.onEnded = end => resolve(end.status);
        }),
    );
  };
  assert.equal(await invite('a=curr:qos e2e none', 'a=des:qos mandatory e2e sendrecv'), 580);
  assert.equal(await invite('a=curr:qos local none', 'a=des:qos failure remote sendrecv'), 580);
  assert.deepEqual(ringing, []);
});

test('a callee that fails its reservation ends the call', async () => {
  const { sim, ue, agent, sdp } = await world();
  const ua = agent({ supported: ['100rel', 'precondition', 'timer'] });
  ua.onInvite = (session: IncomingSession) => {
    session.onOffer = () => undefined;
    void session.provisional(183, {
      sdp: sdp(
        'm=audio 40000 RTP/AVP 8',
        'a=curr:qos local none',
        'a=curr:qos remote none',
        'a=des:qos failure local sendrecv',
        'a=des:qos mandatory remote sendrecv',
      ),
      edits: [set(Require, 'precondition')],
    });
  };
  const call = await ue.call('bob');
  const outcome = await sim.settle(() => call.answered);
  assert.equal(outcome.kind, 'impossible');
  assert.match(outcome.kind === 'impossible' ? outcome.because : '', /des:qos failure/);
});

test('an answer that cannot be used, or shares no codec, ends the call with its reason', async () => {
  for (const [media, because] of [
    ['m=audio x RTP/AVP 8', /malformed m= line/],
    ['m=audio 40000 RTP/AVP 18', /no codec/],
    ['m=audio 0 RTP/AVP 8', /no codec/],
  ] as const) {
    const { sim, ue, agent, sdp } = await world({ preconditions: false });
    const ua = agent();
    ua.onInvite = session => session.answer({ sdp: sdp(media) });
    const call = await ue.call('bob');
    const outcome = await sim.settle(() => call.answered);
    assert.match(outcome.kind === 'impossible' ? outcome.because : outcome.kind, because);
    await sim.settle(() => call.ended);
    await sim.run(seconds(1));
    assert.equal(ua.sessions.size, 0, 'the peer was told');
  }
});

test('unreadable and unacceptable offers are refused', async () => {
  const { sim, agent, sdp, ue } = await world();
  ue.onIncoming = () => assert.fail('it must not ring');
  for (const [offer, status] of [
    [Buffer.from('nothing of the kind'), 400],
    [sdp('m=audio 40000 RTP/AVP 18'), 488],
    [sdp('m=message 2855 TCP/MSRP *'), 488],
  ] as const) {
    const session = agent().invite({ uri: parseUri(`sip:alice@${home}`), offer });
    const ended = await sim.settle(
      () =>
        new Promise<number | undefined>(resolve => {
          session.onEnded = end => resolve(end.status);
        }),
    );
    assert.equal(ended, status);
  }
});

test('video beside sound is refused alone, also when it comes later', async () => {
  const { sim, ue, agent, sdp } = await world({ answering: 'automatic', ringing: ms(10) });
  const session = agent().invite({
    uri: parseUri(`sip:alice@${home}`),
    offer: sdp('m=audio 40000 RTP/AVP 8'),
  });
  await sim.run(seconds(1));
  const { answer } = await sim.settle(() =>
    session.modify(sdp('m=audio 40000 RTP/AVP 8', 'm=video 40002 RTP/AVP 31')),
  );
  const ports = parseSdp(answer!).media.map(m => m.line.port);
  assert.ok(ports[0]! > 0 && ports[1] === 0, `${ports}`);
  assert.equal(ue.calls.length, 1);
  session.hangup();
  await sim.run(seconds(1));
});

test('who withholds his identity says so, and still tells the network', async () => {
  const { sim, ue, endpoint } = await world();
  let seen: ServerTransaction | undefined;
  endpoint.onRequest = tx => {
    seen ??= tx;
    if (tx.request.method !== 'ACK') tx.reply(480);
  };
  const call = await ue.call('bob', { anonymous: true });
  await sim.settle(() => call.answered);
  const { request } = seen!;
  assert.deepEqual(request.raw('Privacy'), ['id']);
  assert.equal(uriText(request.get(From)!.uri), 'sip:anonymous@anonymous.invalid');
  assert.equal(uriText(request.get(PPreferredIdentity)!.uri), `sip:alice@${home}`);
});

test('a proxy that wants proof gets it once', async () => {
  const { sim, ue, endpoint } = await world();
  const verdicts: string[] = [];
  endpoint.onRequest = tx => {
    if (tx.request.method === 'ACK') return;
    const given = tx.request.get(ProxyAuthorization);
    if (given === undefined) {
      tx.reply(407, set(ProxyAuthenticate, challenge({ realm: home, nonce: 'n' })));
      return;
    }
    verdicts.push(verifyDigest(given, { method: tx.request.method, secret: 'secret' }));
    tx.reply(200);
  };
  const outcome = await sim.settle(() => ue.message('bob', 'hello'));
  assert.equal(outcome.kind, 'delivered');
  assert.deepEqual(verdicts, ['right']);
});

test('a peer that vanishes ends the call at the first change', async () => {
  const { sim, agent, sdp, ue } = await world({ answering: 'automatic', ringing: ms(10) });
  const ua = agent();
  ua.invite({ uri: parseUri(`sip:alice@${home}`), offer: sdp('m=audio 40000 RTP/AVP 8') });
  await sim.run(seconds(1));
  const [call] = ue.calls;
  assert.equal(call!.state, 'talking');
  sim.link('peer', 'alice').partitioned = true;
  const held = sim.settle(() => call!.hold(), minutes(5));
  assert.deepEqual(await held, { kind: 'impossible', because: 'the call ended meanwhile' });
  assert.equal((await call!.ended).by, 'failure');
});
