// The doctor looks at the ports that a network file asks for: whether they could be bound, and who
// stands in the way.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Address } from '#kernel/host';
import { portOwner } from '#kernel/node/port-owner';
import type { NetworkSettings } from '#networks/schema';
import { addressText } from '../api/peers.ts';
import type { NetworkInfo } from '../api/schemas.ts';
import type { Finding } from './doctor-finding.ts';

interface Wanted extends Address {
  readonly transport: 'udp' | 'tcp';
  readonly setting: string;
}

export async function portFindings(
  settings: NetworkSettings,
  running: NetworkInfo | undefined,
): Promise<readonly Finding[]> {
  const wanted = portsOf(settings).filter(({ port }) => port !== 0);
  const findings: Finding[] = [];
  let free = 0;
  let ours = 0;
  for (const one of wanted) {
    const code = await tryBind(one);
    if (code === undefined) free++;
    else if (code === 'EADDRINUSE') {
      const owner = await portOwner(one.transport, one);
      if (owner !== undefined && owner.pid === running?.pid) ours++;
      else findings.push(inUse(one, owner && `process ${owner.pid} (${owner.name})`));
    } else findings.push(unavailable(one, code));
  }
  if (ours > 0) {
    const found = `${ours} of ${wanted.length} ports are held by the running network`;
    findings.unshift({ check: 'ports', level: 'good', found });
  } else if (findings.length === 0) {
    findings.push({ check: 'ports', level: 'good', found: `all ${free} ports can be bound` });
  }
  return [...findings, ...overlaps(settings, wanted), ...wildcard(settings)];
}

function portsOf(settings: NetworkSettings): readonly Wanted[] {
  const { pcscf, console } = settings;
  const at = (section: { readonly bind?: string }) => section.bind ?? settings.bind;
  const wanted: Wanted[] = [
    { host: at(pcscf), port: pcscf.udp, transport: 'udp', setting: 'pcscf.udp' },
    ...(['tcp', 'tls', 'ws', 'wss'] as const).map(name => ({
      host: at(pcscf),
      port: pcscf[name],
      transport: 'tcp' as const,
      setting: `pcscf.${name}`,
    })),
    { host: at(console), port: console.port, transport: 'tcp', setting: 'console.port' },
  ];
  for (const name of ['icscf', 'scscf', 'as', 'hss'] as const) {
    const section = settings[name];
    if (!section.listen && settings.links !== 'wire') continue;
    const one = { host: at(section), port: section.port, setting: `${name}.port` };
    if (name !== 'hss') wanted.push({ ...one, transport: 'udp' });
    wanted.push({ ...one, transport: 'tcp' });
  }
  return wanted;
}

/** The system's name for why it cannot be bound; undefined where it can. */
async function tryBind({ transport, host, port }: Wanted): Promise<string | undefined> {
  try {
    if (transport === 'udp') {
      const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
      try {
        socket.bind({ address: host, port, exclusive: true });
        await once(socket, 'listening');
      } finally {
        socket.close();
      }
    } else {
      const server = createServer().listen({ host, port, exclusive: true });
      await once(server, 'listening');
      server.close();
    }
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

function inUse({ transport, setting, ...address }: Wanted, owner = 'another process'): Finding {
  return {
    check: 'ports',
    level: 'problem',
    found: `${transport.toUpperCase()} ${addressText(address)} (${setting}) is held by ${owner}`,
    remedy: `stop it, or take another port: carillon up --set ${setting}=${address.port + 1000}`,
  };
}

function unavailable({ transport, setting, ...address }: Wanted, code: string): Finding {
  const isRight = code === 'EACCES';
  const bind = `${setting.replace(/\..*/, '')}.bind`;
  return {
    check: 'ports',
    level: 'problem',
    found: `${transport.toUpperCase()} ${addressText(address)} (${setting}) cannot be bound: ${isRight ? 'this user may not' : code === 'EADDRNOTAVAIL' ? 'this machine has no such address' : code}`,
    remedy: isRight
      ? `take a port above 1023: carillon up --set ${setting}=${address.port + 5000}`
      : `set bind or ${bind} to an address of this machine`,
  };
}

function overlaps({ rtp }: NetworkSettings, wanted: readonly Wanted[]): readonly Finding[] {
  const inside = wanted.filter(
    ({ transport, port }) => transport === 'udp' && port >= rtp.from && port <= rtp.to,
  );
  const findings = inside.map(
    ({ setting, port }): Finding => ({
      check: 'ports',
      level: 'problem',
      found: `${setting} ${port} lies among the media ports ${rtp.from} to ${rtp.to}`,
      remedy: 'move one of the two: rtp.from and rtp.to, or the port',
    }),
  );
  if (rtp.to - rtp.from >= 3) return findings;
  const found = `rtp.from ${rtp.from} to rtp.to ${rtp.to} has no room for a call`;
  return [
    ...findings,
    { check: 'ports', level: 'problem', found, remedy: 'a call needs four ports' },
  ];
}

/** UEs are told an address to come back to; that of everybody is none. */
function wildcard(settings: NetworkSettings): readonly Finding[] {
  const bind = settings.pcscf.bind ?? settings.bind;
  if ((bind !== '0.0.0.0' && bind !== '::') || settings.pcscf.advertise !== undefined) return [];
  return [
    {
      check: 'ports',
      level: 'warning',
      found: `the P-CSCF binds ${bind} and has no address to tell phones`,
      remedy: "set pcscf.bind to this machine's address, or pcscf.advertise to its name",
    },
  ];
}
