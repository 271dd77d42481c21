// What peers send is hostile: requests with headers lost, doubled, emptied or filled with the wrong
// thing. Each is answered, none is an error of ours, and nothing of it stays.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seconds } from '#kernel/time';
import { Event, Expires, nameAddr, PAssertedIdentity, RetryAfter, Route } from '#sip/headers';
import { addRaw, type Edit, raw, remove, type SipRequest, set } from '#sip/message';
import { parseUri } from '#sip/uri';
import { Bench, scscfUri } from './testing/bench.ts';
import { registered } from './testing/calls.ts';
import { alice, bob, home } from './testing/scripted-hss.ts';

const NAMES = [
  'To',
  'From',
  'Contact',
  'Expires',
  'Path',
  'Require',
  'Authorization',
  'P-Asserted-Identity',
  'P-Charging-Vector',
  'P-Served-User',
  'Privacy',
  'Route',
  'Record-Route',
  'Event',
  'Accept',
  'Max-Forwards',
  'Supported',
  'Proxy-Require',
  'Content-Type',
];

const VALUES = [
  '',
  ',',
  ';;',
  '<>',
  '*',
  '<sip:>',
  '<tel:+1>',
  '<urn:service:sos>',
  'sip:x@[::1',
  `<sip:orig@scscf.${home}:6060;lr>`,
  `<sip:orig@scscf.${home}:6060;lr;dialog=orig.0.0>`,
  `<sip:odi-000000000000000000000000@scscf.${home}:6060;lr>`,
  `<sip:scscf.${home}:6060;lr;orig>`,
  `<sip:alice@192.0.2.1>;expires=-1;q=7`,
  '<sip:a@b>;tag=x;tag=y',
  '4294967295',
  '99999999999999999999',
  '-1',
  'Digest username="", nonce="x", response=""',
  'Digest realm="x", nonce="x", response="x"',
  `Digest username="a@b", realm="${home}", nonce="n", response="r", nc=zz, qop=auth, auts="!"`,
  'Basic Zm9v',
  'id;header;user',
  'reg',
  'application/x',
  '"unterminated',
  '\u00ff\u0000\u0001',
  'x'.repeat(5000),
];

const edits = (name: string, value: string): readonly Edit[] => [
  remove(name),
  raw(name, value),
  addRaw(name, value),
];

function requests(bench: Bench): readonly SipRequest[] {
  const direct = set(Route, nameAddr(parseUri(`${scscfUri};lr`)));
  return [
    bench.register(alice, {}, [bench.blank(alice.sim)]),
    bench.initial('INVITE', alice.number, bob.number),
    bench.towards('INVITE', bob.number, alice.number),
    bench.initial('MESSAGE', alice.number, `sip:0100002@${home}`),
    bench.initial(
      'SUBSCRIBE',
      `sip:pcscf.${home}`,
      alice.number,
      direct,
      set(Event, { package: 'reg', params: new Map() }),
      set(Expires, 600),
      set(PAssertedIdentity, nameAddr(parseUri(`sip:pcscf.${home}`))),
    ),
  ];
}

for (const name of NAMES) {
  test(`${name} lost, doubled or wrong is answered and does no harm`, async () => {
    const bench = await registered();
    for (const peer of [bench.pcscf, bench.icscf]) {
      peer.handle = tx => tx.reply(tx.request.method === 'NOTIFY' ? 200 : 486);
    }
    for (const value of VALUES) {
      for (const edit of edits(name, value)) {
        for (const request of requests(bench)) {
          let hostile: SipRequest;
          try {
            hostile = request.with(edit);
            hostile.encode();
          } catch {
            continue; // what cannot be written cannot come
          }
          const { status } = await bench.pcscf.send(hostile, parseUri(scscfUri));
          assert.ok(status >= 200, `${hostile.method} ${name}: ${value}`);
        }
      }
    }
    const errors = bench.sim.logs.filter(({ level }) => level === 'error');
    assert.deepEqual(errors, []);
    await bench.sim.run(seconds(40));
    assert.equal(bench.scscf.isc.open, 0);
    assert.equal(bench.scscf.calls().length, 0);
  });
}

test('more REGISTERs of one user than may wait are told to come later', async () => {
  const bench = await new Bench().start();
  bench.sim.store('s-cscf').delay = seconds(5);
  const answers: Promise<{ status: number; retry: number | undefined }>[] = [];
  bench.hss.onMar = () => undefined;
  bench.sim.after(0, () => {
    for (let n = 0; n < 40; n++) {
      const register = bench.register(alice, { to: alice.named });
      answers.push(
        bench.pcscf
          .begin(register)
          .then(answer => ({ status: answer.status, retry: answer.get(RetryAfter)?.seconds })),
      );
    }
  });
  await bench.sim.run(seconds(30));
  const all = await Promise.all(answers);
  assert.ok(all.some(({ status }) => status === 401));
  const refused = all.filter(({ status }) => status === 503);
  assert.ok(refused.length > 0 && refused.every(({ retry }) => retry === 30));
});

test('over a wire, what cannot even be answered does no harm, and strangers are kept out', async () => {
  const bench = new Bench({
    listen: [{ protocol: 'udp', address: { host: '10.9.9.9', port: 6060 } }],
    trusted: ['10.8.8.8'],
  });
  bench.sim.host('s-cscf', { ipv4: '10.9.9.9' });
  await bench.start();
  const answers: string[] = [];
  for (const address of ['10.8.8.8', '10.7.7.7']) {
    const peer = bench.sim.host(`peer ${address}`, { ipv4: address });
    const socket = await peer.network.bindDatagram({ host: address, port: 5060 }, octets => {
      answers.push(`${address} ${Buffer.from(octets).toString('latin1').split('\r\n')[0]}`);
    });
    const options = (to: string, branch: string) =>
      [
        `OPTIONS ${scscfUri} SIP/2.0`,
        `Via: SIP/2.0/UDP ${address}:5060;branch=z9hG4bK${branch};rport`,
        'From: <sip:x@y>;tag=1',
        `To: ${to}`,
        `Call-ID: ${branch}`,
        'CSeq: 1 OPTIONS',
        'Max-Forwards: 70',
        'Content-Length: 0',
        '\r\n',
      ].join('\r\n');
    const texts = [
      options(',', 'a'),
      options('', 'b'),
      'NONSENSE\r\n\r\n',
      options('<sip:x@y>', 'c'),
    ];
    bench.sim.after(0, () => {
      for (const text of texts) {
        socket.send(Buffer.from(text, 'latin1'), { host: '10.9.9.9', port: 6060 });
      }
    });
    await bench.sim.run(seconds(5));
  }
  assert.equal(answers.filter(line => line === '10.8.8.8 SIP/2.0 200 OK').length, 1);
  assert.equal(answers.filter(line => line.startsWith('10.7.7.7 SIP/2.0 200')).length, 0);
  assert.equal(answers.at(-1), '10.7.7.7 SIP/2.0 403 Forbidden');
});
