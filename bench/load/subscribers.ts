// The subscribers that the scenarios' injection files name (sipp/gen_csv.py), for our own HSS:
// number N of seven digits, IMPI N@home, IMPUs sip:N@home and tel:+N, password pwN.

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CommandFailed } from '#operation/cli/failure';
import { HOME } from './systems.ts';

const FIRST = 1_000_000;

const carillon = fileURLToPath(new URL('../../carillon', import.meta.url));
const network = fileURLToPath(new URL('./carillon.yaml', import.meta.url));

/** Writes `subscribers.csv` into the directory, and a data directory `data` that holds them. */
export function makeSubscribers(directory: string, count: number): void {
  const csv = join(directory, 'subscribers.csv');
  const lines = ['imsi,password,impi,impus'];
  for (let n = FIRST; n < FIRST + count; n++) {
    const imsi = `00101${String(n).padStart(10, '0')}`;
    lines.push(`${imsi},pw${n},${n}@${HOME},sip:${n}@${HOME} tel:+${n}`);
  }
  writeFileSync(csv, `${lines.join('\n')}\n`);
  const words = ['subscriber', 'import', csv, '--data', join(directory, 'data'), '--file', network];
  const { status, stderr } = spawnSync(carillon, words, { encoding: 'utf8' });
  if (status !== 0) throw new CommandFailed(`bench: subscribers were not imported: ${stderr}`);
}
