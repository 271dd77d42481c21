// The node over the real host: sockets on the loopback, local links, the system's clock.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AddressError } from '#kernel/errors';
import type { Endpoint } from '#kernel/host';
import { ladderOf } from '#kernel/ladder-of';
import { createProcess, type HostProcess } from '#kernel/node/process';
import { type Certificate, selfSigned } from '#kernel/node/self-signed';
import { ms } from '#kernel/time';
import type { TraceEvent } from '#kernel/trace';
import { MultimediaAuth } from './cx.ts';
import type { DiameterNode } from './node.ts';
import { mar, nodeOf, REALM, toHss, toRealm } from './testing/pair.ts';
import { RawPeer } from './testing/raw-peer.ts';

interface Running {
  readonly process: HostProcess;
  readonly events: TraceEvent[];
  readonly hss: DiameterNode;
  readonly leads: { to: readonly Endpoint[] };
}

/** A process with an HSS; `leads.to` is where its name leads. */
async function run(links: 'local' | 'checked', body: (running: Running) => Promise<void>) {
  const events: TraceEvent[] = [];
  const leads: Running['leads'] = { to: [] };
  const process = createProcess({
    links,
    names: () => leads.to,
    log: { level: 'silent' },
    recorder: { enabled: true, record: event => events.push(event) },
  });
  const hss = nodeOf(process.host('hss'), { allowedPeers: () => true });
  hss.handle(MultimediaAuth, request => ({ result: 'DIAMETER_SUCCESS', impi: request.impi }));
  try {
    await body({ process, events, hss, leads });
  } finally {
    await hss.stop();
    await process.close();
  }
}

const loopback = { host: '127.0.0.1', port: 0 };
const soon = { firstRetry: ms(5), lastRetry: ms(20) };

/** Resolves when the first peer is in the state. */
function until(node: DiameterNode, state: string): Promise<void> {
  return new Promise(resolve => {
    const look = () => {
      if (node.peers()[0]?.state === state) resolve();
    };
    node.onPeerChange = look;
    look();
  });
}

for (const links of ['local', 'checked', 'tcp'] as const) {
  test(`a call over ${links} links of the real host draws the same ladder`, async () => {
    await run(
      links === 'checked' ? 'checked' : 'local',
      async ({ process, events, hss, leads }) => {
        if (links === 'tcp') {
          leads.to = [{ protocol: 'tcp', address: await hss.listen(loopback) }];
        } else {
          hss.serveLocal('diameter:hss');
          leads.to = [{ protocol: 'local', name: 'diameter:hss' }];
        }
        const scscf = nodeOf(process.host('s-cscf'));
        scscf.connect(toHss);
        const answer = await scscf.call(MultimediaAuth, mar, toRealm);
        assert.equal(answer.impi, mar.impi);
        await scscf.stop();
        assert.deepEqual(ladderOf(events), [
          's-cscf → hss  CER',
          'hss → s-cscf  CEA DIAMETER_SUCCESS',
          's-cscf → hss  MAR',
          'hss → s-cscf  MAA DIAMETER_SUCCESS',
          's-cscf → hss  DPR REBOOTING',
          'hss → s-cscf  DPA DIAMETER_SUCCESS',
        ]);
      },
    );
  });
}

test('a port in use is an AddressError that names it', async () => {
  await run('local', async ({ process, hss }) => {
    const address = await hss.listen(loopback);
    const other = nodeOf(process.host('other'));
    await assert.rejects(other.listen(address), (error: unknown) => {
      return error instanceof AddressError && error.code === 'in use';
    });
  });
});

test('a server that listens later, and again on the same port, is found', async () => {
  await run('local', async ({ process, hss, leads }) => {
    const address = await hss.listen(loopback);
    const scscf = nodeOf(process.host('s-cscf'), soon);
    scscf.connect(toHss); // its name leads nowhere yet
    await until(scscf, 'closed');
    leads.to = [{ protocol: 'tcp', address }];
    await until(scscf, 'open');
    await hss.stop();
    await until(scscf, 'closed');
    const again = nodeOf(process.host('hss-again'), {
      identity: 'hss.ims.example',
      allowedPeers: () => true,
    });
    await again.listen(address);
    await until(scscf, 'open');
    await scscf.stop();
    await again.stop();
  });
});

test('the octets of a foreign peer in pieces are answered, and recorded by who heard them', async () => {
  await run('local', async ({ events, hss }) => {
    const address = await hss.listen(loopback);
    const outside = createProcess({ log: { level: 'silent' } });
    const peer = new RawPeer(outside.host('raw'), address, 'raw.elsewhere', REALM);
    const heard = (count: number) =>
      new Promise<void>(resolve => {
        const look = () => {
          if (peer.heard.length >= count) resolve();
        };
        peer.onMessage = look;
        look();
      });
    peer.cer();
    await heard(1);
    const to = { sessionId: 'raw;1', destinationRealm: REALM };
    const avps = peer.envelope.request(MultimediaAuth, mar, to);
    const octets = peer.request({ code: MultimediaAuth.code }, avps).encode();
    for (let at = 0; at < octets.length; at += 7) peer.octets(octets.subarray(at, at + 7));
    await heard(2);
    assert.equal(peer.heard[1]?.summary(), 'MAA DIAMETER_SUCCESS');
    assert.deepEqual(
      ladderOf(events).map(line => line.replace(/127\.0\.0\.1:\d+/, 'raw')),
      [
        'raw → hss  CER',
        'hss → raw  CEA DIAMETER_SUCCESS',
        'raw → hss  MAR',
        'hss → raw  MAA DIAMETER_SUCCESS',
      ],
    );
    peer.close();
    await outside.close();
  });
});

test('peers that show each other their certificates speak over TLS, others do not come in', async () => {
  await run('local', async ({ process, hss }) => {
    const made = (identity: string) => selfSigned({ names: [identity], now: Date.now() });
    const [ours, theirs, strangers] = ['hss', 'scscf', 'stranger'].map(name =>
      made(`${name}.ims.example`),
    ) as [Certificate, Certificate, Certificate];
    const { port } = await hss.listen(loopback, { tls: { ...ours, ca: theirs.cert } });
    const toUs = { ...toHss, endpoints: [`127.0.0.1:${port}`] };
    const scscf = nodeOf(process.host('s-cscf'));
    scscf.connect({ ...toUs, tls: { ...theirs, ca: ours.cert } });
    const answer = await scscf.call(MultimediaAuth, mar, toRealm);
    assert.equal(answer.result, 'DIAMETER_SUCCESS');
    assert.equal(scscf.peers()[0]?.link, 'tls');
    await scscf.stop();

    for (const [name, tls] of [
      ['unknown', { ...strangers, ca: ours.cert }], // its certificate is none the HSS knows
      ['distrustful', { ...theirs, ca: strangers.cert }], // it does not know the HSS's
    ] as const) {
      const stranger = nodeOf(process.host(name), soon);
      stranger.connect({ ...toUs, tls });
      const refused = await stranger.call(MultimediaAuth, mar, { ...toRealm, timeout: ms(300) });
      assert.equal(refused.result, 'DIAMETER_UNABLE_TO_DELIVER');
      await stranger.stop();
    }
  });
});
