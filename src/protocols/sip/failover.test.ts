// RFC 3263 §4.3 over whole transactions: servers of one name, found by SRV, that are away, refuse
// or come back.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeDns } from '#kernel/node/dns-source';
import { createProcess } from '#kernel/node/process';
import { dnsServer } from '#kernel/node/testing/dns-server';
import { simulate } from '#kernel/simulation';
import { seconds } from '#kernel/time';
import { isGenerated, type ServerTransaction, SipEndpoint } from './endpoint.ts';
import { RetryAfter, Via } from './headers.ts';
import { type SipResponse, set } from './message.ts';
import { someRequest } from './testing/requests.ts';
import { parseUri } from './uri.ts';

type Serve = (tx: ServerTransaction) => void;
const ok: Serve = tx => tx.reply(200);
const busy: Serve = tx => tx.reply(503);
const busyFor =
  (wait: number): Serve =>
  tx =>
    tx.reply(503, set(RetryAfter, { seconds: wait }));

async function servers(transport: 'udp' | 'tcp', serving: Record<string, Serve | undefined>) {
  const sim = simulate({ seed: 3 });
  const client = new SipEndpoint(sim.host('client'), { point: 'Mw', name: 'client.test' });
  await client.listen('udp', { host: sim.addressOf('client'), port: 5060 });
  let priority = 0;
  for (const [name, serve] of Object.entries(serving)) {
    const host = sim.host(name);
    const address = sim.addressOf(name);
    sim.zone.srv(`_sip._${transport}.farm.test`, ++priority, 0, 5060, `${name}.test`);
    sim.zone.address(`${name}.test`, address);
    if (serve === undefined) continue; // nobody listens
    const server = new SipEndpoint(host, { point: 'Mw', name: `${name}.test` });
    await server.listen('udp', { host: address, port: 5060 });
    await server.listen('tcp', { host: address, port: 5060 });
    server.onRequest = tx => {
      if (tx.request.method !== 'ACK') serve(tx);
    };
  }
  const stray: SipResponse[] = [];
  client.onStrayResponse = response => stray.push(response);
  const farm = { uri: parseUri('sip:farm.test') };
  const ask = (method: string) =>
    sim.settle(() => client.request(someRequest(method, 'sip:bob@farm.test'), farm).final);
  /** Who is asked, in order, without repetitions. */
  const asked = () => {
    const lines = sim.ladder().flatMap(line => /^client → (\S+) {2}(?!ACK)/.exec(line)?.[1] ?? []);
    return lines.filter((name, i) => name !== lines[i - 1]).join(' ');
  };
  return { sim, client, ask, asked, stray };
}

test('a server that nobody hears from gives way to the next, and is left alone for a while', async () => {
  const { sim, ask, asked } = await servers('udp', { one: undefined, two: ok });
  const before = sim.now();
  assert.equal((await ask('OPTIONS')).status, 200);
  assert.equal(sim.now() - before > seconds(31), true); // timer F
  assert.equal(asked(), 'one two');
  const again = sim.now();
  assert.equal((await ask('OPTIONS')).status, 200);
  assert.ok(sim.now() - again < seconds(1));
  assert.equal(asked(), 'one two');
  await sim.run(seconds(31));
  await ask('OPTIONS');
  assert.equal(asked(), 'one two one two');
});

test('a connection that is refused gives way to the next server at once', async () => {
  const { sim, ask } = await servers('tcp', { one: undefined, two: ok });
  const before = sim.now();
  assert.equal((await ask('INVITE')).status, 200);
  assert.ok(sim.now() - before < seconds(1));
});

for (const transport of ['udp', 'tcp'] as const) {
  test(`an INVITE that one server refuses with 503 over ${transport} goes to the next`, async () => {
    const { sim, client, ask, asked, stray } = await servers(transport, {
      one: busyFor(20),
      two: ok,
    });
    assert.equal((await ask('INVITE')).status, 200);
    assert.equal(asked(), 'one two');
    const acks = sim.ladder().filter(line => line.startsWith('client → one  ACK'));
    assert.equal(acks.length, 1);
    assert.equal((await ask('OPTIONS')).status, 200);
    assert.equal(asked(), 'one two'); // Retry-After
    await sim.run(seconds(60));
    assert.deepEqual(stray, []);
    assert.deepEqual(client.counts, { servers: 0, clients: 0 });
    await ask('OPTIONS');
    assert.equal(asked(), 'one two one two');
  });
}

test('copies of a refusal whose ACK was lost are acknowledged though another server answered', async () => {
  const { sim, client, ask, stray } = await servers('udp', { one: busy, two: ok });
  sim.link('client', 'one').delay = 100;
  const call = ask('INVITE');
  sim.after(150, () => {
    sim.link('client', 'one').loss = 1;
  });
  sim.after(2000, () => {
    sim.link('client', 'one').loss = 0;
  });
  assert.equal((await call).status, 200);
  await sim.run(seconds(60));
  // the lost ACK is not in the ladder
  assert.deepEqual(sim.ladder().slice(-2), [
    'one → client  503 Service Unavailable',
    'client → one  ACK',
  ]);
  assert.deepEqual(stray, []);
  assert.deepEqual(client.counts, { servers: 0, clients: 0 });
});

test('where all refuse, the last word is a refusal of theirs', async () => {
  const { ask, asked } = await servers('udp', { one: busy, two: busy });
  const final = await ask('OPTIONS');
  assert.equal(final.status, 503);
  assert.equal(isGenerated(final), false);
  assert.equal(asked(), 'one two');
});

test('every try has a branch of its own (§4.3: a new transaction)', async () => {
  const branches: (string | null | undefined)[] = [];
  const noted =
    (serve: Serve): Serve =>
    tx => {
      branches.push(tx.request.get(Via)?.params.get('branch'));
      serve(tx);
    };
  const { ask } = await servers('udp', { one: noted(busy), two: noted(ok) });
  await ask('OPTIONS');
  assert.equal(new Set(branches).size, 2);
});

test('a call that already rang somewhere is not tried elsewhere', async () => {
  const rings: Serve = tx => {
    tx.reply(180);
    tx.reply(503);
  };
  const { ask, asked } = await servers('udp', { one: rings, two: ok });
  assert.equal((await ask('INVITE')).status, 503);
  assert.equal(asked(), 'one');
});

test('a server that refused over one transport is not asked over another', async () => {
  const { sim, ask, asked } = await servers('udp', { one: busy });
  sim.zone.srv('_sip._tcp.farm.test', 1, 0, 5060, 'one.test');
  assert.equal((await ask('OPTIONS')).status, 503);
  assert.equal(asked(), 'one');
  assert.equal(sim.ladder().length, 2);
});

test('a request is given up after a cancel, not carried to the next server', async () => {
  const { sim, client, asked } = await servers('udp', {
    one: tx => {
      tx.reply(100);
      tx.onCancel = () => tx.reply(503);
    },
    two: ok,
  });
  const final = await sim.settle(async () => {
    const tx = client.request(someRequest('INVITE', 'sip:bob@farm.test'), {
      uri: parseUri('sip:farm.test'),
    });
    sim.after(500, () => tx.cancel());
    return tx.final;
  });
  assert.equal(final.status, 503);
  assert.equal(asked(), 'one');
});

test('on real sockets: the DNS over UDP, a port where nobody listens, and the next server', async () => {
  const ports: number[] = [];
  const servers = createProcess({ log: { level: 'silent' } });
  for (const name of ['gone', 'here']) {
    const server = new SipEndpoint(servers.host(name), { point: 'Mw', name: `${name}.test` });
    server.onRequest = tx => tx.reply(200);
    ports.push((await server.listen('tcp', { host: '127.0.0.1', port: 0 })).port);
    if (name === 'gone') await server.stop();
  }
  const [gone = 0, here = 0] = ports;
  const record = { order: 1, preference: 1, flags: 's', regexp: '' };
  const dns = await dnsServer({
    naptr: {
      'farm.test': [{ ...record, service: 'SIP+D2T', replacement: '_sip._tcp.farm.test' }],
    },
    srv: {
      '_sip._tcp.farm.test': [
        { priority: 2, weight: 0, port: here, target: 'host.farm.test' },
        { priority: 1, weight: 0, port: gone, target: 'host.farm.test' },
      ],
    },
    addresses: { 'host.farm.test': ['127.0.0.1'] },
  });
  const phones = createProcess({
    log: { level: 'silent' },
    dns: nodeDns({ servers: [dns.address], timeout: 500, tries: 1 }),
  });
  const client = new SipEndpoint(phones.host('client'), { point: 'Mw', name: 'client.test' });
  try {
    const transaction = client.request(someRequest('OPTIONS', 'sip:bob@farm.test'), {
      uri: parseUri('sip:farm.test'),
    });
    assert.equal((await transaction.final).status, 200);
    assert.equal(transaction.flow?.remote.port, here);
    assert.equal(dns.asked[0], 'NAPTR farm.test');
    assert.ok(dns.asked.includes('SRV _sip._tcp.farm.test'));
  } finally {
    await client.stop();
    await Promise.all([phones.close(), servers.close()]);
    dns.close();
  }
});
