// Charging headers on the ways out of an S-CSCF: who originated, who terminated. RFC 7315 §4.5 and
// §4.6, TS 24.229 §5.4.3.2 and §5.4.3.3, TS 32.240 (inter-operator identifiers).

import type { Host } from '#kernel/host';
import { PChargingVector } from '#sip/headers';
import { type Edit, type SipRequest, set } from '#sip/message';

export type PChargingVectorValue = Parameters<(typeof PChargingVector)['format']>[0];

/** The vector with inter-operator identifiers changed; the rest as it came. */
export function chargingVector(
  vector: PChargingVectorValue,
  ioi: { readonly origIoi?: string | undefined; readonly termIoi?: string | undefined },
): PChargingVectorValue {
  return { ...vector, ...ioi };
}

/**
 * The vector of a request that leaves: our network originates it, and nobody has terminated it yet.
 * A request that came without a vector (an AS's, a foreign peer's) gets an ICID.
 */
export function originates(request: SipRequest, home: string, host: Host): Edit {
  const vector = request.get(PChargingVector) ?? { icid: host.random.hex(16) };
  return set(PChargingVector, chargingVector(vector, { origIoi: home, termIoi: undefined }));
}
