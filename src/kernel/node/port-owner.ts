// Who holds a port that could not be bound: on Linux /proc tells, as far as this user may look.

import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Address } from '../host.ts';
import { isUnspecified, type Transport } from './address-book.ts';

export interface PortOwner {
  readonly pid: number;
  readonly name: string;
}

/** File descriptors looked at before giving up. */
const MOST_DESCRIPTORS = 50_000;
const LISTENING = '0A';

/** Undefined where it cannot be known. */
export async function portOwner(
  transport: Transport,
  address: Address,
): Promise<PortOwner | undefined> {
  try {
    const sockets = await socketsAt(transport, address);
    return sockets.size === 0 ? undefined : await holderOf(sockets);
  } catch {
    return undefined;
  }
}

/** The kernel's names (`socket:[inode]`) of the sockets that stand in the way. */
async function socketsAt(transport: Transport, address: Address): Promise<Set<string>> {
  const found = new Set<string>();
  for (const table of [transport, `${transport}6`]) {
    const text = await readFile(`/proc/net/${table}`, 'latin1').catch(() => '');
    for (const line of text.split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/);
      const [, local, , state] = fields;
      if (local === undefined || (transport === 'tcp' && state !== LISTENING)) continue;
      const [host, port] = local.split(':');
      if (Number.parseInt(port!, 16) !== address.port) continue;
      if (isInTheWay(hostText(host!), address.host)) found.add(`socket:[${fields[9]}]`);
    }
  }
  return found;
}

function isInTheWay(held: string, wanted: string): boolean {
  return held === wanted || isUnspecified(held) || isUnspecified(wanted);
}

/** /proc writes addresses as 32-bit words in the machine's order; only little-endian ones are read. */
function hostText(hex: string): string {
  const octets = Buffer.from(hex, 'hex');
  octets.swap32();
  if (octets.length === 4) return Array.from(octets).join('.');
  const groups: string[] = [];
  for (let at = 0; at < 16; at += 2) groups.push(octets.readUInt16BE(at).toString(16));
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

async function holderOf(sockets: ReadonlySet<string>): Promise<PortOwner | undefined> {
  let left = MOST_DESCRIPTORS;
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
    for (const descriptor of descriptors) {
      if (left-- === 0) return undefined;
      const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '');
      if (!sockets.has(target)) continue;
      return { pid: Number(pid), name: await nameOf(pid) };
    }
  }
  return undefined;
}

/** The program, and the script where an interpreter runs one; what follows may be secret. */
async function nameOf(pid: string): Promise<string> {
  const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  const words = line.split('\0').filter(word => word !== '' && !word.startsWith('-'));
  return (
    words
      .slice(0, 2)
      .map(word => basename(word))
      .join(' ') || '?'
  );
}
