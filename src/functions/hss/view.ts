// What people and programs are shown of records and registrations. No secret is in it.

import { sqnOctets, sqnOf } from '#aka/sequence';
import type { HssParts } from './cx.ts';
import type { Entry } from './database.ts';
import type { PrivateIdentity, PublicUserIdentity } from './identities.ts';
import { type Registration, type State, stateOf } from './registrations.ts';

export interface SubscriberView {
  readonly imsi: string;
  readonly msisdn?: string;
  readonly name?: string;
  readonly amf: string;
  /** The last one handed out, or where counting starts. */
  readonly sqn: string;
  readonly services: readonly string[];
  readonly impi?: string;
  readonly impus?: readonly string[];
  readonly digest?: readonly string[];
  readonly suspended: boolean;
  /** Which secrets the record has. */
  readonly secrets: readonly ('k' | 'opc' | 'op' | 'password')[];
  readonly identities: {
    readonly impis: readonly PrivateIdentity[];
    readonly impus: readonly PublicUserIdentity[];
  };
  readonly registration: RegistrationState;
}

export interface RegistrationState {
  readonly state: State;
  /** Server-Name of the S-CSCF assigned. */
  readonly server?: string;
  /** IMPIs that are registered. */
  readonly impis: readonly string[];
}

/** A subscription that is registered, kept as unregistered, or authenticating. */
export interface RegistrationView extends RegistrationState {
  /** undefined for a service identity. */
  readonly imsi?: string;
  /** The implicit registration set, the default identity first; barred ones left out. */
  readonly impus: readonly string[];
  readonly pending: readonly string[];
}

export async function subscriberView(hss: HssParts, entry: Entry): Promise<SubscriberView> {
  const { subscriber, identities } = entry;
  const { imsi, msisdn, name, amf, services, impi, impus, digest, suspended } = subscriber;
  const secrets = (['k', 'opc', 'op', 'password'] as const).filter(
    field => subscriber[field] !== undefined,
  );
  return {
    imsi,
    ...(msisdn === undefined ? {} : { msisdn }),
    ...(name === undefined ? {} : { name }),
    amf,
    sqn: await currentSqn(hss, entry),
    services,
    ...(impi === undefined ? {} : { impi }),
    ...(impus === undefined ? {} : { impus }),
    ...(digest === undefined ? {} : { digest }),
    suspended,
    secrets,
    identities,
    registration: stateView(await hss.registrations.get(imsi)),
  };
}

/** The running SQN as the record's field has it: twelve hexadecimal digits. */
export async function currentSqn(hss: HssParts, entry: Entry): Promise<string> {
  const { seq, requesters } = await hss.database.sequence(entry.subscriber);
  const sqn = sqnOf(seq, requesters[0]?.ind ?? 0);
  return requesters.length === 0
    ? entry.subscriber.sqn
    : Buffer.from(sqnOctets(sqn)).toString('hex');
}

export async function registrationView(
  hss: HssParts,
  key: string,
  registration: Registration,
): Promise<RegistrationView> {
  const entry = await hss.database.get(key);
  const shown = entry?.identities.impus.filter(({ barred }) => !barred).map(({ impu }) => impu);
  return {
    ...(entry === undefined ? {} : { imsi: key }),
    impus: shown ?? [key.replace(/^psi /, '')],
    ...stateView(registration),
    pending: registration.pending,
  };
}

function stateView(registration: Registration): RegistrationState {
  const { server, impis } = registration;
  return { state: stateOf(registration), ...(server === undefined ? {} : { server }), impis };
}
