// What two peers tell each other in CER and CEA, and whether it suffices. RFC 6733 §5.3

import type { AnswerOf, Application, RequestOf } from './application.ts';
import { type CapabilitiesExchange, RELAY } from './base.ts';
import type { InputOf } from './definition.ts';
import type { BaseResult } from './results.ts';

export interface Identity {
  readonly identity: string;
  readonly realm: string;
  readonly vendorId: number;
  readonly productName: string;
  /** Grows with every start. §8.16 */
  readonly originStateId: number;
  readonly applications: readonly Application[];
}

type Said = RequestOf<typeof CapabilitiesExchange> | AnswerOf<typeof CapabilitiesExchange>;

/** Our side of CER and CEA. */
export function ourCapabilities(
  self: Identity,
  hostAddresses: readonly string[],
): InputOf<(typeof CapabilitiesExchange)['request']> {
  const vendors = self.applications.map(({ vendor }) => vendor).filter(vendor => vendor !== 0);
  return {
    originHost: self.identity,
    originRealm: self.realm,
    hostAddresses,
    vendorId: self.vendorId,
    productName: self.productName,
    originStateId: self.originStateId,
    supportedVendors: [...new Set(vendors)],
    auth: self.applications.filter(({ vendor }) => vendor === 0).map(({ id }) => id),
    vendorSpecific: self.applications
      .filter(({ vendor }) => vendor !== 0)
      .map(({ vendor, id }) => ({ vendor: [vendor], auth: id })),
  };
}

export interface Capabilities {
  readonly identity: string;
  readonly realm: string;
  readonly originStateId: number | undefined;
  /** Ids of applications that both have. */
  readonly applications: readonly number[];
  /** The peer is an agent that carries every application. */
  readonly isRelay: boolean;
}

/** What both have, or the result that says why not. §5.3, §7.1 */
export function commonCapabilities(self: Identity, said: Said): Capabilities | BaseResult {
  const { originHost, originRealm, auth = [], acct = [], vendorSpecific = [] } = said;
  if (originHost === undefined || originRealm === undefined) return 'DIAMETER_MISSING_AVP';
  const specific = vendorSpecific.flatMap(({ auth, acct }) => [auth, acct]);
  const theirs = new Set([...auth, ...acct, ...specific]);
  const isRelay = theirs.has(RELAY);
  const ours = self.applications.map(({ id }) => id);
  const applications = isRelay ? ours : ours.filter(id => theirs.has(id));
  if (applications.length === 0) return 'DIAMETER_NO_COMMON_APPLICATION';
  // NO_INBAND_SECURITY is 0; who offers only TLS inside the connection finds none here
  const { inbandSecurity = [] } = said;
  if (inbandSecurity.length > 0 && !inbandSecurity.includes(0)) {
    return 'DIAMETER_NO_COMMON_SECURITY';
  }
  const { originStateId } = said;
  return { identity: originHost, realm: originRealm, originStateId, applications, isRelay };
}
