// Every way a phone may reach the P-CSCF, on real sockets, in both address families: phones on each
// register, call each other across transports, hear each other, and go. TS 24.229 §5.1.1, RFC 7118.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ueConfig } from '#functions/ue/config';
import type { IncomingCall } from '#functions/ue/incoming-call';
import { Ue } from '#functions/ue/ue';
import type { Host } from '#kernel/host';
import { selfSigned } from '#kernel/node/self-signed';
import { ms } from '#kernel/time';
import { sleep } from '#kernel/wait';
import { readNetworkFile } from '#networks/network-file';
import type { NetworkInProcess } from '#operation/run-network';
import { runNetwork } from '#operation/run-network';

const LAB = new URL('../../src/networks/lab.yaml', import.meta.url);
const TRANSPORTS = ['udp', 'tcp', 'tls', 'ws', 'wss'] as const;
type Transport = (typeof TRANSPORTS)[number];

for (const [bind, listening] of [
  ['127.0.0.1', true],
  ['::1', false],
] as const) {
  describe(`a network bound to ${bind}${listening ? ', every function listening' : ''}`, () => {
    const data = mkdtempSync(join(tmpdir(), 'carillon-transports-'));
    const pem = selfSigned({ names: [bind], now: Date.now() });
    let running: NetworkInProcess;
    const hosts = new Map<string, Host>();
    const hostOf = (name: string): Host => {
      const host = hosts.get(name) ?? running.process.host(name);
      hosts.set(name, host);
      return host;
    };

    before(async () => {
      const files = { key: join(data, 'key.pem'), cert: join(data, 'cert.pem') };
      writeFileSync(files.key, pem.key, { mode: 0o600 });
      writeFileSync(files.cert, pem.cert);
      const settings = readNetworkFile({
        name: 'lab',
        text: readFileSync(LAB, 'utf8'),
        settings: [
          `bind="${bind}"`,
          ...['hss', 'scscf', 'icscf', 'as'].map(name => `${name}.listen=${listening}`),
          ...TRANSPORTS.map(transport => `pcscf.${transport}=0`),
          `pcscf.certificate=${JSON.stringify(files)}`,
        ],
      });
      running = await runNetwork(settings, { ports: 'ephemeral', log: { level: 'silent' } });
    });

    after(async () => {
      await running.stop();
      rmSync(data, { recursive: true });
    });

    test('is reached where its settings say, and nowhere else', () => {
      const points = running.network.listening.map(({ point, protocol }) => `${point} ${protocol}`);
      const gm = TRANSPORTS.map(transport => `Gm ${transport}`);
      const core = ['Cx tcp', 'ISC tcp', 'ISC udp', 'Mw tcp', 'Mw tcp', 'Mw udp', 'Mw udp'];
      assert.deepEqual(points.sort(), [...(listening ? core : []), ...gm].sort());
      for (const { address } of running.network.listening) assert.equal(address.host, bind);
    });

    async function phone(name: string, transport: Transport): Promise<Ue> {
      const { network } = running;
      const gm = network.listening.find(
        ({ point, protocol }) => point === 'Gm' && protocol === transport,
      );
      const host = bind.includes(':') ? `[${bind}]` : bind;
      const ue = new Ue(
        ueConfig({
          home: network.home,
          pcscf: `sip:${host}:${gm!.address.port};transport=${transport}`,
          address: bind,
          credentials: {
            kind: 'password',
            username: `${name}@${network.home}`,
            password: `${name}-secret`,
          },
          tls: { ca: pem.cert },
          retry: false,
        }),
        hostOf(name),
      );
      await ue.start();
      return ue;
    }

    for (const [at, transport] of TRANSPORTS.entries()) {
      const other = TRANSPORTS[(at + 1) % TRANSPORTS.length]!;
      test(`a phone over ${transport} and one over ${other} register, call and write to each other`, async () => {
        const { clock } = running.process;
        const alice = await phone('alice', transport);
        const bob = await phone('bob', other);
        for (const ue of [alice, bob]) assert.equal((await ue.register()).kind, 'registered');

        const [flow] = running.network.functions.pcscf!.bindings.ofImpi(
          `alice@${running.network.home}`,
        );
        assert.ok(flow?.flow.startsWith(`${transport}|`), flow?.flow);

        const taken = new Promise<IncomingCall>(resolve => {
          bob.onIncoming = call => {
            call.say({ tone: 620 });
            clock.after(ms(100), () => void call.answer().then(() => resolve(call)));
          };
        });
        const call = await alice.call('bob', { say: { tone: 440 } });
        assert.equal((await call.answered).kind, 'answered');
        const incoming = await taken;
        for (
          let n = 0;
          n < 50 && !(call.heardTone(620) > 0.2 && incoming.heardTone(440) > 0.2);
          n++
        ) {
          await sleep(clock, ms(100));
        }
        assert.ok(call.heardTone(620) > 0.2, 'alice hears nothing of bob');
        assert.ok(incoming.heardTone(440) > 0.2, 'bob hears nothing of alice');
        assert.equal((await incoming.hold()).kind, 'done');
        assert.ok(call.held);
        const gone = call.ended;
        await incoming.hangup();
        assert.equal((await gone).by, 'remote');

        const text = new Promise(resolve => {
          alice.onMessage = message => resolve(message.text);
        });
        assert.equal((await bob.message('alice', 'over any transport')).kind, 'delivered');
        assert.equal(await text, 'over any transport');

        for (const ue of [alice, bob]) {
          assert.equal((await ue.deregister()).kind, 'deregistered');
          await ue.stop();
        }
        assert.equal(running.network.functions.pcscf!.bindings.size, 0);
      });
    }

    test('a phone that trusts nobody registers with nobody over TLS', async () => {
      const trusting = await phone('carol', 'tls');
      const { config } = trusting;
      await trusting.stop();
      const wary = new Ue({ ...config, tls: undefined }, hostOf('carol'));
      await wary.start();
      const outcome = await wary.register();
      assert.deepEqual(outcome, { kind: 'no answer', because: 'unreachable' });
      await wary.stop();
    });

    test('a WebSocket that speaks another subprotocol, or asks another path, is refused', async () => {
      for (const webSocket of [
        { path: '/sip', subprotocol: 'xmpp' },
        { path: '/other', subprotocol: 'sip' },
      ]) {
        const polite = await phone('carol', 'ws');
        const { config } = polite;
        await polite.stop();
        const ue = new Ue({ ...config, webSocket }, hostOf('carol'));
        await ue.start();
        assert.deepEqual(await ue.register(), { kind: 'no answer', because: 'unreachable' });
        await ue.stop();
      }
    });
  });
}
