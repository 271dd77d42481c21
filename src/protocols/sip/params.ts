// Parameters of header values and URIs: `;name`, `;name=value`, `;name="value"`.
// RFC 3261 §7.3.1 and §25.1 (generic-param), §19.1.1 (uri-parameter).

import { SipError } from './error.ts';
import { limits } from './limits.ts';
import { closingQuote, isToken, isTokenCode, lowerSlice, quoted, skipSpace } from './text.ts';

/**
 * Names in lower case, in the order of the wire; null where only the name is present. Values as on
 * the wire, without the quotes; escapes inside quotes are kept (`unescaped` undoes them). Where a
 * name appears twice, which RFC 3261 §7.3.1 forbids, the first counts.
 */
export type Params = ReadonlyMap<string, string | null>;

export const NO_PARAMS: Params = new Map();

/** What builders take: entries whose value is undefined are left out; true means only the name. */
export type ParamsInput =
  | Params
  | Readonly<Record<string, string | number | null | true | undefined>>;

/** `params({ lr: null, transport: 'tcp', tag: undefined })` */
export function params(input: ParamsInput | undefined): Params {
  if (input === undefined) return NO_PARAMS;
  if (input instanceof Map) return input;
  const made = new Map<string, string | null>();
  for (const [name, value] of Object.entries(input)) {
    if (value === undefined) continue;
    made.set(name.toLowerCase(), value === null || value === true ? null : String(value));
  }
  return made;
}

/** The same with some set, changed or (undefined) removed. */
export function withParams(
  from: Params,
  changes: Readonly<Record<string, string | number | null | true | undefined>>,
): Params {
  const made = new Map(from);
  for (const [name, value] of Object.entries(changes)) {
    const key = name.toLowerCase();
    if (value === undefined) made.delete(key);
    else made.set(key, value === null || value === true ? null : String(value));
  }
  return made;
}

/** Parameters of a header value, which fill `text` from `at` to `end`. */
export function parseParams(text: string, at: number, end: number = text.length): Params {
  at = skipSpace(text, at, end);
  if (at === end) return NO_PARAMS;
  const found = new Map<string, string | null>();
  while (at < end) {
    if (text.charCodeAt(at) !== 0x3b) {
      throw new SipError(400, 'something other than a parameter follows a value', { offset: at });
    }
    at = skipSpace(text, at + 1, end);
    const nameAt = at;
    while (at < end && isTokenCode(text.charCodeAt(at))) at++;
    if (at === nameAt) {
      // `;;` and a last `;` are wrong but harmless, and phones send them
      if (at === end || text.charCodeAt(at) === 0x3b) continue;
      throw new SipError(400, 'a parameter has no name', { offset: at });
    }
    const name = lowerSlice(text, nameAt, at);
    at = skipSpace(text, at, end);
    let value: string | null = null;
    if (at < end && text.charCodeAt(at) === 0x3d) {
      at = skipSpace(text, at + 1, end);
      if (at < end && text.charCodeAt(at) === 0x22) {
        const close = closingQuote(text, at, end);
        value = text.slice(at + 1, close);
        at = close + 1;
      } else {
        const valueAt = at;
        while (at < end && !endsValue(text.charCodeAt(at))) at++;
        value = text.slice(valueAt, at);
      }
      at = skipSpace(text, at, end);
    }
    if (!found.has(name)) found.set(name, value);
    if (found.size > limits.params) throw new SipError(400, 'too many parameters', { offset: at });
  }
  return found;
}

const endsValue = (code: number): boolean =>
  code === 0x3b || code <= 0x20 || code === 0x2c || code === 0x22 || code === 0x5c;

/** `;name=value…`, quoted where the value or the parameter's grammar asks for it. */
export function paramsText(from: Params): string {
  let out = '';
  for (const [name, value] of from) {
    if (value === null) out += `;${name}`;
    else out += `;${name}=${needsQuotes(name, value) ? quoted(value) : value}`;
  }
  return out;
}

// Parameters whose grammar is a quoted string even where the content would be a token: feature
// tags (RFC 3840 §9), Reason text (RFC 3326), GRUU (RFC 5627), Security-Verify digest (RFC 3329).
const ALWAYS_QUOTED = new Set([
  'application',
  'class',
  'description',
  'digest-verify',
  'duplex',
  'events',
  'extensions',
  'icid-value',
  'language',
  'methods',
  'mobility',
  'priority',
  'pub-gruu',
  'schemes',
  'temp-gruu',
  'text',
  'type',
]);

// An address may stand bare here: `received` of Via without brackets (RFC 3261 §25.1).
const HOST_VALUED = new Set(['received', 'maddr', 'ccf', 'ecf', 'icid-generated-at', 'sent-by']);

function needsQuotes(name: string, value: string): boolean {
  if (name.charCodeAt(0) === 0x2b /* + */ || ALWAYS_QUOTED.has(name)) return true;
  if (isToken(value)) return false;
  if (HOST_VALUED.has(name) || value.charCodeAt(0) === 0x5b)
    return !/^\[?[0-9A-Za-z.:-]+\]?(:\d+)?$/.test(value);
  return true;
}
