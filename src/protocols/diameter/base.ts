// The Diameter base protocol: its AVPs and the commands that two peers speak. RFC 6733 §4.5, §5.

import { application } from './application.ts';
import { many, optional } from './definition.ts';
import {
  address,
  anyAvps,
  diameterIdentity,
  diameterUri,
  enumerated,
  grouped,
  octetString,
  time,
  unsigned32,
  utf8String,
} from './types.ts';

export const Base = application({ name: 'Base', id: 0, vendor: 0, spec: 'RFC 6733' });

/** The application id by which relay agents say that they carry everything. §2.4 */
export const RELAY = 0xffffffff;

// ------------------------------------------------------------------ who speaks to whom

export const SessionId = Base.avp('Session-Id', 263, utf8String, '§8.8', { joins: 'sessionId' });
export const OriginHost = Base.avp('Origin-Host', 264, diameterIdentity, '§6.3');
export const OriginRealm = Base.avp('Origin-Realm', 296, diameterIdentity, '§6.4');
export const DestinationHost = Base.avp('Destination-Host', 293, diameterIdentity, '§6.5');
export const DestinationRealm = Base.avp('Destination-Realm', 283, diameterIdentity, '§6.6');
export const RouteRecord = Base.avp('Route-Record', 282, diameterIdentity, '§6.7.1');
export const ProxyHost = Base.avp('Proxy-Host', 280, diameterIdentity, '§6.7.3');
export const ProxyState = Base.avp('Proxy-State', 33, octetString, '§6.7.4');
export const ProxyInfo = Base.avp(
  'Proxy-Info',
  284,
  grouped({ host: ProxyHost, state: ProxyState }),
  '§6.7.2',
);
export const UserName = Base.avp('User-Name', 1, utf8String, '§8.14', { joins: 'impi' });
/** Grows with every restart, so that a peer notices one. */
export const OriginStateId = Base.avp('Origin-State-Id', 278, unsigned32, '§8.16');

// ------------------------------------------------------------------ applications and vendors

export const VendorId = Base.avp('Vendor-Id', 266, unsigned32, '§5.3.3');
export const SupportedVendorId = Base.avp('Supported-Vendor-Id', 265, unsigned32, '§5.3.6');
export const AuthApplicationId = Base.avp('Auth-Application-Id', 258, unsigned32, '§6.8');
export const AcctApplicationId = Base.avp('Acct-Application-Id', 259, unsigned32, '§6.9');
export const VendorSpecificApplicationId = Base.avp(
  'Vendor-Specific-Application-Id',
  260,
  grouped({
    // RFC 3588 allowed several
    vendor: many(VendorId),
    auth: optional(AuthApplicationId),
    acct: optional(AcctApplicationId),
  }),
  '§6.11',
);
export const HostIpAddress = Base.avp('Host-IP-Address', 257, address, '§5.3.5');
export const ProductName = Base.avp('Product-Name', 269, utf8String, '§5.3.7', {
  mandatory: false,
});
export const FirmwareRevision = Base.avp('Firmware-Revision', 267, unsigned32, '§5.3.4', {
  mandatory: false,
});
export const InbandSecurityId = Base.avp('Inband-Security-Id', 299, unsigned32, '§6.10');

// ------------------------------------------------------------------ results

export const ResultCode = Base.avp('Result-Code', 268, unsigned32, '§7.1');
export const ExperimentalResultCode = Base.avp('Experimental-Result-Code', 298, unsigned32, '§7.7');
export const ExperimentalResult = Base.avp(
  'Experimental-Result',
  297,
  grouped({ vendor: many(VendorId), code: ExperimentalResultCode }),
  '§7.6',
);
export const ErrorMessage = Base.avp('Error-Message', 281, utf8String, '§7.3', {
  mandatory: false,
});
export const ErrorReportingHost = Base.avp('Error-Reporting-Host', 294, diameterIdentity, '§7.4', {
  mandatory: false,
});
export const FailedAvp = Base.avp('Failed-AVP', 279, anyAvps, '§7.5');

export const RedirectHost = Base.avp('Redirect-Host', 292, diameterUri, '§6.12');
export const RedirectHostUsage = Base.avp(
  'Redirect-Host-Usage',
  261,
  enumerated({
    DONT_CACHE: 0,
    ALL_SESSION: 1,
    ALL_REALM: 2,
    REALM_AND_APPLICATION: 3,
    ALL_APPLICATION: 4,
    ALL_HOST: 5,
    ALL_USER: 6,
  }),
  '§6.13',
);
export const RedirectMaxCacheTime = Base.avp('Redirect-Max-Cache-Time', 262, unsigned32, '§6.14');

// ------------------------------------------------------------------ sessions

export const AuthSessionState = Base.avp(
  'Auth-Session-State',
  277,
  enumerated({ STATE_MAINTAINED: 0, NO_STATE_MAINTAINED: 1 }),
  '§8.11',
);
export const AuthRequestType = Base.avp(
  'Auth-Request-Type',
  274,
  enumerated({ AUTHENTICATE_ONLY: 1, AUTHORIZE_ONLY: 2, AUTHORIZE_AUTHENTICATE: 3 }),
  '§8.7',
);
export const AuthorizationLifetime = Base.avp('Authorization-Lifetime', 291, unsigned32, '§8.9');
export const AuthGracePeriod = Base.avp('Auth-Grace-Period', 276, unsigned32, '§8.10');
export const SessionTimeout = Base.avp('Session-Timeout', 27, unsigned32, '§8.13');
export const SessionBinding = Base.avp('Session-Binding', 270, unsigned32, '§8.17');
export const ClassAvp = Base.avp('Class', 25, octetString, '§8.20');
export const EventTimestamp = Base.avp('Event-Timestamp', 55, time, '§8.21');
export const TerminationCause = Base.avp('Termination-Cause', 295, unsigned32, '§8.15');

/** Message priority, 0 highest. RFC 7944 */
export const Drmp = Base.avp('DRMP', 301, unsigned32, 'RFC 7944 §9.1', { mandatory: false });

// ------------------------------------------------------------------ commands between two peers

const identity = {
  originHost: OriginHost,
  originRealm: OriginRealm,
};

const capabilities = {
  hostAddresses: many(HostIpAddress),
  vendorId: VendorId,
  productName: ProductName,
  originStateId: optional(OriginStateId),
  supportedVendors: many(SupportedVendorId),
  auth: many(AuthApplicationId),
  inbandSecurity: many(InbandSecurityId),
  acct: many(AcctApplicationId),
  vendorSpecific: many(VendorSpecificApplicationId),
  firmwareRevision: optional(FirmwareRevision),
};

export const CapabilitiesExchange = Base.command('Capabilities-Exchange', 257, '§5.3', {
  proxiable: false,
  request: { ...identity, ...capabilities },
  // Host-IP-Address, Vendor-Id and Product-Name may lack in an answer that refuses
  answer: {
    ...identity,
    ...capabilities,
    vendorId: optional(VendorId),
    productName: optional(ProductName),
  },
});

export const DeviceWatchdog = Base.command('Device-Watchdog', 280, '§5.5', {
  proxiable: false,
  request: { ...identity, originStateId: optional(OriginStateId) },
  answer: { ...identity, originStateId: optional(OriginStateId) },
});

export const DisconnectCause = Base.avp(
  'Disconnect-Cause',
  273,
  enumerated({ REBOOTING: 0, BUSY: 1, DO_NOT_WANT_TO_TALK_TO_YOU: 2 }),
  '§5.4.3',
);

export const DisconnectPeer = Base.command('Disconnect-Peer', 282, '§5.4', {
  proxiable: false,
  request: { ...identity, cause: DisconnectCause },
  answer: { ...identity },
  about: request => request.cause,
});
