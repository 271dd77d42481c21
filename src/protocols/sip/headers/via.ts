// The path a request took, which its responses take back. RFC 3261 §20.42, RFC 3581.

import { SipError } from '../error.ts';
import { type Grammar, listHeader } from '../header.ts';
import { type Params, paramsText, parseParams } from '../params.ts';
import {
  indexWithin,
  isDigitCode,
  isHostCode,
  isSpaceCode,
  isToken,
  lowerSlice,
  skipSpace,
  trimmed,
} from '../text.ts';
import { hostPort, isIpv6Text } from '../uri.ts';

export interface ViaValue {
  /** 'SIP/2.0' */
  readonly protocol: string;
  /** Upper case: 'UDP', 'TCP', 'TLS', 'WS', 'WSS', 'SCTP' … */
  readonly transport: string;
  /** Lower case; IPv6 without brackets. */
  readonly host: string;
  readonly port: number | undefined;
  readonly params: Params;
}

export const viaValue: Grammar<ViaValue> = {
  parse: text => parseVia(text, 0, text.length),
  parseIn: parseVia,
  format: via =>
    `${via.protocol}/${via.transport} ${hostPort(via.host, via.port)}${paramsText(via.params)}`,
};

function parseVia(text: string, start: number, end: number): ViaValue {
  let protocol = 'SIP/2.0';
  let at = start + 8;
  if (!text.startsWith('SIP/2.0/', start)) {
    const slash = indexWithin(text, '/', start, end);
    at = indexWithin(text, '/', slash + 1, end) + 1;
    if (slash < 0 || at === 0) throw new SipError(400, 'no protocol');
    const name = trimmed(text.slice(start, slash)).toUpperCase();
    const version = trimmed(text.slice(slash + 1, at - 1));
    if (!isToken(name) || !isToken(version)) throw new SipError(400, 'no protocol');
    protocol = `${name}/${version}`;
    at = skipSpace(text, at, end);
  }
  const transportAt = at;
  while (at < end && !isSpaceCode(text.charCodeAt(at))) at++;
  const transport = knownTransport(text, transportAt, at);
  at = skipSpace(text, at, end);

  // sent-by
  let host: string;
  if (at < end && text.charCodeAt(at) === 0x5b) {
    const close = indexWithin(text, ']', at, end);
    host = text.slice(at + 1, close < 0 ? at + 1 : close).toLowerCase();
    if (!isIpv6Text(host)) throw new SipError(400, 'sent-by is no host');
    at = close + 1;
  } else {
    const hostAt = at;
    while (at < end && isHostCode(text.charCodeAt(at))) at++;
    if (at === hostAt) throw new SipError(400, 'sent-by is no host');
    host = lowerSlice(text, hostAt, at);
  }
  at = skipSpace(text, at, end);
  let port: number | undefined;
  if (at < end && text.charCodeAt(at) === 0x3a) {
    at = skipSpace(text, at + 1, end);
    const portAt = at;
    port = 0;
    while (at < end && isDigitCode(text.charCodeAt(at))) {
      port = port * 10 + text.charCodeAt(at++) - 0x30;
      if (port > 65_535) throw new SipError(400, 'a port is larger than 65535');
    }
    if (at === portAt) throw new SipError(400, 'a port is missing');
  }
  return { protocol, transport, host, port, params: parseParams(text, at, end) };
}

function knownTransport(text: string, from: number, to: number): string {
  if (to - from === 3) {
    if (text.startsWith('UDP', from)) return 'UDP';
    if (text.startsWith('TCP', from)) return 'TCP';
    if (text.startsWith('TLS', from)) return 'TLS';
  }
  const transport = text.slice(from, to);
  if (!isToken(transport)) throw new SipError(400, 'no transport');
  return transport.toUpperCase();
}

export const Via = listHeader({
  name: 'Via',
  compact: 'v',
  spec: 'RFC 3261 §20.42',
  value: viaValue,
});
