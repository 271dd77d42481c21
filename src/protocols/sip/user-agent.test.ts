import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Simulation, simulate } from '#kernel/simulation/simulation';
import { minutes, ms, seconds } from '#kernel/time';
import { SipEndpoint } from './endpoint.ts';
import { nameAddr, Reason, Require, RSeq } from './headers.ts';
import { addRaw, raw, type SipResponse } from './message.ts';
import { forward, forwardAck, nextHop, takeRoute } from './proxy.ts';
import { isSipUri, parseUri, sipUri } from './uri.ts';
import {
  type IncomingSession,
  type InviteSession,
  type OutgoingSession,
  type SessionEnd,
  UserAgent,
  type UserAgentOptions,
} from './user-agent.ts';

const text = (sdp: Uint8Array | undefined): string | undefined =>
  sdp === undefined ? undefined : Buffer.from(sdp).toString();
const octets = (sdp: string): Uint8Array => Buffer.from(sdp);

/** Parties and a record-routing proxy between them, all on UDP. */
class Scene {
  readonly sim: Simulation;
  readonly proxy: SipEndpoint;
  readonly ends: string[] = [];

  constructor(seed = 1) {
    this.sim = simulate({ seed });
    this.proxy = this.#endpoint('proxy');
    const { proxy } = this;
    const self = sipUri({ host: this.sim.addressOf('proxy'), port: 5060, params: { lr: null } });
    proxy.onRequest = async tx => {
      const { request } = takeRoute(
        tx.request,
        uri => isSipUri(uri) && uri.host === self.host && uri.params.has('lr'),
      );
      const target = { uri: nextHop(request) };
      if (request.method === 'ACK') forwardAck(proxy, tx, request, target);
      else await forward(proxy, tx, [{ request, target }], { recordRoute: nameAddr(self) });
    };
  }

  #endpoint(name: string): SipEndpoint {
    const endpoint = new SipEndpoint(this.sim.host(name), { point: 'Gm', name: `${name}.test` });
    endpoint.listen('udp', { host: this.sim.addressOf(name), port: 5060 }).catch(assert.fail);
    return endpoint;
  }

  uri(name: string) {
    return parseUri(`sip:${name}@${this.sim.addressOf(name)}:5060`);
  }

  agent(name: string, options: Partial<UserAgentOptions> = {}): UserAgent {
    const endpoint = this.#endpoint(name);
    const me = nameAddr(this.uri(name));
    const proxy = sipUri({ host: this.sim.addressOf('proxy'), port: 5060, params: { lr: null } });
    return new UserAgent(endpoint, endpoint.host, {
      contact: me,
      from: me,
      route: [nameAddr(proxy)],
      ...options,
    });
  }

  watch(name: string, session: InviteSession): void {
    session.onEnded = (end: SessionEnd) => this.ends.push(`${name} ${end.by}: ${end.reason}`);
  }

  async end(...agents: UserAgent[]): Promise<void> {
    await this.sim.run(minutes(15));
    assert.equal(this.sim.pending, 0);
    for (const agent of agents) {
      assert.equal(agent.sessions.size, 0);
      assert.equal(agent.dialogs.size, 0);
      assert.deepEqual(agent.endpoint.counts, { servers: 0, clients: 0 });
    }
  }
}

/** Answers every offer with its name for it. */
function echo(session: InviteSession, as: string): void {
  session.onOffer = sdp => octets(`${as} answers ${text(sdp)}`);
}

test('a call is offered, rings, is answered, talks and ends, through a proxy', async () => {
  const scene = new Scene();
  const alice = scene.agent('alice');
  const bob = scene.agent('bob');
  const log: string[] = [];
  bob.onInvite = session => {
    log.push(`bob is offered ${text(session.offer)}`);
    scene.watch('bob', session);
    session.onConfirmed = () => log.push('bob confirmed');
    void session.provisional(180);
    bob.host.clock.after(seconds(3), () => session.answer({ sdp: octets('B') }));
  };
  const call = alice.invite({ uri: scene.uri('bob'), offer: octets('A') });
  scene.watch('alice', call);
  call.onProvisional = response => log.push(`alice hears ${response.status}`);
  call.onAnswer = sdp => log.push(`alice is answered ${text(sdp)}`);
  call.onConfirmed = () => log.push('alice confirmed');
  await scene.sim.run(seconds(5));
  assert.deepEqual(log, [
    'bob is offered A',
    'alice hears 180',
    'alice is answered B',
    'alice confirmed',
    'bob confirmed',
  ]);
  call.hangup();
  await scene.end(alice, bob);
  assert.deepEqual(scene.ends, ['alice local: hung up', 'bob remote: BYE']);
  assert.deepEqual(scene.sim.ladder('alice', 'proxy'), [
    'alice → proxy  INVITE',
    'proxy → alice  100 Trying',
    'proxy → alice  180 Ringing',
    'proxy → alice  200 OK',
    'alice → proxy  ACK',
    'alice → proxy  BYE',
    'proxy → alice  200 OK',
  ]);
});

test('the callee hangs up, and may do so before the ACK has come', async () => {
  const scene = new Scene();
  const alice = scene.agent('alice');
  const bob = scene.agent('bob');
  bob.onInvite = session => {
    scene.watch('bob', session);
    session.answer({ sdp: octets('B') });
    session.hangup(raw('Reason', 'Q.850;cause=16'));
  };
  const call = alice.invite({ uri: scene.uri('bob'), offer: octets('A') });
  let reason = '';
  call.onEnded = end => {
    reason = end.request?.get(Reason)?.protocol ?? '';
  };
  await scene.end(alice, bob);
  assert.equal(reason, 'Q.850');
  assert.deepEqual(scene.ends, ['bob local: hung up']);
});

test('reliable responses are acknowledged in order before the answer, and carry it', async () => {
  const scene = new Scene();
  const alice = scene.agent('alice');
  const bob = scene.agent('bob');
  const acknowledged: boolean[] = [];
  bob.onInvite = session => {
    void session.provisional(183, { sdp: octets('B') }).then(done => acknowledged.push(done));
    void session.provisional(180, { reliable: true }).then(done => acknowledged.push(done));
    session.answer();
  };
  const call = alice.invite({ uri: scene.uri('bob'), offer: octets('A') });
  const seen: unknown[] = [];
  call.onAnswer = sdp => seen.push(text(sdp));
  call.onProvisional = response => {
    assert.ok(response.all(Require).includes('100rel'));
    assert.ok(response.get(RSeq));
    seen.push(response.status);
  };
  call.onConfirmed = () => seen.push('confirmed');
  await scene.sim.run(seconds(1));
  assert.deepEqual(seen, ['B', 183, 180, 'confirmed']);
  assert.deepEqual(acknowledged, [true, true]);
  call.hangup();
  await scene.end(alice, bob);
});

test('a reliable response that nobody acknowledges ends the call with 504', async () => {
  const scene = new Scene();
  const alice = scene.agent('alice', { supported: ['100rel'] });
  const bob = scene.agent('bob');
  bob.onInvite = session => {
    scene.watch('bob', session);
    void session.provisional(183, { sdp: octets('B') });
    scene.sim.link('bob', 'proxy').towards('bob').partitioned = true;
  };
  const call = alice.invite({ uri: scene.uri('bob'), offer: octets('A') });
  scene.watch('alice', call);
  let status: number | undefined;
  call.onEnded = end => {
    status = end.status;
  };
  await scene.end(alice, bob);
  assert.deepEqual(scene.ends, ['bob failure: no PRACK came']);
  assert.equal(status, 504);
});

test('preconditions: offer, 183, PRACK with a new offer, UPDATE both ways, 180, 200', async () => {
  const scene = new Scene();
  const alice = scene.agent('alice');
  const bob = scene.agent('bob');
  const log: string[] = [];
  let callee: IncomingSession | undefined;
  bob.onInvite = async session => {
    callee = session;
    session.onOffer = sdp => {
      log.push(`bob is offered ${text(sdp)}`);
      return octets(`re ${text(sdp)}`);
    };
    session.onAnswer = sdp => log.push(`bob is answered ${text(sdp)}`);
    await session.provisional(183, { sdp: octets('B1') });
    await new Promise<void>(resolve => bob.host.clock.after(seconds(1), resolve));
    await session.modify(octets('B2'));
    await session.provisional(180, { reliable: true });
    session.answer();
  };
  const call = alice.invite({ uri: scene.uri('bob'), offer: octets('A1') });
  call.onAnswer = sdp => log.push(`alice is answered ${text(sdp)}`);
  call.onOffer = sdp => {
    log.push(`alice is offered ${text(sdp)}`);
    return octets(`re ${text(sdp)}`);
  };
  call.offerInPrack = (_leg, response) => (response.status === 183 ? octets('A2') : undefined);
  call.onConfirmed = () => log.push('confirmed');
  await scene.sim.run(ms(500));
  const changed = await scene.sim.settle(() => call.modify(octets('A3')));
  assert.equal(text(changed.answer), 're A3');
  await scene.sim.run(seconds(5));
  assert.deepEqual(log, [
    'alice is answered B1',
    'bob is offered A2',
    'alice is answered re A2',
    'bob is offered A3',
    'alice is answered re A3',
    'alice is offered B2',
    'bob is answered re B2',
    'confirmed',
  ]);
  assert.equal(callee?.state, 'confirmed');
  call.hangup();
  await scene.end(alice, bob);
});

test('an INVITE without an offer is answered with one, and the ACK answers that', async () => {
  const scene = new Scene();
  const alice = scene.agent('alice');
  const bob = scene.agent('bob');
  const log: string[] = [];
  bob.onInvite = session => {
    session.makeOffer = () => octets('B');
    session.onAnswer = sdp => log.push(`bob is answered ${text(sdp)}`);
    session.answer();
  };
  const call = alice.invite({ uri: scene.uri('bob') });
  echo(call, 'alice');
  await scene.sim.run(seconds(1));
  assert.deepEqual(log, ['bob is answered alice answers B']);
  assert.equal(call.state, 'confirmed');
  call.hangup();
  await scene.end(alice, bob);
});

async function established(
  scene: Scene,
  alice: UserAgent,
  bob: UserAgent,
): Promise<[OutgoingSession, IncomingSession]> {
  let callee: IncomingSession | undefined;
  bob.onInvite = session => {
    callee = session;
    echo(session, 'bob');
    session.answer({ sdp: octets('B') });
  };
  const call = alice.invite({ uri: scene.uri('bob'), offer: octets('A') });
  echo(call, 'alice');
  await scene.sim.run(seconds(2));
  assert.equal(call.state, 'confirmed');
  assert.equal(callee?.state, 'confirmed');
  return [call, callee];
}

test('either side puts the other on hold by re-INVITE or UPDATE', async () => {
  const scene = new Scene();
  const alice = scene.agent('alice');
  const bob = scene.agent('bob');
  const [call, callee] = await established(scene, alice, bob);
  const first = await scene.sim.settle(() => call.modify(octets('hold')));
  assert.equal(text(first.answer), 'bob answers hold');
  const second = await scene.sim.settle(() => callee.modify(octets('hold'), { method: 'UPDATE' }));
  assert.equal(text(second.answer), 'alice answers hold');
  callee.onOffer = () => undefined;
  const refused = await scene.sim.settle(() => call.modify(octets('video')));
  assert.equal(refused.response?.status, 488);
  assert.equal(call.state, 'confirmed'); // what was agreed before stands
  callee.hangup();
  await scene.end(alice, bob);
});

test('when both change the session at once each gets 491 and both succeed later', async () => {
  const scene = new Scene();
  const alice = scene.agent('alice');
  const bob = scene.agent('bob');
  const [call, callee] = await established(scene, alice, bob);
  const both = await scene.sim.settle(() =>
    Promise.all([call.modify(octets('A2')), callee.modify(octets('B2'))]),
  );
  assert.deepEqual(
    both.map(each => text(each.answer)),
    ['bob answers A2', 'alice answers B2'],
  );
  assert.ok(scene.sim.ladder('alice', 'proxy').includes('proxy → alice  491 Request Pending'));
  call.hangup();
  await scene.end(alice, bob);
});

test('a re-INVITE without an offer asks the other side for one', async () => {
  const scene = new Scene();
  const alice = scene.agent('alice');
  const bob = scene.agent('bob');
  const [call, callee] = await established(scene, alice, bob);
  const answers: (string | undefined)[] = [];
  callee.makeOffer = () => octets('B9');
  callee.onAnswer = sdp => answers.push(text(sdp));
  // by hand, as a B2BUA or a PSTN gateway does it
  const leg = call.leg!;
  const exchange = alice.inDialog(leg.dialog, 'INVITE', alice.sessionEdits('INVITE'));
  const ok = await scene.sim.settle(() => exchange.final);
  assert.equal(text(ok.body), 'B9');
  const ack = alice.makeAck(leg.dialog, exchange.request, [
    draft => {
      draft.body = octets('A9');
    },
    raw('Content-Type', 'application/sdp'),
  ]);
  alice.sendAck(ack);
  await scene.sim.run(seconds(1));
  assert.deepEqual(answers, ['A9']);
  call.hangup();
  await scene.end(alice, bob);
});

test('a caller who gives up gets 487, and the callee hears of the CANCEL', async () => {
  const scene = new Scene();
  const alice = scene.agent('alice');
  const bob = scene.agent('bob');
  bob.onInvite = session => {
    scene.watch('bob', session);
    void session.provisional(180);
  };
  const call = alice.invite({ uri: scene.uri('bob'), offer: octets('A') });
  scene.watch('alice', call);
  await scene.sim.run(seconds(1));
  call.hangup();
  await scene.end(alice, bob);
  assert.deepEqual(scene.ends, ['bob remote: CANCEL', 'alice local: cancelled']);
});

test('a 200 that crosses the CANCEL gets ACK and BYE', async () => {
  const scene = new Scene();
  const alice = scene.agent('alice');
  const bob = scene.agent('bob');
  bob.onInvite = session => {
    scene.watch('bob', session);
    void session.provisional(180);
    bob.host.clock.after(seconds(1), () => session.answer({ sdp: octets('B') }));
  };
  const call = alice.invite({ uri: scene.uri('bob'), offer: octets('A') });
  scene.watch('alice', call);
  await scene.sim.run(ms(1003));
  call.hangup();
  await scene.end(alice, bob);
  assert.deepEqual(scene.ends.sort(), [
    'alice local: answered while it was cancelled',
    'bob remote: BYE',
  ]);
});

test('a refusal ends the call with its status', async () => {
  const scene = new Scene();
  const alice = scene.agent('alice');
  const bob = scene.agent('bob');
  bob.onInvite = session => session.reject(486);
  const call = alice.invite({ uri: scene.uri('bob'), offer: octets('A') });
  const ends: SessionEnd[] = [];
  call.onEnded = end => ends.push(end);
  await scene.end(alice, bob);
  assert.equal(ends.length, 1);
  assert.equal(ends[0]?.by, 'remote');
  assert.equal(ends[0]?.status, 486);
});

test('a 200 whose ACK never comes is repeated for 64·T1 and then ended with BYE', async () => {
  const scene = new Scene();
  const alice = scene.agent('alice');
  const bob = scene.agent('bob');
  bob.onInvite = session => {
    scene.watch('bob', session);
    session.answer({ sdp: octets('B') });
  };
  alice.sendAck = () => {};
  const call = alice.invite({ uri: scene.uri('bob'), offer: octets('A') });
  scene.watch('alice', call);
  await scene.end(alice, bob);
  assert.deepEqual(scene.ends, ['bob failure: no ACK came for our 2xx', 'alice remote: BYE']);
  const oks = scene.sim.ladder('bob', 'proxy').filter(line => line.endsWith('200 OK'));
  assert.equal(oks.filter(line => line.startsWith('bob')).length, 11);
});

test('of two forks that answer one is kept, the other gets ACK and BYE', async () => {
  const scene = new Scene();
  const alice = scene.agent('alice');
  const desk = scene.agent('desk');
  const car = scene.agent('car');
  for (const [agent, name] of [
    [desk, 'desk'],
    [car, 'car'],
  ] as const) {
    agent.onInvite = session => {
      scene.watch(name, session);
      void session.provisional(180);
      agent.host.clock.after(seconds(1), () => session.answer({ sdp: octets(name) }));
    };
  }
  const { proxy } = scene;
  const before = proxy.onRequest;
  const self = nameAddr(parseUri(`sip:${scene.sim.addressOf('proxy')}:5060;lr`));
  proxy.onRequest = async tx => {
    if (tx.request.method !== 'INVITE') return before(tx);
    const branches = ['desk', 'car'].map(name => ({
      request: takeRoute(tx.request, () => true).request,
      target: { uri: scene.uri(name) },
    }));
    await forward(proxy, tx, branches, { recordRoute: self });
  };
  const call = alice.invite({ uri: parseUri('sip:both@home.test'), offer: octets('A') });
  const tags = new Set<string | undefined>();
  call.onProvisional = (_response, leg) => tags.add(leg?.dialog.remoteTag);
  await scene.sim.run(seconds(5));
  assert.equal(tags.size, 2);
  assert.equal(call.state, 'confirmed');
  assert.equal(scene.ends.length, 1);
  assert.match(scene.ends[0]!, /remote: BYE/);
  call.hangup();
  await scene.end(alice, desk, car);
  assert.equal(scene.ends.length, 2);
});

test('challenges are answered by the hook, in and outside dialogs', async () => {
  const scene = new Scene();
  const asked: string[] = [];
  const alice = scene.agent('alice', {
    authorise: (challenge, request) => {
      asked.push(`${challenge.status} ${request.method}`);
      return [raw('Proxy-Authorization', 'Digest username="alice", response="x"')];
    },
  });
  const bob = scene.agent('bob');
  bob.onInvite = session => session.answer({ sdp: octets('B') });
  const before = scene.proxy.onRequest;
  scene.proxy.onRequest = tx => {
    const { request } = tx;
    if (request.method === 'ACK') assert.ok(request.has('Proxy-Authorization'));
    else if (!request.has('Proxy-Authorization')) {
      tx.reply(407, raw('Proxy-Authenticate', 'Digest realm="r", nonce="n"'));
      return;
    }
    return before(tx);
  };
  const call = alice.invite({ uri: scene.uri('bob'), offer: octets('A') });
  await scene.sim.run(seconds(1));
  assert.equal(call.state, 'confirmed');
  call.hangup();
  bob.onRequest = tx => tx.reply(202);
  const message = alice.build('MESSAGE', { uri: scene.uri('bob') });
  const final = await scene.sim.settle(() => alice.request(message));
  assert.equal(final.status, 202);
  assert.deepEqual(asked, ['407 INVITE', '407 BYE', '407 MESSAGE']);
  await scene.end(alice, bob);
});

test('wrong credentials are not tried for ever', async () => {
  const scene = new Scene();
  const alice = scene.agent('alice', { authorise: () => [raw('X-Try', 'again')] });
  let asked = 0;
  scene.proxy.onRequest = tx => {
    asked++;
    tx.reply(401, raw('WWW-Authenticate', 'Digest realm="r", nonce="n"'));
  };
  const final = await scene.sim.settle(() =>
    alice.request(alice.build('REGISTER', { uri: parseUri('sip:home.test') })),
  );
  assert.equal(final.status, 401);
  assert.equal(asked, 4);
});

test('INFO reaches the owner of the session, and an unknown dialog is 481', async () => {
  const scene = new Scene();
  const alice = scene.agent('alice');
  const bob = scene.agent('bob');
  const [call, callee] = await established(scene, alice, bob);
  callee.onRequest = tx => tx.reply(200, raw('X-Got', tx.request.method));
  const info = await scene.sim.settle(() => call.send('INFO'));
  assert.equal(info.raw('X-Got')[0], 'INFO');
  bob.dialogs.remove(callee.leg); // as after a restart
  const ends: SessionEnd[] = [];
  call.onEnded = end => ends.push(end);
  const lost: SipResponse = await scene.sim.settle(() => call.send('INFO'));
  assert.equal(lost.status, 481);
  assert.equal(ends[0]?.by, 'failure');
});

test('a request by two ways is taken once: 482 for the other', async () => {
  const scene = new Scene();
  const alice = scene.agent('alice');
  const bob = scene.agent('bob');
  let invites = 0;
  bob.onInvite = session => {
    invites++;
    void session.provisional(180);
    bob.host.clock.after(seconds(5), () => session.answer({ sdp: octets('B') }));
  };
  const { proxy } = scene;
  const before = proxy.onRequest;
  proxy.onRequest = async tx => {
    if (tx.request.method !== 'INVITE') return before(tx);
    const branch = {
      request: takeRoute(tx.request, () => true).request,
      target: { uri: scene.uri('bob') },
    };
    await forward(proxy, tx, [branch, branch], {
      recordRoute: nameAddr(parseUri(`sip:${scene.sim.addressOf('proxy')}:5060;lr`)),
    });
  };
  const call = alice.invite({ uri: scene.uri('bob'), offer: octets('A') });
  await scene.sim.run(seconds(10));
  assert.equal(invites, 1);
  assert.equal(call.state, 'confirmed');
  call.hangup();
  await scene.end(alice, bob);
});

test('an extension nobody here knows is refused with 420', async () => {
  const scene = new Scene();
  const alice = scene.agent('alice');
  scene.agent('bob');
  const request = alice.build('MESSAGE', {
    uri: scene.uri('bob'),
    edits: [addRaw('Require', 'magic')],
  });
  const final = await scene.sim.settle(() => alice.request(request));
  assert.equal(final.status, 420);
  assert.deepEqual(final.raw('Unsupported'), ['magic']);
});

test('a session is refreshed while both live, and ends by itself where one has died', async () => {
  const scene = new Scene();
  const alice = scene.agent('alice', { sessionExpires: seconds(120) });
  const bob = scene.agent('bob');
  const [call] = await established(scene, alice, bob);
  scene.watch('alice', call);
  await scene.sim.run(minutes(10));
  const updates = scene.sim
    .ladder('alice', 'proxy')
    .filter(line => line === 'alice → proxy  UPDATE');
  assert.equal(updates.length, 10);
  assert.equal(call.state, 'confirmed');
  scene.sim.partition(['bob'], ['proxy']);
  await scene.sim.run(minutes(10));
  assert.equal(scene.ends.length, 1);
  await scene.end(alice, bob);
});

test('a Session-Expires too small is raised to what the callee takes', async () => {
  const scene = new Scene();
  const alice = scene.agent('alice', { sessionExpires: seconds(90) });
  const bob = scene.agent('bob', { minSe: seconds(600) });
  bob.onInvite = session => session.answer({ sdp: octets('B') });
  const call = alice.invite({ uri: scene.uri('bob'), offer: octets('A') });
  await scene.sim.run(seconds(2));
  assert.equal(call.state, 'confirmed');
  assert.deepEqual(call.request.raw('Session-Expires'), ['600']);
  call.hangup();
  await scene.end(alice, bob);
});

test('calls come about and end though a quarter of all datagrams is lost', async () => {
  const scene = new Scene(3);
  scene.sim.everyLink.loss = 0.25;
  scene.sim.everyLink.duplication = 0.1;
  scene.sim.everyLink.reordering = 0.1;
  const alice = scene.agent('alice');
  const bob = scene.agent('bob');
  bob.onInvite = async session => {
    await session.provisional(183, { sdp: octets('B') });
    await session.provisional(180);
    session.answer();
  };
  for (let i = 0; i < 25; i++) {
    const call = alice.invite({ uri: scene.uri('bob'), offer: octets('A') });
    await scene.sim.runUntil(() => call.state === 'confirmed', minutes(3));
    call.hangup();
    await scene.sim.run(seconds(40));
  }
  await scene.end(alice, bob);
});

test('an UPDATE asked for while a PRACK is under way waits for its answer', async () => {
  const scene = new Scene();
  const alice = scene.agent('alice');
  const bob = scene.agent('bob');
  bob.onInvite = async session => {
    echo(session, 'bob');
    await session.provisional(183, { sdp: octets('B') });
    bob.host.clock.after(seconds(5), () => session.answer());
  };
  const call = alice.invite({ uri: scene.uri('bob'), offer: octets('A1') });
  const answers: (string | undefined)[] = [];
  call.onProvisional = () => {
    // the first PRACK is lost on the way
    scene.sim.link('alice', 'proxy').towards('proxy').partitioned = true;
    scene.sim.after(ms(100), () => {
      scene.sim.link('alice', 'proxy').towards('proxy').partitioned = false;
    });
    void call.modify(octets('A2')).then(changed => answers.push(text(changed.answer)));
  };
  await scene.sim.run(seconds(8));
  assert.equal(call.state, 'confirmed');
  assert.deepEqual(answers, ['bob answers A2']);
  const requests = scene.sim
    .ladder('proxy', 'bob')
    .filter(line => /proxy → bob {2}[A-Z]+$/.test(line));
  assert.deepEqual(
    requests,
    ['INVITE', 'PRACK', 'UPDATE', 'ACK'].map(method => `proxy → bob  ${method}`),
  );
  call.hangup();
  await scene.end(alice, bob);
});
