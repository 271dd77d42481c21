// P-Charging-Vector: the ICID that joins a session's records in every function (TS 24.229 §5.2.6.3,
// RFC 7315 §4.6). The P-CSCF makes it, because it is the first of the network to see the request.

import type { Random } from '#kernel/host';
import { PChargingVector } from '#sip/headers';
import { type Edit, set } from '#sip/message';

/** A new ICID: the name of its maker keeps it unique between makers. */
export const newIcid = (random: Random, maker: string): string => `${random.hex(12)}.${maker}`;

/** Type 1 orig-ioi names the network of the P-CSCF (RFC 7315 §4.6.4, TS 24.229 §5.2.6.3). */
export function chargingVector(icid: string, maker: string, origIoi: string): Edit {
  return set(PChargingVector, { icid, icidGeneratedAt: maker, origIoi });
}
