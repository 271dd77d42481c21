import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { portOwner } from './port-owner.ts';

const skip = process.platform === 'linux' ? false : 'only Linux tells';

async function listening(t: TestContext, host: string): Promise<number> {
  const server = createServer().listen({ host, port: 0, ipv6Only: true });
  t.after(() => server.close());
  await once(server, 'listening');
  return (server.address() as { port: number }).port;
}

test('the process that listens on a TCP port is found, by IPv4, IPv6 and for all addresses', {
  skip,
}, async t => {
  for (const host of ['127.0.0.1', '127.0.7.9', '::1', '0.0.0.0']) {
    const port = await listening(t, host);
    const owner = await portOwner('tcp', { host, port });
    assert.equal(owner?.pid, process.pid, host);
    assert.notEqual(owner?.name, '');
    assert.equal(await portOwner('udp', { host, port }), undefined);
  }
  const port = await listening(t, '127.0.7.9');
  assert.equal(await portOwner('tcp', { host: '127.0.7.8', port }), undefined);
  assert.equal((await portOwner('tcp', { host: '0.0.0.0', port }))?.pid, process.pid);
});

test('the process that has a UDP port bound is found', { skip }, async t => {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  t.after(() => socket.close());
  await once(socket, 'listening');
  const { port } = socket.address();
  const owner = await portOwner('udp', { host: '127.0.0.1', port });
  assert.equal(owner?.pid, process.pid);
});
