// The DNS by way of node: the machine's own resolver, or servers that a setting names.

import { lookup, promises } from 'node:dns';
import { UsageError } from '../errors.ts';
import { type Duration, ms, seconds } from '../time.ts';
import type { DnsAnswer, DnsSource } from './dns.ts';

export interface DnsSettings {
  /** `ip` or `ip:port`, `[ipv6]:port`. Default those of the machine, with its hosts file. */
  readonly servers?: readonly string[];
  /** How long one server is waited for before the next. Default 1 s. */
  readonly timeout?: Duration;
  /** How often each server is asked. Default 2. */
  readonly tries?: number;
}

const LOOPBACK = ['127.0.0.1', '::1'];

/** Throws a UsageError for a server that is no address. */
export function nodeDns(settings: DnsSettings = {}): DnsSource {
  const { servers = [], timeout = ms(1000), tries = 2 } = settings;
  const resolver = new promises.Resolver({ timeout, tries });
  try {
    if (servers.length > 0) resolver.setServers(servers);
  } catch {
    throw new UsageError(`a DNS server is no address: ${servers.join(', ')}`);
  }

  const ofFamily = async (name: string, family: 4 | 6): Promise<DnsAnswer<string>> => {
    const found = await (family === 4
      ? resolver.resolve4(name, { ttl: true })
      : resolver.resolve6(name, { ttl: true }));
    const lifetime = seconds(Math.min(...found.map(({ ttl }) => ttl)));
    return { records: found.map(({ address }) => address), lifetime };
  };
  const asked = async (name: string): Promise<DnsAnswer<string>> => {
    // RFC 6761 §6.3: this name never reaches a server
    if (/(^|\.)localhost\.?$/i.test(name)) return { records: LOOPBACK };
    const families = await Promise.allSettled([ofFamily(name, 4), ofFamily(name, 6)]);
    const answers = families.flatMap(each => (each.status === 'fulfilled' ? [each.value] : []));
    return {
      records: answers.flatMap(answer => answer.records),
      lifetime: Math.min(...answers.map(answer => answer.lifetime ?? Infinity)),
    };
  };

  return {
    addresses: servers.length > 0 ? asked : systemLookup,
    async srv(name) {
      const found = await resolver.resolveSrv(name);
      return {
        records: found.map(({ priority, weight, port, name: target }) => ({
          priority,
          weight,
          port,
          target: undotted(target),
        })),
      };
    },
    async naptr(name) {
      const found = await resolver.resolveNaptr(name);
      return {
        records: found.map(({ order, preference, flags, service, regexp, replacement }) => ({
          order,
          preference,
          flags,
          service,
          regexp,
          replacement: undotted(replacement),
        })),
      };
    },
    close: () => resolver.cancel(),
  };
}

const undotted = (name: string): string => name.replace(/\.$/, '');

/** The machine's own resolver, so that its hosts file counts. IPv4 first. */
function systemLookup(name: string): Promise<DnsAnswer<string>> {
  return new Promise((resolve, reject) => {
    lookup(name, { all: true, order: 'ipv4first' }, (error, found) => {
      if (error) reject(error);
      else resolve({ records: found.map(one => one.address) });
    });
  });
}
