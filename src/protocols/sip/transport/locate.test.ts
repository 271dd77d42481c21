import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NaptrRecord } from '#kernel/host';
import { simulate } from '#kernel/simulation';
import { parseUri } from '../uri.ts';
import { type Candidate, candidatesFor } from './resolve.ts';

const naptr = (
  order: number,
  preference: number,
  service: string,
  replacement: string,
  flags = 's',
): NaptrRecord => ({ order, preference, flags, service, regexp: '', replacement });

function world() {
  const sim = simulate({ seed: 1 });
  sim.zone
    // RFC 3263 §4.1's own example, and what follows it in §4.2
    .naptr('example.com', naptr(50, 50, 'SIPS+D2T', '_sips._tcp.example.com'))
    .naptr('example.com', naptr(90, 50, 'SIP+D2T', '_sip._tcp.example.com'))
    .naptr('example.com', naptr(100, 50, 'SIP+D2U', '_sip._udp.example.com'))
    .srv('_sips._tcp.example.com', 0, 1, 5061, 'server1.example.com')
    .srv('_sips._tcp.example.com', 1, 1, 5061, 'server2.example.com')
    .srv('_sip._tcp.example.com', 0, 1, 5060, 'server1.example.com')
    .srv('_sip._udp.example.com', 0, 1, 5060, 'server2.example.com')
    .address('server1.example.com', '192.0.2.1')
    .address('server2.example.com', '192.0.2.2', '2001:db8::2')
    // several transports of one order, one of them not ours
    .naptr('mixed.test', naptr(1, 30, 'SIP+D2W', '_sip._ws.mixed.test'))
    .naptr('mixed.test', naptr(1, 20, 'sip+d2u', '_sip._udp.mixed.test'))
    .naptr('mixed.test', naptr(1, 10, 'SIP+D2S', '_sip._sctp.mixed.test'))
    .naptr('mixed.test', naptr(0, 10, 'E2U+sip', '', 'u'))
    .srv('_sip._ws.mixed.test', 0, 0, 8088, 'server1.example.com')
    .srv('_sip._udp.mixed.test', 0, 0, 5070, 'server1.example.com')
    // no NAPTR
    .srv('_sip._udp.srv.test', 10, 0, 5071, 'server1.example.com')
    .srv('_sip._tcp.srv.test', 10, 0, 5072, 'server2.example.com')
    .srv('_sips._tcp.srv.test', 10, 0, 5073, 'server1.example.com')
    .address('srv.test', '192.0.2.99')
    // TCP not offered
    .srv('_sip._tcp.closed.test', 0, 0, 0, '')
    .address('closed.test', '192.0.2.98')
    .address('plain.test', '2001:db8::5', '192.0.2.5')
    .naptr('direct.test', naptr(1, 1, 'SIP+D2T', 'server1.example.com', 'a'))
    .naptr('broken.test', naptr(1, 1, 'SIP+D2U', '_sip._udp.nowhere.test'))
    .address('broken.test', '192.0.2.97');
  return { sim, host: sim.host('a') };
}

const text = (candidate: Candidate): string =>
  candidate.protocol === 'local'
    ? `local ${candidate.name}`
    : `${candidate.protocol} ${candidate.address.host} ${candidate.address.port}`;

async function way(uri: string): Promise<string[]> {
  const { host } = world();
  return (await candidatesFor(parseUri(uri), host)).map(text);
}

const cases: readonly [uri: string, ...ways: string[]][] = [
  [
    'sip:example.com',
    'tls 192.0.2.1 5061',
    'tls 192.0.2.2 5061',
    'tls 2001:db8::2 5061', // never TCP after TLS failed: another order (RFC 3403 §4.1)
  ],
  ['sips:bob@example.com', 'tls 192.0.2.1 5061', 'tls 192.0.2.2 5061', 'tls 2001:db8::2 5061'],
  ['sip:example.com;transport=udp', 'udp 192.0.2.2 5060', 'udp 2001:db8::2 5060'],
  ['sip:example.com;transport=tcp', 'tcp 192.0.2.1 5060'],
  ['sip:elsewhere.test;maddr=example.com;transport=tcp', 'tcp 192.0.2.1 5060'],
  ['sip:mixed.test', 'udp 192.0.2.1 5070', 'ws 192.0.2.1 8088'],
  ['sips:mixed.test'], // nothing of it is sips, and it has no address
  [
    'sip:srv.test',
    'udp 192.0.2.1 5071',
    'tcp 192.0.2.2 5072',
    'tcp 2001:db8::2 5072',
    'tls 192.0.2.1 5073',
  ],
  ['sips:srv.test', 'tls 192.0.2.1 5073'],
  ['sip:srv.test:5099', 'udp 192.0.2.99 5099'], // a port: A and AAAA alone
  ['sips:srv.test:5099', 'tls 192.0.2.99 5099'],
  ['sip:srv.test:5099;transport=tcp', 'tcp 192.0.2.99 5099'],
  ['sip:srv.test;transport=ws', 'ws 192.0.2.99 80'],
  ['sip:closed.test;transport=tcp'], // the service is decidedly not offered (RFC 2782)
  ['sip:closed.test;transport=udp', 'udp 192.0.2.98 5060'],
  ['sip:plain.test', 'udp 2001:db8::5 5060', 'udp 192.0.2.5 5060'],
  ['sips:plain.test', 'tls 2001:db8::5 5061', 'tls 192.0.2.5 5061'],
  ['sip:direct.test', 'tcp 192.0.2.1 5060'],
  ['sip:broken.test', 'udp 192.0.2.97 5060'],
  ['sip:nobody.test'],
];

for (const [uri, ...ways] of cases) {
  test(`the DNS leads ${uri} to ${ways.join(', ') || 'nowhere'}`, async () => {
    assert.deepEqual(await way(uri), ways);
  });
}

test('the certificate is for the domain asked for, not for the server that SRV names', async () => {
  const { host } = world();
  const [first] = await candidatesFor(parseUri('sip:example.com'), host);
  assert.equal(first?.protocol !== 'local' && first?.serverName, 'example.com');
});

test('what the composition knows is never asked of the DNS, not even where it is nowhere', async () => {
  const { sim, host } = world();
  sim.setName('example.com', 'sip', []);
  assert.deepEqual(await candidatesFor(parseUri('sip:example.com'), host), []);
  assert.deepEqual(sim.zone.asked, []);
});

test('only so many ways are tried, whatever a zone says', async () => {
  const { sim, host } = world();
  for (let i = 0; i < 30; i++) {
    sim.zone.srv('_sip._udp.many.test', i, 0, 5060, `s${i}.many.test`);
    sim.zone.address(`s${i}.many.test`, ...Array.from({ length: 20 }, (_, j) => `10.0.${i}.${j}`));
  }
  const found = await candidatesFor(parseUri('sip:many.test'), host);
  assert.equal(found.length, 16);
  assert.ok(sim.zone.asked.length < 20);
});
