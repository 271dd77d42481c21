// A user profile as the procedures ask it: which identities belong together, which is the default,
// which are barred, and which service profile an identity has. TS 29.228 annex B, TS 23.228 §5.2.1a.

import type {
  ImsSubscription,
  InitialFilterCriterion,
  PublicIdentityProfile,
  ServiceProfile,
} from '#diameter/cx-user-data';
import { impuOf, parseUri } from '#sip/uri';
import { closest, type Wildcard, wildcardOf } from '#sip/wildcarded';

export interface ProfileIdentity {
  /** Canonical: what `impuOf` gives for the identity's URI. */
  readonly impu: string;
  readonly barred: boolean;
  readonly displayName: string | undefined;
  readonly kind: PublicIdentityProfile['kind'];
  readonly service: ServiceProfile;
}

export interface ChargingAddresses {
  readonly ccf: readonly string[];
  readonly ecf: readonly string[];
}

/** An implicit registration set's identities and services. */
export class Profile {
  readonly subscription: ImsSubscription;
  readonly charging: ChargingAddresses | undefined;
  /** In the order of the profile. */
  readonly identities: readonly ProfileIdentity[];
  /** Those of them that stand for many. TS 23.003 §13.4A, §13.5 */
  readonly wildcards: readonly (Wildcard & { readonly identity: ProfileIdentity })[];

  constructor(received: ImsSubscription, charging?: ChargingAddresses) {
    const subscription = kept(received);
    this.subscription = subscription;
    this.charging = charging;
    this.identities = subscription.serviceProfiles.flatMap(service =>
      service.publicIdentities.map(identity => ({
        impu: canonical(identity.identity),
        barred: identity.barred,
        displayName: identity.displayName,
        kind: identity.kind,
        service,
      })),
    );
    this.wildcards = this.identities.flatMap(identity => {
      const wildcard = identity.kind.startsWith('WILDCARDED')
        ? wildcardOf(identity.impu)
        : undefined;
      return wildcard === undefined ? [] : [{ ...wildcard, identity }];
    });
  }

  /** The first that is not barred (TS 24.229 §5.4.1.2.2F); the first at all where all are. */
  get defaultImpu(): string | undefined {
    return (this.identities.find(identity => !identity.barred) ?? this.identities[0])?.impu;
  }

  /** What P-Associated-URI shows: those not barred, the default first, wildcards as they are. */
  get shown(): readonly string[] {
    return this.identities.filter(identity => !identity.barred).map(identity => identity.impu);
  }

  /** The identity itself, or one that a wildcarded identity of the profile stands for. */
  find(impu: string): ProfileIdentity | undefined {
    const distinct = this.identities.find(identity => identity.impu === impu);
    if (distinct !== undefined || this.wildcards.length === 0) return distinct;
    const wildcard = closest(this.wildcards, impu);
    return wildcard === undefined ? undefined : { ...wildcard.identity, impu };
  }

  /** The other spelling of an identity: the tel URI of a SIP URI, the SIP URI of a tel URI. */
  alias(impu: string): string | undefined {
    const scheme = impu.startsWith('tel:') ? 'sip:' : 'tel:';
    const number = /^(?:sip:|tel:)(\+\d+)/.exec(impu)?.[1];
    const shown = this.shown.filter(other => other.startsWith(scheme));
    return shown.find(other => number !== undefined && other.includes(number)) ?? shown[0];
  }

  /** Registrations of one identity at once that the operator allows; undefined: as many as we do. */
  get contacts(): number | undefined {
    const limits = this.subscription.serviceProfiles.flatMap(({ publicIdentities }) =>
      publicIdentities.map(({ maxSimultaneousRegistrations }) => maxSimultaneousRegistrations),
    );
    const given = limits.filter(limit => limit !== undefined);
    return given.length === 0 ? undefined : Math.max(1, Math.min(...given));
  }

  criteriaOf(impu: string): readonly InitialFilterCriterion[] {
    return this.find(impu)?.service.filterCriteria ?? [];
  }
}

/**
 * The subscription as it is kept for as long as the user is registered: nothing in it holds on to
 * the document it was read from, and filter criteria that many users have stand in memory once.
 */
function kept(received: ImsSubscription): ImsSubscription {
  const copy = JSON.parse(JSON.stringify(received)) as ImsSubscription;
  const serviceProfiles = copy.serviceProfiles.map(service => ({
    ...service,
    filterCriteria: shared(service.filterCriteria),
  }));
  return { ...copy, serviceProfiles };
}

const criteriaInUse = new Map<string, readonly InitialFilterCriterion[]>();
const MAX_SHARED = 1_000;

function shared(criteria: readonly InitialFilterCriterion[]): readonly InitialFilterCriterion[] {
  const text = JSON.stringify(criteria);
  const known = criteriaInUse.get(text);
  if (known !== undefined) return known;
  if (criteriaInUse.size >= MAX_SHARED) criteriaInUse.clear(); // sharing begins anew
  criteriaInUse.set(text, criteria);
  return criteria;
}

/** Identities that are no URI (a wildcarded one, say) stay as the HSS spells them. */
function canonical(identity: string): string {
  if (wildcardOf(identity) !== undefined) return identity;
  try {
    const impu = impuOf(parseUri(identity));
    return impu === identity ? identity : impu; // one string where two are equal
  } catch {
    return identity;
  }
}
