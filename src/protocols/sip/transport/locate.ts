// Locating SIP servers by the DNS: NAPTR chooses the transport, SRV the servers, A and AAAA their
// addresses. RFC 3263 §4.1 and §4.2, RFC 2782, RFC 7118 §6 for WebSocket.

import type { Dns, NaptrRecord } from '#kernel/host';
import { inSrvOrder } from '#kernel/srv-order';
import { type Candidate, defaultPorts, type Finder, type WireProtocol } from './resolve.ts';

/** What a URI says of where it leads; `host` is a name that no composition knows. */
export interface Sought {
  readonly host: string;
  readonly port: number | undefined;
  readonly secured: boolean;
  readonly asked: WireProtocol | undefined;
}

/** Ways to try, and servers of one name: names come from peers, and so may their DNS. */
const MOST_CANDIDATES = 16;
const MOST_SERVERS = 8;

/** NAPTR services (RFC 3263 §4.1; §10.2 of RFC 7118) and the names of SRV records. */
const TRANSPORTS: readonly {
  readonly protocol: WireProtocol;
  readonly service: string;
  readonly srv: string;
}[] = [
  { protocol: 'udp', service: 'sip+d2u', srv: '_sip._udp' },
  { protocol: 'tcp', service: 'sip+d2t', srv: '_sip._tcp' },
  { protocol: 'tls', service: 'sips+d2t', srv: '_sips._tcp' },
  { protocol: 'ws', service: 'sip+d2w', srv: '_sip._ws' },
  { protocol: 'wss', service: 'sips+d2w', srv: '_sips._ws' },
];
const srvNames = new Map(TRANSPORTS.map(({ protocol, srv }) => [protocol, srv]));

/** Every way to reach the host, the first to try first; none where the DNS knows none. */
export async function located(sought: Sought, finder: Finder): Promise<readonly Candidate[]> {
  const found = await search(sought, finder);
  return found.slice(0, MOST_CANDIDATES);
}

async function search(sought: Sought, finder: Finder): Promise<readonly Candidate[]> {
  const { host, port, secured, asked } = sought;
  const plain: WireProtocol = secured ? 'tls' : 'udp';
  // §4.1, §4.2: a port says that there is no SRV record to ask for
  if (port !== undefined) return hostAt(sought, asked ?? plain, port, finder);

  if (asked !== undefined) {
    const servers = await serversOf(sought, asked, `${srvNames.get(asked)}.${host}`, finder);
    return servers ?? hostAt(sought, asked, defaultPorts[asked], finder);
  }

  const chosen = await byNaptr(sought, finder);
  if (chosen.length > 0) return chosen;

  // §4.1: no NAPTR record; the transports for which there are SRV records are those of the server
  const protocols: readonly WireProtocol[] = secured ? ['tls'] : ['udp', 'tcp', 'tls'];
  const each = await Promise.all(
    protocols.map(one => serversOf(sought, one, `${srvNames.get(one)}.${host}`, finder)),
  );
  if (each.some(servers => servers !== undefined)) return each.flatMap(servers => servers ?? []);
  return hostAt(sought, plain, defaultPorts[plain], finder);
}

/**
 * What the NAPTR records of the lowest order with a transport for us lead to. A higher order is not
 * looked at then (RFC 3403 §4.1), so that nobody is talked down from TLS by its failure.
 */
async function byNaptr(sought: Sought, finder: Finder): Promise<readonly Candidate[]> {
  const usable = (await finder.network.dns.naptr(sought.host)).flatMap(record => {
    const transport = TRANSPORTS.find(({ service }) => service === record.service.toLowerCase());
    // §4.1: a sips URI takes no service that is not sips
    if (transport === undefined || !leads(record)) return [];
    if (sought.secured && !transport.service.startsWith('sips')) return [];
    return [{ record, transport }];
  });
  const order = Math.min(...usable.map(({ record }) => record.order));
  const first = usable
    .filter(({ record }) => record.order === order)
    .sort((a, b) => a.record.preference - b.record.preference)
    .slice(0, TRANSPORTS.length);
  const ways = await Promise.all(
    first.map(async ({ record, transport: { protocol } }) => {
      if (record.flags.toLowerCase() === 's') {
        return (await serversOf(sought, protocol, record.replacement, finder)) ?? [];
      }
      const port = defaultPorts[protocol];
      const addresses = await finder.network.dns.addresses(record.replacement);
      return addresses.map(host => candidate(sought, protocol, host, port));
    }),
  );
  return ways.flat();
}

/** RFC 3263 §4.1 uses flag 's'; 'a' is RFC 3404's. Neither has a regexp. */
const leads = ({ flags, replacement }: NaptrRecord): boolean =>
  /^[sa]$/i.test(flags) && replacement !== '';

/** The servers of an SRV name; undefined where it has no records at all. §4.2 */
async function serversOf(
  sought: Sought,
  protocol: WireProtocol,
  name: string,
  { network, random }: Finder,
): Promise<readonly Candidate[] | undefined> {
  const records = await network.dns.srv(name);
  if (records.length === 0) return undefined;
  // RFC 2782: a target of '.' says that the service is not offered
  const servers = inSrvOrder(records, random).filter(({ target }) => target !== '');
  const ways = await Promise.all(
    servers.slice(0, MOST_SERVERS).map(async ({ target, port }) => {
      const addresses = await addressesOf(network.dns, target);
      return addresses.map(host => candidate(sought, protocol, host, port));
    }),
  );
  return ways.flat();
}

async function hostAt(
  sought: Sought,
  protocol: WireProtocol,
  port: number,
  { network }: Finder,
): Promise<readonly Candidate[]> {
  const addresses = await addressesOf(network.dns, sought.host);
  return addresses.map(host => candidate(sought, protocol, host, port));
}

const addressesOf = async (dns: Dns, name: string): Promise<readonly string[]> =>
  (await dns.addresses(name)).slice(0, MOST_SERVERS);

/**
 * The certificate is for the domain that the user asked for, not for what the DNS made of it
 * (RFC 5922 §7.3).
 */
const candidate = (
  { host: serverName, asked }: Sought,
  protocol: WireProtocol,
  host: string,
  port: number,
): Candidate => ({
  protocol,
  address: { host, port },
  server: host,
  serverName,
  asked: asked !== undefined,
});
