// The doctor looks at the machine: runtime, memory, limits, clock, data directory.

import {
  accessSync,
  constants,
  existsSync,
  readdirSync,
  readFileSync,
  statfsSync,
  statSync,
} from 'node:fs';
import { freemem } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { directoryHolder } from '#kernel/node/directory-lock';
import type { NetworkInfo } from '../api/schemas.ts';
import type { Finding } from './doctor-finding.ts';

const OLDEST_NODE = [24, 15] as const;
const MEGABYTE = 1024 * 1024;
/** A lab lives in less; a busy network needs more. */
const LITTLE_MEMORY = 256 * MEGABYTE;
const LITTLE_DISK = 1024 * MEGABYTE;
const NO_DISK = 64 * MEGABYTE;
const FEW_FILES = 4096;
/** What a datagram socket asks for, kernel/node/limits. */
const RECEIVE_BUFFER = 4 * MEGABYTE;
/** When this was written: no clock that is right shows less. */
const BEFORE = Date.UTC(2026, 0, 1);

export function machineFindings(): readonly Finding[] {
  return [runtime(), memory(), ...descriptors(), ...buffers()];
}

function runtime(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const isNew = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
  const found = `Node ${process.version} on ${process.platform} ${process.arch}`;
  if (isNew) return { check: 'runtime', level: 'good', found };
  const remedy = `run it by ./carillon, which brings the right Node, or install ${OLDEST_NODE.join('.')} or newer`;
  return { check: 'runtime', level: 'problem', found: `${found} is too old`, remedy };
}

function memory(): Finding {
  // What the system could give, caches included, where it says so.
  const available = /^MemAvailable:\s+(\d+) kB/m.exec(textOf('/proc/meminfo'))?.[1];
  const free = available === undefined ? freemem() : Number(available) * 1024;
  const found = `${Math.round(free / MEGABYTE)} MB of memory to be had`;
  if (free >= LITTLE_MEMORY) return { check: 'memory', level: 'good', found };
  const remedy = 'end other programs, or set trace.megabytes to less than 128';
  return { check: 'memory', level: 'warning', found, remedy };
}

function descriptors(): readonly Finding[] {
  const soft = Number(/^Max open files\s+(\d+)/m.exec(textOf('/proc/self/limits'))?.[1]);
  if (Number.isNaN(soft)) return [];
  const found = `${soft} files and connections may be open`;
  if (soft >= FEW_FILES) return [{ check: 'limits', level: 'good', found }];
  const remedy = 'each phone on TCP, TLS or WebSocket needs one: ulimit -n 65536';
  return [{ check: 'limits', level: 'warning', found, remedy }];
}

function buffers(): readonly Finding[] {
  const most = Number(textOf('/proc/sys/net/core/rmem_max') || 'none');
  if (Number.isNaN(most) || most >= RECEIVE_BUFFER) return [];
  const found = `datagrams wait in at most ${Math.round(most / 1024)} KB, so a burst of them may be lost`;
  const remedy = `under load: sysctl -w net.core.rmem_max=${RECEIVE_BUFFER}`;
  return [{ check: 'limits', level: 'warning', found, remedy }];
}

export function clockFindings(): Finding {
  const now = Date.now();
  const found = `it is ${new Date(now).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
  if (now >= BEFORE) return { check: 'clock', level: 'good', found };
  const remedy = 'set it: certificates and registrations of other days are refused';
  return { check: 'clock', level: 'problem', found: `${found}, which cannot be`, remedy };
}

export function dataFindings(data: string, running: NetworkInfo | undefined): readonly Finding[] {
  const check = 'data';
  const path = resolve(data);
  const place = existsSync(path) ? path : nearest(path);
  const findings: Finding[] = [];
  try {
    accessSync(place, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    const remedy = `chown or chmod it, or give another directory with --data`;
    return [{ check, level: 'problem', found: `${place} cannot be written to`, remedy }];
  }
  findings.push(disk(place));
  if (place !== path) {
    return [{ check, level: 'good', found: `${path} will be made by carillon up` }, ...findings];
  }
  const holder = directoryHolder(path);
  if (holder !== undefined) {
    const isOurs = running?.pid === holder;
    const who = isOurs ? 'the running network' : `process ${holder}`;
    findings.unshift(
      isOurs
        ? { check, level: 'good', found: `${path} is in use by ${who}` }
        : {
            check,
            level: 'warning',
            found: `${path} is in use by ${who}, which is not the network that answers`,
            remedy: 'name that network by --api, or another directory by --data',
          },
    );
    return [...findings, ...readable(path)];
  }
  return [
    { check, level: 'good', found: `${path} is free` },
    ...findings,
    ...readable(path),
    ...databases(path),
  ];
}

function nearest(path: string): string {
  return existsSync(path) ? path : nearest(dirname(path));
}

function disk(place: string): Finding {
  const { bavail, bsize } = statfsSync(place);
  const free = bavail * bsize;
  const found = `${Math.round(free / MEGABYTE).toLocaleString('en')} MB free on its disk`;
  if (free >= LITTLE_DISK) return { check: 'disk', level: 'good', found };
  const remedy = 'make room: what cannot be written is refused to subscribers';
  return { check: 'disk', level: free < NO_DISK ? 'problem' : 'warning', found, remedy };
}

/** Keys of subscribers are in there. */
function readable(path: string): readonly Finding[] {
  const open = readdirSync(path)
    .filter(name => name.endsWith('.db') || name.endsWith('-wal'))
    .filter(name => (statSync(join(path, name)).mode & 0o077) !== 0);
  if (open.length === 0 || process.platform === 'win32') return [];
  const found = `others of this machine may read ${open.join(', ')}, where keys of subscribers are`;
  return [{ check: 'data', level: 'warning', found, remedy: `chmod go= ${path}/*` }];
}

function databases(path: string): readonly Finding[] {
  const names = readdirSync(path).filter(name => name.endsWith('.db'));
  const findings = names.flatMap((name): readonly Finding[] => {
    const damage = damageOf(join(path, name));
    if (damage === undefined) return [];
    const remedy = `put back a copy of it, or move it and its -wal and -shm files away to start with an empty one`;
    return [{ check: 'data', level: 'problem', found: `${name} is damaged (${damage})`, remedy }];
  });
  if (findings.length > 0 || names.length === 0) return findings;
  return [{ check: 'data', level: 'good', found: `${names.join(', ')}: whole` }];
}

function damageOf(path: string): string | undefined {
  try {
    const database = new DatabaseSync(path, { readOnly: true });
    try {
      const row = database.prepare('PRAGMA quick_check(1)').get() as { quick_check: string };
      return row.quick_check === 'ok' ? undefined : row.quick_check;
    } finally {
      database.close();
    }
  } catch (error) {
    return (error as Error).message;
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // this system does not tell
  }
}
