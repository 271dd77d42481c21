// The service profile that the HSS gives an S-CSCF: what the document of User-Data says, as types.
// TS 29.228 annexes B to E

/** IMSSubscription: everything one IMPI's implicit registration set may use. §B.2.1 */
export interface ImsSubscription {
  readonly impi: string;
  readonly serviceProfiles: readonly ServiceProfile[];
}

/** §B.2.1 */
export interface ServiceProfile {
  readonly publicIdentities: readonly PublicIdentityProfile[];
  readonly coreNetworkServicesAuthorization?: CoreNetworkServicesAuthorization | undefined;
  /** In the order of their priority, highest (lowest number) first. */
  readonly filterCriteria: readonly InitialFilterCriterion[];
  /** Sets of filter criteria that the S-CSCF knows by number (feature SiFC). */
  readonly sharedFilterCriteria: readonly number[];
  /** Filter criteria that made no sense and were left out, and why; reading fills it. */
  readonly problems?: readonly string[] | undefined;
}

export interface CoreNetworkServicesAuthorization {
  readonly subscribedMediaProfileId?: number | undefined;
  /** ICSIs that the user may use. */
  readonly serviceIds?: readonly string[] | undefined;
}

export type IdentityKind =
  | 'IMPU'
  | 'PSI'
  | 'WILDCARDED_PSI'
  | 'NON_DISTINCT_IMPU'
  | 'WILDCARDED_IMPU';

/** PublicIdentity and its extensions. §B.2.1 */
export interface PublicIdentityProfile {
  /** The SIP or tel URI. */
  readonly identity: string;
  /** Never to be asserted, and served only for registration and emergency. */
  readonly barred: boolean;
  readonly kind: IdentityKind;
  readonly wildcardedImpu?: string | undefined;
  readonly wildcardedPsi?: string | undefined;
  readonly displayName?: string | undefined;
  readonly aliasGroupId?: string | undefined;
  readonly serviceLevelTraceInfo?: string | undefined;
  /** 0 highest to 4. */
  readonly servicePriorityLevel?: number | undefined;
  readonly maxSimultaneousRegistrations?: number | undefined;
}

/** InitialFilterCriteria. §B.2.2 */
export interface InitialFilterCriterion {
  readonly priority: number;
  /** Without one, every request meets the criterion. */
  readonly triggerPoint?: TriggerPoint | undefined;
  readonly applicationServer: ApplicationServer;
  /** Only while the user is registered, or is not; without one, always. */
  readonly profilePart?: 'REGISTERED' | 'UNREGISTERED' | undefined;
}

/** §B.2.3. CNF: every group holds a trigger that is met. DNF: in some group, all are met. */
export interface TriggerPoint {
  readonly form: 'CNF' | 'DNF';
  readonly groups: readonly (readonly ServicePointTrigger[])[];
}

export type RegistrationType = 'INITIAL_REGISTRATION' | 'RE_REGISTRATION' | 'DE_REGISTRATION';

export type SessionCase =
  | 'ORIGINATING_REGISTERED'
  | 'TERMINATING_REGISTERED'
  | 'TERMINATING_UNREGISTERED'
  | 'ORIGINATING_UNREGISTERED'
  | 'ORIGINATING_CDIV';

/**
 * SPT. §B.2.3, annex C. Patterns are POSIX extended regular expressions, as the profile has them;
 * without `content`, the header or line must merely be there.
 */
export type ServicePointTrigger = { readonly negated: boolean } & (
  | {
      readonly kind: 'method';
      readonly method: string;
      /** For REGISTER: of these types only; empty is all. */
      readonly registrationTypes: readonly RegistrationType[];
    }
  | { readonly kind: 'requestUri'; readonly pattern: string }
  | {
      readonly kind: 'sipHeader';
      readonly header: string;
      readonly content?: string | undefined;
    }
  | { readonly kind: 'sessionCase'; readonly sessionCase: SessionCase }
  | {
      readonly kind: 'sessionDescription';
      readonly line: string;
      readonly content?: string | undefined;
    }
);

/** §B.2.2 */
export interface ApplicationServer {
  /** SIP URI. */
  readonly serverName: string;
  /** What becomes of the session when the server does not answer. */
  readonly defaultHandling: 'SESSION_CONTINUED' | 'SESSION_TERMINATED';
  /** Goes into the body of the third-party REGISTER. TS 24.229 §5.4.1.7 */
  readonly serviceInfo?: string | undefined;
  readonly includeRegisterRequest: boolean;
  readonly includeRegisterResponse: boolean;
}

/** The numbers that stand for these names in the document. §B.2, annex D */
export const CODES = {
  identityKind: ['IMPU', 'PSI', 'WILDCARDED_PSI', 'NON_DISTINCT_IMPU', 'WILDCARDED_IMPU'],
  sessionCase: [
    'ORIGINATING_REGISTERED',
    'TERMINATING_REGISTERED',
    'TERMINATING_UNREGISTERED',
    'ORIGINATING_UNREGISTERED',
    'ORIGINATING_CDIV',
  ],
  registrationType: ['INITIAL_REGISTRATION', 'RE_REGISTRATION', 'DE_REGISTRATION'],
  defaultHandling: ['SESSION_CONTINUED', 'SESSION_TERMINATED'],
  profilePart: ['REGISTERED', 'UNREGISTERED'],
} as const;
