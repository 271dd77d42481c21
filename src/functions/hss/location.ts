// User location query. TS 29.228 §6.1.4

import type { LocationInfo } from '#diameter/cx';
import type { Psi } from './config.ts';
import {
  capabilities,
  type HssParts,
  identityIn,
  type Outcome,
  type Procedure,
  psiOf,
  subscriptionOf,
} from './cx.ts';
import type { Entry } from './database.ts';
import { ofSet, psiKey, type Registration, stateOf } from './registrations.ts';

type Answer = Outcome<typeof LocationInfo>;

const clause = (step: string): string => `TS 29.228 §6.1.4.1 step ${step}`;

/** LIA-Flags bit 0: PSI direct routing. TS 29.229 §6.3.59 */
const PSI_DIRECT_ROUTING = 1;

/** Where is this identity served? */
export const locationInfo: Procedure<typeof LocationInfo> = async (hss, request) => {
  const { impu, originating, type } = request;
  const psi = await psiOf(hss, impu);
  if (psi !== undefined) return psiLocation(hss, psi, originating !== undefined);

  const found = await subscriptionOf(hss, undefined, [impu]);
  if (found.kind === 'refused') {
    return { answer: { result: found.result }, because: found.because, clause: clause('1') };
  }
  const { entry } = found;
  const { imsi } = entry.subscriber;
  const registration = ofSet(await hss.registrations.get(imsi), found.sets[0]);
  if (type === 'REGISTRATION_AND_CAPABILITIES' && registration.server !== undefined) {
    return reassign(hss, entry);
  }
  const served =
    originating !== undefined || hss.profiles.servesUnregistered(entry, identityIn(found, impu));
  return byWildcard(byState(hss, registration, served, entry), found.wildcard);
};

/** The S-CSCF is to know for whom it is asked. TS 29.228 §6.1.4 */
function byWildcard(outcome: Answer, wildcard: string | undefined): Answer {
  if (wildcard === undefined) return outcome;
  const { answer, because } = outcome;
  return {
    ...outcome,
    answer: { ...answer, wildcardedImpu: wildcard },
    because: () => `${because()}; it is of ${wildcard}`,
  };
}

async function psiLocation(hss: HssParts, psi: Psi, isOriginating: boolean): Promise<Answer> {
  if (!psi.active) {
    return {
      answer: { result: 'DIAMETER_ERROR_USER_UNKNOWN' },
      because: () => `the service identity ${psi.identity} is not active`,
      clause: clause('2'),
    };
  }
  if (psi.route === 'as' && !isOriginating) {
    return {
      answer: { result: 'DIAMETER_SUCCESS', server: psi.server, flags: PSI_DIRECT_ROUTING },
      because: () => `${psi.identity} is hosted by ${psi.server}, which is reached directly`,
      clause: clause('2'),
    };
  }
  const outcome = byState(hss, await hss.registrations.get(psiKey(psi.identity)), true);
  return byWildcard(outcome, psi.wildcard?.text);
}

// The I-CSCF could not reach the S-CSCF assigned: the next one may take its place. TS 23.380 §4.4.2
function reassign(hss: HssParts, entry: Entry): Promise<Answer> {
  const { imsi } = entry.subscriber;
  return hss.queue.run(imsi, async () => {
    const registration = await hss.registrations.get(imsi);
    if (registration.server !== undefined && !registration.reassign) {
      await hss.registrations.set(imsi, { ...registration, reassign: true });
    }
    return {
      answer: { result: 'DIAMETER_SUCCESS', ...capabilities(hss.config, entry) },
      because: () => 'the I-CSCF asks for capabilities, to choose another S-CSCF',
      clause: clause('2a'),
    };
  });
}

/** `served`: there is something to do for the identity though it is not registered. */
function byState(
  hss: HssParts,
  registration: Registration,
  served: boolean,
  entry?: Entry,
): Answer {
  const { server } = registration;
  const state = stateOf(registration);
  if (server !== undefined && state !== 'not registered') {
    return {
      answer: { result: 'DIAMETER_SUCCESS', server },
      because: () => `the identity is ${state} at ${server}`,
      clause: clause('3'),
    };
  }
  if (!served) {
    return {
      answer: { result: 'DIAMETER_ERROR_IDENTITY_NOT_REGISTERED' },
      because: () => 'not registered, and no service is for unregistered users',
      clause: clause('3'),
    };
  }
  if (server !== undefined) {
    return {
      answer: { result: 'DIAMETER_SUCCESS', server },
      because: () => `not registered, but the subscription has ${server}`,
      clause: clause('3'),
    };
  }
  return {
    answer: { result: 'DIAMETER_UNREGISTERED_SERVICE', ...capabilities(hss.config, entry) },
    because: () => 'not registered and no S-CSCF assigned, but there is service in that state',
    clause: clause('3'),
  };
}
