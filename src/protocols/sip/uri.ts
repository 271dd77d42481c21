// URIs as SIP carries them: sip, sips (RFC 3261 §19.1), tel (RFC 3966), and any other kept as text.
// Values are plain data; user, password and parameter values stay escaped as on the wire and are
// compared after unescaping (RFC 3261 §19.1.4).

import { SipError } from './error.ts';
import { limits } from './limits.ts';
import { NO_PARAMS, type Params, type ParamsInput, params } from './params.ts';
import {
  indexWithin,
  isDigitCode,
  isHexCode,
  isHostCode,
  isNoUriCode,
  lowerSlice,
} from './text.ts';

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
  return parseUriIn(text, 0, text.length);
}

/** The URI that fills `text` from `start` to `end`. */
export function parseUriIn(text: string, start: number, end: number): Uri {
  if (text.startsWith('sip:', start)) return parseSipUri('sip', text, start + 4, end);
  const colon = indexWithin(text, ':', start, end);
  if (colon <= start) throw bad('a URI has no scheme');
  const scheme = lowerSlice(text, start, colon);
  if (scheme === 'sip' || scheme === 'sips') return parseSipUri(scheme, text, colon + 1, end);
  if (scheme === 'tel') return parseTelUri(text, colon + 1, end);
  checkCharacters(text, start, end);
  if (!/^[a-z][a-z0-9+.-]*$/.test(scheme)) throw bad('a URI scheme is malformed');
  return { scheme, text: text.slice(colon + 1, end) };
}

/** The first '@', or -1. Throws where any character is none of a URI. */
function checkCharacters(text: string, start: number, end: number): number {
  let atSign = -1;
  for (let i = start; i < end; i++) {
    const code = text.charCodeAt(i);
    if (isNoUriCode(code)) throw bad('a URI holds a character that no URI may');
    if (code === 0x40 && atSign < 0) atSign = i;
  }
  return atSign;
}

function parseSipUri(scheme: 'sip' | 'sips', text: string, at: number, end: number): SipUri {
  let user: string | undefined;
  let password: string | undefined;
  const atSign = checkCharacters(text, at, end);
  if (atSign >= 0) {
    let colon = at;
    while (colon < atSign && text.charCodeAt(colon) !== 0x3a) colon++;
    if (colon === at) throw bad('a URI has an empty user part');
    user = text.slice(at, colon);
    if (colon < atSign) password = text.slice(colon + 1, atSign);
    at = atSign + 1;
  }

  // hostport
  let host: string;
  const hostAt = at;
  if (at < end && text.charCodeAt(at) === 0x5b) {
    const close = indexWithin(text, ']', at, end);
    host = text.slice(at + 1, close < 0 ? at + 1 : close).toLowerCase();
    if (!isIpv6Text(host)) throw bad('an IPv6 address is malformed');
    at = close + 1;
  } else {
    while (at < end && isHostCode(text.charCodeAt(at))) at++;
    if (at === hostAt) throw bad('a URI has no host');
    host = lowerSlice(text, hostAt, at);
  }
  let port: number | undefined;
  if (at < end && text.charCodeAt(at) === 0x3a) {
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
      const question = indexWithin(text, '?', at, end);
      const stop = question < 0 ? end : question;
      found = parseUriParams(text, at, stop);
      at = stop;
    }
    if (at < end) {
      if (text.charCodeAt(at) !== 0x3f) throw bad('something follows the host of a URI');
      headers = text.slice(at + 1, end);
    }
  }
  return { scheme, user, password, host, port, params: found, headers };
}

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

/** Characters have been checked already. */
function parseUriParams(text: string, at: number, stop: number): Params {
  const found = new Map<string, string | null>();
  while (at < stop) {
    const nameAt = ++at; // behind the semicolon
    let equals = -1;
    for (; at < stop; at++) {
      const code = text.charCodeAt(at);
      if (code === 0x3b) break;
      if (code === 0x3d && equals < 0) equals = at;
    }
    if (at === nameAt) continue; // `;;`: harmless
    if (equals === nameAt) throw bad('a URI parameter has no name');
    const name = paramName(lowerSlice(text, nameAt, equals < 0 ? at : equals));
    if (!found.has(name)) found.set(name, equals < 0 ? null : text.slice(equals + 1, at));
    if (found.size > limits.params) throw bad('a URI has too many parameters');
  }
  return found;
}

/** Unescaped, unless that would change where the parameter ends. */
function paramName(text: string): string {
  if (!text.includes('%')) return text;
  const plain = decoded(text);
  return /^[A-Za-z0-9\-_.!~*'()[\]/:&+$]+$/.test(plain) ? plain.toLowerCase() : text;
}

function parseTelUri(text: string, at: number, end: number): TelUri {
  checkCharacters(text, at, end);
  const semicolon = indexWithin(text, ';', at, end);
  const number = text.slice(at, semicolon < 0 ? end : semicolon);
  if (!isTelNumber(number)) throw bad('a tel URI has no telephone number', 'RFC 3966 §3');
  const found = semicolon < 0 ? NO_PARAMS : parseUriParams(text, semicolon, end);
  return { scheme: 'tel', number, params: found };
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
