// What an S-CSCF leaves with the HSS, so that another one, or itself after a restart, can serve its
// users' devices before they register again. TS 23.380 §4.2, TS 29.228 §6.1.2.1, TS 29.229 §6.3.52.

import { FEATURES, type ServerAssignmentRequest } from '#diameter/cx';
import { featuresIn } from './features.ts';
import type { Registration, Restoration } from './registrations.ts';

/** Of one set: as many IMPIs, contacts of each, and characters of them all, at most. */
const MAX_IMPIS = 32;
const MAX_CONTACTS = 32;
const MAX_SIZE = 16_384;

/** What the state of the set holds once the request is taken; too much is not kept at all. */
export function remember(
  { restorationInfo }: ServerAssignmentRequest,
  { restoration }: Registration,
): { readonly restoration?: readonly Restoration[] } {
  if (restorationInfo === undefined) return restoration === undefined ? {} : { restoration };
  const others = restoration?.filter(({ impi }) => impi !== restorationInfo.impi) ?? [];
  const isBig =
    others.length >= MAX_IMPIS ||
    restorationInfo.restorationInfo.length > MAX_CONTACTS ||
    JSON.stringify(restorationInfo).length > MAX_SIZE;
  const kept = isBig ? others : [...others, restorationInfo];
  return kept.length === 0 ? {} : { restoration: kept };
}

/**
 * What the answer gives back, to an S-CSCF that can use it: everything when it has lost what it knew
 * or takes over, that of the other devices when one registers.
 */
export function restorationFor(
  { type, impi, features }: ServerAssignmentRequest,
  { restoration = [] }: Registration,
): readonly Restoration[] {
  if ((featuresIn(features) & FEATURES.IMSRestorationInd) === 0) return [];
  switch (type) {
    case 'NO_ASSIGNMENT':
    case 'UNREGISTERED_USER':
      return restoration;
    case 'REGISTRATION':
      return restoration.filter(known => known.impi !== impi);
    default:
      return [];
  }
}
