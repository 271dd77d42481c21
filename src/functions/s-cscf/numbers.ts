// What a dialled URI means as a telephone number, and where a number leads. TS 24.229 §5.4.3.2
// (number analysis), TS 23.003 §13.4, RFC 3966. Pure.

import { type SipUri, type Uri, withoutSeparators } from '#sip/uri';
import type { SCscfConfig } from './config.ts';

/** `certain`: the caller says that it is a number. Else the URI may be somebody's name as well. */
export interface Dialled {
  /** Global number, '+' first. */
  readonly number: string;
  readonly certain: boolean;
}

const GLOBAL = /^\+[0-9]{1,15}$/;
const LOCAL = /^[0-9]{2,20}$/;

/** The global number in `+digits`, or undefined. */
export function globalNumber(text: string): string | undefined {
  const digits = withoutSeparators(text);
  return GLOBAL.test(digits) ? digits : undefined;
}

/**
 * The number that a Request-URI dials, completed by the plan of the home network and, for
 * subscriber numbers, by the caller's own number; undefined where it dials none.
 */
export function dialledNumber(
  uri: Uri,
  config: SCscfConfig,
  caller: string | undefined,
): Dialled | undefined {
  if (uri.scheme === 'tel') {
    const { number, params } = uri as Extract<Uri, { scheme: 'tel' }>;
    const completed = complete(number, params.get('phone-context') ?? undefined, config, caller);
    return completed === undefined ? undefined : { number: completed, certain: true };
  }
  if (uri.scheme !== 'sip' && uri.scheme !== 'sips') return undefined;
  const sip = uri as SipUri;
  if (sip.user === undefined || !isHome(sip.host, config)) return undefined;

  // user=phone: the user part is a telephone-subscriber with parameters of its own (§19.1.6)
  const [digits = '', ...parameters] = sip.user.split(';');
  const context = parameters
    .map(parameter => /^phone-context=(.*)$/i.exec(parameter)?.[1])
    .find(value => value !== undefined);
  const completed = complete(digits, context, config, caller);
  if (completed === undefined) return undefined;
  return { number: completed, certain: sip.params.get('user')?.toLowerCase() === 'phone' };
}

export function isHome(host: string, config: SCscfConfig): boolean {
  const name = host.toLowerCase();
  return name === config.home || config.aliases.includes(name);
}

function complete(
  text: string,
  context: string | undefined,
  config: SCscfConfig,
  caller: string | undefined,
): string | undefined {
  const digits = withoutSeparators(text);
  if (GLOBAL.test(digits)) return digits;
  if (!LOCAL.test(digits)) return undefined; // '#', '*', letters: a service code or a name
  if (context?.startsWith('+')) return globalNumber(context + digits);

  const plan = config.numbers;
  const rest = (prefix: string): string | undefined =>
    prefix !== '' && digits.startsWith(prefix) ? digits.slice(prefix.length) : undefined;

  const international = rest(plan.internationalPrefix) ?? rest('00');
  if (international !== undefined) return globalNumber(`+${international}`);

  const national = rest(plan.nationalPrefix);
  if (national !== undefined && isNational(national, plan.nationalDigits)) {
    return globalNumber(`+${plan.country}${national}`);
  }
  if (digits.length === plan.nationalDigits) return globalNumber(`+${plan.country}${digits}`);
  return ofArea(digits, plan, caller);
}

/** Where numbers differ in length (E.164 allows 15 digits), short ones are services. */
const isNational = (digits: string, length: number | undefined): boolean =>
  length === undefined ? digits.length >= 5 : digits.length === length;

/** A number within the caller's own area. */
function ofArea(
  digits: string,
  plan: SCscfConfig['numbers'],
  caller: string | undefined,
): string | undefined {
  const { country, nationalDigits, subscriberDigits } = plan;
  if (nationalDigits === undefined || digits.length !== subscriberDigits) return undefined;
  if (!caller?.startsWith(`+${country}`)) return undefined;
  const area = caller.slice(1 + country.length, -subscriberDigits);
  if (area.length !== nationalDigits - subscriberDigits) return undefined;
  return globalNumber(`+${country}${area}${digits}`);
}

/** The domain whose users have such numbers (the ENUM answer), or undefined: break out. */
export function domainOf(number: string, config: SCscfConfig): string | undefined {
  let best: { prefix: string; domain: string } | undefined;
  for (const entry of config.numbers.enum) {
    if (!number.startsWith(entry.prefix)) continue;
    if (best === undefined || entry.prefix.length > best.prefix.length) best = entry;
  }
  return best?.domain;
}
