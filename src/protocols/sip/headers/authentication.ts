// Challenges and answers. RFC 3261 §20.7, §20.27, §20.28, §20.44; RFC 7616; RFC 3310; TS 24.229 §7.2A.2.

import { SipError } from '../error.ts';
import { type Grammar, linesHeader, singleHeader } from '../header.ts';
import { limits } from '../limits.ts';
import type { Params } from '../params.ts';
import { closingQuote, isToken, isTokenCode, quoted, skipSpace } from '../text.ts';

export interface AuthValue {
  /** As spelled: 'Digest'. Empty in Authentication-Info, which has none. */
  readonly scheme: string;
  /** Values without their quotes. */
  readonly params: Params;
}

/** Parameters separated by commas, from `at` to the end. */
function parseAuthParams(text: string, at: number): Params {
  const found = new Map<string, string | null>();
  at = skipSpace(text, at);
  while (at < text.length) {
    if (text.charCodeAt(at) === 0x2c) {
      at = skipSpace(text, at + 1);
      continue;
    }
    const nameAt = at;
    while (at < text.length && isTokenCode(text.charCodeAt(at))) at++;
    if (at === nameAt) throw new SipError(400, 'a parameter has no name', { offset: at });
    const name = text.slice(nameAt, at).toLowerCase();
    at = skipSpace(text, at);
    if (text.charCodeAt(at) !== 0x3d)
      throw new SipError(400, `${name} has no value`, { offset: at });
    at = skipSpace(text, at + 1);
    let value: string;
    if (text.charCodeAt(at) === 0x22) {
      const close = closingQuote(text, at);
      value = text.slice(at + 1, close);
      at = close + 1;
    } else {
      const valueAt = at;
      while (at < text.length && !endsValue(text.charCodeAt(at))) at++;
      value = text.slice(valueAt, at);
    }
    // Two answers in one header could be read as either: an attack, not a phone.
    if (found.has(name)) throw new SipError(400, `${name} stands twice`, { offset: at });
    found.set(name, value);
    if (found.size > limits.params) throw new SipError(400, 'too many parameters', { offset: at });
    at = skipSpace(text, at);
    if (at < text.length && text.charCodeAt(at) !== 0x2c) {
      throw new SipError(400, 'no comma between parameters', { offset: at });
    }
  }
  return found;
}

const endsValue = (code: number): boolean =>
  code === 0x2c || code <= 0x20 || code === 0x22 || code === 0x5c;

/** Written without quotes: RFC 3261 §25.1, RFC 7616 §3.3 and §3.4. Any other goes in quotes. */
const BARE_IN_CHALLENGE = new Set(['algorithm', 'stale', 'userhash', 'charset']);
const BARE_IN_CREDENTIALS = new Set(['algorithm', 'nc', 'qop', 'userhash']);
const BARE_IN_INFO = new Set(['nc', 'qop']);

function authParamsText(params: Params, bare: ReadonlySet<string>): string {
  let out = '';
  for (const [name, value] of params) {
    if (out !== '') out += ', ';
    const text = value ?? '';
    out += bare.has(name) && isToken(text) ? `${name}=${text}` : `${name}=${quoted(text)}`;
  }
  return out;
}

function withScheme(bare: ReadonlySet<string>): Grammar<AuthValue> {
  return {
    parse(text) {
      let at = 0;
      while (at < text.length && isTokenCode(text.charCodeAt(at))) at++;
      if (at === 0) throw new SipError(400, 'no scheme');
      const scheme = text.slice(0, at);
      // Another scheme's credentials may be one opaque word (RFC 7235 §2.1): kept as a flag.
      const rest = text.slice(skipSpace(text, at));
      if (scheme.toLowerCase() !== 'digest' && /^[A-Za-z0-9\-._~+/]+=*$/.test(rest))
        return { scheme, params: new Map([[rest, null]]) };
      return { scheme, params: parseAuthParams(text, at) };
    },
    format(value) {
      if (value.params.size === 1) {
        const [[name, only]] = [...value.params] as [[string, string | null]];
        if (only === null) return `${value.scheme} ${name}`;
      }
      return `${value.scheme} ${authParamsText(value.params, bare)}`;
    },
  };
}

const challenge = withScheme(BARE_IN_CHALLENGE);
const credentials = withScheme(BARE_IN_CREDENTIALS);

const info: Grammar<AuthValue> = {
  parse: text => ({ scheme: '', params: parseAuthParams(text, 0) }),
  format: value => authParamsText(value.params, BARE_IN_INFO),
};

export const WwwAuthenticate = linesHeader({
  name: 'WWW-Authenticate',
  spec: 'RFC 3261 §20.44',
  value: challenge,
});
export const ProxyAuthenticate = linesHeader({
  name: 'Proxy-Authenticate',
  spec: 'RFC 3261 §20.27',
  value: challenge,
});
export const Authorization = linesHeader({
  name: 'Authorization',
  spec: 'RFC 3261 §20.7',
  value: credentials,
});
export const ProxyAuthorization = linesHeader({
  name: 'Proxy-Authorization',
  spec: 'RFC 3261 §20.28',
  value: credentials,
});
export const AuthenticationInfo = singleHeader({
  name: 'Authentication-Info',
  spec: 'RFC 3261 §20.6',
  value: info,
});
export const ProxyAuthenticationInfo = singleHeader({
  name: 'Proxy-Authentication-Info',
  spec: 'RFC 7615 §4',
  value: info,
});
