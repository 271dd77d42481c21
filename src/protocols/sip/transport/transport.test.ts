// The same requests over every transport of the real host, and what hostile peers get.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { Host } from '#kernel/host';
import { createProcess } from '#kernel/node/process';
import { selfSigned } from '#kernel/node/self-signed';
import { simulate } from '#kernel/simulation/simulation';
import { ms, seconds } from '#kernel/time';
import { vectors } from '../../../../test/vectors.ts';
import { SipEndpoint } from '../endpoint.ts';
import { body } from '../message.ts';
import { someRequest } from '../testing/requests.ts';
import { parseUri } from '../uri.ts';

function hosts(t: TestContext): { client: Host; server: Host } {
  const process = createProcess({ log: { level: 'error' } });
  t.after(() => process.close());
  return { client: process.host('client'), server: process.host('server') };
}

const certificate = selfSigned({ names: ['127.0.0.1', '::1', 'localhost'], now: Date.now() });
const webSocket = { path: '/sip', subprotocol: 'sip' };

for (const protocol of ['udp', 'tcp', 'tls', 'ws', 'wss'] as const) {
  for (const host of ['127.0.0.1', '::1']) {
    test(`requests go both ways over ${protocol} on ${host}`, async t => {
      const own = hosts(t);
      const server = new SipEndpoint(own.server, { point: 'Gm', name: 'server.test' });
      const client = new SipEndpoint(own.client, {
        point: 'Gm',
        name: 'client.test',
        tls: { ca: certificate.cert },
        webSocket,
      });
      const bound = await server.listen(
        protocol,
        { host, port: 0 },
        { hostile: true, webSocket, tls: { key: certificate.key, cert: certificate.cert } },
      );
      await client.listen('udp', { host, port: 0 });
      client.onRequest = tx => tx.reply(204);
      let back: Promise<number> | undefined;
      server.onRequest = tx => {
        tx.reply(200);
        // as a P-CSCF sends to a UE: over the flow its REGISTER came by
        const request = someRequest('OPTIONS', 'sip:client.test');
        back = server.request(request, { flow: tx.flow }).final.then(final => final.status);
      };
      const at = host.includes(':') ? `[${host}]` : host;
      const uri = parseUri(`sip:${at}:${bound.port};transport=${protocol}`);
      const message = someRequest(
        'MESSAGE',
        'sip:bob@home.test',
        body('text/plain', 'x'.repeat(3000)),
      );
      const final = await client.request(message, { uri }).final;
      assert.equal(final.status, 200);
      assert.equal(await back, 204);
      const again = client.request(someRequest('OPTIONS', 'sip:bob@home.test'), { uri });
      assert.equal((await again.final).status, 200);
      assert.equal(client.flows().length, 1); // the connection is used again
      await client.stop();
      await server.stop();
    });
  }
}

test('a TLS server with a certificate nobody vouches for is not spoken to', async t => {
  const own = hosts(t);
  const server = new SipEndpoint(own.server, { point: 'Gm', name: 'server.test' });
  const client = new SipEndpoint(own.client, { point: 'Gm', name: 'client.test' });
  const { key, cert } = certificate;
  const bound = await server.listen('tls', { host: '127.0.0.1', port: 0 }, { tls: { key, cert } });
  const uri = parseUri(`sips:127.0.0.1:${bound.port}`);
  const final = await client.request(someRequest('OPTIONS', 'sip:b@home.test'), { uri }).final;
  assert.equal(final.status, 503);
  await client.stop();
  await server.stop();
});

test('a ping over TCP is answered, in any pieces, beside requests', async t => {
  const own = hosts(t);
  const server = new SipEndpoint(own.server, { point: 'Gm', name: 'server.test' });
  server.onRequest = tx => tx.reply(200);
  const bound = await server.listen('tcp', { host: '127.0.0.1', port: 0 }, { hostile: true });
  const socket = connect(bound.port, '127.0.0.1');
  t.after(() => socket.destroy());
  let got = '';
  const arrived = (wanted: RegExp) =>
    new Promise<void>(resolve => {
      const look = (): void => {
        if (wanted.test(got)) resolve();
      };
      socket.on('data', look);
      look();
    });
  socket.on('data', octets => {
    got += octets.toString('latin1');
  });
  for (const octet of '\r\n\r\n') socket.write(octet);
  await arrived(/^\r\n$/);
  const via = 'Via: SIP/2.0/TCP x.test;branch=z9hG4bK1;rport';
  const { headers } = someRequest('OPTIONS', 'sip:b@home.test');
  const lines = headers.map(field => field.line).join('\r\n');
  socket.write(
    `OPTIONS sip:b@home.test SIP/2.0\r\n${via}\r\n${lines}\r\nContent-Length: 0\r\n\r\n`,
  );
  await arrived(/SIP\/2\.0 200 OK/);
  assert.match(got, /received=127\.0\.0\.1/);
  await server.stop();
});

test('a connection whose framing is lost is answered where possible and closed', async t => {
  const own = hosts(t);
  const server = new SipEndpoint(own.server, { point: 'Gm', name: 'server.test' });
  const bound = await server.listen('tcp', { host: '127.0.0.1', port: 0 }, { hostile: true });
  const socket = connect(bound.port, '127.0.0.1');
  let got = '';
  socket.on('data', octets => {
    got += octets.toString('latin1');
  });
  const { headers } = someRequest('OPTIONS', 'sip:b@home.test');
  const lines = headers.map(field => field.line).join('\r\n');
  const via = 'Via: SIP/2.0/TCP x.test;branch=z9hG4bK1';
  socket.write(
    `OPTIONS sip:b@home.test SIP/2.0\r\n${via}\r\n${lines}\r\nContent-Length: -1\r\n\r\n`,
  );
  await new Promise(resolve => socket.once('close', resolve));
  assert.match(got, /^SIP\/2\.0 400 /);
  assert.equal(server.flows().length, 0);
  await server.stop();
});

test('a peer that does not answer its pings, or says nothing for long, loses its connection', async () => {
  const sim = simulate({ seed: 1 });
  const server = new SipEndpoint(sim.host('server'), {
    point: 'Gm',
    name: 'server.test',
    limits: { idle: seconds(300) },
  });
  const client = new SipEndpoint(sim.host('client'), { point: 'Gm', name: 'client.test' });
  server.onRequest = tx => tx.reply(200);
  const host = sim.addressOf('server');
  await server.listen('tcp', { host, port: 5060 });
  const uri = parseUri(`sip:${host};transport=tcp`);
  const first = client.request(someRequest('OPTIONS', 'sip:b@home.test'), { uri });
  assert.equal((await sim.settle(() => first.final)).status, 200);
  const closed: string[] = [];
  client.onFlowClosed = (_flow, reason) => closed.push(reason);
  const alive = client.keepAlive(first.flow!, seconds(60));
  await sim.run(seconds(1000));
  assert.deepEqual(closed, []); // the pings keep it
  sim.partition(['client'], ['server']);
  await sim.run(seconds(75));
  assert.deepEqual(closed, ['no answer to keep-alive']);
  alive.stop();
  sim.partition(['client'], ['server'], false);
  await sim.run(seconds(400));
  assert.equal(server.flows().length, 0);
});

/** Every collected message; those of PROTOS, which come behind their lengths, filled in. */
function* collected(): Generator<Buffer> {
  let serial = 0;
  for (const folder of ['sip/rfc4475', 'sip/rfc5118', 'sip/protos', 'sip/rfcflow', 'sip/handset']) {
    const names = readdirSync(vectors(folder), { recursive: true, encoding: 'utf8' });
    for (const name of names.filter(each => /\.(dat|sip)$/.test(each)).sort()) {
      const octets = readFileSync(vectors(`${folder}/${name}`));
      const text = octets.toString('latin1');
      let at = 0;
      for (;;) {
        const prefix = /^(\d+) /.exec(text.slice(at, at + 12));
        if (prefix === null) break;
        const from = at + prefix[0].length;
        at = from + Number(prefix[1]);
        const filled = text
          .slice(from, at)
          .replace(/<(To|From)>/g, '$1@example.com')
          .replace(/<From-(Address|IP)>/g, '192.0.2.1')
          .replaceAll('<Local-Port>', '5060')
          .replaceAll('<CSeq>', '1')
          .replaceAll('<Teardown-Method>', 'CANCEL')
          .replace(/<(Branch-ID|Call-ID)>/g, String(++serial));
        const length = filled.length - filled.indexOf('\r\n\r\n') - 4;
        yield Buffer.from(filled.replaceAll('<Content-Length>', String(length)), 'latin1');
      }
      if (at === 0) yield octets;
    }
  }
}

for (const protocol of ['udp', 'tcp', 'ws'] as const) {
  test(`torture, malformed and real messages over ${protocol} are survived`, async () => {
    const sim = simulate({ seed: 1 });
    const server = new SipEndpoint(sim.host('server'), { point: 'Gm', name: 'server.test' });
    let taken = 0;
    server.onRequest = tx => {
      taken++;
      if (tx.request.method !== 'ACK') tx.reply(200);
    };
    const address = { host: sim.addressOf('server'), port: 5060 };
    await server.listen(protocol, address, { hostile: true });
    const attacker = sim.host('attacker').network;
    let answers = 0;
    const own = { host: sim.addressOf('attacker'), port: 5060 };
    const socket = await attacker.bindDatagram(own, () => {
      answers++;
    });
    let sent = 0;
    for (const octets of collected()) {
      sent++;
      if (protocol === 'udp') socket.send(octets, address);
      else {
        const stream = attacker.connect(protocol, address, { webSocket });
        stream.onOctets = () => {
          answers++;
        };
        stream.send(octets);
      }
      await sim.run(ms(5));
    }
    await sim.run(seconds(9000));
    const errors = sim.logs.filter(entry => entry.level === 'error');
    assert.deepEqual(errors, []);
    assert.ok(sent > 1400 && taken > 450 && answers > 900, `${sent} ${taken} ${answers}`);
    assert.deepEqual(server.counts, { servers: 0, clients: 0 });
    assert.equal(sim.pending, 0);
  });
}

const OPTIONS = Buffer.from(
  'OPTIONS sip:server.test SIP/2.0\r\nVia: SIP/2.0/TCP x;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\n' +
    'To: <sip:server.test>\r\nCall-ID: slow\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n',
);

test('a message that comes octet by octet has its time, and its connection no more', async () => {
  const sim = simulate({ seed: 1 });
  const server = new SipEndpoint(sim.host('server'), { point: 'Gm', name: 'server.test' });
  server.onRequest = tx => tx.reply(200);
  const address = { host: sim.addressOf('server'), port: 5060 };
  await server.listen('tcp', address, { hostile: true });
  const { network } = sim.host('attacker');
  const slow = network.connect('tcp', address);
  let closed: string | undefined;
  slow.onClosed = reason => {
    closed = reason;
  };
  for (const octet of OPTIONS) {
    slow.send(Buffer.of(octet));
    await sim.run(seconds(5));
    if (closed !== undefined) break;
  }
  assert.ok(closed !== undefined && sim.elapsed <= seconds(60), `${closed} after ${sim.elapsed}`);

  // one that is merely not fast is served
  let answered = 0;
  const steady = network.connect('tcp', address);
  steady.onOctets = () => {
    answered++;
  };
  for (let i = 0; i < 5; i++) {
    for (let at = 0; at < OPTIONS.length; at += 100) {
      steady.send(OPTIONS.subarray(at, at + 100));
      await sim.run(seconds(8));
    }
  }
  assert.equal(answered, 5);
  await server.stop();
});

test('unfinished messages of all connections together have a bound', async () => {
  const sim = simulate({ seed: 1 });
  const server = new SipEndpoint(sim.host('server'), {
    point: 'Gm',
    name: 'server.test',
    limits: { unfinishedOctets: 100_000 },
  });
  server.onRequest = tx => tx.reply(200);
  const address = { host: sim.addressOf('server'), port: 5060 };
  await server.listen('tcp', address, { hostile: true });
  const { network } = sim.host('attacker');
  let closed = 0;
  const flood = Array.from({ length: 20 }, () => {
    const stream = network.connect('tcp', address);
    stream.onClosed = () => closed++;
    stream.send(Buffer.concat([OPTIONS.subarray(0, 60), Buffer.alloc(9_000, 'x')]));
    return stream;
  });
  await sim.run(seconds(1));
  assert.equal(closed, 9, 'eleven times 9060 octets fit');
  let answered = 0;
  const honest = network.connect('tcp', address);
  honest.onOctets = () => {
    answered++;
  };
  honest.send(OPTIONS);
  await sim.run(seconds(1));
  assert.equal(answered, 1, 'a whole message is taken all the same');
  for (const stream of flood) stream.close();
  await sim.run(seconds(1));
  closed = 0;
  const again = network.connect('tcp', address);
  again.onClosed = () => closed++;
  again.send(Buffer.alloc(9_000, 'x'));
  await sim.run(seconds(1));
  assert.equal(closed, 0, 'what closed connections held is free again');
  await server.stop();
});
