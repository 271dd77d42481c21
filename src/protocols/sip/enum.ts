// From an E.164 number to the URIs that it may be reached by: ENUM. RFC 6116; RFC 3764 for E2U+sip,
// RFC 4769 for number portability by E2U+pstn.

import type { Dns, NaptrRecord } from '#kernel/host';
import { substitute } from './enum/substitution.ts';
import { isSipUri, isTelUri, parseUri, type SipUri, type TelUri } from './uri.ts';

/** The registry of RFC 6116 §3.5; operators have their own beside it. */
export const PUBLIC_SUFFIX = 'e164.arpa';

/** Steps from one rule to the next (RFC 6116 §3.3 asks for at least five). */
const MOST_STEPS = 5;
const MOST_RULES = 32;

/** The name to ask for: the digits reversed. RFC 6116 §3.2. `number` is `+digits`. */
export function enumName(number: string, suffix: string): string {
  const digits = [...number.replace(/^\+/, '')].reverse().join('.');
  return `${digits}.${suffix.replace(/^\.|\.$/g, '')}`;
}

/**
 * What the DNS says of a number (`+digits`), the first to be tried first: SIP URIs, and tel URIs
 * that tell where a number was ported to. Empty where it says nothing of use.
 */
export async function enumLookup(
  number: string,
  suffix: string,
  dns: Pick<Dns, 'naptr'>,
): Promise<readonly (SipUri | TelUri)[]> {
  const asked = new Set<string>();
  let name = enumName(number, suffix);
  for (let step = 0; step < MOST_STEPS && !asked.has(name.toLowerCase()); step++) {
    asked.add(name.toLowerCase());
    const rules = inOrder(await dns.naptr(name));
    const found = rules.flatMap(rule => resultOf(rule, number) ?? []);
    if (found.length > 0) return found;
    const onward = rules.find(isNonTerminal);
    const next = onward === undefined ? undefined : nameOf(onward, number);
    if (next === undefined) return [];
    name = next;
  }
  return [];
}

/** RFC 3403 §4.1; ENUM clients go on to a higher order where nothing was of use (RFC 6116 §5.1). */
function inOrder(rules: readonly NaptrRecord[]): NaptrRecord[] {
  return rules
    .slice(0, MOST_RULES)
    .sort((a, b) => a.order - b.order || a.preference - b.preference);
}

/** The URI of a terminal rule for us; undefined for any other, and for one that is malformed. */
function resultOf(rule: NaptrRecord, number: string): SipUri | TelUri | undefined {
  if (rule.flags.toLowerCase() !== 'u') return undefined;
  const services = enumServices(rule.service);
  if (services === undefined) return undefined;
  const text = substitute(rule.regexp, number);
  if (text === undefined) return undefined;
  let uri: ReturnType<typeof parseUri>;
  try {
    uri = parseUri(text);
  } catch {
    return undefined; // RFC 6116 §3.7: a rule that makes no sense is as if it were not there
  }
  // RFC 3764 §4, RFC 4769 §4.2
  if (isSipUri(uri)) return services.some(one => SIP.test(one)) ? uri : undefined;
  if (isTelUri(uri)) return services.some(one => TEL.test(one)) ? uri : undefined;
  return undefined;
}

const SIP = /^(sip|pstn:sip)$/;
/** RFC 4415 has voice:tel. */
const TEL = /^(pstn:tel|voice:tel)$/;

/**
 * `E2U+type:subtype+type…` in lower case (RFC 6116 §3.4.3); undefined where the rule is not of
 * ENUM. `E2U+a:b:c` stands for a:b and a:c.
 */
function enumServices(service: string): readonly string[] | undefined {
  const [application, ...services] = service.toLowerCase().split('+');
  if (application !== 'e2u' || services.length === 0) return undefined;
  return services.flatMap(one => {
    const [type = '', ...subtypes] = one.split(':');
    return subtypes.length === 0 ? [type] : subtypes.map(subtype => `${type}:${subtype}`);
  });
}

/** Flags and services are empty where the result is another name. RFC 6116 §3.3 */
const isNonTerminal = ({ flags, service }: NaptrRecord): boolean =>
  flags === '' && /^(e2u)?$/i.test(service);

function nameOf({ replacement, regexp }: NaptrRecord, number: string): string | undefined {
  const name = replacement === '' ? substitute(regexp, number) : replacement;
  return name?.replace(/\.$/, '') || undefined;
}
