// Server-Assignments by which a registration ends, or does not come about. TS 29.228 §6.1.2.1

import {
  type Answer,
  type Assignment,
  alreadyRegistered,
  clause,
  isOfAnother,
  put,
} from './assignment-steps.ts';
import { NOT_REGISTERED, type Registration, settled, stateOf, without } from './registrations.ts';

/** `mayKeep`: of the types that leave the S-CSCF's name. */
export async function deregister(assignment: Assignment, mayKeep: boolean): Promise<Answer> {
  const { hss, request, registration } = assignment;
  const gone = request.impi === undefined ? registration.impis : [request.impi];
  const isHolder = registration.holder?.server === request.server;
  if (isOfAnother(assignment) && !isHolder) return alreadyRegistered(assignment);
  const because = () => `${request.type} of ${gone.join(' and ') || 'nobody'} by ${request.server}`;

  if (isOfAnother(assignment)) {
    // Another S-CSCF was assigned meanwhile: its name stays, the old one's registrations go.
    const impis = registration.impis.filter(impi => !gone.includes(impi));
    const kept: Registration = { ...registration, impis, unregistered: false };
    await put(assignment, impis.length > 0 ? kept : { ...kept, holder: undefined });
    return { answer: { result: 'DIAMETER_SUCCESS' }, because, clause: clause(5) };
  }
  const wasServed = stateOf(registration) !== 'not registered';
  const keep = mayKeep && hss.config.keepServerName && wasServed;
  const after = without(registration, gone, keep);
  await put(assignment, after);
  if (mayKeep && after.server === undefined) {
    return {
      answer: { result: 'DIAMETER_SUCCESS_SERVER_NAME_NOT_STORED' },
      because: () => `${because()}; its name is not kept`,
      clause: clause(5),
    };
  }
  return {
    answer: { result: 'DIAMETER_SUCCESS' },
    because: () => `${because()}; the identity is ${stateOf(after)}`,
    clause: clause(5),
  };
}

/** The authentication came to nothing: the name goes unless the identity was served before. */
export async function giveUp(assignment: Assignment): Promise<Answer> {
  const { request, registration, impi } = assignment;
  if (isOfAnother(assignment)) return alreadyRegistered(assignment);
  const pending = settled(registration.pending, impi);
  const state = stateOf(registration);
  const after =
    state === 'not registered' && pending.length === 0
      ? NOT_REGISTERED
      : { ...registration, pending };
  await put(assignment, after);
  return {
    answer: { result: 'DIAMETER_SUCCESS' },
    because: () => `${request.type} of ${impi}; the identity stays ${state}`,
    clause: clause(5),
  };
}
