// Where a peer may be reached: what a setting says, resolved.

import type { Endpoint, Host, NaptrRecord } from '#kernel/host';
import { inSrvOrder } from '#kernel/srv-order';

/** The registered port. RFC 6733 §2.1 */
export const DIAMETER_PORT = 3868;

/** TLS from the first octet. RFC 6733 §11.4 */
const DIAMETER_TLS_PORT = 5868;

/** Endpoints of one setting list, at most. */
const MAX_ENDPOINTS = 32;

/**
 * Names, `name:port`, `ip`, `ip:port`, `[ipv6]:port`, in order. A name that leads nowhere gives
 * nothing.
 */
export async function endpointsOf(host: Host, texts: readonly string[]): Promise<Endpoint[]> {
  const found: Endpoint[] = [];
  for (const text of texts) found.push(...(await resolved(host, text)));
  return found.slice(0, MAX_ENDPOINTS);
}

async function resolved(host: Host, text: string): Promise<readonly Endpoint[]> {
  const { name, port } = parts(text);
  if (/^[\d.]+$/.test(name) || name.includes(':')) {
    return [{ protocol: 'tcp', address: { host: name, port: port ?? DIAMETER_PORT } }];
  }
  try {
    const known = await host.network.resolve(name, 'diameter');
    if (known === undefined) return located(host, name, port);
    return port === undefined ? known : known.map(endpoint => withPort(endpoint, port));
  } catch (error) {
    host.log.warn('diameter peer name not resolved', { name, why: String(error) });
    return [];
  }
}

/**
 * By the DNS: peers of a realm by NAPTR and SRV, or a host by its addresses. RFC 6733 §5.2; the
 * services of SCTP and DTLS are not ours.
 */
async function located(host: Host, name: string, port: number | undefined): Promise<Endpoint[]> {
  const { dns } = host.network;
  if (port === undefined) {
    const chosen = (await dns.naptr(name)).map(record => ({ record, protocol: serviceOf(record) }));
    const sorted = chosen
      .filter(({ protocol }) => protocol !== undefined)
      .sort((a, b) => a.record.order - b.record.order || a.record.preference - b.record.preference);
    for (const { record, protocol } of sorted) {
      const servers = await serversOf(host, record.replacement, protocol!);
      if (servers.length > 0) return servers;
    }
    const servers = await serversOf(host, `_diameter._tcp.${name}`, 'tcp');
    if (servers.length > 0) return servers;
  }
  return at(await dns.addresses(name), port ?? DIAMETER_PORT, 'tcp');
}

async function serversOf(host: Host, name: string, protocol: 'tcp' | 'tls'): Promise<Endpoint[]> {
  const { dns } = host.network;
  const found: Endpoint[] = [];
  for (const server of inSrvOrder(await dns.srv(name), host.random)) {
    if (found.length >= MAX_ENDPOINTS) break;
    const port = server.port || (protocol === 'tls' ? DIAMETER_TLS_PORT : DIAMETER_PORT);
    if (server.target !== '') found.push(...at(await dns.addresses(server.target), port, protocol));
  }
  return found;
}

/** Any application's: a peer says in its CER what it speaks. RFC 6408 §4, RFC 3588 §5.2 for D2T. */
function serviceOf({ flags, service, replacement }: NaptrRecord): 'tcp' | 'tls' | undefined {
  if (flags.toLowerCase() !== 's' || replacement === '') return undefined;
  if (/^aaa(\+ap\d{1,10})?:diameter\.tls\.tcp$/i.test(service)) return 'tls';
  return /^aaa((\+ap\d{1,10})?:diameter\.tcp|\+d2t)$/i.test(service) ? 'tcp' : undefined;
}

const at = (addresses: readonly string[], port: number, protocol: 'tcp' | 'tls'): Endpoint[] =>
  addresses.map(host => ({ protocol, address: { host, port } }));

function withPort(endpoint: Endpoint, port: number): Endpoint {
  if (endpoint.protocol === 'local') return endpoint;
  return { ...endpoint, address: { host: endpoint.address.host, port } };
}

function parts(text: string): { readonly name: string; readonly port: number | undefined } {
  const bracketed = /^\[([^\]]+)\](?::(\d{1,5}))?$/.exec(text);
  const [, name, port] = bracketed ?? /^([^:]*):(\d{1,5})$/.exec(text) ?? [];
  return { name: name ?? text, port: port === undefined ? undefined : Number(port) };
}
