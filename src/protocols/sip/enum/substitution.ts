// The substitution of a NAPTR rule: a pattern, a text for what it matched, both between delimiters
// of the rule's own choice. RFC 3402 §3.2.

import { CapturingEre } from '#kernel/ere/captures';
import { PatternError } from '#kernel/ere/compile';

/** What DNS allows for a regexp (RFC 3403 §4.1) and what a URI of ours may be long. */
const LONGEST_RULE = 255;
const LONGEST_RESULT = 1000;

/**
 * The text that `rule` makes of `subject`, or undefined where it does not match or is malformed.
 * The pattern replaces the whole subject, not a part of it: RFC 3402 §3.2.
 */
export function substitute(rule: string, subject: string): string | undefined {
  if (rule.length < 3 || rule.length > LONGEST_RULE) return undefined;
  const delimiter = rule[0]!;
  if (/[1-9\\i]/.test(delimiter)) return undefined;
  const [pattern, replacement, flags, ...rest] = split(rule.slice(1), delimiter);
  if (pattern === undefined || replacement === undefined || rest.length > 0) return undefined;
  if (flags === undefined || !/^i?$/.test(flags)) return undefined;

  let matched: readonly (string | undefined)[] | undefined;
  let groups: number;
  try {
    const ere = new CapturingEre(unescaped(pattern, delimiter), { ignoreCase: flags === 'i' });
    groups = ere.groups;
    matched = ere.match(subject);
  } catch (error) {
    if (error instanceof PatternError) return undefined;
    throw error;
  }
  if (matched === undefined) return undefined;
  let result = '';
  for (let at = 0; at < replacement.length; at++) {
    const character = replacement[at]!;
    if (character !== '\\') {
      result += character;
      continue;
    }
    const next = replacement[++at];
    if (next === undefined) return undefined;
    if (/[1-9]/.test(next)) {
      if (Number(next) > groups) return undefined; // a rule that names a group it has not is an error
      result += matched[Number(next)] ?? '';
    } else result += next;
  }
  return result.length <= LONGEST_RESULT ? result : undefined;
}

/** The parts between unescaped delimiters; escapes stay. */
function split(text: string, delimiter: string): string[] {
  const parts: string[] = [];
  let part = '';
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!;
    if (character === '\\' && at + 1 < text.length) part += character + text[++at]!;
    else if (character === delimiter) {
      parts.push(part);
      part = '';
    } else part += character;
  }
  return [...parts, part];
}

/** An escaped delimiter is the character itself, which may mean something to the pattern. */
const unescaped = (pattern: string, delimiter: string): string =>
  pattern.replace(/\\(.)/gs, (whole, character) => (character === delimiter ? delimiter : whole));
