// The path a request took, which its responses take back. RFC 3261 §20.42, RFC 3581.

import { SipError } from '../error.ts';
import { type Grammar, listHeader } from '../header.ts';
import { NO_PARAMS, type Params, paramsText, parseParams } from '../params.ts';
import { isDigitCode, isSpaceCode, isToken, skipSpace } from '../text.ts';
import { hostPort, isHost } from '../uri.ts';

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
  parse(text) {
    let at: number;
    let protocol = 'SIP/2.0';
    if (text.startsWith('SIP/2.0/')) {
      at = 8;
    } else {
      const first = text.indexOf('/');
      const second = text.indexOf('/', first + 1);
      if (first < 0 || second < 0) throw new SipError(400, 'no protocol');
      const name = text.slice(0, first).trim().toUpperCase();
      const version = text.slice(first + 1, second).trim();
      if (!isToken(name) || !isToken(version)) throw new SipError(400, 'no protocol');
      protocol = `${name}/${version}`;
      at = skipSpace(text, second + 1);
    }
    const transportAt = at;
    while (at < text.length && !isSpaceCode(text.charCodeAt(at))) at++;
    const transport = knownTransport(text.slice(transportAt, at));
    at = skipSpace(text, at);

    let host: string;
    const hostAt = at;
    if (text.charCodeAt(at) === 0x5b) {
      const close = text.indexOf(']', at);
      if (close < 0) throw new SipError(400, 'an IPv6 address has no end');
      host = text.slice(at + 1, close);
      at = close + 1;
      if (!host.includes(':')) throw new SipError(400, 'sent-by is no host');
    } else {
      while (at < text.length && !endsHost(text.charCodeAt(at))) at++;
      host = text.slice(hostAt, at);
    }
    if (!isHost(host)) throw new SipError(400, 'sent-by is no host');
    at = skipSpace(text, at);
    let port: number | undefined;
    if (text.charCodeAt(at) === 0x3a) {
      at = skipSpace(text, at + 1);
      const portAt = at;
      port = 0;
      while (at < text.length && isDigitCode(text.charCodeAt(at))) {
        port = port * 10 + text.charCodeAt(at++) - 0x30;
        if (port > 65_535) throw new SipError(400, 'a port is larger than 65535');
      }
      if (at === portAt) throw new SipError(400, 'a port is missing');
    }
    const params = at === text.length ? NO_PARAMS : parseParams(text, at);
    return { protocol, transport, host: host.toLowerCase(), port, params };
  },
  format: via =>
    `${via.protocol}/${via.transport} ${hostPort(via.host, via.port)}${paramsText(via.params)}`,
};

const endsHost = (code: number): boolean => code === 0x3a || code === 0x3b || isSpaceCode(code);

function knownTransport(text: string): string {
  if (text === 'UDP' || text === 'TCP' || text === 'TLS') return text;
  if (!isToken(text)) throw new SipError(400, 'no transport');
  return text.toUpperCase();
}

export const Via = listHeader({
  name: 'Via',
  compact: 'v',
  spec: 'RFC 3261 §20.42',
  value: viaValue,
});
