// What a dialled URI means as a telephone number, and where a number leads. TS 24.229 §5.4.3.2
// (number analysis), TS 23.003 §13.4, RFC 3966, RFC 4694. Pure.

import type { Params } from '#sip/params';
import { isSipUri, isTelUri, type SipUri, type Uri, withoutSeparators } from '#sip/uri';
import type { SCscfConfig } from './config.ts';

/** `certain`: the caller says that it is a number. Else the URI may be somebody's name as well. */
export interface Dialled {
  /** Global number, '+' first. */
  readonly number: string;
  readonly certain: boolean;
  /** What a number portability database said of it already. */
  readonly portability?: Portability;
}

/** RFC 4694: `npdi` says that a database was asked, `rn` where the number now is. */
export interface Portability {
  /** As on the wire. */
  readonly routingNumber?: string;
  /** `rn-context`, where the routing number is not global. */
  readonly context?: string;
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
    return completed === undefined ? undefined : dialled(completed, true, params);
  }
  if (uri.scheme !== 'sip' && uri.scheme !== 'sips') return undefined;
  const sip = uri as SipUri;
  if (sip.user === undefined || !isHome(sip.host, config)) return undefined;
  if (sip.params.has('gr')) return undefined; // a GRUU means a device, not a number (RFC 5627 §3.1)

  // user=phone: the user part is a telephone-subscriber with parameters of its own (§19.1.6)
  const { digits, params } = telephoneSubscriber(sip.user);
  const completed = complete(digits, params.get('phone-context') ?? undefined, config, caller);
  if (completed === undefined) return undefined;
  return dialled(completed, sip.params.get('user')?.toLowerCase() === 'phone', params);
}

function dialled(number: string, certain: boolean, params: Params): Dialled {
  const portability = portabilityOf(params);
  return portability === undefined ? { number, certain } : { number, certain, portability };
}

function telephoneSubscriber(user: string): { readonly digits: string; readonly params: Params } {
  const [digits = '', ...parameters] = user.split(';');
  const params = new Map<string, string | null>();
  for (const parameter of parameters) {
    const equals = parameter.indexOf('=');
    const name = (equals < 0 ? parameter : parameter.slice(0, equals)).toLowerCase();
    if (!params.has(name)) params.set(name, equals < 0 ? null : parameter.slice(equals + 1));
  }
  return { digits, params };
}

/** What a URI of a number says of porting, whichever its scheme. */
export function portabilityOfUri(uri: Uri): Portability | undefined {
  if (isTelUri(uri)) return portabilityOf(uri.params);
  return isSipUri(uri) ? portabilityOf(telephoneSubscriber(uri.user ?? '').params) : undefined;
}

/**
 * The URI as a UE may have dialled it: where a number was ported to is for the network to say, or
 * calls would be billed by one number and led to another (RFC 4694 §7).
 */
export function withoutPortability<U extends Uri>(uri: U): U {
  if (portabilityOfUri(uri) === undefined) return uri;
  const isOfUser = (name: string): boolean => !PORTABILITY.has(name.toLowerCase());
  if (isTelUri(uri)) {
    return { ...uri, params: new Map([...uri.params].filter(([name]) => isOfUser(name))) };
  }
  const { user = '' } = uri as Extract<Uri, { user: unknown }>;
  const kept = user.split(';').filter(part => isOfUser(part.split('=')[0]!));
  return { ...uri, user: kept.join(';') };
}

const PORTABILITY: ReadonlySet<string> = new Set(['npdi', 'rn', 'rn-context']);

/** RFC 4694 §4; a routing number that is none is as if it were not there. */
function portabilityOf(params: Params): Portability | undefined {
  const rn = params.get('rn');
  const routingNumber =
    rn && /^(\+[0-9().-]{1,40}|[0-9A-Fa-f().-]{1,40})$/.test(rn) ? rn : undefined;
  if (routingNumber === undefined) return params.has('npdi') ? {} : undefined;
  const context = routingNumber.startsWith('+') ? undefined : params.get('rn-context');
  return {
    routingNumber,
    ...(context && /^[+0-9A-Za-z().-]{1,100}$/.test(context) ? { context } : {}),
  };
}

/** The user part of a SIP URI for the number; whoever gets it need not ask again. RFC 4694 §5 */
export function portedUser(number: string, portability: Portability | undefined): string {
  if (portability === undefined) return number;
  const { routingNumber, context } = portability;
  const rn = routingNumber === undefined ? '' : `;rn=${routingNumber}`;
  return `${number};npdi${rn}${context === undefined ? '' : `;rn-context=${context}`}`;
}

/** The number by which a call is routed: the one the number was ported to, where that is global. */
export function routingNumber({ number, portability }: Dialled): string {
  return globalNumber(portability?.routingNumber ?? '') ?? number;
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
