// The values of o=, c=, b= and m=, each as RFC 8866 §9 writes it.

import { sdpLimits } from './line.ts';
import { SdpError } from './sdp-error.ts';

/** o=, RFC 8866 §5.2. Session id and version are decimal strings: they may exceed 2^53. */
export interface Origin {
  readonly username: string;
  readonly sessionId: string;
  readonly version: string;
  readonly addressType: 'IP4' | 'IP6';
  readonly address: string;
}

/** c=, RFC 8866 §5.7. The address may be a name. */
export interface Connection {
  readonly addressType: 'IP4' | 'IP6';
  /** Without TTL or count of a multicast address. */
  readonly address: string;
  /** What followed the first '/', empty for unicast. */
  readonly multicast: string;
}

/** m=, RFC 8866 §5.14. */
export interface MediaLine {
  readonly media: string;
  readonly port: number;
  /** The number of port pairs where '/n' was given. */
  readonly portCount: number | undefined;
  readonly protocol: string;
  readonly formats: readonly string[];
}

/** b=: AS in kbit/s; RS, RR (RFC 3556) and TIAS (RFC 3890) in bit/s. */
export type BandwidthType = 'AS' | 'CT' | 'RS' | 'RR' | 'TIAS';

const clause = (section: string) => ({ clause: `RFC 8866 §${section}` });

export function parseOrigin(text: string): Origin {
  const parts = text.trim().split(/ +/);
  // A user name with spaces in it is common enough; the last five fields are certain.
  const [username, sessionId, version, netType, addressType, address] =
    parts.length > 6 ? [parts.slice(0, -5).join(' '), ...parts.slice(-5)] : parts;
  if (
    username === undefined ||
    sessionId === undefined ||
    version === undefined ||
    address === undefined ||
    netType !== 'IN' ||
    !isAddressType(addressType) ||
    !/^\d{1,30}$/.test(sessionId) ||
    !/^\d{1,30}$/.test(version)
  ) {
    throw new SdpError(`malformed o= line '${text}'`, clause('5.2'));
  }
  return { username, sessionId, version, addressType, address };
}

export function originText(o: Origin): string {
  return `${o.username} ${o.sessionId} ${o.version} IN ${o.addressType} ${o.address}`;
}

/** The version one greater, which a changed description carries (RFC 3264 §8). */
export function nextVersion(origin: Origin): Origin {
  return { ...origin, version: String(BigInt(origin.version) + 1n) };
}

export function parseConnection(text: string): Connection {
  const [netType, addressType, whole, ...rest] = text.trim().split(/ +/);
  if (netType !== 'IN' || !isAddressType(addressType) || !whole || rest.length > 0) {
    throw new SdpError(`malformed c= line '${text}'`, clause('5.7'));
  }
  const slash = whole.indexOf('/');
  return slash < 0
    ? { addressType, address: whole, multicast: '' }
    : { addressType, address: whole.slice(0, slash), multicast: whole.slice(slash + 1) };
}

export function connectionText(c: Connection): string {
  return `IN ${c.addressType} ${c.address}${c.multicast === '' ? '' : `/${c.multicast}`}`;
}

/** A c= value for a unicast IP literal. */
export function connectionTo(host: string): Connection {
  return { addressType: host.includes(':') ? 'IP6' : 'IP4', address: host, multicast: '' };
}

export function parseMediaLine(text: string): MediaLine {
  const [media, ports, protocol, ...formats] = text.trim().split(/ +/);
  const port = /^(\d{1,5})(?:\/(\d{1,5}))?$/.exec(ports ?? '');
  if (!media || !port || !protocol || formats.length === 0 || Number(port[1]) > 65535) {
    throw new SdpError(`malformed m= line '${text}'`, clause('5.14'));
  }
  if (formats.length > sdpLimits.formats) {
    throw new SdpError(`more than ${sdpLimits.formats} formats in one m= line`, clause('5.14'));
  }
  return {
    media,
    port: Number(port[1]),
    portCount: port[2] === undefined ? undefined : Number(port[2]),
    protocol,
    formats,
  };
}

export function mediaLineText(m: MediaLine): string {
  const count = m.portCount === undefined ? '' : `/${m.portCount}`;
  return `${m.media} ${m.port}${count} ${m.protocol} ${m.formats.join(' ')}`;
}

/** undefined when the value of a b= line is not `type:number`. */
export function parseBandwidth(text: string): { type: string; value: number } | undefined {
  const match = /^([^:\s]+):(\d{1,15})$/.exec(text.trim());
  return match ? { type: match[1]!, value: Number(match[2]) } : undefined;
}

function isAddressType(text: string | undefined): text is 'IP4' | 'IP6' {
  return text === 'IP4' || text === 'IP6';
}
