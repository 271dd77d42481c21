// User registration status query. TS 29.228 §6.1.1

import type { UserAuthorization } from '#diameter/cx';
import {
  capabilities,
  type HssParts,
  isSetBarred,
  type Outcome,
  type Procedure,
  subscriptionOf,
} from './cx.ts';
import type { Entry } from './database.ts';
import { ofSet, type Registration, stateOf } from './registrations.ts';

type Answer = Outcome<typeof UserAuthorization>;

const clause = (step: number): string => `TS 29.228 §6.1.1.1 step ${step}`;

/** UAR-Flags bit 0: IMS emergency registration. TS 29.229 §6.3.44 */
const EMERGENCY = 1;

/** May this user register from there, and which S-CSCF serves him? */
export const userAuthorization: Procedure<typeof UserAuthorization> = async (hss, request) => {
  const { impi, impu, visitedNetwork, type = 'REGISTRATION', flags = 0 } = request;
  const found = await subscriptionOf(hss, impi, [impu]);
  if (found.kind === 'refused') {
    const step = found.result === 'DIAMETER_ERROR_USER_UNKNOWN' ? 1 : 2;
    return { answer: { result: found.result }, because: found.because, clause: clause(step) };
  }
  const {
    entry,
    sets: [set],
  } = found;
  const isEmergency = (flags & EMERGENCY) !== 0;

  if (!isEmergency && isSetBarred(entry, set)) {
    return {
      answer: { result: 'DIAMETER_AUTHORIZATION_REJECTED' },
      because: () => `${impu} is barred, and no identity of its implicit set is not`,
      clause: clause(3),
    };
  }
  if (type !== 'DE_REGISTRATION' && !isEmergency) {
    const refusal = notAllowed(hss, entry, visitedNetwork);
    if (refusal !== undefined) return refusal;
  }
  const { imsi } = entry.subscriber;
  const row = await hss.registrations.get(imsi);
  const registration = ofSet(row, set);
  if (type === 'REGISTRATION_AND_CAPABILITIES') {
    // Whoever asks so could not reach the S-CSCF assigned: the next one may take its place.
    if (registration.server !== undefined && !registration.reassign) {
      await hss.registrations.set(imsi, { ...row, reassign: true });
    }
    return {
      answer: { result: 'DIAMETER_SUCCESS', ...capabilities(hss.config, entry) },
      because: () => 'the I-CSCF asks for capabilities, to choose another S-CSCF',
      clause: clause(4),
    };
  }
  return byState(hss, entry, registration, type);
};

function notAllowed(hss: HssParts, entry: Entry, visitedNetwork: string): Answer | undefined {
  const { visitedNetworks, home } = hss.config;
  const visited = visitedNetwork.toLowerCase();
  const mayRoam =
    visitedNetworks === undefined ||
    visited === home ||
    visitedNetworks.some(network => network.toLowerCase() === visited);
  if (!mayRoam) {
    return {
      answer: { result: 'DIAMETER_ERROR_ROAMING_NOT_ALLOWED' },
      because: () => `${visitedNetwork} is none of the visited networks that are allowed`,
      clause: clause(4),
    };
  }
  if (!entry.subscriber.suspended) return undefined;
  return {
    answer: { result: 'DIAMETER_AUTHORIZATION_REJECTED' },
    because: () => `the subscriber ${entry.subscriber.imsi} is suspended`,
    clause: clause(4),
  };
}

function byState(
  hss: HssParts,
  entry: Entry,
  registration: Registration,
  type: 'REGISTRATION' | 'DE_REGISTRATION',
): Answer {
  const { server } = registration;
  const state = stateOf(registration);
  if (type === 'DE_REGISTRATION') {
    if (server === undefined || state === 'not registered') {
      return {
        answer: { result: 'DIAMETER_ERROR_IDENTITY_NOT_REGISTERED' },
        because: () => 'a de-registration of an identity that is not registered',
        clause: clause(5),
      };
    }
    return {
      answer: { result: 'DIAMETER_SUCCESS', server },
      because: () => `the identity is ${state} at ${server}`,
      clause: clause(5),
    };
  }
  if (server !== undefined) {
    return {
      answer: { result: 'DIAMETER_SUBSEQUENT_REGISTRATION', server },
      because: () =>
        state === 'not registered'
          ? `not registered, but the subscription has ${server}`
          : `the identity is ${state} at ${server}`,
      clause: clause(5),
    };
  }
  return {
    answer: { result: 'DIAMETER_FIRST_REGISTRATION', ...capabilities(hss.config, entry) },
    because: () => 'no S-CSCF is assigned to the subscription',
    clause: clause(5),
  };
}
