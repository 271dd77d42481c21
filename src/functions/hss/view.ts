// What people and programs are shown of records and registrations. No secret is in it.

import { sqnOctets, sqnOf } from '#aka/sequence';
import type { HssParts } from './cx.ts';
import type { Entry } from './database.ts';
import { impusOf, type PrivateIdentity, type PublicUserIdentity } from './identities.ts';
import {
  impisIn,
  ofSet,
  type Registration,
  type Row,
  type State,
  setsIn,
  stateOf,
  stateOfRow,
} from './registrations.ts';

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
  /** Where it is not Milenage. */
  readonly algorithm?: string;
  readonly profile?: string;
  readonly capabilities?: readonly string[];
  /** Which secrets the record has. */
  readonly secrets: readonly ('k' | 'opc' | 'op' | 'password' | 'impis')[];
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

/** An implicit set that is registered, kept as unregistered, or authenticating. */
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
  const { algorithm, profile, capabilities } = subscriber;
  const secrets = (['k', 'opc', 'op', 'password', 'impis'] as const).filter(
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
    ...(algorithm === 'milenage' ? {} : { algorithm }),
    ...(profile === undefined ? {} : { profile }),
    ...(capabilities === undefined ? {} : { capabilities }),
    secrets,
    identities,
    registration: stateOfAll(await hss.registrations.get(imsi)),
  };
}

/** The running SQN as the record's field has it: twelve hexadecimal digits. */
export async function currentSqn(hss: HssParts, entry: Entry): Promise<string> {
  const { imsi, sqn: start } = entry.subscriber;
  const { seq, requesters } = await hss.database.sequence({ key: imsi, sqn: start });
  const sqn = sqnOf(seq, requesters[0]?.ind ?? 0);
  return requesters.length === 0 ? start : Buffer.from(sqnOctets(sqn)).toString('hex');
}

/** One for each implicit set that is in any state. */
export async function registrationViews(
  hss: HssParts,
  key: string,
  row: Row,
): Promise<readonly RegistrationView[]> {
  const entry = await hss.database.get(key);
  const sets = setsIn(row);
  return (sets.length === 0 ? [''] : sets).map(set => {
    const registration = ofSet(row, set);
    const impus = entry === undefined ? undefined : impusOf(entry.identities, set);
    const shown = impus?.filter(({ barred }) => !barred).map(({ impu }) => impu);
    return {
      ...(entry === undefined ? {} : { imsi: key }),
      impus: shown ?? [key.replace(/^psi /, '')],
      ...stateView(registration),
      pending: registration.pending,
    };
  });
}

function stateOfAll(row: Row): RegistrationState {
  const { server } = row;
  return {
    state: stateOfRow(row),
    ...(server === undefined ? {} : { server }),
    impis: impisIn(row),
  };
}

function stateView(registration: Registration): RegistrationState {
  const { server, impis } = registration;
  return { state: stateOf(registration), ...(server === undefined ? {} : { server }), impis };
}
