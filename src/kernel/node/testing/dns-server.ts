// A small authoritative DNS server on loopback UDP: enough of RFC 1035 to serve a zone to node's
// resolver.

import { createSocket } from 'node:dgram';
import { isIPv4 } from 'node:net';
import type { NaptrRecord, SrvRecord } from '../../host.ts';

export interface ZoneData {
  /** A and AAAA, by name. */
  readonly addresses?: Readonly<Record<string, readonly string[]>>;
  readonly srv?: Readonly<Record<string, readonly SrvRecord[]>>;
  readonly naptr?: Readonly<Record<string, readonly NaptrRecord[]>>;
  /** Time to live, seconds. Default 60. */
  readonly ttl?: number;
}

export interface DnsServer {
  /** `ip:port` */
  readonly address: string;
  /** Queries answered: 'SRV _sip._udp.example.test'. */
  readonly asked: string[];
  /** While true, queries are not answered. */
  silent: boolean;
  close(): void;
}

const TYPES: Readonly<Record<number, string>> = { 1: 'A', 28: 'AAAA', 33: 'SRV', 35: 'NAPTR' };

export async function dnsServer(zone: ZoneData): Promise<DnsServer> {
  const socket = createSocket('udp4');
  const asked: string[] = [];
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve));
  const server: DnsServer = {
    address: `127.0.0.1:${socket.address().port}`,
    asked,
    silent: false,
    close: () => socket.close(),
  };
  socket.on('message', (query, from) => {
    if (server.silent) return;
    const { name, type, end } = questionOf(query);
    asked.push(`${TYPES[type]} ${name}`);
    const records = recordsOf(zone, name, type);
    const header = Buffer.alloc(12);
    header.writeUInt16BE(query.readUInt16BE(0), 0);
    // an answer, authoritative; NXDOMAIN where nothing is known
    header.writeUInt16BE(records.length > 0 ? 0x8500 : 0x8503, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(records.length, 6);
    const answers = records.map(data => {
      const head = Buffer.alloc(12);
      head.writeUInt16BE(0xc00c, 0); // the name of the question
      head.writeUInt16BE(type, 2);
      head.writeUInt16BE(1, 4);
      head.writeUInt32BE(zone.ttl ?? 60, 6);
      head.writeUInt16BE(data.length, 10);
      return Buffer.concat([head, data]);
    });
    const answer = Buffer.concat([header, query.subarray(12, end), ...answers]);
    socket.send(answer, from.port, from.address);
  });
  return server;
}

function questionOf(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  while (query[at] !== 0) {
    const length = query[at]!;
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return {
    name: labels.join('.').toLowerCase(),
    type: query.readUInt16BE(at + 1),
    end: at + 5,
  };
}

function recordsOf(zone: ZoneData, name: string, type: number): Buffer[] {
  const addresses = zone.addresses?.[name] ?? [];
  switch (TYPES[type]) {
    case 'A':
      return addresses.filter(isIPv4).map(ip => Buffer.from(ip.split('.').map(Number)));
    case 'AAAA':
      return addresses.filter(ip => !isIPv4(ip)).map(ipv6);
    case 'SRV':
      return (zone.srv?.[name] ?? []).map(({ priority, weight, port, target }) =>
        Buffer.concat([shorts(priority, weight, port), domain(target)]),
      );
    case 'NAPTR':
      return (zone.naptr?.[name] ?? []).map(record =>
        Buffer.concat([
          shorts(record.order, record.preference),
          ...[record.flags, record.service, record.regexp].map(text),
          domain(record.replacement),
        ]),
      );
    default:
      return [];
  }
}

const shorts = (...values: number[]): Buffer =>
  Buffer.concat(values.map(value => Buffer.from([value >> 8, value & 0xff])));
const text = (value: string): Buffer =>
  Buffer.concat([Buffer.from([value.length]), Buffer.from(value, 'latin1')]);
const domain = (name: string): Buffer =>
  Buffer.concat([...name.split('.').filter(Boolean).map(text), Buffer.from([0])]);

/** Test data has two colons in a row once, and no embedded IPv4. */
function ipv6(address: string): Buffer {
  const [left = '', right = ''] = address.split('::');
  const groups = (part: string): string[] => part.split(':').filter(Boolean);
  const missing = 8 - groups(left).length - groups(right).length;
  const all = [...groups(left), ...Array<string>(missing).fill('0'), ...groups(right)];
  return shorts(...all.map(group => Number.parseInt(group, 16)));
}
