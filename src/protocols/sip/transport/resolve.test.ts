import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Endpoint, Network, Random } from '#kernel/host';
import { SipError } from '../error.ts';
import { parseUri } from '../uri.ts';
import { type Candidate, candidatesFor } from './resolve.ts';

const udp = (host: string, port: number): Endpoint => ({
  protocol: 'udp',
  address: { host, port },
});

const known: Readonly<Record<string, readonly Endpoint[]>> = {
  'local.test': [{ protocol: 'local', name: 'local.test' }],
  'plain.test': [udp('192.0.2.1', 5060)],
  'placed.test': [
    udp('127.0.0.1', 34567),
    { protocol: 'tcp', address: { host: '127.0.0.1', port: 34568 } },
  ],
};
const network = { resolve: async (name: string) => known[name] ?? [] } as unknown as Network;
const finder = { network, random: {} as Random };

async function way(uri: string): Promise<string[]> {
  const found = await candidatesFor(parseUri(uri), finder);
  return found.map((each: Candidate) =>
    each.protocol === 'local'
      ? `local ${each.name}`
      : `${each.protocol} ${each.address.host} ${each.address.port}`,
  );
}

const cases: readonly [uri: string, ...ways: string[]][] = [
  ['sip:192.0.2.9', 'udp 192.0.2.9 5060'],
  ['sip:192.0.2.9:5070;transport=TCP', 'tcp 192.0.2.9 5070'],
  ['sip:[2001:db8::9];transport=tls', 'tls 2001:db8::9 5061'],
  ['sips:192.0.2.9', 'tls 192.0.2.9 5061'],
  ['sips:192.0.2.9;transport=tcp', 'tls 192.0.2.9 5061'],
  ['sip:192.0.2.9;transport=ws', 'ws 192.0.2.9 80'],
  ['sips:192.0.2.9;transport=ws', 'wss 192.0.2.9 443'],
  ['sip:home.test;maddr=192.0.2.7', 'udp 192.0.2.7 5060'],
  ['sip:local.test:6060;lr', 'local local.test'],
  ['sip:plain.test', 'udp 192.0.2.1 5060'],
  ['sip:plain.test:5090', 'udp 192.0.2.1 5090'],
  ['sip:plain.test;transport=tcp', 'tcp 192.0.2.1 5060'],
  ['sip:placed.test:6060', 'udp 127.0.0.1 34567', 'tcp 127.0.0.1 34568'],
  ['sip:placed.test:6060;transport=tcp', 'tcp 127.0.0.1 34568'],
  ['sip:nobody.test'],
];

for (const [uri, ...ways] of cases) {
  test(`${uri} leads to ${ways.join(', ') || 'nowhere'}`, async () => {
    assert.deepEqual(await way(uri), ways);
  });
}

test('a URI without a host leads to no server', () => {
  const refused = (error: unknown) => error instanceof SipError && error.status === 416;
  assert.throws(() => candidatesFor(parseUri('tel:+15550100001'), finder), refused);
});
