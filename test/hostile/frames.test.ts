// Malformed frames against a network that runs: Diameter at the HSS's port (RFC 6733 §3, §5.3), and
// WebSocket at the P-CSCF's (RFC 6455 §5, RFC 7118).

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { RawPeer } from '#diameter/testing/raw-peer';
import { createProcess, type HostProcess } from '#kernel/node/process';
import { mutated, readCorpus } from '../fuzz/diameter.ts';
import { generator } from '../fuzz/mutations.ts';
import { type Said, Victim } from './support/victim.ts';
import { type Connection, inPieces, open, until } from './support/wire.ts';

const SEED = 3868;
const MB = 1024 * 1024;

const isDecided = (decision: string, chose: RegExp) => (said: readonly Said[]) =>
  said.some(one => one.kind === 'decision' && one.decision === decision && chose.test(one.chose));

describe('at the HSS', () => {
  let victim: Victim;
  let machine: HostProcess;
  const ends: (() => Promise<void>)[] = [];
  before(async () => {
    victim = await Victim.start(
      end => ends.push(end),
      'hss.listen=true',
      'hss.port=0',
      'hss.peers=[named.example.com]',
    );
    machine = createProcess({ log: { level: 'error' } });
    ends.push(() => machine.close());
  });
  after(async () => {
    for (const end of ends.reverse()) await end();
  });
  const address = () => ({ host: '127.0.0.1', port: victim.port('Cx', 'tcp') });
  const peer = (name: string): RawPeer =>
    new RawPeer(machine.host(`${name}-${randomBytes(3).toString('hex')}`), address(), name, 'x');

  test('a peer that nobody named is told so and cut off, with the reason in the trace', async () => {
    const stranger = peer('mme.evil.example.com');
    stranger.cer();
    assert.ok(await until(() => stranger.closed !== undefined, 3000), 'it is still connected');
    assert.match(stranger.heard[0]?.summary() ?? '', /DIAMETER_UNKNOWN_PEER/);
    await heard(victim, isDecided('diameter.peer', /DIAMETER_UNKNOWN_PEER/));
  });

  test('a request before any CER, and octets that are none, end the connection', async () => {
    const hasty = peer('named.example.com');
    hasty.send(hasty.request({ code: 303 }, []));
    const octets = [randomBytes(500), Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.alloc(64)];
    const others = await Promise.all(octets.map(() => open(address().port)));
    for (const [i, other] of others.entries()) other.socket.write(octets[i]!);
    assert.ok(await until(() => hasty.closed !== undefined, 3000));
    assert.ok(await until(() => others.every(other => other.isClosed()), 7000));
    await heard(victim, isDecided('diameter.peer', /closed/));
  });

  test('a message announced and never sent holds a connection for seconds, not for good', async () => {
    const slow = await open(address().port);
    for (const octet of [1, 0, 0x0f, 0xff, 0x80, 0, 1]) {
      slow.socket.write(Buffer.of(octet));
      await sleep(700);
    }
    assert.ok(await until(() => slow.isClosed(), 2000), 'it is still connected');
  });

  test('thousands of malformed messages of an admitted peer leave it as it was', async context => {
    const corpus = readCorpus();
    const storm = async (from: number): Promise<void> => {
      let connection: RawPeer | undefined;
      for (let number = from; number < from + 600; number++) {
        if (connection === undefined || connection.closed !== undefined) {
          connection = peer('named.example.com');
          connection.cer();
          await until(() => connection!.heard.length > 0 || connection!.closed !== undefined, 500);
        }
        connection.octets(mutated(corpus, generator(SEED, number)));
        if (number % 10 === 0) await victim.says(() => true, 0);
      }
      connection?.close();
    };
    await storm(0);
    const start = await victim.collected();
    await storm(2000);
    const end = await victim.collected();
    holdsNoMore(context, start, end);
    await victim.serves('bob');
  });
});

describe('on a WebSocket of Gm', () => {
  let victim: Victim;
  const ends: (() => Promise<void>)[] = [];
  before(async () => {
    victim = await Victim.start(end => ends.push(end));
  });
  after(async () => {
    for (const end of ends) await end();
  });

  async function upgraded(): Promise<Connection> {
    const connection = await open(victim.port('Gm', 'ws'));
    connection.socket.write(
      'GET /sip HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n' +
        'Sec-WebSocket-Protocol: sip\r\n\r\n',
    );
    await until(() => connection.received().includes('\r\n\r\n'), 2000);
    assert.match(connection.received().toString('latin1'), /^HTTP\/1\.1 101 /);
    return connection;
  }

  /** A frame as a client writes it, or should not. */
  function frame(
    head: number,
    payload: Buffer,
    options: { masked?: boolean; length?: number } = {},
  ) {
    const { masked = true, length = payload.length } = options;
    const bit = masked ? 0x80 : 0;
    const size = length < 126 ? Buffer.of(bit | length) : Buffer.alloc(9);
    if (length >= 126) {
      size[0] = bit | 127;
      size.writeBigUInt64BE(BigInt(length), 1);
    }
    const mask = masked ? Buffer.alloc(4) : Buffer.alloc(0);
    return Buffer.concat([Buffer.of(head), size, mask, payload]);
  }

  const text = Buffer.from('OPTIONS sip:x SIP/2.0\r\n\r\n');
  /** What breaks RFC 6455 §5, §7.4 or our bound, and so ends the connection. */
  const BROKEN: Readonly<Record<string, Buffer>> = {
    'a frame that is not masked': frame(0x81, text, { masked: false }),
    'a reserved bit': frame(0xc1, text),
    'an opcode nobody knows': frame(0x83, text),
    'a fragmented ping': frame(0x09, text),
    'a ping that is too long': frame(0x89, Buffer.alloc(200)),
    'a continuation of nothing': frame(0x80, text),
    'a message inside another': Buffer.concat([frame(0x01, text), frame(0x81, text)]),
    'text that is not UTF-8': frame(0x81, Buffer.of(0xc3, 0x28)),
    'a length of 2^62': frame(0x82, text, { length: 2 ** 62 }),
    'a message beyond the bound': frame(0x82, Buffer.alloc(300 * 1024)),
    'fragments beyond the bound': Buffer.concat(
      Array.from({ length: 80 }, (_, i) => frame(i === 0 ? 0x02 : 0x00, Buffer.alloc(4096))),
    ),
  };
  for (const [what, octets] of Object.entries(BROKEN)) {
    test(`${what} ends the connection`, async () => {
      const connection = await upgraded();
      connection.socket.write(octets);
      assert.ok(await until(() => connection.isClosed(), 5000), 'it is still open');
      await victim.says(() => true, 0);
    });
  }

  test('a frame in pieces of one octet is one message, and garbage in one harms nobody', async () => {
    const connection = await upgraded();
    const options = Buffer.from(
      `OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/WS x;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:127.0.0.1>\r\nCall-ID: ws-pieces\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n`,
    );
    connection.socket.write(frame(0x82, randomBytes(300)));
    await inPieces(connection, frame(0x81, options), 1);
    const came = () => /SIP\/2.0 (200|403) /.test(connection.received().toString('latin1'));
    assert.ok(await until(came, 3000), connection.received().toString('latin1'));
    connection.socket.destroy();
  });

  test('random frames leave the process as it was', async context => {
    const storm = async (from: number): Promise<void> => {
      for (let number = from; number < from + 40; number++) {
        const random = generator(SEED, number);
        const connection = await upgraded();
        for (let frames = 0; frames < 20 && !connection.isClosed(); frames++) {
          const payload = Buffer.from(Array.from({ length: random(300) }, () => random(256)));
          const head = random(3) > 0 ? 0x80 | (1 + random(2)) : random(256);
          connection.socket.write(frame(head, payload));
        }
        connection.socket.destroy();
        if (number % 10 === 0) await victim.says(() => true, 0);
      }
    };
    await storm(0);
    const start = await victim.collected();
    await storm(1000);
    const end = await victim.collected();
    holdsNoMore(context, start, end);
    await victim.serves('bob');
  });
});

async function heard(victim: Victim, what: (said: readonly Said[]) => boolean): Promise<void> {
  const said = await victim.says(what, 3000);
  assert.ok(what(said), `the trace says nothing of it: ${JSON.stringify(said)}`);
}

function holdsNoMore(
  context: { diagnostic(message: string): void },
  start: { heap: number; rss: number },
  end: { heap: number; rss: number },
): void {
  const heap = (end.heap - start.heap) / MB;
  const resident = (end.rss - start.rss) / MB;
  context.diagnostic(`heap ${heap.toFixed(1)} MB, resident ${resident.toFixed(1)} MB more`);
  assert.ok(heap < 8 && resident < 48, `heap ${heap} MB, resident ${resident} MB more`);
}
