import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { AddressError } from '#kernel/errors';
import { serveApi } from './server.ts';
import { eventually, testNetwork } from './testing/network.ts';

test('what cannot be read is refused with a problem that says why', async t => {
  const { url, ask } = await testNetwork(t);
  const send = (body: string, type: string) =>
    fetch(`${url}/api/v1/subscribers`, { method: 'POST', body, headers: { 'content-type': type } });
  for (const [body, type, status] of [
    ['{', 'application/json', 400],
    ['"text"', 'application/json', 400],
    ['{"__proto__":{"x":1}}', 'application/json', 400],
    ['imsi=1', 'application/x-www-form-urlencoded', 415],
    [`{"imsi":"${'1'.repeat(300_000)}"}`, 'application/json', 413],
  ] as const) {
    const response = await send(body, type);
    assert.equal(response.status, status, body.slice(0, 30));
    assert.match(response.headers.get('content-type')!, /^application\/problem\+json/);
    assert.equal(((await response.json()) as { status: number }).status, status);
  }
  assert.equal((await ask('GET', '/api/v1/nothing')).status, 404);
  const put = await ask('PUT', '/api/v1/subscribers/001010000000001', {});
  assert.equal(put.status, 405);
  assert.equal(put.headers.get('allow'), 'GET, PATCH, DELETE');
  assert.equal((await ask('GET', `/api/v1/subscribers/${'9'.repeat(600)}`)).status, 414);
});

test('a taken port is an error that names who holds it', async t => {
  const { running } = await testNetwork(t);
  const holder = createServer().listen(0, '127.0.0.1');
  t.after(() => holder.close());
  await eventually('it listens', () => holder.listening);
  const { port } = holder.address() as { port: number };
  const settings = { ...running.network.settings, console: { port } };
  await assert.rejects(serveApi(running, settings as never), error => {
    assert.ok(error instanceof AddressError);
    assert.equal(error.address.port, port);
    if (process.platform === 'linux')
      assert.match(error.message, new RegExp(`process ${process.pid} `));
    return true;
  });
});

test('phones in a browser reach the P-CSCF through /sip of the same origin', async t => {
  const { url, running } = await testNetwork(t, ['console.token=a-token-of-some-length']);
  const socket = new WebSocket(`${url.replace('http', 'ws')}/sip`, 'sip');
  t.after(() => socket.terminate());
  const answer = new Promise<string>((resolve, reject) => {
    socket.on('message', data => resolve(String(data)));
    socket.on('error', reject);
  });
  await new Promise(resolve => socket.once('open', resolve));
  const { home } = running.network;
  socket.send(
    [
      `OPTIONS sip:pcscf.${home} SIP/2.0`,
      'Via: SIP/2.0/WS x.invalid;branch=z9hG4bK1',
      'Max-Forwards: 70',
      `From: <sip:a@${home}>;tag=1`,
      `To: <sip:pcscf.${home}>`,
      'Call-ID: 1',
      'CSeq: 1 OPTIONS',
      'Content-Length: 0',
      '',
      '',
    ].join('\r\n'),
  );
  assert.match(await answer, /^SIP\/2\.0 200/);
  const elsewhere = new WebSocket(`${url.replace('http', 'ws')}/other`, 'sip');
  const error = await new Promise<Error>(resolve => elsewhere.once('error', resolve));
  assert.match(error.message, /404/);
});

test('closing ends what is being streamed', async t => {
  const { url, api } = await testNetwork(t);
  const response = await fetch(`${url}/api/v1/trace/stream`);
  const ended = response.text().then(
    () => 'ended',
    () => 'ended',
  );
  await api.close();
  assert.equal(await ended, 'ended');
});

test('a connection that stays open costs nothing that grows', async t => {
  const { ask } = await testNetwork(t);
  const warnings: string[] = [];
  const warned = (warning: Error): void => void warnings.push(warning.message);
  process.on('warning', warned);
  t.after(() => process.off('warning', warned));
  for (let n = 0; n < 30; n++) assert.equal((await ask('GET', '/api/v1/calls')).status, 200);
  assert.deepEqual(warnings, []);
  assert.equal((await ask('HEAD', '/api/v1/calls')).status, 200);
  assert.equal((await ask('HEAD', '/api/v1/trace/stream')).status, 405);
});
