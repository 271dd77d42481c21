// From the URI that a request goes to, to what it can be sent over: RFC 3263 §4. What the
// composition knows comes first, then the DNS (`locate.ts`).

import type { Address, Endpoint, Host, LinkProtocol } from '#kernel/host';
import { SipError } from '../error.ts';
import type { SipUri, Uri } from '../uri.ts';
import { located } from './locate.ts';

export type WireProtocol = Exclude<LinkProtocol, 'local'>;

/** One way to reach a target; they are tried in turn. */
export type Candidate =
  | { readonly protocol: 'local'; readonly name: string }
  | {
      readonly protocol: WireProtocol;
      readonly address: Address;
      /** Whose it is: a server that refuses is not asked again over another transport. */
      readonly server: string;
      /** The name that a certificate must hold (RFC 5922 §7.3); absent for IP literals. */
      readonly serverName?: string;
      /** The URI asks for this protocol, so that size does not change it. */
      readonly asked: boolean;
    };

/** What it takes to find a server. */
export type Finder = Pick<Host, 'network' | 'random'>;

/** RFC 3261 §19.1.2, RFC 7118 §6. */
export const defaultPorts = { udp: 5060, tcp: 5060, tls: 5061, ws: 80, wss: 443 } as const;

/** At once for IP literals, later for names. Throws SipError 416 for a URI that names no host. */
export function candidatesFor(
  uri: Uri,
  finder: Finder,
): readonly Candidate[] | Promise<readonly Candidate[]> {
  if (uri.scheme !== 'sip' && uri.scheme !== 'sips') {
    throw new SipError(416, `a ${uri.scheme} URI names no host to send to`, {
      clause: 'RFC 3261 §8.1.2',
    });
  }
  const sip = uri as SipUri;
  const asked = askedProtocol(sip);
  const host = sip.params.get('maddr') ?? sip.host; // the TARGET of §4
  if (isIpLiteral(host)) {
    const protocol = asked ?? plainProtocol(sip);
    const port = sip.port ?? defaultPorts[protocol];
    return [{ protocol, address: { host, port }, server: host, asked: asked !== undefined }];
  }
  return finder.network
    .resolve(host, 'sip')
    .then(endpoints =>
      endpoints === undefined
        ? located({ host, port: sip.port, secured: sip.scheme === 'sips', asked }, finder)
        : fitting(endpoints, sip, host, asked),
    );
}

/** Of the places that the composition knows, those that the URI means. */
function fitting(
  endpoints: readonly Endpoint[],
  uri: SipUri,
  host: string,
  asked: WireProtocol | undefined,
): readonly Candidate[] {
  const wanted = endpoints.filter(end => end.protocol === 'local' || end.protocol === asked);
  // A name that leads to bare addresses says nothing of transports: the URI's own choice counts.
  const chosen = asked === undefined || wanted.length === 0 ? endpoints : wanted;
  return chosen.map(end => {
    if (end.protocol === 'local') return end;
    const protocol = asked ?? end.protocol;
    // A default port gives way to the URI's.
    const plain = end.protocol !== protocol || end.address.port === defaultPorts[protocol];
    const port = (plain ? uri.port : end.address.port) ?? defaultPorts[protocol];
    return {
      protocol,
      address: { host: end.address.host, port },
      server: host,
      serverName: host,
      asked: asked !== undefined,
    };
  });
}

/** The transport a URI asks for: RFC 3261 §19.1.1, §26.2.2 for sips, RFC 7118 §5.2 for WebSocket. */
function askedProtocol(uri: SipUri): WireProtocol | undefined {
  const secured = uri.scheme === 'sips';
  switch (uri.params.get('transport')?.toLowerCase()) {
    case 'udp':
      return secured ? 'tls' : 'udp';
    case 'tcp':
      return secured ? 'tls' : 'tcp';
    case 'tls':
      return 'tls';
    case 'ws':
      return secured ? 'wss' : 'ws';
    case 'wss':
      return 'wss';
    default:
      return undefined;
  }
}

/** Without a transport and without the DNS's word on it. §4.1 */
const plainProtocol = (uri: SipUri): WireProtocol => (uri.scheme === 'sips' ? 'tls' : 'udp');

export function isIpLiteral(host: string): boolean {
  return host.includes(':') || /^\d{1,3}(\.\d{1,3}){3}$/.test(host);
}
