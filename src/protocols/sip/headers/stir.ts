// A caller's identity, signed. RFC 8224 §4.

import { SipError } from '../error.ts';
import { type Grammar, linesHeader } from '../header.ts';
import { type Params, paramsText, parseParams } from '../params.ts';
import { skipSpace, trimmed } from '../text.ts';

export interface IdentityValue {
  /**
   * A PASSporT: `header.payload.signature`, or `..signature` in its compact form (RFC 8225 §7). In
   * quotes, the signature of RFC 4474, which nobody verifies any more.
   */
  readonly token: string;
  /** Where the certificate is; the brackets are left off. */
  readonly info: string | undefined;
  /** `alg`, `ppt` and others; `info` is not among them. */
  readonly params: Params;
}

const PASSPORT = /^[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+$/;
const OLD_SIGNATURE = /^"[A-Za-z0-9+/=\s]*"$/;

const identity: Grammar<IdentityValue> = {
  parse(text) {
    const semicolon = text.indexOf(';');
    const token = trimmed(semicolon < 0 ? text : text.slice(0, semicolon));
    if (!PASSPORT.test(token) && !OLD_SIGNATURE.test(token)) {
      throw new SipError(438, 'an Identity holds no PASSporT', { clause: 'RFC 8224 §4' });
    }
    let rest = semicolon < 0 ? '' : text.slice(semicolon);
    let info: string | undefined;
    // info is the one parameter whose value stands in angle brackets
    const bracketed = /;[ \t]*info[ \t]*=[ \t]*<([^<>"\s]{1,2000})>/i.exec(rest);
    if (bracketed !== null) {
      info = bracketed[1];
      rest = rest.slice(0, bracketed.index) + rest.slice(bracketed.index + bracketed[0].length);
    }
    return { token, info, params: parseParams(rest, skipSpace(rest, 0)) };
  },
  format: ({ token, info, params }) =>
    token + (info === undefined ? '' : `;info=<${info}>`) + paramsText(params),
};

/** Several may be there, each in a line of its own: of others on the way, or of other kinds. */
export const Identity = linesHeader({
  name: 'Identity',
  compact: 'y',
  spec: 'RFC 8224 §4',
  value: identity,
});
