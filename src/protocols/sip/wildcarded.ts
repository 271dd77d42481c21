// Wildcarded identities: `sip:+1555020!.*!@example.org` stands for every identity that the expression
// between the exclamation marks completes. TS 23.003 §13.4A (users), §13.5 (services).

/** A wildcarded identity, as it is written, and what it stands for. */
export interface Wildcard {
  readonly text: string;
  /** Characters that are no part of the expression: the more, the closer the match. */
  readonly literal: number;
  matches(identity: string): boolean;
}

// What may repeat stands alone, never in a group: such an expression is matched in little time.
const ATOM = String.raw`(?:[A-Za-z0-9_~+-]|\.|\\[.+*?]|\[\^?[A-Za-z0-9-]+\])`;
const REPEAT = String.raw`(?:[*+?]|\{[0-9]{1,2}(?:,[0-9]{0,2})?\})?`;
const EXPRESSION = new RegExp(`^(?:${ATOM}${REPEAT})+$`);
const MAX_EXPRESSION = 64;
const MAX_REPEATS = 3;

const FORM = /^(sips?:|tel:)([^!@]*)!(.+)!([^!@]*)(@[a-z0-9.:[\]-]+)?$/;

/** undefined where the text is no wildcarded identity, or its expression is more than we match. */
export function wildcardOf(text: string): Wildcard | undefined {
  const parts = FORM.exec(text);
  if (parts === null || text.length > 255) return undefined;
  const [, scheme = '', before = '', expression = '', after = '', domain = ''] = parts;
  if ((scheme === 'tel:') !== (domain === '')) return undefined;
  if (expression.length > MAX_EXPRESSION || !EXPRESSION.test(expression)) return undefined;
  if ((expression.match(/[*+?{]/g)?.length ?? 0) > MAX_REPEATS) return undefined;
  const [start, end] = [`${scheme}${before}`, `${after}${domain}`];
  // A point stands for any character of a user part: not for what ends it.
  const any = expression.replaceAll(/\\.|\./g, found => (found === '.' ? '[^@;]' : found));
  const pattern = compiled(any);
  if (pattern === undefined) return undefined;
  return {
    text,
    literal: start.length + end.length,
    matches: identity =>
      identity.length >= start.length + end.length &&
      identity.length <= 255 &&
      identity.startsWith(start) &&
      identity.endsWith(end) &&
      pattern.test(identity.slice(start.length, identity.length - end.length)),
  };
}

function compiled(expression: string): RegExp | undefined {
  try {
    return new RegExp(`^(?:${expression})$`);
  } catch {
    return undefined; // a class such as [z-a]
  }
}

/** The closest of those that match, the first of equally close ones. */
export function closest<W extends Wildcard>(
  wildcards: Iterable<W>,
  identity: string,
): W | undefined {
  let found: W | undefined;
  for (const wildcard of wildcards) {
    if (found !== undefined && wildcard.literal <= found.literal) continue;
    if (wildcard.matches(identity)) found = wildcard;
  }
  return found;
}
