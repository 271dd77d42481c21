// One network file, three processes: the HSS in one, the S-CSCF and I-CSCF in another, P-CSCF and AS in
// a third, on wire links between addresses of their own. They may start in any order and be killed.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ueConfig } from '#functions/ue/config';
import type { IncomingCall } from '#functions/ue/incoming-call';
import { Ue } from '#functions/ue/ue';
import { createProcess, type HostProcess } from '#kernel/node/process';
import { ms, seconds } from '#kernel/time';
import { deadline, sleep } from '#kernel/wait';

const HOME = 'ims.mnc001.mcc001.3gppnetwork.org';
const MAIN = fileURLToPath(new URL('../../src/operation/cli/main.ts', import.meta.url));
const LAB = new URL('../../src/networks/lab.yaml', import.meta.url);
/** A loopback network of this run's own, so that the functions can have their usual ports. */
const NET = `127.${100 + (process.pid % 100)}.${(process.pid >> 7) % 250}`;
const ADDRESS = { hss: 2, scscf: 3, icscf: 4, as: 5, pcscf: 6 } as const;

const data = mkdtempSync(join(tmpdir(), 'carillon-processes-'));
const children = new Map<string, ChildProcess>();
let phones: HostProcess;

/** `up --only` in a process of its own; resolves once it says it is ready. */
async function up(only: string): Promise<void> {
  const child = spawn(
    process.execPath,
    [
      ...[MAIN, 'up', join(data, 'network.yaml'), '--only', only],
      ...['--data', join(data, only.replace(',', '-')), '--set', 'console.port=0'],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  children.set(only, child);
  let said = '';
  child.stderr!.on('data', chunk => {
    said += chunk;
  });
  await new Promise<void>((resolve, reject) => {
    child.stdout!.on('data', chunk => {
      said += chunk;
      if (said.includes('Ready in')) resolve();
    });
    child.once('exit', code => reject(new Error(`up --only ${only} ended with ${code}:\n${said}`)));
  });
}

async function end(only: string, signal: NodeJS.Signals): Promise<void> {
  const child = children.get(only);
  children.delete(only);
  if (child === undefined || child.exitCode !== null) return;
  child.removeAllListeners('exit');
  const gone = new Promise(resolve => child.once('exit', resolve));
  child.kill(signal);
  await gone;
}

async function phone(name: string): Promise<Ue> {
  const ue = new Ue(
    ueConfig({
      home: HOME,
      pcscf: `sip:${NET}.${ADDRESS.pcscf}:5060;transport=udp`,
      address: '127.0.0.1',
      credentials: { kind: 'password', username: `${name}@${HOME}`, password: `${name}-secret` },
      retry: false,
    }),
    phones.host(name),
  );
  await ue.start();
  return ue;
}

/** Both talk: the call and its other end. */
async function connect(from: Ue, to: Ue, whom: string) {
  const taken = new Promise<IncomingCall>(resolve => {
    to.onIncoming = call => void call.answer().then(() => resolve(call));
  });
  const call = await from.call(whom);
  assert.equal((await call.answered).kind, 'answered');
  return { call, incoming: await taken };
}

/** Tries until it comes to what is wanted: Diameter peers come back a little later each time. */
async function again<T>(attempt: () => Promise<T>, isWanted: (found: T) => boolean): Promise<T> {
  for (let tries = 1; ; tries++) {
    const found = await attempt();
    if (isWanted(found) || tries === 80) return found;
    await sleep(phones.clock, ms(250));
  }
}

before(() => {
  const binds = Object.entries(ADDRESS).map(([name, host]) => `${name}: { bind: ${NET}.${host} }`);
  const lab = readFileSync(LAB, 'utf8').replace(
    /^hss:\n/m,
    `hss:\n  bind: ${NET}.${ADDRESS.hss}\n`,
  );
  const others = binds.filter(line => !line.startsWith('hss'));
  writeFileSync(join(data, 'network.yaml'), [lab, ...others, ''].join('\n'));
  phones = createProcess({ log: { level: 'silent' } });
});

after(async () => {
  for (const only of [...children.keys()]) await end(only, 'SIGTERM');
  await phones.close();
  rmSync(data, { recursive: true });
});

test('three processes, started in the wrong order, are one network', {
  timeout: 60_000,
}, async () => {
  const { clock } = phones;
  await up('pcscf,as');
  const alice = await phone('alice');
  const early = await alice.register();
  assert.equal(early.kind, 'refused');
  assert.equal(early.kind === 'refused' && early.status, 504);

  await up('icscf,scscf');
  await up('hss');
  const outcome = await again(
    () => alice.register(),
    ({ kind }) => kind === 'registered',
  );
  assert.equal(outcome.kind, 'registered');
  const bob = await phone('bob');
  assert.equal((await bob.register()).kind, 'registered');
  const { call, incoming } = await connect(alice, bob, 'bob');
  assert.equal((await call.hold()).kind, 'done');
  assert.ok(incoming.held);
  await incoming.hangup();
  assert.equal((await call.ended).by, 'remote');

  const echo = await alice.call('echo');
  assert.equal((await echo.answered).kind, 'answered');
  await echo.hangup();

  // Killed and back: who was registered is, and who talks can stop.
  const going = await connect(alice, bob, 'bob');
  await sleep(clock, seconds(1)); // its ACK has to arrive: a BYE waits for it
  for (const only of ['icscf,scscf', 'pcscf,as', 'hss']) {
    await end(only, 'SIGKILL');
    await up(only);
  }
  const ended = going.call.ended;
  await going.incoming.hangup();
  const { by } = await deadline(clock, seconds(10), ended, () => ({ by: 'nobody' as const }));
  assert.equal(by, 'remote');
  alice.onIncoming = incoming => void incoming.answer();
  const attempt = async () => {
    const back = await bob.call('alice');
    return { back, kind: (await back.answered).kind };
  };
  const { back, kind } = await again(attempt, found => found.kind === 'answered');
  assert.equal(kind, 'answered');
  await back.hangup();
  for (const ue of [alice, bob]) {
    const gone = await again(
      () => ue.deregister(),
      ({ kind }) => kind === 'deregistered',
    );
    assert.equal(gone.kind, 'deregistered', JSON.stringify(gone));
    await ue.stop();
  }
});
