// What an operator sets on an S-CSCF. Every field has its unit, its default and the clause that
// asks for it; `sCscfConfig` fills in what a network file leaves out and refuses what cannot be.

import type { InitialFilterCriterion } from '#diameter/cx-user-data';
import { UsageError } from '#kernel/errors';
import type { Address } from '#kernel/host';
import { type Duration, days, hours, minutes, seconds } from '#kernel/time';

export interface SCscfConfig {
  /** Home network domain name (TS 23.003 §13.2); also the realm of challenges. */
  readonly home: string;
  /** The name of this function on local links, in Via and Record-Route. Default `scscf.<home>`. */
  readonly name: string;
  /** SIP port in the URIs others route to. Default 6060. */
  readonly port: number;
  /** Server-Name on Cx (TS 29.229 §6.3.3). Default `sip:<name>:<port>`. */
  readonly serverName: string;
  /** Entry point of the home network for requests to its users. Default `sip:icscf.<home>:4060`. */
  readonly icscf: string;
  /** Where to listen on the wire besides local links. Default nowhere. */
  readonly listen: readonly { readonly protocol: 'udp' | 'tcp'; readonly address: Address }[];
  /**
   * Addresses of CSCFs and application servers on the wire: others are refused. Local links are of
   * this network anyway. Default undefined: whoever can reach the port, which is bound to loopback.
   */
  readonly trusted: readonly string[] | undefined;
  readonly diameter: {
    /** Origin-Host. Default the function's name. */
    readonly identity: string;
    /** Origin-Realm and the HSS's realm. Default the home domain. */
    readonly realm: string;
    /** Default `hss.<home>`; undefined lets the realm decide. */
    readonly hss: string | undefined;
    /** Names or `ip:port` of the HSS, tried in turn. Default its identity. */
    readonly endpoints: readonly string[];
    /** Identity of the Diameter agent there, where it is not the HSS itself. RFC 6733 §2.8 */
    readonly agent?: string;
    /** How long an answer on Cx is awaited. Default 5 s. */
    readonly timeout: Duration;
  };
  readonly registration: {
    /** Granted when the UE asks for nothing (TS 24.229 §5.4.1.2.2F). Default 1 hour. */
    readonly expires: Duration;
    /** Less than this is 423 (RFC 3261 §10.3). Default 60 s. */
    readonly minimum: Duration;
    /** More than this is shortened. Default 7 days (600,000 s asked for by UEs is granted). */
    readonly maximum: Duration;
    /** reg-await-auth (TS 24.229 table 7.8.1). Default 4 minutes. */
    readonly awaitAuth: Duration;
    /** Bindings of one implicit registration set at once; more is 503. Default 10. */
    readonly contacts: number;
    /** What network-initiated re-authentication shortens a registration to (§5.4.1.6). */
    readonly shortened: Duration;
    /** Implicit registration sets held at once; more is 503. Default 1,000,000. */
    readonly sets: number;
    /** How long a profile fetched for an unregistered user stays (TS 29.228 §6.1.2). */
    readonly unregisteredProfile: Duration;
  };
  readonly digest: {
    /**
     * The HSS says with each HA1 what it is for, and so what is offered, in its order (RFC 8760
     * §2.3); the first of these is meant where it says nothing. Default MD5.
     */
    readonly algorithms: readonly ('MD5' | 'SHA-256')[];
    /** How long a nonce that was answered once may be used again, by growing nc. Default 1 hour. */
    readonly nonceLifetime: Duration;
  };
  readonly aka: {
    /**
     * Refuse AKA where the P-CSCF says `integrity-protected="no"` on the answer to a challenge
     * (TS 24.229 §5.4.1.2.1, TS 33.203). Default true; false is a deviation the trace names.
     */
    readonly requireSecurityAssociation: boolean;
    /** One challenge each, in this order (RFC 3310, RFC 4169). Default AKAv1-MD5 alone. */
    readonly algorithms: readonly ('AKAv1-MD5' | 'AKAv2-MD5' | 'AKAv2-SHA-256')[];
    /** Resynchronisations in a row before the registration is refused. Default 2. */
    readonly resynchronisations: number;
  };
  /**
   * Filter criteria that profiles name by the number of their set (feature SiFC, TS 29.229 §7.1.1).
   * Default none, and then the HSS is not told of the feature.
   */
  readonly sharedFilterCriteria: ReadonlyMap<number, readonly InitialFilterCriterion[]>;
  readonly isc: {
    /** How long an AS may say nothing at all before its DefaultHandling applies. Default 5 s. */
    readonly timeout: Duration;
    /** Requests on their way through an AS at once; more is 503. Default 200,000. */
    readonly chains: number;
  };
  readonly numbers: {
    /** Country code put before national numbers. Default '1'. */
    readonly country: string;
    /** Digits dialled before a national number. Default '1' in country 1, '0' elsewhere. */
    readonly nationalPrefix: string;
    /** Digits dialled before an international number beside '00'. Default '011' in country 1. */
    readonly internationalPrefix: string;
    /** Digits of a national number, area code included; undefined: they differ. Default 10 in 1. */
    readonly nationalDigits: number | undefined;
    /** Digits of a number within an area, which the caller's own area completes. Default 7 in 1. */
    readonly subscriberDigits: number | undefined;
    /**
     * The DNS suffix under which ENUM is asked (RFC 6116 §3.5): 'e164.arpa', or an operator's own.
     * Default undefined: the table alone.
     */
    readonly enumSuffix: string | undefined;
    /**
     * What ENUM would say, or where the DNS says nothing: the domain whose users' numbers start so, the longest prefix
     * first. Default every number is first asked for at home.
     */
    readonly enum: readonly { readonly prefix: string; readonly domain: string }[];
    /** Where a number goes that is nobody's in an IMS: the BGCF (§5.4.3.2). Default nowhere, 404. */
    readonly breakout: string | undefined;
  };
  /** Where requests to other domains go: the IBCF (§5.4.3.2). Default nowhere, 404. */
  readonly interconnect: string | undefined;
  /** Domains besides the home domain whose users are ours. */
  readonly aliases: readonly string[];
  readonly regEvent: {
    /** Longest subscription to the registration-state event package. Default 600,000 s. */
    readonly maximum: Duration;
    readonly minimum: Duration;
    /** Subscriptions to one registration set, and altogether. */
    readonly subscriptions: { readonly perSet: number; readonly total: number };
  };
  readonly sessions: {
    /** Sessions known at once; more is 503 with Retry-After. Default 200,000. */
    readonly maximum: number;
    /** A session nobody refreshed for this long is forgotten. Default 12 hours. */
    readonly idle: Duration;
    /** How long a UE may ring (RFC 3261 timer C, > 3 minutes). Default 200 s. */
    readonly ringing: Duration;
  };
  readonly challenges: {
    /** Challenges outstanding, altogether and of one IMPI; the oldest goes. */
    readonly total: number;
    readonly perImpi: number;
  };
}

/** What a composition must give, and may give; everything else has its default. */
export type SCscfSettings = { readonly home: string } & {
  readonly [K in Exclude<keyof SCscfConfig, 'home'>]?: SCscfConfig[K] extends
    | readonly unknown[]
    | ReadonlyMap<unknown, unknown>
    ? SCscfConfig[K]
    : SCscfConfig[K] extends object
      ? Partial<SCscfConfig[K]>
      : SCscfConfig[K];
};

/** Fills in the defaults. Throws UsageError for what contradicts itself. */
export function sCscfConfig(settings: SCscfSettings): SCscfConfig {
  const { home } = settings;
  const name = settings.name ?? `scscf.${home}`;
  const port = settings.port ?? 6060;
  const northAmerica = (settings.numbers?.country ?? '1') === '1';
  const config: SCscfConfig = {
    home,
    name,
    port,
    serverName: settings.serverName ?? `sip:${name}:${port}`,
    icscf: settings.icscf ?? `sip:icscf.${home}:4060`,
    listen: settings.listen ?? [],
    trusted: settings.trusted ?? undefined,
    diameter: {
      identity: name,
      realm: home,
      hss: `hss.${home}`,
      endpoints: [`hss.${home}`],
      timeout: seconds(5),
      ...settings.diameter,
    },
    registration: {
      expires: hours(1),
      minimum: seconds(60),
      maximum: days(7),
      awaitAuth: minutes(4),
      contacts: 10,
      shortened: seconds(600),
      sets: 1_000_000,
      unregisteredProfile: minutes(10),
      ...settings.registration,
    },
    digest: { algorithms: ['MD5'], nonceLifetime: hours(1), ...settings.digest },
    aka: {
      requireSecurityAssociation: true,
      algorithms: ['AKAv1-MD5'],
      resynchronisations: 2,
      ...settings.aka,
    },
    sharedFilterCriteria: settings.sharedFilterCriteria ?? new Map(),
    isc: { timeout: seconds(5), chains: 200_000, ...settings.isc },
    numbers: {
      ...(northAmerica
        ? {
            nationalPrefix: '1',
            internationalPrefix: '011',
            nationalDigits: 10,
            subscriberDigits: 7,
          }
        : {
            nationalPrefix: '0',
            internationalPrefix: '00',
            nationalDigits: undefined,
            subscriberDigits: undefined,
          }),
      country: '1',
      enum: [{ prefix: '+', domain: home }],
      enumSuffix: undefined,
      breakout: undefined,
      ...settings.numbers,
    },
    interconnect: settings.interconnect ?? undefined,
    aliases: settings.aliases ?? [],
    regEvent: {
      maximum: seconds(600_000),
      minimum: seconds(60),
      subscriptions: { perSet: 20, total: 2_000_000 },
      ...settings.regEvent,
    },
    sessions: {
      maximum: 200_000,
      idle: hours(12),
      ringing: seconds(200),
      ...settings.sessions,
    },
    challenges: { total: 200_000, perImpi: 8, ...settings.challenges },
  };
  check(config);
  return config;
}

function check(config: SCscfConfig): void {
  const { minimum, maximum, expires } = config.registration;
  if (minimum > maximum) throw new UsageError('scscf.registration: minimum is above maximum');
  if (expires > maximum) throw new UsageError('scscf.registration: expires is above maximum');
}
