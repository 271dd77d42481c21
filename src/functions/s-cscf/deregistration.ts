// Registrations that end otherwise than by the user: TS 24.229 §5.4.1.5 (network-initiated), the
// lapse of a binding, TS 29.228 §6.1.3 (RTR), §6.2 (PPR). Each holds its subscription's queue.

import type { PushProfileRequest, RegistrationTerminationRequest } from '#diameter/cx';
import { authenticationEnded } from './authentication.ts';
import type { Binding, ContactEvent } from './binding.ts';
import type { Challenge } from './challenges.ts';
import { type AssignmentType, profileFrom } from './cx.ts';
import { Profile } from './profile.ts';
import type { RegistrationSet } from './registrar.ts';
import type { SCscf } from './s-cscf.ts';

/** Bindings whose time is over, or a profile that was lent to serve an unregistered user. */
export async function expire(scscf: SCscf, set: RegistrationSet): Promise<void> {
  const now = scscf.host.clock.now();
  if (!scscf.registrar.holds(set)) return; // gone meanwhile
  const over = set.bindings.filter(({ expires }) => expires <= now);
  if (over.length > 0) {
    scscf.decide('registration', {
      chose: 'expired',
      because: `nobody refreshed ${over.map(({ uri }) => uri).join(', ')}`,
      clause: 'TS 24.229 §5.4.1.2, RFC 3261 §10.3',
      keys: { impus: set.profile.shown },
    });
    return end(scscf, set, over, 'expired', 'TIMEOUT_DEREGISTRATION');
  }
  if (set.until === undefined || set.until > now) return;
  await assignEach(scscf, set, [set.profile.subscription.impi], 'TIMEOUT_DEREGISTRATION');
  if (set.bindings.length === 0) await scscf.registrar.remove(set);
}

/** The operator takes a registration away here (the HSS does it by RTR). §5.4.1.5 */
export async function withdraw(scscf: SCscf, set: RegistrationSet): Promise<boolean> {
  if (set.bindings.length === 0) return false;
  scscf.decide('registration', {
    chose: 'withdrawn',
    because: 'asked for by the operator',
    clause: 'TS 24.229 §5.4.1.5',
    keys: { impus: set.profile.shown },
  });
  await end(scscf, set, set.bindings, 'rejected', 'ADMINISTRATIVE_DEREGISTRATION');
  return true;
}

/** The network wants the user to authenticate again soon: §5.4.1.6. */
export async function shorten(scscf: SCscf, set: RegistrationSet): Promise<boolean> {
  const until = scscf.host.clock.now() + scscf.config.registration.shortened;
  const over = set.bindings.filter(({ expires }) => expires > until);
  if (over.length === 0) return false;
  const bindings = set.bindings.map(binding =>
    over.includes(binding) ? { ...binding, expires: until } : binding,
  );
  for (const { impi } of over) scscf.challenges.removeAll(impi);
  const after = await scscf.registrar.put(set, { bindings });
  scscf.decide('registration', {
    chose: 'shortened',
    because: 'the user is to authenticate again',
    clause: 'TS 24.229 §5.4.1.6',
    keys: { impus: set.profile.shown },
  });
  const contacts = bindings.filter(({ expires }) => expires === until);
  scscf.regEvent.changed(
    after,
    contacts.map(binding => ({ binding, event: 'shortened' })),
  );
  return true;
}

/** Takes bindings away; tells the HSS of each IMPI that has none left, then everybody else. */
async function end(
  scscf: SCscf,
  set: RegistrationSet,
  over: readonly Binding[],
  event: ContactEvent,
  type: AssignmentType | undefined,
): Promise<void> {
  const rest = set.bindings.filter(binding => !over.includes(binding));
  const left = new Set(rest.map(({ impi }) => impi));
  const gone = [...new Set(over.map(({ impi }) => impi))].filter(impi => !left.has(impi));
  if (type !== undefined) await assignEach(scscf, set, gone, type);
  const after = await scscf.rebind(set, rest);
  scscf.contactsChanged(
    after,
    over.map(binding => ({ binding, event })),
    undefined,
  );
}

async function assignEach(
  scscf: SCscf,
  set: RegistrationSet,
  impis: readonly string[],
  type: AssignmentType,
): Promise<void> {
  const impus = [set.profile.defaultImpu ?? set.id];
  for (const impi of impis) await scscf.cx.serverAssignment({ impi, impus }, type, true);
}

// ---------------------------------------------------------------------------- the HSS asks

/** RTR, answered already: its effect takes its turn. TS 29.228 §6.1.3, TS 24.229 §5.4.1.5 */
export function terminated(scscf: SCscf, request: RegistrationTerminationRequest): void {
  const impis = [request.impi, ...(request.associated?.impis ?? [])];
  for (const impi of impis) scscf.challenges.removeAll(impi);
  scscf.whenSettled(impis, () => {
    for (const set of new Set(impis.flatMap(impi => scscf.registrar.ofImpi(impi)))) {
      if (isMeant(set, request))
        scscf.inBackground(set, () => terminate(scscf, set, impis, request));
    }
  });
}

/** Without public identities, all of the private identities are meant. */
function isMeant(set: RegistrationSet, { impus }: RegistrationTerminationRequest): boolean {
  if (impus.length === 0) return true;
  const named = new Set(impus.map(impu => impu.toLowerCase()));
  return set.profile.identities.some(({ impu }) => named.has(impu.toLowerCase()));
}

async function terminate(
  scscf: SCscf,
  set: RegistrationSet,
  impis: readonly string[],
  request: RegistrationTerminationRequest,
): Promise<void> {
  scscf.decide('registration', {
    chose: 'terminated by the network',
    because: `RTR ${request.reason.code}${reasonText(request)}`,
    clause: 'TS 24.229 §5.4.1.5, TS 29.228 §6.1.3',
    keys: { impi: request.impi, impus: set.profile.shown },
  });
  const over = set.bindings.filter(({ impi }) => impis.includes(impi));
  if (over.length > 0) return end(scscf, set, over, eventOf(request), undefined);
  if (set.bindings.length === 0) await scscf.registrar.remove(set);
}

const reasonText = ({ reason }: RegistrationTerminationRequest): string =>
  reason.info === undefined ? '' : `: ${reason.info}`;

/** What a UE is to make of it: 'deactivated' may register again at once, 'rejected' may not. */
function eventOf({ reason }: RegistrationTerminationRequest): ContactEvent {
  return reason.code === 'PERMANENT_TERMINATION' ? 'rejected' : 'deactivated';
}

/** PPR, answered already. TS 29.228 §6.2.1: what it brings replaces what was there. */
export function pushed(scscf: SCscf, request: PushProfileRequest): void {
  const { impi } = request;
  // a nonce answered with the old password is not to be used again
  if (request.auth !== undefined) scscf.challenges.removeAll(impi);
  let profile: Profile | undefined;
  try {
    profile = profileFrom(request, scscf.config.sharedFilterCriteria);
  } catch (error) {
    scscf.host.log.error('s-cscf.profile unreadable', { impi, error: String(error) });
  }
  if (profile === undefined) return;
  const { identities } = profile;
  scscf.whenSettled([impi], () => {
    const set = identities
      .map(({ impu }) => scscf.registrar.ofImpu(impu))
      .find(found => found !== undefined);
    if (set !== undefined) scscf.inBackground(set, () => replaceProfile(scscf, set, impi, profile));
  });
}

async function replaceProfile(
  scscf: SCscf,
  set: RegistrationSet,
  impi: string,
  profile: Profile,
): Promise<void> {
  if (!scscf.registrar.holds(set)) return; // the user left while the profile was on its way
  const before = set.profile.shown;
  const charging = profile.charging ?? set.profile.charging; // absent: unchanged
  const after = await scscf.registrar.put(set, {
    profile: new Profile(profile.subscription, charging),
  });
  const { shown } = after.profile;
  scscf.decide('profile', {
    chose: 'replaced',
    because: `the HSS pushed a new profile of ${impi}`,
    clause: 'TS 29.228 §6.2',
    keys: { impi, impus: shown },
  });
  const same = shown.length === before.length && shown.every(impu => before.includes(impu));
  if (!same) scscf.regEvent.identitiesChanged(after, before);
}

/** reg-await-auth ran out: the HSS need not wait any longer (§5.4.1.2.3). */
export async function authenticationTimedOut(scscf: SCscf, challenge: Challenge): Promise<void> {
  const { impi, impu } = challenge;
  scscf.decide('authentication', {
    chose: 'given up',
    because: `${impi} did not answer the challenge in time (reg-await-auth)`,
    clause: 'TS 24.229 §5.4.1.2.3',
    keys: { impi, impus: [impu] },
  });
  await authenticationEnded(scscf, challenge, 'AUTHENTICATION_TIMEOUT');
}
