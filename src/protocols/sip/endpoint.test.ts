import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Simulation, simulate } from '#kernel/simulation/simulation';
import { minutes, ms, seconds } from '#kernel/time';
import {
  type EndpointOptions,
  isGenerated,
  type ServerTransaction,
  SipEndpoint,
} from './endpoint.ts';
import { RetryAfter, To, Via } from './headers.ts';
import { body, type SipResponse, toTag } from './message.ts';
import { someRequest } from './testing/requests.ts';
import { parseUri } from './uri.ts';

interface Pair {
  readonly sim: Simulation;
  readonly client: SipEndpoint;
  readonly server: SipEndpoint;
  /** What the server was handed. */
  readonly requests: ServerTransaction[];
}

/** Two endpoints that listen on UDP and TCP 5060 and as local links; the server answers 200. */
async function pair(
  options: {
    server?: Partial<EndpointOptions>;
    client?: Partial<EndpointOptions>;
    seed?: number;
  } = {},
): Promise<Pair> {
  const sim = simulate({ seed: options.seed ?? 1, localLinks: 'checked' });
  const make = async (name: string, more: Partial<EndpointOptions> = {}): Promise<SipEndpoint> => {
    const endpoint = new SipEndpoint(sim.host(name), {
      point: 'Mw',
      name: `${name}.test`,
      ...more,
    });
    const host = sim.addressOf(name);
    await endpoint.listen('udp', { host, port: 5060 });
    await endpoint.listen('tcp', { host, port: 5060 });
    endpoint.serveLocal(`${name}.test`);
    return endpoint;
  };
  const client = await make('client', options.client);
  const server = await make('server', options.server);
  const requests: ServerTransaction[] = [];
  server.onRequest = tx => {
    requests.push(tx);
    if (tx.request.method !== 'ACK') tx.reply(200);
  };
  return { sim, client, server, requests };
}

const udp = (sim: Simulation) => ({
  uri: parseUri(`sip:${sim.addressOf('server')}:5060;transport=udp`),
});
const tcp = (sim: Simulation) => ({
  uri: parseUri(`sip:${sim.addressOf('server')};transport=tcp`),
});

for (const kind of ['udp', 'tcp', 'local'] as const) {
  test(`a request and its answer cross a ${kind} link, each once in the trace`, async () => {
    const { sim, client, requests } = await pair();
    sim.setName('server.test', 'sip', [{ protocol: 'local', name: 'server.test' }]);
    const target =
      kind === 'local'
        ? { uri: parseUri('sip:server.test;lr') }
        : kind === 'udp'
          ? udp(sim)
          : tcp(sim);
    const final = await sim.settle(
      () => client.request(someRequest('OPTIONS', 'sip:bob@home.test'), target).final,
    );
    assert.equal(final.status, 200);
    assert.ok(final.get(To)?.params.get('tag'));
    assert.equal(requests.length, 1);
    assert.equal(requests[0]?.flow.protocol, kind);
    assert.deepEqual(sim.ladder(), ['client → server  OPTIONS', 'server → client  200 OK']);
    await sim.run(minutes(3));
    assert.deepEqual(client.counts, { servers: 0, clients: 0 });
  });
}

test('the topmost Via tells where a datagram really came from', async () => {
  const { sim, client, requests } = await pair();
  await sim.settle(
    () => client.request(someRequest('OPTIONS', 'sip:bob@home.test'), udp(sim)).final,
  );
  const via = requests[0]?.request.get(Via);
  assert.equal(via?.params.get('received'), sim.addressOf('client'));
  assert.equal(via?.params.get('rport'), '5060');
});

test('requests arrive once and are answered though a third of all datagrams is lost', async () => {
  const { sim, client, requests } = await pair({ seed: 5 });
  sim.link('client', 'server').loss = 0.33;
  const finals = await sim.settle(() =>
    Promise.all(
      Array.from(
        { length: 40 },
        () => client.request(someRequest('OPTIONS', 'sip:bob@home.test'), udp(sim)).final,
      ),
    ),
  );
  assert.deepEqual(finals.filter(each => each.status !== 200).length, 0);
  assert.equal(requests.length, 40);
  await sim.run(minutes(3));
  assert.equal(sim.pending, 0);
});

test('a peer that is silent gives a generated 408 after 64·T1', async () => {
  const { sim, client } = await pair({ client: { t1: ms(100) } });
  sim.link('client', 'server').partitioned = true;
  const final = await sim.settle(
    () => client.request(someRequest('OPTIONS', 'sip:bob@home.test'), udp(sim)).final,
  );
  assert.equal(final.status, 408);
  assert.ok(isGenerated(final));
  assert.equal(sim.elapsed, 6400);
});

test('a name nobody knows, a port nobody serves and a tel URI fail without waiting', async () => {
  const { sim, client } = await pair();
  const ask = (uri: string) =>
    sim.settle(
      () => client.request(someRequest('OPTIONS', 'sip:x.test'), { uri: parseUri(uri) }).final,
    );
  assert.equal((await ask('sip:unknown.test')).status, 503);
  assert.equal((await ask(`sip:${sim.addressOf('server')}:9;transport=tcp`)).status, 503);
  assert.equal((await ask('tel:+15550100001')).status, 416);
  sim.setName('gone.test', 'sip', [{ protocol: 'local', name: 'gone.test' }]);
  assert.equal((await ask('sip:gone.test')).status, 503);
  assert.deepEqual(client.counts, { servers: 0, clients: 0 });
});

test('when the first of two addresses refuses the connection the second is asked', async () => {
  const { sim, client } = await pair();
  const host = sim.addressOf('server');
  sim.setName('two.test', 'sip', [
    { protocol: 'tcp', address: { host, port: 5999 } },
    { protocol: 'udp', address: { host, port: 5060 } },
  ]);
  const tx = client.request(someRequest('OPTIONS', 'sip:x.test'), {
    uri: parseUri('sip:two.test'),
  });
  const final = await sim.settle(() => tx.final);
  assert.equal(final.status, 200);
  assert.equal(tx.flow?.protocol, 'udp');
});

test('a request over 1300 octets goes by TCP, and by UDP after all where TCP is refused', async () => {
  const large = () =>
    someRequest('MESSAGE', 'sip:bob@home.test', body('text/plain', 'x'.repeat(1400)));
  const { sim, client, requests } = await pair();
  const host = sim.addressOf('server');
  await sim.settle(() => client.request(large(), { uri: parseUri(`sip:${host}`) }).final);
  await sim.settle(() => client.request(large(), udp(sim)).final);
  assert.deepEqual(
    requests.map(tx => tx.flow.protocol),
    ['tcp', 'udp'],
  ); // asked for UDP

  const lone = new SipEndpoint(sim.host('lone'), { point: 'Mw', name: 'lone.test' });
  await lone.listen('udp', { host: sim.addressOf('lone'), port: 5060 });
  lone.onRequest = tx => tx.reply(202);
  const uri = parseUri(`sip:${sim.addressOf('lone')}`);
  const tx = client.request(large(), { uri });
  const final = await sim.settle(() => tx.final);
  assert.equal(final.status, 202);
  assert.equal(tx.flow?.protocol, 'udp');
});

test('CANCEL waits for a provisional response, is answered 200, and 487 ends the INVITE', async () => {
  const { sim, client, server } = await pair();
  server.onRequest = tx => {
    tx.onCancel = () => tx.reply(487);
    if (tx.request.method === 'INVITE') server.host.clock.after(ms(50), () => tx.reply(180));
  };
  const tx = client.request(someRequest('INVITE', 'sip:bob@home.test'), udp(sim));
  const seen: number[] = [];
  tx.onResponse = response => seen.push(response.status);
  tx.cancel();
  const final = await sim.settle(() => tx.final);
  assert.equal(final.status, 487);
  assert.ok(!isGenerated(final));
  assert.deepEqual(seen, [180, 487]);
  assert.deepEqual(sim.ladder(), [
    'client → server  INVITE',
    'server → client  180 Ringing',
    'client → server  CANCEL',
    'server → client  200 OK',
    'server → client  487 Request Terminated',
    'client → server  ACK',
  ]);
  await sim.run(minutes(3));
  assert.deepEqual(
    [client.counts, server.counts],
    [
      { servers: 0, clients: 0 },
      { servers: 0, clients: 0 },
    ],
  );
});

test('a CANCEL of nothing gets 481', async () => {
  const { sim, client } = await pair();
  const final = await sim.settle(
    () => client.request(someRequest('CANCEL', 'sip:bob@home.test'), udp(sim)).final,
  );
  assert.equal(final.status, 481);
});

test('CANCELs of nothing are answered and nothing of them is kept', async () => {
  const { sim, client, server } = await pair();
  const cancels = Array.from({ length: 50 }, () => someRequest('CANCEL', 'sip:bob@home.test'));
  const finals = await sim.settle(() =>
    Promise.all(cancels.map(cancel => client.request(cancel, udp(sim)).final)),
  );
  assert.ok(finals.every(({ status }) => status === 481));
  assert.equal(server.counts.servers, 0);
});

test('a peer that ignores CANCEL leaves a generated 487 after 64·T1', async () => {
  const { sim, client, server } = await pair();
  server.onRequest = tx => tx.reply(180);
  const tx = client.request(someRequest('INVITE', 'sip:bob@home.test'), udp(sim), {
    timeout: seconds(10),
  });
  const final = await sim.settle(() => tx.final);
  assert.equal(final.status, 487);
  assert.ok(isGenerated(final));
  assert.equal(sim.elapsed, 42_000);
});

test('each 2xx of an INVITE is delivered, and the ACK comes as a request of its own', async () => {
  const { sim, client, server } = await pair();
  const methods: string[] = [];
  server.onRequest = tx => {
    methods.push(tx.request.method);
    if (tx.request.method !== 'INVITE') return;
    for (const tag of ['one', 'two']) {
      tx.reply(200, toTag(tag));
    }
  };
  const tx = client.request(someRequest('INVITE', 'sip:bob@home.test'), udp(sim));
  const oks: SipResponse[] = [];
  tx.onResponse = response => {
    oks.push(response);
    client.sendAck(someRequest('ACK', 'sip:bob@home.test'), udp(sim));
  };
  await sim.run(seconds(1));
  assert.deepEqual(
    oks.map(ok => ok.get(To)?.params.get('tag')),
    ['one', 'two'],
  );
  assert.deepEqual(methods, ['INVITE', 'ACK', 'ACK']);
});

test('over the bound a request gets 503 with Retry-After, and ACK nothing', async () => {
  const limits = { serverTransactions: 1, retryAfter: 7 };
  const { sim, client, server } = await pair({ server: { limits } });
  server.onRequest = () => {}; // never answers
  client.request(someRequest('OPTIONS', 'sip:a@home.test'), udp(sim));
  const second = client.request(someRequest('OPTIONS', 'sip:b@home.test'), udp(sim));
  const final = await sim.settle(() => second.final);
  assert.equal(final.status, 503);
  assert.equal(final.get(RetryAfter)?.seconds, 7);
  assert.equal(server.counts.servers, 1);
});

test('what a procedure throws is answered: 400 for the peer’s mistake, 500 for ours', async () => {
  const { sim, client, server } = await pair();
  const ask = () =>
    sim.settle(() => client.request(someRequest('OPTIONS', 'sip:a@home.test'), udp(sim)).final);
  server.onRequest = async tx => {
    await Promise.resolve();
    parseUri('nonsense');
    tx.reply(200);
  };
  assert.equal((await ask()).status, 400);
  server.onRequest = () => {
    throw new Error('ours');
  };
  assert.equal((await ask()).status, 500);
});

test('a connection that closes fails what waits on it at once, and the next request opens another', async () => {
  const { sim, client, server } = await pair();
  server.onRequest = () => {};
  const closed: string[] = [];
  client.onFlowClosed = flow => closed.push(flow.protocol);
  const tx = client.request(someRequest('OPTIONS', 'sip:a@home.test'), tcp(sim));
  await sim.run(ms(100));
  server.closeFlow(server.flows().find(flow => flow.protocol === 'tcp')!, 'test');
  const final = await sim.settle(() => tx.final);
  assert.equal(final.status, 503);
  assert.deepEqual(closed, ['tcp']);
  server.onRequest = again => again.reply(200);
  const next = client.request(someRequest('OPTIONS', 'sip:a@home.test'), tcp(sim));
  assert.equal((await sim.settle(() => next.final)).status, 200);
});

test('a request goes back over the flow that another came by', async () => {
  const { sim, client, server, requests } = await pair();
  client.onRequest = tx => tx.reply(204);
  await sim.settle(() => client.request(someRequest('OPTIONS', 'sip:a@home.test'), tcp(sim)).final);
  const { flow } = requests[0]!;
  const back = server.request(someRequest('OPTIONS', 'sip:c@home.test'), { flow });
  assert.equal((await sim.settle(() => back.final)).status, 204);
  assert.equal(back.flow, flow);
  assert.equal(server.flow(flow.id), flow);
});

test('a stopped endpoint leaves nobody waiting and nothing behind', async () => {
  const { sim, client, server } = await pair();
  server.onRequest = () => {};
  const tx = client.request(someRequest('OPTIONS', 'sip:a@home.test'), udp(sim));
  await sim.run(ms(10));
  const final = await sim.settle(async () => {
    await client.stop();
    return tx.final;
  });
  assert.equal(final.status, 503);
  await server.stop();
  await sim.run(minutes(5));
  assert.equal(sim.pending, 0);
});

test('while it drains an endpoint refuses what is new and waits for what is under way', async () => {
  const { sim, client, server } = await pair();
  server.onRequest = tx => {
    server.host.clock.after(seconds(2), () => tx.reply(200));
  };
  const old = client.request(someRequest('OPTIONS', 'sip:a@home.test'), udp(sim));
  await sim.run(ms(10));
  let drained = false;
  void server.drain(seconds(5)).then(() => {
    drained = true;
  });
  const late = client.request(someRequest('OPTIONS', 'sip:a@home.test'), udp(sim));
  assert.equal((await sim.settle(() => late.final)).status, 503);
  assert.ok(!drained);
  assert.equal((await sim.settle(() => old.final)).status, 200);
  await sim.run(ms(100));
  assert.ok(drained);
});
