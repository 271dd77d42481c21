// Registration by the user: TS 24.229 §5.4.1.2 (initial and re-registration), §5.4.1.4
// (de-registration by the user). Every procedure here holds its subscription's queue.

import { isSuccessName } from '#diameter/result';
import { inSeconds } from '#kernel/time';
import type { ServerTransaction } from '#sip/endpoint';
import { Contact, MinExpires, Require, Unsupported } from '#sip/headers';
import { type Edit, response, type SipRequest, type SipResponse, set } from '#sip/message';
import { authenticate, type Proof } from './authentication.ts';
import type { Binding, ContactChange } from './binding.ts';
import { type ContactsOutcome, contactOf, updateContacts } from './contacts.ts';
import { identify, type User } from './credentials.ts';
import { type Assignment, registrationStatus } from './cx.ts';
import type { Profile } from './profile.ts';
import { okHeaders, retryAfter, retryLater, serverProof } from './register-answer.ts';
import type { RegistrationSet } from './registrar.ts';
import type { SCscf } from './s-cscf.ts';

/** Option tags of Require that a registrar here understands. */
const UNDERSTOOD: ReadonlySet<string> = new Set(['path', 'gruu', 'outbound']);

/** Takes a REGISTER; resolves when it is answered and its consequences are under way. */
export async function register(scscf: SCscf, tx: ServerTransaction): Promise<void> {
  const { request } = tx;
  const foreign = request.all(Require).filter(tag => !UNDERSTOOD.has(tag.toLowerCase()));
  if (foreign.length > 0) return tx.reply(420, set(Unsupported, ...foreign));
  const user = identify(request, scscf.config.home);
  await scscf.inTurn(user.impu, user.impi, async turn => {
    const proof = await authenticate(scscf, tx, user);
    if (proof === undefined) return;
    // meanwhile another private identity may have made the registration set
    const set_ = scscf.registrar.queueKey(user.impu, user.impi);
    await scscf.inTurnOf(set_, turn, () => accept(scscf, tx, user, proof, set_));
  });
}

// ---------------------------------------------------------------------------- §5.4.1.2.2

async function accept(
  scscf: SCscf,
  tx: ServerTransaction,
  user: User,
  proof: Proof,
  turn: string,
): Promise<void> {
  const { request } = tx;
  const { registrar, config } = scscf;
  const known = registrar.ofImpu(user.impu);
  if (request.all(Contact).length === 0) {
    // asks what is registered (RFC 3261 §10.2.3): no HSS is asked whether it is his to know
    if (!known?.impis.includes(user.impi)) return tx.reply(200);
    return tx.reply(200, ...okHeaders(scscf, request, known, user));
  }
  const asked = contactsAfter(scscf, request, user, proof);
  if (asked.kind !== 'bindings') return refuseContacts(scscf, tx, asked);
  if (registrar.size >= config.registration.sets && known === undefined) {
    return decline(scscf, tx, 503, 'as many users as may be are registered', '', retryLater);
  }
  const isHis = ({ impi }: Binding): boolean => impi === user.impi;
  if (!asked.bindings.some(isHis)) {
    if (known === undefined || asked.changes.length === 0) return tx.reply(200); // nothing to remove
    return leave(scscf, tx, user, known, asked.bindings, asked.changes);
  }

  const saa = await assign(scscf, user, known?.bindings.some(isHis) ? known : undefined);
  const { profile } = saa;
  if (profile === undefined) {
    const status = saa.result === 'DIAMETER_SUCCESS' ? 500 : registrationStatus(saa.result);
    const because = `the HSS assigned nothing: ${saa.result}`;
    return decline(scscf, tx, status, because, 'TS 24.229 §5.4.1.2.2', ...retryAfter(status));
  }
  if (profile.find(user.impu) === undefined || profile.shown.length === 0) {
    return decline(scscf, tx, 403, 'no identity that may be used', 'TS 24.229 §5.4.1.2.2');
  }
  // a first registration learns only now which set it is of: others may be registering it, too
  await scscf.inTurnOf(registrar.idOf(profile), turn, () =>
    bind(scscf, tx, user, proof, { ...saa, profile }),
  );
}

/** Stores the contacts, then promises them. */
async function bind(
  scscf: SCscf,
  tx: ServerTransaction,
  user: User,
  proof: Proof,
  saa: Assignment & { readonly profile: Profile },
): Promise<void> {
  const { request } = tx;
  const known = scscf.registrar.ofImpu(user.impu);
  const refresh = known?.bindings.some(({ impi }) => impi === user.impi) ?? false;
  const outcome = contactsAfter(scscf, request, user, proof);
  if (outcome.kind !== 'bindings') return refuseContacts(scscf, tx, outcome);
  const set_ = await scscf.registrar.put(known ?? saa.profile, {
    profile: saa.profile,
    impis: impisOf(known, saa, user.impi),
    bindings: outcome.bindings,
  });
  scscf.decide('registration', {
    chose: refresh ? 're-registration' : 'registration',
    because: `${user.impi} proved itself; ${outcome.bindings.length} contact(s) of ${set_.id}`,
    clause: 'TS 24.229 §5.4.1.2.2',
    about: request,
    keys: { impi: user.impi, impus: saa.profile.shown },
  });
  const edits = [...okHeaders(scscf, request, set_, user), ...serverProof(proof, user)];
  const ok = response(request, 200, ...edits);
  tx.respond(ok);
  const type = refresh ? 'RE_REGISTRATION' : 'INITIAL_REGISTRATION';
  scscf.contactsChanged(set_, outcome.changes, { request, response: ok, type });
}

function contactsAfter(
  scscf: SCscf,
  request: SipRequest,
  user: User,
  proof: Proof,
): ContactsOutcome {
  const { registrar, config, host } = scscf;
  const set_ = registrar.ofImpu(user.impu);
  const before = set_?.bindings ?? [];
  const contacts = Math.min(config.registration.contacts, set_?.profile.contacts ?? Infinity);
  const scheme = proof.kind === 'answer' ? proof.challenge.scheme : schemeOf(before, user.impi);
  const registrant = { ...user, scheme };
  const newId = (): string => host.random.hex(6);
  const policy = { ...config.registration, contacts };
  return updateContacts(before, request, registrant, policy, host.clock.now(), newId);
}

function refuseContacts(
  scscf: SCscf,
  tx: ServerTransaction,
  outcome: Exclude<ContactsOutcome, { kind: 'bindings' }>,
): void {
  const minimum = inSeconds(scscf.config.registration.minimum);
  const [status, because, ...edits] = {
    malformed: [400, outcome.kind === 'malformed' ? outcome.why : ''] as const,
    'out of order': [500, 'a later REGISTER was taken already'] as const,
    'too brief': [423, `shorter than ${minimum} s`, set(MinExpires, minimum)] as const,
  }[outcome.kind];
  decline(scscf, tx, status, because, 'RFC 3261 §10.3', ...edits);
}

function schemeOf(bindings: readonly Binding[], impi: string): 'AKA' | 'digest' {
  return bindings.find(binding => binding.impi === impi)?.scheme ?? 'AKA';
}

/** SAR: for a re-registration the profile is here already, unless the HSS thinks otherwise. */
async function assign(
  scscf: SCscf,
  user: User,
  registered: RegistrationSet | undefined,
): Promise<Assignment> {
  const who = { impi: user.impi, impus: [user.impu] };
  if (registered !== undefined) {
    const saa = await scscf.cx.serverAssignment(who, 'RE_REGISTRATION', true);
    if (isSuccessName(saa.result)) {
      return { ...saa, profile: saa.profile ?? registered.profile };
    }
    if (saa.result !== 'DIAMETER_ERROR_IN_ASSIGNMENT_TYPE') return saa;
  }
  const saa = await scscf.cx.serverAssignment(who, 'REGISTRATION');
  return isSuccessName(saa.result) ? saa : { ...saa, profile: undefined };
}

function impisOf(
  known: RegistrationSet | undefined,
  saa: Assignment,
  impi: string,
): readonly string[] {
  const all = [...new Set([impi, ...(known?.impis ?? []), ...saa.impis])].sort();
  const same = known !== undefined && all.join() === [...known.impis].sort().join();
  return same ? known.impis : all;
}

// ---------------------------------------------------------------------------- §5.4.1.4

/** The user de-registers the last contact of a private identity, or some of several. */
async function leave(
  scscf: SCscf,
  tx: ServerTransaction,
  user: User,
  known: RegistrationSet,
  bindings: readonly Binding[],
  changes: readonly ContactChange[],
): Promise<void> {
  const { request } = tx;
  const saa = await scscf.cx.serverAssignment(
    { impi: user.impi, impus: [user.impu] },
    'USER_DEREGISTRATION',
    true,
  );
  scscf.decide('registration', {
    chose: 'de-registration',
    because: `asked for by ${user.impi}; the HSS said ${saa.result}`,
    clause: 'TS 24.229 §5.4.1.4',
    about: request,
    keys: { impi: user.impi, impus: known.profile.shown },
  });
  const set_ = await scscf.rebind(known, bindings);
  const now = scscf.host.clock.now();
  const ok = response(request, 200, set(Contact, ...bindings.map(each => contactOf(each, now))));
  tx.respond(ok);
  scscf.contactsChanged(set_, changes, { request, response: ok, type: 'DE_REGISTRATION' });
}

// ---------------------------------------------------------------------------- answers

function decline(
  scscf: SCscf,
  tx: ServerTransaction,
  status: number,
  because: string,
  clause: string,
  ...edits: readonly Edit[]
): void {
  scscf.decide('registration', { chose: String(status), because, clause, about: tx.request });
  tx.reply(status, ...edits);
}

/** A registration's request and response: for application servers that want to see them. */
export interface RegistrationExchange {
  readonly request: SipRequest;
  readonly response: SipResponse;
  readonly type: 'INITIAL_REGISTRATION' | 'RE_REGISTRATION' | 'DE_REGISTRATION';
}
