// Time from start to ready: from the start of the process to the answer to an OPTIONS at the P-CSCF.

import { spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { CommandFailed } from '#operation/cli/failure';
import { environmentOf, type Place } from './driver.ts';
import type { System } from './systems.ts';

const START = fileURLToPath(new URL('./start-core.sh', import.meta.url));
const TRIO = fileURLToPath(new URL('./trio-ready.py', import.meta.url));
const TIMES = 5;
const PCSCF = { host: '127.0.0.11', port: 5060 };
/** Milliseconds between questions, and the longest wait. */
const EVERY = 5;
const LONGEST = 30_000;

/** Median seconds over several starts; of the peer, until its Diameter connections stand too. */
export async function secondsToReady(place: Place, system: System): Promise<number> {
  const env = { ...process.env, ...environmentOf(place, system) };
  if (system.sut === 'trio') {
    const { status, stdout, stderr } = spawnSync('python3', [TRIO, place.scenarios, `${TIMES}`], {
      env,
      encoding: 'utf8',
    });
    if (status !== 0) throw new CommandFailed(`bench: the peer did not start: ${stderr}`);
    return median(JSON.parse(stdout) as number[]);
  }
  const times: number[] = [];
  // The first fills caches, as the first start on a machine does.
  for (let i = 0; i <= TIMES; i++) times.push(await oneStart(env, system));
  return median(times.slice(1));
}

async function oneStart(env: NodeJS.ProcessEnv, system: System): Promise<number> {
  const start = performance.now();
  const child = spawn(START, [...system.settings], { env, stdio: 'ignore' });
  const ended = new Promise<void>(resolve => child.once('close', () => resolve()));
  try {
    while (child.exitCode === null && performance.now() - start < LONGEST) {
      if (await answers()) return (performance.now() - start) / 1000;
    }
    throw new CommandFailed(`bench: ${system.name} did not answer OPTIONS at its P-CSCF`);
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
}

/** One question, and whether the answer came within a moment. */
async function answers(): Promise<boolean> {
  const socket = createSocket('udp4');
  let isAnswered = false;
  socket.on('message', () => {
    isAnswered = true;
  });
  socket.on('error', () => {});
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  const target = `${PCSCF.host}:${PCSCF.port}`;
  const lines = [
    `OPTIONS sip:${target} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${port};branch=z9hG4bKready${port}`,
    `From: <sip:bench@127.0.0.1:${port}>;tag=1`,
    `To: <sip:${target}>`,
    `Call-ID: ready${port}`,
    'CSeq: 1 OPTIONS',
    'Max-Forwards: 5',
    'Content-Length: 0',
  ];
  socket.send(`${lines.join('\r\n')}\r\n\r\n`, PCSCF.port, PCSCF.host);
  await sleep(EVERY);
  socket.close();
  return isAnswered;
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
