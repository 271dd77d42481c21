// When two URIs are the same, and the canonical public identity in one.
// RFC 3261 §19.1.4, RFC 3966 §4, TS 23.003 §13.4.

import type { Params } from './params.ts';
import {
  decoded,
  hostPort,
  isSipUri,
  isTelUri,
  type SipUri,
  type TelUri,
  type Uri,
} from './uri.ts';

/** RFC 3261 §19.1.4 for sip and sips, RFC 3966 §4 for tel, text for any other scheme. */
export function sameUri(a: Uri, b: Uri): boolean {
  if (a === b) return true;
  if (a.scheme !== b.scheme) return false;
  if (isSipUri(a)) return sameSipUri(a, b as SipUri);
  if (isTelUri(a)) return sameTelUri(a, b as TelUri);
  return (a as { text: string }).text === (b as { text: string }).text;
}

// These never match their own absence, even with the default value; any other does.
const NEVER_IMPLIED = ['transport', 'user', 'ttl', 'method', 'maddr'];

function sameSipUri(a: SipUri, b: SipUri): boolean {
  if (a.host !== b.host || a.port !== b.port) return false;
  if (!sameText(a.user, b.user) || !sameText(a.password, b.password)) return false;
  if (a.params.size > 0 || b.params.size > 0) {
    for (const name of NEVER_IMPLIED) if (a.params.has(name) !== b.params.has(name)) return false;
    for (const [name, value] of a.params) {
      if (!b.params.has(name)) continue;
      if (!sameIgnoringCase(value, b.params.get(name)!)) return false;
    }
  }
  return a.headers === b.headers || sameUriHeaders(a.headers ?? '', b.headers ?? '');
}

const sameText = (a: string | undefined, b: string | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && decoded(a) === decoded(b));

const sameIgnoringCase = (a: string | null, b: string | null): boolean =>
  a === b || decoded(a ?? '').toLowerCase() === decoded(b ?? '').toLowerCase();

/** Header components in any order; names without case. */
function sameUriHeaders(a: string, b: string): boolean {
  const sorted = (text: string): string =>
    text
      .split('&')
      .map(header => {
        const equals = header.indexOf('=');
        const name = equals < 0 ? header : header.slice(0, equals);
        return `${decoded(name).toLowerCase()}=${equals < 0 ? '' : decoded(header.slice(equals + 1))}`;
      })
      .sort()
      .join('&');
  return sorted(a) === sorted(b);
}

function sameTelUri(a: TelUri, b: TelUri): boolean {
  if (withoutSeparators(a.number) !== withoutSeparators(b.number)) return false;
  if (a.params.size !== b.params.size) return false;
  for (const [name, value] of a.params) {
    if (!b.params.has(name) || telParam(name, value) !== telParam(name, b.params.get(name)!))
      return false;
  }
  return true;
}

function telParam(name: string, value: string | null): string | null {
  if (value === null) return null;
  const text = decoded(value).toLowerCase();
  return name === 'ext' || (name === 'phone-context' && text.startsWith('+'))
    ? withoutSeparators(text)
    : text;
}

/** Digits without visual separators, hexadecimal digits in lower case: RFC 3966 §4. */
export function withoutSeparators(number: string): string {
  return number.replace(/[-.()]/g, '').toLowerCase();
}

/**
 * The canonical public identity: `sip:user@host` or `tel:+digits`. No port, no parameters, no
 * password; escapes only where they must be; visual separators removed from numbers; sips counts as
 * sip. A local number keeps its phone-context, without which it identifies nobody.
 */
export function impuOf(uri: Uri): string {
  if (isSipUri(uri)) {
    const host = hostPort(uri.host, undefined);
    return uri.user === undefined ? `sip:${host}` : `sip:${canonicalUser(uri)}@${host}`;
  }
  if (isTelUri(uri)) {
    const number = withoutSeparators(uri.number);
    const context = number.startsWith('+') ? undefined : uri.params.get('phone-context');
    return context
      ? `tel:${number};phone-context=${decoded(context).toLowerCase()}`
      : `tel:${number}`;
  }
  return `${uri.scheme}:${(uri as { text: string }).text}`;
}

const PLAIN_USER = /^[A-Za-z0-9+_]+$/;

function canonicalUser(uri: SipUri): string {
  let user = uri.user!;
  if (PLAIN_USER.test(user)) return user;
  // RFC 3986 §6.2.2.2: an escape of what needs none is undone, another is written in upper case
  user = user.replace(/%([0-9a-fA-F]{2})?/g, (coded, hex?: string) => {
    if (hex === undefined) return '%25'; // no escape: left bare it could become one
    const character = String.fromCharCode(Number.parseInt(hex, 16));
    return /[A-Za-z0-9\-_.!~*'()&=+$,;?/]/.test(character) ? character : coded.toUpperCase();
  });
  // `+1-555-0100;rn=…` names the subscriber +15550100
  const number = user.split(';', 1)[0]!;
  if (/^\+[0-9().-]*[0-9][().-]*$/.test(number)) return withoutSeparators(number);
  const isPhone = uri.params.get('user')?.toLowerCase() === 'phone';
  return isPhone && /^[0-9A-Fa-f*#().-]*[0-9A-Fa-f*#][().-]*$/.test(number)
    ? withoutSeparators(number)
    : user;
}

/** Whether two parameter lists hold the same names and values, in any order. */
export function sameParams(a: Params, b: Params): boolean {
  if (a.size !== b.size) return false;
  for (const [name, value] of a) if (!b.has(name) || b.get(name) !== value) return false;
  return true;
}
