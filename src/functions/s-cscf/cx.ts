// The S-CSCF's end of Cx. TS 29.228 §6.1.2 (assignment), §6.1.3 (RTR), §6.2 (PPR), §6.3 (MAR).

import {
  Cx as CxApplication,
  FEATURES,
  MultimediaAuth,
  PushProfile,
  type PushProfileRequest,
  RegistrationTermination,
  type RegistrationTerminationRequest,
  ServerAssignment,
  type ServerAssignmentAnswer,
  type ServerAssignmentRequest,
  type SipAuthDataItem,
  VENDOR_3GPP,
} from '#diameter/cx';
import { type ImsSubscription, parseUserData, type ServiceProfile } from '#diameter/cx-user-data';
import type { ValueOf } from '#diameter/definition';
import type { DiameterMessage } from '#diameter/message';
import { DiameterNode, type PeerStatus, type RequestContext } from '#diameter/node';
import type { Host } from '#kernel/host';
import type { SCscfConfig } from './config.ts';
import { type ChargingAddresses, Profile } from './profile.ts';

type AuthItem = ValueOf<typeof SipAuthDataItem>;
export type AssignmentType = ServerAssignmentRequest['type'];

/** A vector as the procedures use it: the octets of the point have become meaning. */
export type Vector =
  | {
      readonly scheme: 'AKA';
      readonly rand: Uint8Array;
      readonly autn: Uint8Array;
      readonly xres: Uint8Array;
      readonly ck: Uint8Array | undefined;
      readonly ik: Uint8Array | undefined;
    }
  | {
      readonly scheme: 'digest';
      /** H(A1) per algorithm, the preferred first. */
      readonly ha1: readonly { readonly algorithm: string; readonly ha1: string }[];
      /** The username HA1 is made with. */
      readonly username: string;
    };

export type Vectors =
  | { readonly result: 'DIAMETER_SUCCESS'; readonly vectors: readonly Vector[] }
  | { readonly result: string; readonly vectors: readonly [] };

export interface Assignment {
  readonly result: string;
  readonly profile: Profile | undefined;
  /** The subscription's private identities, where the HSS told them. */
  readonly impis: readonly string[];
}

export class Cx {
  /** Whether any of the private identities is registered, served or registering here. */
  knows: (impis: readonly string[]) => boolean = () => true;
  /** Answered already; the effect is to take its turn in the subscription's queue. */
  onTermination: (request: RegistrationTerminationRequest, context: RequestContext) => void =
    () => {};
  onProfile: (request: PushProfileRequest, context: RequestContext) => void = () => {};

  readonly #host: Host;
  readonly #config: SCscfConfig;
  readonly #node: DiameterNode;

  constructor(host: Host, config: SCscfConfig) {
    this.#host = host;
    this.#config = config;
    const { identity, realm, timeout } = config.diameter;
    this.#node = new DiameterNode(host, {
      identity,
      realm,
      timeout,
      applications: [CxApplication],
    });
    // An answer that waited for the queue would wait for a SAR, and the HSS for the answer.
    this.#node.handle(RegistrationTermination, (request, context) => {
      const impis = [request.impi, ...(request.associated?.impis ?? [])];
      if (!this.knows(impis)) return { result: 'DIAMETER_ERROR_USER_UNKNOWN' as const };
      this.#host.clock.soon(() => this.onTermination(request, context));
      return { result: 'DIAMETER_SUCCESS' as const };
    });
    this.#node.handle(PushProfile, (request, context) => {
      if (!this.knows([request.impi])) return { result: 'DIAMETER_ERROR_USER_UNKNOWN' as const };
      this.#host.clock.soon(() => this.onProfile(request, context));
      return { result: 'DIAMETER_SUCCESS' as const };
    });
  }

  start(): void {
    const { realm, hss, endpoints, agent = hss } = this.#config.diameter;
    this.#node.connect({ realm, endpoints, ...(agent === undefined ? {} : { identity: agent }) });
  }

  stop(): Promise<void> {
    return this.#node.stop();
  }

  peers(): readonly PeerStatus[] {
    return this.#node.peers();
  }

  /** Asks for what a challenge is made of. The IMPI alone decides the scheme. */
  async multimediaAuth(
    user: { readonly impi: string; readonly impu: string },
    /** The HA1 of the username without its domain is wanted as well: ours gives it second. */
    bothSpellings: boolean,
    /** RAND and AUTS of a failed synchronisation (TS 29.228 §6.3.1 step 5). */
    resynchronise?: Uint8Array,
  ): Promise<Vectors> {
    const answer = await this.#node.call(
      MultimediaAuth,
      {
        impi: user.impi,
        impu: user.impu,
        server: this.#config.serverName,
        vectors: bothSpellings ? 2 : 1,
        auth:
          resynchronise === undefined
            ? { scheme: 'Unknown' }
            : { scheme: 'Digest-AKAv1-MD5', authorization: resynchronise },
      },
      this.#destination(),
    );
    if (answer.result !== 'DIAMETER_SUCCESS') return { result: answer.result, vectors: [] };
    const usual = this.#config.digest.algorithms[0] ?? 'MD5';
    const vectors = (answer.auth ?? [])
      .map((item, index) => vectorFrom(item, index === 0 ? user.impi : localPart(user.impi), usual))
      .filter(vector => vector !== undefined);
    if (vectors.length === 0) return { result: 'DIAMETER_UNABLE_TO_COMPLY', vectors: [] };
    return { result: 'DIAMETER_SUCCESS', vectors };
  }

  async serverAssignment(
    user: { readonly impi?: string | undefined; readonly impus: readonly string[] },
    type: AssignmentType,
    profileHere = false,
  ): Promise<Assignment> {
    const answer = await this.#node.call(
      ServerAssignment,
      {
        ...(user.impi === undefined ? {} : { impi: user.impi }),
        impus: user.impus,
        server: this.#config.serverName,
        type,
        userDataAlreadyAvailable: profileHere
          ? 'USER_DATA_ALREADY_AVAILABLE'
          : 'USER_DATA_NOT_AVAILABLE',
        features: this.#features(),
      },
      this.#destination(),
    );
    const impis = answer.associated?.impis ?? [];
    if (answer.userData === undefined) return { result: answer.result, profile: undefined, impis };
    try {
      const profile = profileFrom(answer, this.#config.sharedFilterCriteria);
      this.#tellProblems(profile, answer.message);
      return { result: answer.result, profile, impis };
    } catch (error) {
      // TS 29.228 §6.1.2.1: a profile we cannot read is no profile
      this.#host.log.error('s-cscf.profile unreadable', {
        impus: user.impus,
        error: String(error),
      });
      return { result: 'DIAMETER_ERROR_NOT_SUPPORTED_USER_DATA', profile: undefined, impis };
    }
  }

  /** Criteria that make no sense were left out, so that the others still serve: somebody must know. */
  #tellProblems(profile: Profile | undefined, about: DiameterMessage | undefined): void {
    for (const { problems = [] } of profile?.subscription.serviceProfiles ?? []) {
      for (const because of problems) {
        this.#host.log.warn('s-cscf.filter criterion left out', { problem: because });
        this.#host.trace.decide('s-cscf.profile', {
          chose: 'criterion left out',
          because,
          clause: 'TS 29.228 annex B.2.2',
          ...(about === undefined ? {} : { about }),
        });
      }
    }
  }

  /** What the HSS may make use of. TS 29.229 §7.2.1 */
  #features() {
    const shares = this.#config.sharedFilterCriteria.size > 0;
    const list = FEATURES.AliasInd | (shares ? FEATURES.SiFC : 0);
    return [{ vendor: VENDOR_3GPP, listId: 1, list }];
  }

  #destination(): { destinationRealm: string; destinationHost?: string } {
    const { realm, hss } = this.#config.diameter;
    return hss === undefined
      ? { destinationRealm: realm }
      : { destinationRealm: realm, destinationHost: hss };
  }
}

const localPart = (impi: string): string => impi.slice(0, Math.max(0, impi.indexOf('@')));

/** `spelled`: the username that an item in this place is for, where it does not say. */
function vectorFrom(item: AuthItem, spelled: string, usual: string): Vector | undefined {
  const { authenticate, authorization, digest } = item;
  if (digest !== undefined) {
    const ha1 = [{ algorithm: digest.algorithm ?? usual, ha1: digest.ha1 }];
    if (digest.alternateAlgorithm !== undefined && digest.alternateHa1 !== undefined) {
      ha1.push({ algorithm: digest.alternateAlgorithm, ha1: digest.alternateHa1 });
    }
    return { scheme: 'digest', ha1, username: spelled };
  }
  if (authenticate?.length !== 32 || authorization === undefined) return undefined;
  return {
    scheme: 'AKA',
    rand: authenticate.subarray(0, 16),
    autn: authenticate.subarray(16),
    xres: authorization,
    ck: item.confidentialityKey,
    ik: item.integrityKey,
  };
}

/** Criteria by the number of their shared set. */
type SharedSets = SCscfConfig['sharedFilterCriteria'];

/** Throws DiameterError where the document is no user profile. */
export function profileFrom(
  answer: {
    readonly userData?: string | undefined;
    readonly chargingInformation?: ServerAssignmentAnswer['chargingInformation'];
  },
  sets: SharedSets,
): Profile | undefined {
  if (answer.userData === undefined) return undefined;
  const subscription = withSharedSets(parseUserData(answer.userData), sets);
  return new Profile(subscription, chargingFrom(answer.chargingInformation));
}

/** Every set that a profile names is in it, its criteria in their places. TS 29.228 annex B.2.1 */
function withSharedSets(subscription: ImsSubscription, sets: SharedSets): ImsSubscription {
  const { serviceProfiles } = subscription;
  if (serviceProfiles.every(({ sharedFilterCriteria }) => sharedFilterCriteria.length === 0)) {
    return subscription;
  }
  return { ...subscription, serviceProfiles: serviceProfiles.map(one => whole(one, sets)) };
}

function whole(profile: ServiceProfile, sets: SharedSets): ServiceProfile {
  const { sharedFilterCriteria: ids, filterCriteria, problems = [] } = profile;
  const shared = ids.flatMap(id => sets.get(id) ?? []);
  const unknown = ids.filter(id => !sets.has(id));
  return {
    ...profile,
    filterCriteria: [...filterCriteria, ...shared].sort((a, b) => a.priority - b.priority),
    problems: [...problems, ...unknown.map(id => `no set of shared filter criteria is ${id}`)],
  };
}

/** TS 29.229 §6.3.19: the names of the charging functions, as P-Charging-Function-Addresses has them. */
export function chargingFrom(
  information: ServerAssignmentAnswer['chargingInformation'],
): ChargingAddresses | undefined {
  if (information === undefined) return undefined;
  const present = (name: string | undefined): name is string => name !== undefined;
  return {
    ccf: [information.primaryCollection, information.secondaryCollection].filter(present),
    ecf: [information.primaryEvent, information.secondaryEvent].filter(present),
  };
}

/** The status a REGISTER deserves after such a result. TS 24.229 §5.4.1.2.1, TS 29.228 §6. */
export function registrationStatus(result: string): number {
  switch (result) {
    case 'DIAMETER_ERROR_USER_UNKNOWN':
    case 'DIAMETER_ERROR_IDENTITIES_DONT_MATCH':
    case 'DIAMETER_ERROR_ROAMING_NOT_ALLOWED':
    case 'DIAMETER_ERROR_AUTH_SCHEME_NOT_SUPPORTED':
    case 'DIAMETER_AUTHORIZATION_REJECTED':
      return 403;
    case 'DIAMETER_ERROR_IDENTITY_ALREADY_REGISTERED':
      return 480; // another S-CSCF serves the user: the I-CSCF selects again (§5.3.1.3)
    default:
      return failureStatus(result);
  }
}

/** The status another request deserves when its user's profile cannot be had (§5.4.3.3). */
export function sessionStatus(result: string): number {
  switch (result) {
    case 'DIAMETER_ERROR_USER_UNKNOWN':
      return 404;
    case 'DIAMETER_ERROR_IDENTITY_NOT_REGISTERED':
    case 'DIAMETER_ERROR_IDENTITY_ALREADY_REGISTERED':
      return 480;
    default:
      return failureStatus(result);
  }
}

function failureStatus(result: string): number {
  switch (result) {
    case 'DIAMETER_UNABLE_TO_DELIVER':
    case 'DIAMETER_REALM_NOT_SERVED':
      return 504; // nobody answered: the HSS is away
    case 'DIAMETER_TOO_BUSY':
      return 503;
    default:
      return 500;
  }
}
