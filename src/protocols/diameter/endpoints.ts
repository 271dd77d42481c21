// Where a peer may be reached: what a setting says, resolved.

import type { Endpoint, Host } from '#kernel/host';

/** The registered port. RFC 6733 §2.1 */
export const DIAMETER_PORT = 3868;

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
    const endpoints = await host.network.resolve(name, 'diameter');
    return port === undefined ? endpoints : endpoints.map(endpoint => withPort(endpoint, port));
  } catch (error) {
    host.log.warn('diameter peer name not resolved', { name, why: String(error) });
    return [];
  }
}

function withPort(endpoint: Endpoint, port: number): Endpoint {
  if (endpoint.protocol === 'local') return endpoint;
  return { ...endpoint, address: { host: endpoint.address.host, port } };
}

function parts(text: string): { readonly name: string; readonly port: number | undefined } {
  const bracketed = /^\[([^\]]+)\](?::(\d{1,5}))?$/.exec(text);
  const [, name, port] = bracketed ?? /^([^:]*):(\d{1,5})$/.exec(text) ?? [];
  return { name: name ?? text, port: port === undefined ? undefined : Number(port) };
}
