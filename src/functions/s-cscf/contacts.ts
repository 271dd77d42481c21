// What a REGISTER makes of the contacts of a registration set. RFC 3261 §10.3, RFC 5626 §6,
// TS 24.229 §5.4.1.2.2 and §5.4.1.4. Pure.

import { type Duration, type Instant, seconds } from '#kernel/time';
import {
  CallId,
  Contact,
  CSeq,
  contactExpires,
  contactQ,
  Expires,
  isContactStar,
  type NameAddr,
  nameAddr,
  Path,
  PVisitedNetworkId,
  UserAgent,
} from '#sip/headers';
import type { SipRequest } from '#sip/message';
import { copied } from '#sip/text';
import { isSipUri, parseUri, sameUri, uriText } from '#sip/uri';
import type { Binding, ContactChange } from './binding.ts';

export interface ContactPolicy {
  readonly expires: Duration;
  readonly minimum: Duration;
  readonly maximum: Duration;
  /** Bindings of one set at once. */
  readonly contacts: number;
}

export interface Registrant {
  readonly impi: string;
  readonly impu: string;
  readonly scheme: 'AKA' | 'digest';
  readonly protection: string;
}

export type ContactsOutcome =
  | {
      readonly kind: 'bindings';
      readonly bindings: readonly Binding[];
      readonly changes: readonly ContactChange[];
    }
  /** 423, with the shortest time that would do. */
  | { readonly kind: 'too brief' }
  /** An older REGISTER than one already taken (RFC 3261 §10.3 step 7). */
  | { readonly kind: 'out of order' }
  | { readonly kind: 'malformed'; readonly why: string };

/** The bindings after the request. `newId` names new contacts towards watchers. */
export function updateContacts(
  current: readonly Binding[],
  request: SipRequest,
  registrant: Registrant,
  policy: ContactPolicy,
  now: Instant,
  newId: () => string,
): ContactsOutcome {
  const contacts = request.all(Contact);
  const overall = request.get(Expires);
  if (contacts.some(isContactStar)) {
    if (contacts.length > 1 || overall !== 0) {
      return { kind: 'malformed', why: "Contact '*' needs Expires 0 and stands alone" };
    }
    return withoutAll(current, registrant.impi);
  }
  if (contacts.length > policy.contacts) return { kind: 'malformed', why: 'too many contacts' };

  let bindings = current;
  const changes: ContactChange[] = [];
  for (const contact of contacts) {
    if (!isSipUri(contact.uri)) return { kind: 'malformed', why: 'a contact is no SIP URI' };
    const asked = contactExpires(contact) ?? overall;
    const granted = asked === undefined ? policy.expires : Math.min(seconds(asked), policy.maximum);
    if (granted > 0 && granted < policy.minimum) return { kind: 'too brief' };

    const regId = regIdOf(contact, request);
    const same = bindings.filter(binding => isSame(binding, contact, regId, registrant));
    if (same.some(binding => isNewer(binding, request))) return { kind: 'out of order' };
    const rest = bindings.filter(binding => !same.includes(binding));
    if (granted === 0) {
      changes.push(...same.map(binding => ({ binding, event: 'unregistered' as const })));
      bindings = rest;
      continue;
    }
    const [previous] = same;
    const binding = bindingFrom(contact, request, registrant, {
      id: previous?.id ?? newId(),
      since: previous?.since ?? now,
      expires: now + granted,
    });
    const event = previous === undefined ? 'registered' : 'refreshed';
    // the one whose name lives on is not told as gone
    changes.push(...same.slice(1).map(old => ({ binding: old, event: 'deactivated' as const })));
    changes.push({ binding, event });
    bindings = [...rest, binding];
  }

  while (bindings.length > policy.contacts) {
    const oldest = leastRecent(bindings);
    bindings = bindings.filter(binding => binding !== oldest);
    changes.push({ binding: oldest, event: 'deactivated' });
  }
  return { kind: 'bindings', bindings, changes };
}

function withoutAll(current: readonly Binding[], impi: string): ContactsOutcome {
  const gone = current.filter(binding => binding.impi === impi);
  return {
    kind: 'bindings',
    bindings: current.filter(binding => binding.impi !== impi),
    changes: gone.map(binding => ({ binding, event: 'unregistered' })),
  };
}

/**
 * Whether the contact takes the binding's place. The same flow of the same instance always does;
 * for a card, so does whatever it was registered from before: the device moved, or was restarted.
 */
function isSame(
  binding: Binding,
  contact: NameAddr,
  regId: string | undefined,
  registrant: Registrant,
): boolean {
  if (binding.impi !== registrant.impi) return false; // another's contacts are not touched
  const instance = instanceOf(contact);
  const otherFlow = regId !== undefined && binding.regId !== undefined && binding.regId !== regId;
  if (instance !== undefined && binding.instance === instance) return !otherFlow;
  if (registrant.scheme === 'AKA') return true;
  return sameUri(parseUri(binding.uri), contact.uri);
}

const isNewer = (binding: Binding, request: SipRequest): boolean =>
  binding.callId === request.get(CallId) && binding.cseq >= (request.get(CSeq)?.sequence ?? 0);

/**
 * Flows are told apart where the first hop keeps them, as it says by `ob` in its Path; else reg-id
 * is as if it were not there (RFC 5626 §6).
 */
function regIdOf(contact: NameAddr, request: SipRequest): string | undefined {
  const regId = contact.params.get('reg-id') ?? undefined;
  if (regId === undefined || instanceOf(contact) === undefined) return undefined;
  const firstHop = request.all(Path).at(-1)?.uri;
  const keeps = firstHop === undefined || (isSipUri(firstHop) && firstHop.params.has('ob'));
  return keeps && /^[1-9]\d{0,9}$/.test(regId) ? regId : undefined;
}

const instanceOf = (contact: NameAddr): string | undefined =>
  contact.params.get('+sip.instance') ?? undefined;

/** Said anew in every answer, the GRUUs by the registrar alone (RFC 5627 §5.1). */
const NOT_KEPT: ReadonlySet<string> = new Set(['expires', 'q', 'pub-gruu', 'temp-gruu']);

function bindingFrom(
  contact: NameAddr,
  request: SipRequest,
  registrant: Registrant,
  times: { readonly id: string; readonly since: Instant; readonly expires: Instant },
): Binding {
  const params = [...contact.params]
    .filter(([name]) => !NOT_KEPT.has(name))
    .map(([name, value]) => [copied(name), value === null ? null : copied(value)] as const);
  const instance = instanceOf(contact);
  const regId = regIdOf(contact, request);
  const userAgent = request.get(UserAgent);
  const visited = request.get(PVisitedNetworkId)?.network;
  return {
    id: times.id,
    impi: registrant.impi,
    impu: registrant.impu,
    scheme: registrant.scheme,
    ...(instance === undefined ? {} : { instance: copied(instance) }),
    ...(regId === undefined ? {} : { regId: copied(regId) }),
    uri: copied(uriText(contact.uri)),
    params,
    ...(contact.displayName === undefined ? {} : { displayName: copied(contact.displayName) }),
    q: contactQ(contact),
    path: request.all(Path).map(hop => copied(uriText(hop.uri))),
    callId: copied(request.get(CallId) ?? ''),
    cseq: request.get(CSeq)?.sequence ?? 0,
    since: times.since,
    expires: times.expires,
    ...(userAgent === undefined ? {} : { userAgent: copied(userAgent) }),
    ...(visited === undefined ? {} : { visitedNetwork: copied(visited) }),
    protection: registrant.protection,
  };
}

function leastRecent(bindings: readonly Binding[]): Binding {
  return bindings.reduce((oldest, binding) => (binding.since < oldest.since ? binding : oldest));
}

/** Rounded up: the time the request took is not the UE's loss. */
export const secondsLeft = (binding: Binding, now: Instant): number =>
  Math.max(0, Math.ceil((binding.expires - now) / 1000));

/** The Contact of a 200 to REGISTER, with the seconds that are left (RFC 3261 §10.3 step 8). */
export function contactOf(binding: Binding, now: Instant, gruu?: string): NameAddr {
  const params: Record<string, string | null> = Object.fromEntries(binding.params);
  if (gruu !== undefined) params['pub-gruu'] = gruu;
  if (binding.q !== 1) params.q = String(binding.q);
  params.expires = String(secondsLeft(binding, now));
  return nameAddr(parseUri(binding.uri), params, binding.displayName);
}
