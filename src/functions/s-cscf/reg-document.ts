// What a registration set looks like to whoever watches it. RFC 3680 §5, TS 24.229 §5.4.2.1.2. Pure.

import type { Instant } from '#kernel/time';
import type { Reginfo, ReginfoContact, ReginfoRegistration } from '#sip/reginfo';
import type { Binding, ContactChange, ContactEvent } from './binding.ts';
import { secondsLeft } from './contacts.ts';
import { publicGruu } from './gruu.ts';
import type { Profile } from './profile.ts';
import type { RegistrationSet } from './registrar.ts';

const ENDS: ReadonlySet<ContactEvent> = new Set([
  'expired',
  'deactivated',
  'probation',
  'unregistered',
  'rejected',
]);

/** Everything: the state after a subscription or its refresh, or when much changed. */
export function fullDocument(
  set: RegistrationSet,
  version: number,
  now: Instant,
  /** Identities that were in the set and are no longer. */
  gone: readonly string[] = [],
): Reginfo {
  const changes = set.bindings.map(binding => ({ binding, event: 'registered' as const }));
  const registrations = registrationsOf(set, changes, now);
  const without = gone.map(aor => ({
    aor,
    id: idOf(aor),
    state: 'terminated' as const,
    contacts: [],
  }));
  return { version, state: 'full', registrations: [...registrations, ...without] };
}

/** What changed. */
export function partialDocument(
  set: RegistrationSet,
  changes: readonly ContactChange[],
  version: number,
  now: Instant,
): Reginfo {
  return { version, state: 'partial', registrations: registrationsOf(set, changes, now) };
}

/** Every identity of the set that is not barred has all contacts of the set. */
function registrationsOf(
  set: RegistrationSet,
  changes: readonly ContactChange[],
  now: Instant,
): readonly ReginfoRegistration[] {
  const state = set.bindings.length > 0 ? 'active' : 'terminated';
  return set.profile.shown.map(aor => ({
    aor,
    id: idOf(aor),
    state,
    contacts: changes.map(change => contactOf(set.profile, aor, change, now)),
  }));
}

function contactOf(
  profile: Profile,
  aor: string,
  { binding, event }: ContactChange,
  now: Instant,
): ReginfoContact {
  const ended = ENDS.has(event);
  return {
    id: binding.id,
    state: ended ? 'terminated' : 'active',
    // 'registered' is for the identity that was, 'created' for those that came with it
    event: event === 'registered' && binding.impu !== aor ? 'created' : event,
    uri: binding.uri,
    expires: ended ? 0 : secondsLeft(binding, now),
    ...(event === 'probation' ? { retryAfter: 60 } : {}),
    callId: binding.callId,
    cseq: binding.cseq,
    displayName: binding.displayName,
    pubGruu: ended ? undefined : publicGruu(profile, binding),
    params: paramsOf(binding),
  };
}

/** Feature tags, which watchers may want to see (RFC 3680 §5.3, unknown-param). */
function paramsOf(binding: Binding): ReadonlyMap<string, string> {
  return new Map(binding.params.map(([name, value]) => [name, value ?? '']));
}

/** The same for an identity in every document (RFC 3680 §5.2). */
const idOf = (aor: string): string => Buffer.from(aor, 'latin1').toString('base64url');
