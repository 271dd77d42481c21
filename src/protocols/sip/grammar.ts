// Value grammars that several headers share. RFC 3261 §25.1.

import { SipError } from './error.ts';
import type { Grammar } from './header.ts';
import {
  NO_PARAMS,
  type Params,
  type ParamsInput,
  params,
  paramsText,
  parseParams,
} from './params.ts';
import {
  closingQuote,
  indexWithin,
  isToken,
  isTokenCode,
  quoted,
  skipSpace,
  trimmed,
} from './text.ts';
import { type OtherUri, parseUri, parseUriIn, type Uri, uriText } from './uri.ts';

/** name-addr or addr-spec with parameters: RFC 3261 §20.10. */
export interface NameAddr {
  /** As on the wire without the quotes, escapes kept. */
  readonly displayName: string | undefined;
  readonly uri: Uri;
  readonly params: Params;
}

/** `nameAddr(uri, { tag }, octetText('Zoë'))` */
export function nameAddr(uri: Uri, parameters?: ParamsInput, displayName?: string): NameAddr {
  return { displayName, uri, params: params(parameters) };
}

/** Any text: kept as it is. */
export const textValue: Grammar<string> = { parse: text => text, format: value => value };

/** `token`, kept as spelled. */
export const tokenValue: Grammar<string> = {
  parse(text) {
    if (!isToken(text)) throw new SipError(400, 'not a token');
    return text;
  },
  format: value => value,
};

/** A decimal number up to `max`, anything after it refused. */
export function numberValue(max: number): Grammar<number> {
  return { parse: text => decimal(text, max), format: value => String(value) };
}

/** A decimal number with parameters, which are read past and not kept: `Min-SE: 90;x=y`. */
export function numberWithParams(max: number): Grammar<number> {
  return {
    parse(text) {
      const semicolon = text.indexOf(';');
      if (semicolon < 0) return decimal(text, max);
      parseParams(text, semicolon);
      return decimal(trimmed(text.slice(0, semicolon)), max);
    },
    format: value => String(value),
  };
}

/** Digits only; leading zeros count for nothing. Throws SipError 400. */
export function decimal(text: string, max: number): number {
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (!(digit >= 0 && digit <= 9)) throw new SipError(400, 'not a number');
    value = value * 10 + digit;
    if (value > max) throw new SipError(400, `a number is larger than ${max}`);
  }
  if (text.length === 0) throw new SipError(400, 'a number is missing');
  return value;
}

/** The largest delta-seconds: RFC 3261 §25.1, 32 bits by §20.19. */
export const MAX_SECONDS = 4_294_967_295;

export const nameAddrValue: Grammar<NameAddr> = {
  parse: text => parseNameAddr(text, 0, text.length),
  parseIn: parseNameAddr,
  format: nameAddrText,
};

function parseNameAddr(text: string, start: number, end: number): NameAddr {
  let at = skipSpace(text, start, end);
  let displayName: string | undefined;
  const first = at < end ? text.charCodeAt(at) : 0;
  if (first === 0x22) {
    const close = closingQuote(text, at, end);
    displayName = text.slice(at + 1, close);
    at = skipSpace(text, close + 1, end);
    if (at === end || text.charCodeAt(at) !== 0x3c)
      throw new SipError(400, 'a display name without an address in <>');
  } else if (first !== 0x3c) {
    const open = indexWithin(text, '<', at, end);
    if (open < 0) return parseAddrSpec(text, at, end);
    displayName = unquotedName(trimmed(text.slice(at, open)));
    at = open;
  }
  const close = indexWithin(text, '>', at, end);
  if (close < 0) throw new SipError(400, 'an address in <> has no end');
  const uri = parseUriIn(text, at + 1, close);
  return { displayName, uri, params: parseParams(text, close + 1, end) };
}

/** Parameters after a bare URI belong to the header; one with '?' or ',' needs brackets. §20.10 */
function parseAddrSpec(text: string, at: number, end: number): NameAddr {
  const semicolon = indexWithin(text, ';', at, end);
  const stop = semicolon < 0 ? end : semicolon;
  const spec = trimmed(text.slice(at, stop));
  if (spec.includes('?') || spec.includes(',')) {
    throw new SipError(400, 'an address with ? or , needs <>', { clause: 'RFC 3261 §20.10' });
  }
  return { displayName: undefined, uri: parseUri(spec), params: parseParams(text, stop, end) };
}

// Tokens by the grammar. More is taken, as phones send more, but nothing that could be read as
// another structure.
function unquotedName(text: string): string {
  if (/[",;<>\\]/.test(text))
    throw new SipError(400, 'a display name needs quotes', { clause: 'RFC 3261 §25.1' });
  return text;
}

export function nameAddrText(value: NameAddr): string {
  if (value.uri.scheme === '*') return '*';
  const address = `<${uriText(value.uri)}>`;
  const tail = value.params.size === 0 ? address : address + paramsText(value.params);
  return value.displayName === undefined ? tail : `${quoted(value.displayName)} ${tail}`;
}

/** A `token` and its parameters, under the name the specification gives the token. */
export function tokenWithParams<K extends string>(
  field: K,
  options: { lowerCase?: boolean } = {},
): Grammar<{ readonly [P in K]: string } & { readonly params: Params }> {
  type Value = { readonly [P in K]: string } & { readonly params: Params };
  return {
    parse(text) {
      let at = 0;
      while (at < text.length && isTokenCode(text.charCodeAt(at))) at++;
      if (at === 0) throw new SipError(400, 'a token is missing');
      const token = text.slice(0, at);
      return {
        [field]: options.lowerCase ? token.toLowerCase() : token,
        params: parseParams(text, at),
      } as Value;
    },
    format: value => value[field] + paramsText(value.params),
  };
}

/** `token "/" token` in lower case with parameters: media types. RFC 3261 §20.1, §20.15 */
export interface MediaType {
  readonly type: string;
  readonly params: Params;
}

export const mediaTypeValue: Grammar<MediaType> = {
  parse(text) {
    const semicolon = text.indexOf(';');
    const type = (semicolon < 0 ? text : text.slice(0, semicolon)).toLowerCase();
    const slash = type.indexOf('/');
    const main = trimmed(type.slice(0, Math.max(slash, 0)));
    const sub = trimmed(type.slice(slash + 1));
    if (!isToken(main) || !isToken(sub)) throw new SipError(400, 'not a media type');
    return {
      type: `${main}/${sub}`,
      params: semicolon < 0 ? NO_PARAMS : parseParams(text, semicolon),
    };
  },
  format: value => value.type + paramsText(value.params),
};

/** `*` where a header allows it in place of an address. */
export const STAR: OtherUri = Object.freeze({ scheme: '*', text: '' });
