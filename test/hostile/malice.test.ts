// Somebody with a socket on the access network, against a network that runs: what he asks is refused,
// the trace says why, nobody else hears of it, and whoever is served goes on being served.
// TS 24.229 §5.2.6.3, RFC 3261 §26, RFC 6733 §5.3

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { needs } from '../peers/support/needs.ts';
import { Victim } from './support/victim.ts';
import { datagrams, open } from './support/wire.ts';

let victim: Victim;
const ends: (() => Promise<void>)[] = [];
before(async () => {
  victim = await Victim.start(end => ends.push(end));
});
after(async () => {
  for (const end of ends.reverse()) await end();
});

let number = 0;

/** A request of somebody who is nobody here; `head` replaces or adds header lines. */
function said(method: string, uri: string, head: Readonly<Record<string, string>> = {}) {
  const callId = `malice-${++number}`;
  const lines = {
    Via: `SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bK${callId}`,
    'Max-Forwards': '70',
    From: `<sip:alice@${victim.home}>;tag=m`,
    To: `<${uri}>`,
    'Call-ID': callId,
    CSeq: `1 ${method}`,
    Contact: '<sip:mallory@127.0.0.1:9>',
    ...head,
    'Content-Length': '0',
  };
  const text = Object.entries(lines).map(([name, value]) => `${name}: ${value}`);
  return {
    callId,
    octets: Buffer.from([`${method} ${uri} SIP/2.0`, ...text, '', ''].join('\r\n')),
  };
}

/** The final status, and the decisions that led to it. */
async function sent({ callId, octets }: { callId: string; octets: Buffer }) {
  await datagrams(victim.port('Gm', 'udp'), [octets]);
  const all = await victim.says(
    list => list.some(one => one.kind === 'response' && one.callId === callId && one.status >= 200),
    1500,
  );
  const mine = all.filter(one => one.callId === callId);
  return {
    status: mine.find(one => one.kind === 'response' && one.status >= 200)?.['status' as never],
    reasons: mine.flatMap(one => (one.kind === 'decision' ? `${one.chose}: ${one.because}` : [])),
  };
}

describe('nobody relays through the network', () => {
  let heard = 0;
  let evil = '';
  before(async () => {
    const socket = createSocket('udp4').on('message', () => heard++);
    await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve));
    const { port } = socket.address();
    const server = createServer(() => heard++);
    await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve));
    evil = `127.0.0.1:${port}`;
    ends.push(async () => {
      socket.close();
      server.close();
    });
  });

  const ours = () => `<sip:127.0.0.1:${victim.port('Gm', 'udp')};lr>`;
  const tagged = (): Record<string, string> => ({ To: `<sip:bob@${victim.home}>;tag=x` });
  const WAYS: Readonly<Record<string, () => ReturnType<typeof said>>> = {
    'by the Request-URI': () => said('INVITE', `sip:x@${evil}`),
    'by a Route': () => said('INVITE', `sip:x@${victim.home}`, { Route: `<sip:${evil};lr>` }),
    'by a Route behind ours': () =>
      said('MESSAGE', `sip:x@${victim.home}`, { Route: `${ours()}, <sip:${evil};lr>` }),
    'by maddr': () => said('OPTIONS', `sip:x@${victim.home};maddr=${evil.split(':')[0]}`),
    'by strict routing': () =>
      said('INVITE', `sip:127.0.0.1:${victim.port('Gm', 'udp')};lr`, {
        Route: `<sip:x@${evil}>`,
      }),
    'inside a dialog that never was': () =>
      said('BYE', `sip:x@${evil}`, { ...tagged(), Route: `<sip:${evil};lr>` }),
    'by a flow token of his own making': () =>
      said('BYE', `sip:x@${evil}`, {
        ...tagged(),
        Route: `<sip:AAAAAAAAAAAAAAAAdWRwfDEyNy4wLjAuMTo5@127.0.0.1:${victim.port('Gm', 'udp')};lr>`,
      }),
    'by a REFER to a premium number': () =>
      said('REFER', `sip:bob@${victim.home}`, {
        'Refer-To': `<sip:+19005550000@${evil};user=phone>`,
        'Referred-By': `<sip:alice@${victim.home}>`,
      }),
    'as one whom the network vouches for': () =>
      said('INVITE', `tel:+19005550000`, {
        'P-Asserted-Identity': `<sip:alice@${victim.home}>`,
        'P-Served-User': `<sip:alice@${victim.home}>;sescase=orig;regstate=reg`,
        Route: `${ours()}, <sip:orig@scscf.${victim.home}:6060;lr>`,
      }),
  };
  for (const [way, make] of Object.entries(WAYS)) {
    test(`${way}: refused, with the reason in the trace`, async () => {
      const { status, reasons } = await sent(make());
      assert.equal(status, 403, reasons.join('; '));
      assert.ok(
        reasons.some(reason => reason.startsWith('403: ')),
        reasons.join('; '),
      );
      assert.equal(heard, 0, 'somebody outside heard of it');
    });
  }

  test('an ACK leads nowhere either', async () => {
    await sent(said('ACK', `sip:x@${evil}`, { ...tagged(), Route: `<sip:${evil};lr>` }));
    assert.equal(heard, 0);
  });
});

describe("nobody takes another's registration", () => {
  const mark = 'integrity-protected="yes"';
  const ALIASES: Readonly<Record<string, () => Record<string, string>>> = {
    'without credentials': () => ({}),
    'by Contact: *': () => ({ Contact: '*', Expires: '0' }),
    'as if the P-CSCF had marked it': () => ({
      Authorization: `Digest username="001010000000001@${victim.home}",realm="${victim.home}",nonce="",uri="sip:${victim.home}",response="",${mark}`,
    }),
    'with a Path of his own': () => ({
      Path: '<sip:term@127.0.0.1:9;lr>',
      'P-Asserted-Identity': `<sip:alice@${victim.home}>`,
      Supported: 'path',
    }),
  };

  test('every way to try is challenged or refused, and she keeps hers', async context => {
    const { end } = await victim.phone('alice');
    context.after(end);
    const { registrations } = await victim.fare();
    assert.match(contactsOf(registrations), /sip:/);
    for (const [way, head] of Object.entries(ALIASES)) {
      const impu = `<sip:alice@${victim.home}>`;
      const { status } = await sent(
        said('REGISTER', `sip:${victim.home}`, { From: `${impu};tag=m`, To: impu, ...head() }),
      );
      assert.ok([401, 403, 400].includes(status ?? 0), `${way}: ${status}`);
      assert.equal(contactsOf((await victim.fare()).registrations), contactsOf(registrations), way);
    }
  });
});

describe('slow and numerous', () => {
  test('connections that never finish what they say keep nobody from being served', async () => {
    const slow = [
      ...(await many(150, 'tcp', 'INVITE sip:x SIP/2.0\r\nVia: SIP/2.0/TCP x')),
      ...(await many(100, 'tcp', '')),
      ...(await many(100, 'ws', 'GET /sip HTTP/1.1\r\nHost: x\r\n')),
    ];
    const drip = setInterval(() => {
      for (const { socket } of slow) socket.write('x');
    }, 200);
    const start = performance.now();
    for (const name of ['bob', 'carol', 'dave']) await victim.serves(name);
    assert.ok(performance.now() - start < 5000, 'it serves, but slowly');
    clearInterval(drip);
    for (const { socket } of slow) socket.destroy();
    await victim.says(() => true, 0);
  });

  test('fragments of messages in great numbers, too', async () => {
    const piece = Buffer.alloc(60_000, 'X-Fill: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n');
    const head = 'INVITE sip:x SIP/2.0\r\n';
    const flood = await many(200, 'tcp', head);
    for (const { socket } of flood) socket.write(piece);
    await sleep(300);
    await victim.serves('bob');
    for (const { socket } of flood) socket.destroy();
    await victim.says(() => true, 0);
  });

  test('a flood of datagrams is over when it is over', async () => {
    const uri = `sip:bob@${victim.home}`;
    for (let round = 0; round < 40; round++) {
      const some = Array.from({ length: 100 }, (_, i) =>
        i % 2 === 0 ? said('INVITE', uri).octets : Buffer.alloc(200 + i, 'x'),
      );
      await datagrams(victim.port('Gm', 'udp'), some);
      await victim.says(() => true, 0);
    }
    await victim.serves('carol');
  });

  const many = (count: number, protocol: string, text: string) =>
    Promise.all(
      Array.from({ length: count }, async () => {
        const connection = await open(victim.port('Gm', protocol));
        connection.socket.write(text);
        return connection;
      }),
    );
});

describe('sipvicious', { skip: needs('svwar', 'sipvicious') }, () => {
  const run = promisify(execFile);
  const at = () => `127.0.0.1:${victim.port('Gm', 'udp')}`;
  async function tells(program: string, ...words: readonly string[]): Promise<string> {
    // some of them go on asking for ever
    const ended = run(program, [...words], { timeout: 8000 });
    const { stdout, stderr } = await ended.catch(
      (error: { stdout: string; stderr: string }) => error,
    );
    return stdout + stderr;
  }

  test('svwar finds nobody by INVITE or OPTIONS', async () => {
    for (const method of ['INVITE', 'OPTIONS']) {
      const [host, port] = at().split(':');
      const told = await tells('svwar', '-e100-120', '-m', method, '-p', port!, host!);
      assert.ok(!/\| *1\d\d *\|/.test(told), told);
    }
    await victim.says(() => true, 0);
  });

  test('svcrack does not come upon a password in its list of them', async context => {
    const folder = mkdtempSync(join(tmpdir(), 'carillon-hostile-'));
    context.after(() => rmSync(folder, { recursive: true }));
    const list = join(folder, 'words');
    writeFileSync(list, Array.from({ length: 60 }, (_, i) => `secret${i}\n`).join(''));
    const [host, port] = at().split(':');
    const told = await tells('svcrack', '-u', 'alice', '-d', list, '-p', port!, host!);
    assert.ok(!/\| *alice *\|/.test(told), told);
    await victim.says(() => true, 0);
  });

  test('svmap and svcrash leave it serving', async () => {
    const [host, port] = at().split(':');
    await tells('svmap', '-p', port!, host!);
    await tells('svcrash', '-d', host!, '-p', port!);
    await victim.serves('dave');
  });
});

/** The contacts in what the S-CSCF holds, and the ways to them. */
function contactsOf(registrations: string): string {
  const held = JSON.parse(registrations) as { contacts: { uri: string; path: string[] }[] }[];
  return held
    .flatMap(({ contacts }) => contacts.map(({ uri, path }) => `${uri} by ${path}`))
    .join('\n');
}
