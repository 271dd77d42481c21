// What every kind of Server-Assignment has in common: what is asked about, and the answers. TS 29.228
// §6.1.2.1

import type { ServerAssignment, ServerAssignmentRequest } from '#diameter/cx';
import type { Write } from '#kernel/host';
import type { HssParts, Outcome } from './cx.ts';
import type { Entry } from './database.ts';
import { type Holder, intoRow, type Registration, type Row } from './registrations.ts';
import { restorationFor } from './restoration.ts';

export type Answer = Outcome<typeof ServerAssignment>;
export const clause = (step: number): string => `TS 29.228 §6.1.2.1 step ${step}`;

/** One request while it is answered: what it is about and where that stands. */
export interface Assignment {
  readonly hss: HssParts;
  readonly request: ServerAssignmentRequest;
  /** The S-CSCF that asks. */
  readonly holder: Holder;
  /** Of the registrations table. */
  readonly key: string;
  readonly row: Row;
  /** The implicit registration set. */
  readonly set: string;
  /** The subscription as that set sees it. */
  readonly registration: Registration;
  /** undefined for a PSI. */
  readonly entry: Entry | undefined;
  /** The IMPI of the request, or any one where it names none. */
  readonly impi: string;
  /** Every IMPI that may register the set. */
  readonly impis: readonly string[];
  readonly wildcard: string | undefined;
  readonly userData: () => string;
}

/** Makes durable, then true, what has become of the set. */
export function put(
  { hss, key, row, set }: Assignment,
  after: Registration,
  others: readonly Write[] = [],
): Promise<void> {
  return hss.registrations.set(key, intoRow(row, set, after), others);
}

export const isOfAnother = ({ registration, request }: Assignment): boolean =>
  registration.server !== undefined &&
  registration.server !== request.server &&
  !registration.reassign;

export function alreadyRegistered({ registration, request }: Assignment): Answer {
  return {
    answer: {
      result: 'DIAMETER_ERROR_IDENTITY_ALREADY_REGISTERED',
      server: registration.server,
    },
    because: () => `${request.server} asks, but ${registration.server} is assigned`,
    clause: 'TS 29.228 §8.1.2',
  };
}

export function success(assignment: Assignment, because: () => string): Answer {
  const { hss, request, impi, impis, wildcard, userData } = assignment;
  const restoration = restorationFor(request, assignment.registration);
  const { charging } = hss.config;
  const isWanted = request.userDataAlreadyAvailable !== 'USER_DATA_ALREADY_AVAILABLE';
  return {
    answer: {
      result: 'DIAMETER_SUCCESS',
      impi,
      ...(isWanted ? { userData: userData() } : {}),
      ...(isWanted && Object.keys(charging).length > 0 ? { chargingInformation: charging } : {}),
      ...(impis.length > 1 ? { associated: { impis } } : {}),
      ...(wildcard === undefined ? {} : { wildcardedImpu: wildcard }),
      ...(restoration.length === 0 ? {} : { restorationInfo: restoration }),
    },
    because: () => `${because()}; profile ${isWanted ? 'given' : 'there already'}`,
    clause: clause(5),
  };
}
