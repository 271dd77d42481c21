// What the transport layer does to Via: RFC 3261 §18.1.1 and §18.2.1, RFC 3581 (rport).

import type { Address } from '#kernel/host';
import { Via, type ViaValue } from '../headers.ts';
import { type Edit, prepend, replaceFirst, type SipRequest } from '../message.ts';
import { withParams } from '../params.ts';
import type { Link } from './link.ts';

const rportWanted: ReadonlyMap<string, string | null> = new Map([['rport', null]]);

/** Our own Via on top: what makes a request ours for this hop. */
export function pushVia(link: Link, branch: string): Edit {
  const params = new Map(rportWanted);
  params.set('branch', branch);
  return prepend(Via, {
    protocol: 'SIP/2.0',
    transport: link.viaTransport,
    host: link.sentBy.host,
    port: link.sentBy.port,
    params,
  });
}

/**
 * Notes on the topmost Via where the request really came from, for its responses to find the way
 * back. On a local link nothing is lost and nothing is noted.
 */
export function noteSource(request: SipRequest, via: ViaValue, link: Link): SipRequest {
  if (link.protocol === 'local') return request;
  const { remote } = link;
  const rport = via.params.has('rport');
  if (!rport && via.host === remote.host) return request;
  const noted: Record<string, string | number> = { received: remote.host };
  if (rport) noted.rport = remote.port;
  return request.with(replaceFirst(Via, { ...via, params: withParams(via.params, noted) }));
}

/** Where a response goes that cannot, or need not, go back to where the request came from. §18.2.2 */
export function returnAddress(via: ViaValue, source: Address): Address {
  const port = via.port ?? (via.transport === 'TLS' ? 5061 : 5060);
  return { host: source.host, port }; // maddr would let anybody point our answers at a third party
}
