// What the real sockets do beyond the suite that all hosts pass.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect as connectRaw, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { WebSocket } from 'ws';
import { AddressError, UsageError } from '../errors.ts';
import type { Address, Stream, StreamOptions, StreamProtocol } from '../host.ts';
import { ms } from '../time.ts';
import { createProcess, type ProcessOptions } from './process.ts';
import { selfSigned } from './self-signed.ts';

const ANY: Address = { host: '127.0.0.1', port: 0 };
const SIP = { path: '/sip', subprotocol: 'sip' };

function hosts(t: TestContext, options: ProcessOptions = {}) {
  const written: string[] = [];
  const log = { write: (line: string) => void written.push(line), colour: false };
  const process = createProcess({ log, ...options });
  t.after(() => process.close());
  return { a: process.host('a'), b: process.host('b'), process, written };
}

/** A server that takes connections, reads nothing and says nothing. */
async function deaf(t: TestContext): Promise<Address> {
  const sockets: Socket[] = [];
  const server = createServer(socket => void sockets.push(socket.pause())).listen(0, '127.0.0.1');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  await once(server, 'listening');
  return { host: '127.0.0.1', port: (server.address() as { port: number }).port };
}

const closed = (stream: Stream) =>
  new Promise<string>(resolve => {
    stream.onClosed = resolve;
  });
const opened = (stream: Stream) =>
  new Promise<void>((resolve, reject) => {
    stream.onOpen = resolve;
    stream.onClosed = reason => reject(new Error(reason));
  });

test('IPv6 carries datagrams and every kind of stream', async t => {
  const { a, b } = hosts(t);
  const any = { host: '::1', port: 0 };
  const { key, cert } = selfSigned({ names: ['::1'], now: Date.now() });
  const got = new Promise<string>(resolve => {
    void b.network
      .bindDatagram(any, (datagram, from) => resolve(`${datagram} ${from.host}`))
      .then(async far => {
        const near = await a.network.bindDatagram(any, () => {});
        near.send(Buffer.from('hello'), far.local);
      });
  });
  assert.equal(await got, 'hello ::1');
  for (const protocol of ['tcp', 'tls', 'ws', 'wss'] as const) {
    const options: StreamOptions = { tls: { key, cert, ca: cert }, webSocket: SIP };
    const listener = await b.network.listen(protocol, any, stream => stream.close(), options);
    const stream = a.network.connect(protocol, listener.local, options);
    await opened(stream);
    assert.equal(stream.local.host, '::1', protocol);
    await closed(stream);
  }
});

test('a server is believed only with a certificate of whom one trusts, for the name asked for', async t => {
  const { a, b } = hosts(t);
  const { key, cert } = selfSigned({ names: ['pcscf.example', '127.0.0.1'], now: Date.now() });
  const listener = await b.network.listen('tls', ANY, () => {}, { tls: { key, cert } });
  const attempt = (tls: NonNullable<StreamOptions['tls']>) =>
    a.network.connect('tls', listener.local, { tls });

  assert.match(await closed(attempt({})), /self.signed certificate/i);
  assert.match(await closed(attempt({ ca: cert, serverName: 'other.example' })), /other\.example/);
  for (const tls of [
    { ca: cert },
    { ca: cert, serverName: 'pcscf.example' },
    { rejectUnauthorized: false },
  ]) {
    const stream = attempt(tls);
    await opened(stream);
    stream.close();
  }
});

test('a listener with `ca` takes only clients that show a certificate of it', async t => {
  const { a, b } = hosts(t);
  const { key, cert } = selfSigned({ names: ['127.0.0.1'], now: Date.now() });
  const accepted: Stream[] = [];
  const listener = await b.network.listen('tls', ANY, stream => void accepted.push(stream), {
    tls: { key, cert, ca: cert },
  });
  assert.notEqual(
    await closed(a.network.connect('tls', listener.local, { tls: { ca: cert } })),
    '',
  );
  assert.equal(accepted.length, 0);
  await opened(a.network.connect('tls', listener.local, { tls: { ca: cert, key, cert } }));
});

test('a secured listener without a usable key is a usage error', async t => {
  const { a } = hosts(t);
  for (const protocol of ['tls', 'wss'] as const) {
    const listen = (tls?: StreamOptions['tls']) =>
      a.network.listen(protocol, ANY, () => {}, tls === undefined ? {} : { tls });
    await assert.rejects(listen(), UsageError);
    await assert.rejects(listen({ key: 'x', cert: 'y' }), UsageError);
  }
});

test('an address in use names who holds it: an instance, or a process', async t => {
  const { a, b } = hosts(t);
  const mine = await a.network.listen('tcp', ANY, () => {});
  await assert.rejects(
    b.network.listen('tcp', mine.local, () => {}),
    /'a' of this network/,
  );

  const foreign = createServer().listen(0, '127.0.0.1');
  t.after(() => foreign.close());
  await once(foreign, 'listening');
  const { port } = foreign.address() as { port: number };
  const who = process.platform === 'linux' ? `process ${process.pid} ` : 'another process';
  await assert.rejects(
    a.network.listen('ws', { host: '127.0.0.1', port }, () => {}),
    new RegExp(`port ${port} is in use: held by ${who}`),
  );
});

test('an address this machine does not have, and a name in place of one, are unavailable', async t => {
  const { a } = hosts(t);
  for (const host of ['192.0.2.1', 'localhost']) {
    const wrong = { host, port: 0 };
    const isUnavailable = (error: unknown) =>
      error instanceof AddressError && error.code === 'unavailable';
    await assert.rejects(
      a.network.listen('tcp', wrong, () => {}),
      isUnavailable,
    );
    await assert.rejects(
      a.network.bindDatagram(wrong, () => {}),
      isUnavailable,
    );
  }
  for (const protocol of ['tcp', 'wss'] as const) {
    const reason = await closed(a.network.connect(protocol, { host: 'localhost', port: 5060 }));
    assert.match(reason, /not an IP address/);
  }
});

test('a peer that does not read is let go at the bound', async t => {
  const { a } = hosts(t, { limits: { queuedOctets: 200_000 } });
  const real = a.network.connect('tcp', await deaf(t));
  await opened(real);
  const end = closed(real);
  let most = 0;
  const fill = () => {
    for (let i = 0; i < 10; i++) real.send(Buffer.alloc(50_000));
    most = Math.max(most, real.queued);
  };
  const pump = setInterval(fill, 1);
  t.after(() => clearInterval(pump));
  assert.equal(await end, 'overflow');
  assert.ok(most <= 200_000, `${most}`);
});

test('a connection that is not taken up, or says nothing, does not wait for ever', async t => {
  const { a, b } = hosts(t, { limits: { connect: ms(300), silence: ms(30) } });
  const mute = await deaf(t);
  for (const protocol of ['tls', 'ws'] as const) {
    const stream = a.network.connect(protocol, mute, { webSocket: SIP });
    assert.match(await closed(stream), /timed out/, protocol);
  }

  const reasons: Promise<string>[] = [];
  const listener = await b.network.listen('tcp', ANY, stream => reasons.push(closed(stream)));
  const silent = a.network.connect('tcp', listener.local);
  assert.equal(await closed(silent), 'closed by peer');
  assert.equal(await reasons[0], 'silent');
});

test('connections beyond the bound are dropped', async t => {
  const { a, b, written } = hosts(t, { limits: { connections: 2 } });
  const accepted: Stream[] = [];
  const listener = await b.network.listen('tcp', ANY, stream => void accepted.push(stream));
  const taken = [0, 1].map(() => a.network.connect('tcp', listener.local));
  await Promise.all(taken.map(opened));
  const third = a.network.connect('tcp', listener.local);
  assert.match(await closed(third), /closed by peer|reset/);
  assert.equal(accepted.length, 2);
  assert.match(written.join('\n'), /connections dropped at the bound/);
});

test('a connection reset by the peer ends with that reason', async t => {
  const { b } = hosts(t);
  const reason = new Promise<string>(resolve => {
    void b.network
      .listen('tcp', ANY, stream => {
        stream.onClosed = resolve;
      })
      .then(listener => {
        const raw = connectRaw(listener.local.port, '127.0.0.1', () => {
          raw.write('x', () => setTimeout(() => raw.resetAndDestroy(), 5));
        });
      });
  });
  assert.equal(await reason, 'reset');
});

test('a WebSocket server takes its path and subprotocol, and nothing else', async t => {
  const { a, b } = hosts(t);
  const accepted: string[] = [];
  const { local } = await b.network.listen(
    'ws',
    ANY,
    stream => {
      stream.onOctets = octets => accepted.push(Buffer.from(octets).toString());
    },
    { webSocket: SIP },
  );
  const attempt = (path: string, subprotocol: string) =>
    closed(a.network.connect('ws', local, { webSocket: { path, subprotocol } }));
  assert.equal(await attempt('/other', 'sip'), 'answered 404 instead of upgrading');
  assert.equal(await attempt('/sip', 'xmpp'), 'answered 400 instead of upgrading');

  const plain = request({ ...local, path: '/sip' });
  plain.end();
  const [response] = await once(plain, 'response');
  assert.equal(response.statusCode, 426);
  response.resume();

  const bare = new WebSocket(`ws://127.0.0.1:${local.port}/sip`);
  await assert.rejects(once(bare, 'open'), /400/);
  const browser = new WebSocket(`ws://127.0.0.1:${local.port}/sip?x=1`, ['other', 'sip']);
  await once(browser, 'open');
  assert.equal(browser.protocol, 'sip');
  browser.send('as text');
  browser.send(Buffer.from('as octets'));
  browser.close();
  await once(browser, 'close');
  assert.deepEqual(accepted, ['as text', 'as octets']);
});

test('what is UTF-8 goes to a browser as text, what is not as octets', async t => {
  const { b } = hosts(t);
  const { local } = await b.network.listen(
    'ws',
    ANY,
    stream => {
      stream.send(Buffer.from('grüß Gott'));
      stream.send(Buffer.from([0x47, 0xfc]));
    },
    { webSocket: SIP },
  );
  const browser = new WebSocket(`ws://127.0.0.1:${local.port}/sip`, 'sip');
  const kinds: boolean[] = [];
  browser.on('message', (_data, isBinary) => kinds.push(isBinary));
  while (kinds.length < 2) await once(browser, 'message');
  assert.deepEqual(kinds, [false, true]);
  browser.close();
});

test('a WebSocket message over the bound ends the connection', async t => {
  const { a, b } = hosts(t, { limits: { webSocketMessage: 1000 } });
  const { local } = await b.network.listen('ws', ANY, () => {}, { webSocket: SIP });
  const stream = a.network.connect('ws', local, { webSocket: SIP });
  await opened(stream);
  stream.send(Buffer.alloc(1001, 0x61));
  assert.equal(await closed(stream), 'closed by peer');
});

test('closing a host closes what it left open, and frees its names and ports', async t => {
  const { a, b, process } = hosts(t);
  const protocols: StreamProtocol[] = ['tcp', 'ws'];
  const accept = () => {};
  const listeners = await Promise.all(
    protocols.map(protocol => a.network.listen(protocol, ANY, accept, { webSocket: SIP })),
  );
  const socket = await a.network.bindDatagram(ANY, () => {});
  a.network.serveLocal('a.home', () => {});
  const streams = listeners.map((listener, i) =>
    b.network.connect(protocols[i]!, listener.local, { webSocket: SIP }),
  );
  await Promise.all(streams.map(opened));
  const ends = Promise.all(streams.map(closed));
  await a.close();
  assert.deepEqual(await ends, ['closed by peer', 'closed by peer']);

  const again = process.host('a');
  await again.network.bindDatagram(socket.local, () => {});
  await again.network.listen('tcp', listeners[0]!.local, () => {});
  again.network.serveLocal('a.home', () => {});
});

test('a mistake in a callback is told, ends its stream, and takes nothing else along', async t => {
  const faults: string[] = [];
  const onFault = (error: unknown, instance?: string) => void faults.push(`${instance}: ${error}`);
  const { a, b } = hosts(t, { onFault });
  const wrong = (what: string) => () => {
    throw new TypeError(what);
  };
  const listener = await b.network.listen('tcp', ANY, stream => {
    stream.onOctets = wrong('octets');
  });
  const stream = a.network.connect('tcp', listener.local);
  stream.send(Buffer.from('x'));
  assert.equal(await closed(stream), 'closed by peer');

  let received = 0;
  const far = await b.network.bindDatagram(ANY, () => {
    if (++received === 1) wrong('datagram')();
  });
  const near = await a.network.bindDatagram(ANY, () => {});
  near.send(Buffer.from('x'), far.local);
  near.send(Buffer.from('x'), far.local);
  while (received < 2) await new Promise(resolve => setTimeout(resolve, 1));

  a.clock.soon(wrong('soon'));
  a.clock.after(0, wrong('timer'));
  await new Promise<void>(resolve => a.clock.after(0, resolve));
  assert.deepEqual(faults, [
    'b: TypeError: octets',
    'b: TypeError: datagram',
    'undefined: TypeError: soon',
    'undefined: TypeError: timer',
  ]);
});

test('a mistake is logged with where it happened, when nobody else takes it', async t => {
  const { a, written } = hosts(t);
  a.clock.soon(() => assert.fail('by us'));
  await new Promise<void>(resolve => a.clock.after(1, resolve));
  assert.equal(written.length, 1);
  assert.match(written[0]!, /error process internal error .*by us.*network\.test\.ts/);
});

test('a process that is closed holds node no longer', async () => {
  const module = new URL('./process.ts', import.meta.url).href;
  const script = `
    const { createProcess } = await import(${JSON.stringify(module)});
    const process = createProcess({ log: { level: 'silent' } });
    const { network, clock } = process.host('a');
    clock.after(3_600_000, () => {});
    const any = { host: '127.0.0.1', port: 0 };
    await network.bindDatagram(any, () => {});
    const listener = await network.listen('tcp', any, () => {});
    const stream = network.connect('tcp', listener.local);
    await new Promise(resolve => { stream.onOpen = resolve; });
    const web = await network.listen('ws', any, () => {});
    const half = network.connect('tcp', web.local); // sends no request
    await new Promise(resolve => { half.onOpen = resolve; });
    await process.close();
    console.log('closed');
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
  const [[code], [said]] = await Promise.all([once(child, 'exit'), once(child.stdout, 'data')]);
  clearTimeout(timer);
  assert.equal(`${said}`, 'closed\n');
  assert.equal(code, 0);
});
