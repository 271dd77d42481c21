// Cx and Dx between I-CSCF, S-CSCF and HSS. TS 29.229 (commands and AVPs), TS 29.228 (procedures).
// The keys say what an element means on this point; the definitions what it is on the wire.

import type { AnswerOf, RequestOf } from './application.ts';
import { application } from './application.ts';
import {
  AcctApplicationId,
  AuthApplicationId,
  UserName,
  VendorId,
  VendorSpecificApplicationId,
} from './base.ts';
import { many, optional } from './definition.ts';
import { DigestAlgorithm, DigestHa1, DigestQop, DigestRealm } from './digest-avps.ts';
import {
  address,
  diameterIdentity,
  diameterUri,
  enumerated,
  grouped,
  octetString,
  octetText,
  time,
  unsigned32,
  unsigned64,
  utf8Octets,
  utf8String,
} from './types.ts';

export const VENDOR_3GPP = 10415;

export const Cx = application({
  name: 'Cx',
  id: 16777216,
  vendor: VENDOR_3GPP,
  spec: 'TS 29.229',
  // §6.2: Experimental-Result-Code, vendor 10415
  results: {
    DIAMETER_FIRST_REGISTRATION: 2001,
    DIAMETER_SUBSEQUENT_REGISTRATION: 2002,
    DIAMETER_UNREGISTERED_SERVICE: 2003,
    DIAMETER_SUCCESS_SERVER_NAME_NOT_STORED: 2004,
    DIAMETER_ERROR_USER_UNKNOWN: 5001,
    DIAMETER_ERROR_IDENTITIES_DONT_MATCH: 5002,
    DIAMETER_ERROR_IDENTITY_NOT_REGISTERED: 5003,
    DIAMETER_ERROR_ROAMING_NOT_ALLOWED: 5004,
    DIAMETER_ERROR_IDENTITY_ALREADY_REGISTERED: 5005,
    DIAMETER_ERROR_AUTH_SCHEME_NOT_SUPPORTED: 5006,
    DIAMETER_ERROR_IN_ASSIGNMENT_TYPE: 5007,
    DIAMETER_ERROR_TOO_MUCH_DATA: 5008,
    DIAMETER_ERROR_NOT_SUPPORTED_USER_DATA: 5009,
    DIAMETER_ERROR_FEATURE_UNSUPPORTED: 5011,
    DIAMETER_ERROR_SERVING_NODE_FEATURE_UNSUPPORTED: 5012,
  },
});

/** The 3GPP table's "V, not M" rows. */
const mayIgnore = { mandatory: false };

// ------------------------------------------------------------------ identities and servers

export const VisitedNetworkIdentifier = Cx.avp(
  'Visited-Network-Identifier',
  600,
  octetText,
  '§6.3.1',
);
/** An IMPU: the SIP or tel URI by which others reach the user. */
export const PublicIdentity = Cx.avp('Public-Identity', 601, utf8String, '§6.3.2', {
  joins: 'impus',
});
/** The S-CSCF's SIP URI. */
export const ServerName = Cx.avp('Server-Name', 602, utf8String, '§6.3.3');
export const MandatoryCapability = Cx.avp('Mandatory-Capability', 604, unsigned32, '§6.3.5');
export const OptionalCapability = Cx.avp('Optional-Capability', 605, unsigned32, '§6.3.6');
export const ServerCapabilities = Cx.avp(
  'Server-Capabilities',
  603,
  grouped({
    mandatory: many(MandatoryCapability),
    optional: many(OptionalCapability),
    servers: many(ServerName),
  }),
  '§6.3.4',
);
export const WildcardedPublicIdentity = Cx.avp(
  'Wildcarded-Public-Identity',
  634,
  utf8String,
  '§6.3.35',
  mayIgnore,
);
/** The IMPIs that share an identity's implicit registration set. */
export const AssociatedIdentities = Cx.avp(
  'Associated-Identities',
  632,
  grouped({ impis: many(UserName) }),
  '§6.3.33',
  mayIgnore,
);
export const AssociatedRegisteredIdentities = Cx.avp(
  'Associated-Registered-Identities',
  647,
  grouped({ impis: many(UserName) }),
  '§6.3.50',
  mayIgnore,
);

// ------------------------------------------------------------------ authentication

export const SipNumberAuthItems = Cx.avp('SIP-Number-Auth-Items', 607, unsigned32, '§6.3.8');
/** 'Digest-AKAv1-MD5', 'SIP Digest', 'Unknown', 'NASS-Bundled', … */
export const SipAuthenticationScheme = Cx.avp(
  'SIP-Authentication-Scheme',
  608,
  utf8String,
  '§6.3.9',
);
/** RAND and AUTN of 16 octets each. */
export const SipAuthenticate = Cx.avp('SIP-Authenticate', 609, octetString, '§6.3.10');
/** XRES towards the S-CSCF; RAND and AUTS towards the HSS. */
export const SipAuthorization = Cx.avp('SIP-Authorization', 610, octetString, '§6.3.11', {
  secret: true,
});
export const SipAuthenticationContext = Cx.avp(
  'SIP-Authentication-Context',
  611,
  octetString,
  '§6.3.12',
);
export const SipItemNumber = Cx.avp('SIP-Item-Number', 613, unsigned32, '§6.3.14');
export const ConfidentialityKey = Cx.avp('Confidentiality-Key', 625, octetString, '§6.3.27', {
  secret: true,
});
export const IntegrityKey = Cx.avp('Integrity-Key', 626, octetString, '§6.3.28', { secret: true });
export const AlternateDigestAlgorithm = Cx.avp(
  'Alternate-Digest-Algorithm',
  662,
  utf8String,
  '§6.3.72',
  mayIgnore,
);
export const AlternateDigestHa1 = Cx.avp('Alternate-Digest-HA1', 663, utf8String, '§6.3.73', {
  mandatory: false,
  secret: true,
});
export const SipDigestAuthenticate = Cx.avp(
  'SIP-Digest-Authenticate',
  635,
  grouped({
    realm: DigestRealm,
    algorithm: optional(DigestAlgorithm),
    qop: DigestQop,
    ha1: DigestHa1,
    alternateAlgorithm: optional(AlternateDigestAlgorithm),
    alternateHa1: optional(AlternateDigestHa1),
  }),
  '§6.3.36',
  mayIgnore,
);
export const FramedIpAddress = Cx.avp('Framed-IP-Address', 8, octetString, 'RFC 7155 §4.4.10.5.1', {
  vendor: 0,
});
export const FramedIpv6Prefix = Cx.avp(
  'Framed-IPv6-Prefix',
  97,
  octetString,
  'RFC 7155 §4.4.10.5.6',
  {
    vendor: 0,
  },
);
export const FramedInterfaceId = Cx.avp(
  'Framed-Interface-Id',
  96,
  unsigned64,
  'RFC 7155 §4.4.10.5.5',
  {
    vendor: 0,
  },
);
/** ETSI's (vendor 13019): a fixed line, for NASS bundled authentication. */
export const LineIdentifier = Cx.avp(
  'Line-Identifier',
  500,
  octetString,
  'ETSI ES 283 035 §7.3.5',
  {
    vendor: 13019,
    mandatory: false,
  },
);
export const SipAuthDataItem = Cx.avp(
  'SIP-Auth-Data-Item',
  612,
  grouped({
    itemNumber: optional(SipItemNumber),
    scheme: optional(SipAuthenticationScheme),
    authenticate: optional(SipAuthenticate),
    authorization: optional(SipAuthorization),
    context: optional(SipAuthenticationContext),
    confidentialityKey: optional(ConfidentialityKey),
    integrityKey: optional(IntegrityKey),
    digest: optional(SipDigestAuthenticate),
    framedIpAddress: optional(FramedIpAddress),
    framedIpv6Prefix: optional(FramedIpv6Prefix),
    framedInterfaceId: optional(FramedInterfaceId),
    lineIdentifiers: many(LineIdentifier),
  }),
  '§6.3.13',
);

// ------------------------------------------------------------------ assignment and profile

export const ServerAssignmentType = Cx.avp(
  'Server-Assignment-Type',
  614,
  enumerated({
    NO_ASSIGNMENT: 0,
    REGISTRATION: 1,
    RE_REGISTRATION: 2,
    UNREGISTERED_USER: 3,
    TIMEOUT_DEREGISTRATION: 4,
    USER_DEREGISTRATION: 5,
    TIMEOUT_DEREGISTRATION_STORE_SERVER_NAME: 6,
    USER_DEREGISTRATION_STORE_SERVER_NAME: 7,
    ADMINISTRATIVE_DEREGISTRATION: 8,
    AUTHENTICATION_FAILURE: 9,
    AUTHENTICATION_TIMEOUT: 10,
    DEREGISTRATION_TOO_MUCH_DATA: 11,
    AAA_USER_DATA_REQUEST: 12,
    PGW_UPDATE: 13,
    RESTORATION: 14,
  }),
  '§6.3.15',
);
export const UserAuthorizationType = Cx.avp(
  'User-Authorization-Type',
  623,
  enumerated({ REGISTRATION: 0, DE_REGISTRATION: 1, REGISTRATION_AND_CAPABILITIES: 2 }),
  '§6.3.24',
);
export const UserDataAlreadyAvailable = Cx.avp(
  'User-Data-Already-Available',
  624,
  enumerated({ USER_DATA_NOT_AVAILABLE: 0, USER_DATA_ALREADY_AVAILABLE: 1 }),
  '§6.3.26',
);
/** The XML document of TS 29.228 annex B; `#diameter/cx-user-data` reads and writes it. */
export const UserData = Cx.avp('User-Data', 606, utf8Octets, '§6.3.7');

export const ReasonCode = Cx.avp(
  'Reason-Code',
  616,
  enumerated({
    PERMANENT_TERMINATION: 0,
    NEW_SERVER_ASSIGNED: 1,
    SERVER_CHANGE: 2,
    REMOVE_S_CSCF: 3,
  }),
  '§6.3.17',
);
export const ReasonInfo = Cx.avp('Reason-Info', 617, utf8String, '§6.3.18');
export const DeregistrationReason = Cx.avp(
  'Deregistration-Reason',
  615,
  grouped({ code: ReasonCode, info: optional(ReasonInfo) }),
  '§6.3.16',
);

export const PrimaryEventChargingFunctionName = Cx.avp(
  'Primary-Event-Charging-Function-Name',
  619,
  diameterUri,
  '§6.3.20',
);
export const SecondaryEventChargingFunctionName = Cx.avp(
  'Secondary-Event-Charging-Function-Name',
  620,
  diameterUri,
  '§6.3.21',
);
export const PrimaryChargingCollectionFunctionName = Cx.avp(
  'Primary-Charging-Collection-Function-Name',
  621,
  diameterUri,
  '§6.3.22',
);
export const SecondaryChargingCollectionFunctionName = Cx.avp(
  'Secondary-Charging-Collection-Function-Name',
  622,
  diameterUri,
  '§6.3.23',
);
export const ChargingInformation = Cx.avp(
  'Charging-Information',
  618,
  grouped({
    primaryEvent: optional(PrimaryEventChargingFunctionName),
    secondaryEvent: optional(SecondaryEventChargingFunctionName),
    primaryCollection: optional(PrimaryChargingCollectionFunctionName),
    secondaryCollection: optional(SecondaryChargingCollectionFunctionName),
  }),
  '§6.3.19',
);

export const OriginatingRequest = Cx.avp(
  'Originating-Request',
  633,
  enumerated({ ORIGINATING: 0 }),
  '§6.3.34',
);
export const LooseRouteIndication = Cx.avp(
  'Loose-Route-Indication',
  638,
  enumerated({ LOOSE_ROUTE_NOT_REQUIRED: 0, LOOSE_ROUTE_REQUIRED: 1 }),
  '§6.3.45',
  mayIgnore,
);
export const MultipleRegistrationIndication = Cx.avp(
  'Multiple-Registration-Indication',
  648,
  enumerated({ NOT_MULTIPLE_REGISTRATION: 0, MULTIPLE_REGISTRATION: 1 }),
  '§6.3.51',
  mayIgnore,
);
export const SessionPriority = Cx.avp(
  'Session-Priority',
  650,
  enumerated({
    'PRIORITY-0': 0,
    'PRIORITY-1': 1,
    'PRIORITY-2': 2,
    'PRIORITY-3': 3,
    'PRIORITY-4': 4,
  }),
  '§6.3.56',
  mayIgnore,
);
/** Spelled as the specification does. */
export const PriviledgedSenderIndication = Cx.avp(
  'Priviledged-Sender-Indication',
  652,
  enumerated({ NOT_PRIVILEDGED_SENDER: 0, PRIVILEDGED_SENDER: 1 }),
  '§6.3.58',
  mayIgnore,
);
/** Bit 0: IMS emergency registration. */
export const UarFlags = Cx.avp('UAR-Flags', 637, unsigned32, '§6.3.44', mayIgnore);
/** Bit 0: PSI direct routing. */
export const LiaFlags = Cx.avp('LIA-Flags', 653, unsigned32, '§6.3.59', mayIgnore);
/** Bit 0: P-CSCF restoration indication. */
export const SarFlags = Cx.avp('SAR-Flags', 655, unsigned32, '§6.3.63', mayIgnore);
/** Bit 0: reference location change. */
export const RtrFlags = Cx.avp('RTR-Flags', 659, unsigned32, '§6.3.69', mayIgnore);

export const PcscfFqdn = Cx.avp('PCSCF-FQDN', 665, diameterIdentity, '§6.3.75', mayIgnore);
export const PcscfIpAddress = Cx.avp('PCSCF-IP-Address', 666, address, '§6.3.76', mayIgnore);
export const FailedPcscf = Cx.avp(
  'Failed-PCSCF',
  664,
  grouped({ fqdn: optional(PcscfFqdn), addresses: many(PcscfIpAddress) }),
  '§6.3.74',
  mayIgnore,
);

export const WebRtcAuthenticationFunctionName = Cx.avp(
  'WebRTC-Authentication-Function-Name',
  657,
  utf8String,
  '§6.3.65',
  mayIgnore,
);
export const WebRtcWebServerFunctionName = Cx.avp(
  'WebRTC-Web-Server-Function-Name',
  658,
  utf8String,
  '§6.3.66',
  mayIgnore,
);
export const AllowedWafWwsfIdentities = Cx.avp(
  'Allowed-WAF-WWSF-Identities',
  656,
  grouped({
    authenticationFunctions: many(WebRtcAuthenticationFunctionName),
    webServerFunctions: many(WebRtcWebServerFunctionName),
  }),
  '§6.3.64',
  mayIgnore,
);

// ------------------------------------------------------------------ restoration, TS 23.380

export const Path = Cx.avp('Path', 640, octetText, '§6.3.47', mayIgnore);
export const ContactAvp = Cx.avp('Contact', 641, octetText, '§6.3.48', mayIgnore);
export const CallIdSipHeader = Cx.avp('Call-ID-SIP-Header', 643, octetText, '§6.3.49.1', mayIgnore);
export const FromSipHeader = Cx.avp('From-SIP-Header', 644, octetText, '§6.3.49.2', mayIgnore);
export const ToSipHeader = Cx.avp('To-SIP-Header', 645, octetText, '§6.3.49.3', mayIgnore);
export const RecordRouteAvp = Cx.avp('Record-Route', 646, octetText, '§6.3.49.4', mayIgnore);
export const InitialCSeqSequenceNumber = Cx.avp(
  'Initial-CSeq-Sequence-Number',
  654,
  unsigned32,
  '§6.3.62',
  mayIgnore,
);
export const SubscriptionInfo = Cx.avp(
  'Subscription-Info',
  642,
  grouped({
    callId: CallIdSipHeader,
    from: FromSipHeader,
    to: ToSipHeader,
    recordRoute: RecordRouteAvp,
    contact: ContactAvp,
  }),
  '§6.3.49',
  mayIgnore,
);
export const PcscfSubscriptionInfo = Cx.avp(
  'P-CSCF-Subscription-Info',
  660,
  grouped({
    callId: CallIdSipHeader,
    from: FromSipHeader,
    to: ToSipHeader,
    contact: ContactAvp,
  }),
  '§6.3.70',
  mayIgnore,
);
export const RegistrationTimeOut = Cx.avp('Registration-Time-Out', 661, time, '§6.3.71', mayIgnore);
export const RestorationInfo = Cx.avp(
  'Restoration-Info',
  649,
  grouped({
    path: Path,
    contact: ContactAvp,
    initialCSeq: optional(InitialCSeqSequenceNumber),
    callId: optional(CallIdSipHeader),
    subscription: optional(SubscriptionInfo),
    pcscfSubscription: optional(PcscfSubscriptionInfo),
  }),
  '§6.3.52',
  mayIgnore,
);
export const ScscfRestorationInfo = Cx.avp(
  'SCSCF-Restoration-Info',
  639,
  grouped({
    impi: UserName,
    restorationInfo: many(RestorationInfo, { min: 1 }),
    registrationTimeOut: optional(RegistrationTimeOut),
    authentication: optional(SipAuthenticationScheme),
  }),
  '§6.3.46',
  mayIgnore,
);
export const IdentityWithEmergencyRegistration = Cx.avp(
  'Identity-with-Emergency-Registration',
  651,
  grouped({ impi: UserName, impu: PublicIdentity }),
  '§6.3.57',
  mayIgnore,
);

// ------------------------------------------------------------------ features, §7.1

export const FeatureListId = Cx.avp('Feature-List-ID', 629, unsigned32, '§6.3.30', mayIgnore);
export const FeatureList = Cx.avp('Feature-List', 630, unsigned32, '§6.3.31', mayIgnore);
export const SupportedFeatures = Cx.avp(
  'Supported-Features',
  628,
  grouped({ vendor: VendorId, listId: FeatureListId, list: FeatureList }),
  '§6.3.29',
  mayIgnore,
);
export const SupportedApplications = Cx.avp(
  'Supported-Applications',
  631,
  grouped({
    auth: many(AuthApplicationId),
    acct: many(AcctApplicationId),
    vendorSpecific: many(VendorSpecificApplicationId),
  }),
  '§6.3.32',
  mayIgnore,
);

/** Bits of Feature-List 1. §7.1.1 */
export const FEATURES = {
  SiFC: 1 << 0,
  AliasInd: 1 << 1,
  IMSRestorationInd: 1 << 2,
  PCSCFRestorationMechanism: 1 << 3,
} as const;

const features = many(SupportedFeatures, { max: 16 });

// ------------------------------------------------------------------ commands, §6.1

/** May the user register here, and which S-CSCF serves him? I-CSCF → HSS */
export const UserAuthorization = Cx.command('User-Authorization', 300, '§6.1.1', {
  request: {
    impi: UserName,
    impu: PublicIdentity,
    visitedNetwork: VisitedNetworkIdentifier,
    type: optional(UserAuthorizationType),
    flags: optional(UarFlags),
    features,
  },
  answer: {
    server: optional(ServerName),
    capabilities: optional(ServerCapabilities),
    features,
  },
});

/** I serve this user now, or no longer; give me the profile. S-CSCF → HSS */
export const ServerAssignment = Cx.command('Server-Assignment', 301, '§6.1.3', {
  request: {
    impi: optional(UserName),
    impus: many(PublicIdentity),
    wildcardedImpu: optional(WildcardedPublicIdentity),
    server: ServerName,
    type: ServerAssignmentType,
    userDataAlreadyAvailable: UserDataAlreadyAvailable,
    restorationInfo: optional(ScscfRestorationInfo),
    multipleRegistration: optional(MultipleRegistrationIndication),
    priority: optional(SessionPriority),
    flags: optional(SarFlags),
    failedPcscf: optional(FailedPcscf),
    features,
  },
  answer: {
    impi: optional(UserName),
    userData: optional(UserData),
    chargingInformation: optional(ChargingInformation),
    associated: optional(AssociatedIdentities),
    looseRoute: optional(LooseRouteIndication),
    restorationInfo: many(ScscfRestorationInfo),
    associatedRegistered: optional(AssociatedRegisteredIdentities),
    server: optional(ServerName),
    wildcardedImpu: optional(WildcardedPublicIdentity),
    priviledgedSender: optional(PriviledgedSenderIndication),
    allowedWafWwsf: optional(AllowedWafWwsfIdentities),
    features,
  },
  about: request => request.type,
});

/** Where is this identity served? I-CSCF → HSS */
export const LocationInfo = Cx.command('Location-Info', 302, '§6.1.5', {
  request: {
    originating: optional(OriginatingRequest),
    impu: PublicIdentity,
    type: optional(UserAuthorizationType),
    priority: optional(SessionPriority),
    features,
  },
  answer: {
    server: optional(ServerName),
    capabilities: optional(ServerCapabilities),
    wildcardedImpu: optional(WildcardedPublicIdentity),
    flags: optional(LiaFlags),
    features,
  },
});

/** Authentication vectors. S-CSCF → HSS */
export const MultimediaAuth = Cx.command('Multimedia-Auth', 303, '§6.1.7', {
  request: {
    impi: UserName,
    impu: PublicIdentity,
    auth: SipAuthDataItem,
    vectors: SipNumberAuthItems,
    server: ServerName,
    features,
  },
  answer: {
    impi: optional(UserName),
    impu: optional(PublicIdentity),
    vectors: optional(SipNumberAuthItems),
    auth: many(SipAuthDataItem),
    features,
  },
});

/** The network takes a registration away. HSS → S-CSCF */
export const RegistrationTermination = Cx.command('Registration-Termination', 304, '§6.1.9', {
  request: {
    impi: UserName,
    associated: optional(AssociatedIdentities),
    impus: many(PublicIdentity),
    reason: DeregistrationReason,
    flags: optional(RtrFlags),
    features,
  },
  answer: {
    associated: optional(AssociatedIdentities),
    emergencyRegistrations: many(IdentityWithEmergencyRegistration),
    features,
  },
  about: request => request.reason.code,
});

/** The profile has changed. HSS → S-CSCF */
export const PushProfile = Cx.command('Push-Profile', 305, '§6.1.11', {
  request: {
    impi: UserName,
    userData: optional(UserData),
    chargingInformation: optional(ChargingInformation),
    auth: optional(SipAuthDataItem),
    allowedWafWwsf: optional(AllowedWafWwsfIdentities),
    features,
  },
  answer: { features },
});

export type UserAuthorizationRequest = RequestOf<typeof UserAuthorization>;
export type UserAuthorizationAnswer = AnswerOf<typeof UserAuthorization>;
export type ServerAssignmentRequest = RequestOf<typeof ServerAssignment>;
export type ServerAssignmentAnswer = AnswerOf<typeof ServerAssignment>;
export type LocationInfoRequest = RequestOf<typeof LocationInfo>;
export type LocationInfoAnswer = AnswerOf<typeof LocationInfo>;
export type MultimediaAuthRequest = RequestOf<typeof MultimediaAuth>;
export type MultimediaAuthAnswer = AnswerOf<typeof MultimediaAuth>;
export type RegistrationTerminationRequest = RequestOf<typeof RegistrationTermination>;
export type RegistrationTerminationAnswer = AnswerOf<typeof RegistrationTermination>;
export type PushProfileRequest = RequestOf<typeof PushProfile>;
export type PushProfileAnswer = AnswerOf<typeof PushProfile>;
