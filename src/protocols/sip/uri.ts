// URIs as SIP carries them: sip, sips (RFC 3261 §19.1), tel (RFC 3966), and any other kept as text.
// Values are plain data; user, password and parameter values stay escaped as on the wire and are
// compared after unescaping (RFC 3261 §19.1.4).

import { SipError } from './error.ts';
import { limits } from './limits.ts';
import { NO_PARAMS, type Params, type ParamsInput, params } from './params.ts';
import { isDigitCode, isHexCode } from './text.ts';

export type Uri = SipUri | TelUri | OtherUri;

export interface SipUri {
  readonly scheme: 'sip' | 'sips';
  /** As on the wire; `%`-escapes are undone only where compared. */
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** Lower case; IPv6 without brackets. */
  readonly host: string;
  readonly port: number | undefined;
  readonly params: Params;
  /** What follows `?`, as on the wire. */
  readonly headers: string | undefined;
}

export interface TelUri {
  readonly scheme: 'tel';
  /** As on the wire, visual separators included. */
  readonly number: string;
  readonly params: Params;
}

export interface OtherUri {
  /** Lower case, never sip, sips or tel. */
  readonly scheme: string;
  /** What follows the first colon. */
  readonly text: string;
}

export const isSipUri = (uri: Uri): uri is SipUri => uri.scheme === 'sip' || uri.scheme === 'sips';
export const isTelUri = (uri: Uri): uri is TelUri => uri.scheme === 'tel';

const bad = (message: string, clause = 'RFC 3261 §19.1.1'): SipError =>
  new SipError(400, message, { clause });

/** Throws SipError 400 where the text is no URI, or not one of its scheme's grammar. */
export function parseUri(text: string): Uri {
  const colon = text.indexOf(':');
  if (colon <= 0) throw bad('a URI has no scheme');
  const scheme = schemeOf(text, colon);
  if (scheme === 'sip' || scheme === 'sips') return parseSipUri(scheme, text, colon + 1);
  if (scheme === 'tel') return parseTelUri(text, colon + 1);
  for (let i = 0; i < text.length; i++) {
    if (isForbidden(text.charCodeAt(i))) throw bad('a URI holds a character that no URI may');
  }
  if (!/^[a-z][a-z0-9+.-]*$/.test(scheme)) throw bad('a URI scheme is malformed');
  return { scheme, text: text.slice(colon + 1) };
}

function schemeOf(text: string, colon: number): string {
  if (colon === 3 && text.startsWith('sip')) return 'sip';
  if (colon === 3 && text.startsWith('tel')) return 'tel';
  return text.slice(0, colon).toLowerCase();
}

/** White space, controls and the delimiters of RFC 3261 §25 that no URI may hold. */
const isForbidden = (code: number): boolean =>
  code <= 0x20 || code === 0x7f || code === 0x22 || code === 0x3c || code === 0x3e;

function parseSipUri(scheme: 'sip' | 'sips', text: string, at: number): SipUri {
  const end = text.length;
  let user: string | undefined;
  let password: string | undefined;
  const atSign = text.indexOf('@', at);
  if (atSign >= 0) {
    let colon = -1;
    for (let i = at; i < atSign; i++) {
      const code = text.charCodeAt(i);
      if (isForbidden(code)) throw bad('the user part of a URI holds a character it may not');
      if (code === 0x3a && colon < 0) colon = i;
    }
    if (atSign === at || colon === at) throw bad('a URI has an empty user part');
    user = text.slice(at, colon < 0 ? atSign : colon);
    if (colon >= 0) password = text.slice(colon + 1, atSign);
    at = atSign + 1;
  }

  // hostport
  let host: string;
  if (text.charCodeAt(at) === 0x5b) {
    const close = text.indexOf(']', at);
    if (close < 0) throw bad('an IPv6 address has no end');
    host = text.slice(at + 1, close);
    if (!isIpv6Text(host)) throw bad('an IPv6 address is malformed');
    host = host.toLowerCase();
    at = close + 1;
  } else {
    const hostAt = at;
    while (at < end && isHostCode(text.charCodeAt(at))) at++;
    if (at === hostAt) throw bad('a URI has no host');
    host = text.slice(hostAt, at).toLowerCase();
  }
  let port: number | undefined;
  if (text.charCodeAt(at) === 0x3a) {
    const portAt = ++at;
    port = 0;
    while (at < end && isDigitCode(text.charCodeAt(at))) {
      port = port * 10 + text.charCodeAt(at++) - 0x30;
      if (port > 65_535) throw bad('a port is larger than 65535');
    }
    if (at === portAt) throw bad('a URI has an empty port');
  }

  let found: Params = NO_PARAMS;
  let headers: string | undefined;
  if (at < end) {
    if (text.charCodeAt(at) === 0x3b) {
      const question = text.indexOf('?', at);
      const stop = question < 0 ? end : question;
      found = parseUriParams(text, at, stop);
      at = stop;
    }
    if (at < end) {
      if (text.charCodeAt(at) !== 0x3f) throw bad('something follows the host of a URI');
      headers = text.slice(at + 1);
      for (let i = 0; i < headers.length; i++) {
        if (isForbidden(headers.charCodeAt(i)))
          throw bad('a URI holds a character that no URI may');
      }
    }
  }
  return { scheme, user, password, host, port, params: found, headers };
}

/** Letters, digits, '-', '.', and '_' which names of real networks have. */
const isHostCode = (code: number): boolean =>
  (code >= 0x61 && code <= 0x7a) ||
  (code >= 0x30 && code <= 0x39) ||
  code === 0x2e ||
  code === 0x2d ||
  (code >= 0x41 && code <= 0x5a) ||
  code === 0x5f;

/** Characters only: RFC 5118 §4.10 asks to take `2001:db8:::192.0.2.1`. */
export function isIpv6Text(text: string): boolean {
  if (text.length < 2 || text.length > 45) return false;
  let colons = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x3a) colons++;
    else if (!isHexCode(code) && code !== 0x2e) return false;
  }
  return colons >= 2;
}

/** Letters, digits, '-', '.', '_' only, or an IPv6 address without brackets. */
export function isHost(text: string): boolean {
  if (text.includes(':')) return isIpv6Text(text);
  for (let i = 0; i < text.length; i++) if (!isHostCode(text.charCodeAt(i))) return false;
  return text.length > 0;
}

function parseUriParams(text: string, at: number, stop: number): Params {
  const found = new Map<string, string | null>();
  while (at < stop) {
    at++; // the semicolon
    const nameAt = at;
    let equals = -1;
    let code = 0;
    for (; at < stop; at++) {
      code = text.charCodeAt(at);
      if (code === 0x3b) break;
      if (code === 0x3d && equals < 0) equals = at;
      else if (isForbidden(code)) throw bad('a URI parameter holds a character it may not');
    }
    if (at === nameAt) continue; // `;;`: harmless
    if (equals === nameAt) throw bad('a URI parameter has no name');
    const name = paramName(text.slice(nameAt, equals < 0 ? at : equals));
    if (!found.has(name)) found.set(name, equals < 0 ? null : text.slice(equals + 1, at));
    if (found.size > limits.params) throw bad('a URI has too many parameters');
  }
  return found;
}

function paramName(text: string): string {
  if (!text.includes('%')) return text.toLowerCase();
  const plain = decoded(text);
  return (/^[A-Za-z0-9\-_.!~*'()[\]/:&+$]+$/.test(plain) ? plain : text).toLowerCase();
}

function parseTelUri(text: string, at: number): TelUri {
  const semicolon = text.indexOf(';', at);
  const stop = semicolon < 0 ? text.length : semicolon;
  const number = text.slice(at, stop);
  if (!isTelNumber(number)) throw bad('a tel URI has no telephone number', 'RFC 3966 §3');
  if (semicolon < 0) return { scheme: 'tel', number, params: NO_PARAMS };
  return { scheme: 'tel', number, params: parseUriParams(text, semicolon, text.length) };
}

/** global-number-digits or local-number-digits, RFC 3966 §3: at least one that is no separator. */
export function isTelNumber(text: string): boolean {
  const global = text.charCodeAt(0) === 0x2b;
  let digits = 0;
  for (let i = global ? 1 : 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (isDigitCode(code)) digits++;
    else if (!global && (isHexCode(code) || code === 0x2a || code === 0x23)) digits++;
    else if (!isVisualSeparator(code)) return false;
  }
  return digits > 0;
}

const isVisualSeparator = (code: number): boolean =>
  code === 0x2d || code === 0x2e || code === 0x28 || code === 0x29;

export interface SipUriParts {
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** IPv6 with or without brackets. */
  readonly host: string;
  readonly port?: number | undefined;
  readonly params?: ParamsInput;
  readonly headers?: string | undefined;
  readonly scheme?: 'sip' | 'sips';
}

export function sipUri(parts: SipUriParts): SipUri {
  const host = parts.host.toLowerCase();
  return {
    scheme: parts.scheme ?? 'sip',
    user: parts.user,
    password: parts.password,
    host: host.startsWith('[') ? host.slice(1, -1) : host,
    port: parts.port,
    params: params(parts.params),
    headers: parts.headers,
  };
}

export function telUri(number: string, parameters?: ParamsInput): TelUri {
  return { scheme: 'tel', number, params: params(parameters) };
}

/** `host`, `host:port`, `[v6]:port`. */
export function hostPort(host: string, port: number | undefined): string {
  const name = host.includes(':') ? `[${host}]` : host;
  return port === undefined ? name : `${name}:${port}`;
}

export function uriText(uri: Uri): string {
  if (isSipUri(uri)) {
    let out = `${uri.scheme}:`;
    if (uri.user !== undefined) {
      out += uri.password === undefined ? `${uri.user}@` : `${uri.user}:${uri.password}@`;
    }
    out += hostPort(uri.host, uri.port);
    if (uri.params.size > 0) out += uriParamsText(uri.params);
    return uri.headers === undefined ? out : `${out}?${uri.headers}`;
  }
  if (isTelUri(uri)) return `tel:${uri.number}${uriParamsText(uri.params)}`;
  return uri.scheme === '*' ? '*' : `${uri.scheme}:${uri.text}`;
}

function uriParamsText(from: Params): string {
  let out = '';
  for (const [name, value] of from) out += value === null ? `;${name}` : `;${name}=${value}`;
  return out;
}

/** `%`-escapes undone, octet by octet; what is no escape stays. */
export function decoded(text: string): string {
  if (!text.includes('%')) return text;
  return text.replace(/%([0-9a-fA-F]{2})/g, (_, hex) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** A user part or parameter value with every character escaped that may not stand bare there. */
export function escapedUser(text: string): string {
  return text.replace(
    /[^A-Za-z0-9\-_.!~*'()&=+$,;?/]/g,
    character => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

export { impuOf, sameUri, withoutSeparators } from './uri-compare.ts';
