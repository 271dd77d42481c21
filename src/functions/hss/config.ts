// What an operator sets on an HSS. Every field has its unit, its default and the clause that asks
// for it; `hssConfig` fills in what a network file leaves out and refuses what cannot be.

import { UsageError } from '#kernel/errors';
import type { Address } from '#kernel/host';
import { type Duration, seconds } from '#kernel/time';
import { type Wildcard, wildcardOf } from '#sip/wildcarded';
import {
  defaultFilterCriteria,
  type FilterCriterion,
  type FilterCriterionSettings,
  filterCriteria,
} from './filter-criteria.ts';
import { canonicalImpu } from './identities.ts';
import {
  type ServiceProfileConfig,
  type ServiceProfileSettings,
  type SharedSetSettings,
  serviceProfiles,
  sharedSets,
} from './service-profiles.ts';
import type { DigestChoice, SubscriberInput } from './subscriber.ts';

/** A public service identity: a service that is called like a user. TS 23.228 §5.4.12 */
export interface PsiSettings {
  /** `sip:echo@<home>`, or wildcarded: `sip:chat-!.*!@<home>`. */
  readonly identity: string;
  /** SIP URI of the application server that hosts it. */
  readonly server: string;
  /**
   * 's-cscf': requests come over an S-CSCF, whose filter criterion leads to the server; 'as': the
   * I-CSCF sends them to the server itself (TS 23.228 §5.4.12.3). Default 's-cscf'.
   */
  readonly route?: 's-cscf' | 'as';
  /** The PSI activation state. Default true. TS 29.228 §6.1.4.1 */
  readonly active?: boolean;
}

export interface Psi {
  /** Canonical, or as the wildcard is written. */
  readonly identity: string;
  readonly wildcard: Wildcard | undefined;
  /** The Private Service Identity by which S-CSCF and HSS speak of it. TS 23.003 §13.5 */
  readonly impi: string;
  readonly server: string;
  readonly route: 's-cscf' | 'as';
  readonly active: boolean;
}

export interface Capabilities {
  readonly mandatory: readonly number[];
  readonly optional: readonly number[];
  /** S-CSCF names to prefer. */
  readonly servers: readonly string[];
}

export interface HssConfig {
  /** Home network domain name (TS 23.003 §13.2); also the realm of digest. */
  readonly home: string;
  readonly diameter: {
    /** Origin-Host, and the name on local links. Default `hss.<home>`. */
    readonly identity: string;
    /** Origin-Realm. Default the home domain. */
    readonly realm: string;
    /** TCP addresses to listen on, besides local links. Default none. */
    readonly listen: readonly Address[];
    /**
     * Diameter identities that may connect, in lower case; '*' is anybody. Default `icscf.<home>`
     * and `scscf.<home>`.
     */
    readonly peers: readonly string[];
    /** How long an RTA or PPA is awaited. Default 5 s. */
    readonly timeout: Duration;
  };
  /** Who needs which service finds which application server. Default those of the lab. */
  readonly filterCriteria: readonly FilterCriterion[];
  /** Service profiles that records may name. TS 29.228 §6.6 */
  readonly profiles: ReadonlyMap<string, ServiceProfileConfig>;
  /** Services a record may name: these and those of the filter criteria. */
  readonly services: readonly string[];
  readonly psis: readonly Psi[];
  /** What the I-CSCF chooses an S-CSCF by, where none is assigned. TS 29.228 §6.7. Default nothing. */
  readonly capabilities: Capabilities;
  /** Visited networks that subscribers may register from; undefined: any. TS 29.228 §6.1.1.1 */
  readonly visitedNetworks: readonly string[] | undefined;
  /**
   * Whether *_STORE_SERVER_NAME keeps the S-CSCF's name, so that it goes on serving the user as
   * unregistered. TS 29.228 §6.1.2.1. Default true.
   */
  readonly keepServerName: boolean;
  /** Offered to subscribers whose record names none, best first. RFC 8760. Default MD5. */
  readonly digestAlgorithms: readonly DigestChoice[];
  /** Authentication vectors given to one MAR, at most. Default 5. */
  readonly vectors: number;
  /** Diameter URIs for Charging-Information. TS 29.229 §6.3.19. Default none. */
  readonly charging: {
    readonly primaryEvent?: string;
    readonly secondaryEvent?: string;
    readonly primaryCollection?: string;
    readonly secondaryCollection?: string;
  };
  /** Added when the database is new. */
  readonly subscribers: readonly SubscriberInput[];
  readonly limits: {
    /** Records kept in memory. Default 100 000. */
    readonly cached: number;
    /** Procedures that wait for one subscription, and altogether: more is DIAMETER_TOO_BUSY. */
    readonly waitingPerSubscription: number;
    readonly waiting: number;
  };
}

/** What a composition must give, and may give. */
export interface HssSettings {
  readonly home: string;
  readonly diameter?: Partial<HssConfig['diameter']>;
  readonly filterCriteria?: readonly FilterCriterionSettings[];
  readonly sharedFilterCriteria?: readonly SharedSetSettings[];
  readonly profiles?: Readonly<Record<string, ServiceProfileSettings>>;
  readonly services?: readonly string[];
  readonly psis?: readonly PsiSettings[];
  readonly capabilities?: Partial<Capabilities>;
  readonly visitedNetworks?: readonly string[];
  readonly keepServerName?: boolean;
  readonly digestAlgorithms?: readonly DigestChoice[];
  readonly vectors?: number;
  readonly charging?: HssConfig['charging'];
  readonly subscribers?: readonly SubscriberInput[];
  readonly limits?: Partial<HssConfig['limits']>;
}

/** Fills in the defaults. Throws a UsageError for what cannot be. */
export function hssConfig(settings: HssSettings): HssConfig {
  const home = settings.home.toLowerCase();
  const criteria = filterCriteria(settings.filterCriteria ?? defaultFilterCriteria(home));
  const profiles = serviceProfiles(
    settings.profiles ?? {},
    sharedSets(settings.sharedFilterCriteria ?? []),
  );
  const named = [
    ...[criteria, ...[...profiles.values()].map(profile => profile.filterCriteria ?? [])]
      .flat()
      .flatMap(({ service }) => (service === undefined ? [] : [service])),
    ...[...profiles.values()].flatMap(({ services = [] }) => services),
  ];
  return {
    home,
    diameter: {
      identity: `hss.${home}`,
      realm: home,
      listen: [],
      peers: [`icscf.${home}`, `scscf.${home}`],
      timeout: seconds(5),
      ...settings.diameter,
    },
    filterCriteria: criteria,
    profiles,
    services: [...new Set([...(settings.services ?? ['mmtel', 'sms']), ...named])],
    psis: (settings.psis ?? []).map((psi, at) => psiOf(psi, home, `hss.psis[${at}]`)),
    capabilities: { mandatory: [], optional: [], servers: [], ...settings.capabilities },
    visitedNetworks: settings.visitedNetworks,
    keepServerName: settings.keepServerName ?? true,
    digestAlgorithms: settings.digestAlgorithms ?? ['MD5'],
    vectors: settings.vectors ?? 5,
    charging: settings.charging ?? {},
    subscribers: settings.subscribers ?? [],
    limits: { cached: 100_000, waitingPerSubscription: 16, waiting: 10_000, ...settings.limits },
  };
}

function psiOf(settings: PsiSettings, home: string, where: string): Psi {
  const { server, route = 's-cscf', active = true } = settings;
  const wildcard = wildcardOf(settings.identity);
  const identity = wildcard?.text ?? canonicalImpu(settings.identity);
  if (identity === undefined) {
    throw new UsageError(`${where}.identity: "${settings.identity}" is not a sip: or tel: URI`);
  }
  if (!/^sips?:/.test(server)) {
    throw new UsageError(`${where}.server: "${server}" is not a SIP URI, such as sip:as.${home}`);
  }
  const user = identity
    .replace(/^\w+:/, '')
    .replace(/@.*/, '')
    .replace(/[^A-Za-z0-9.-]/g, '');
  return { identity, wildcard, impi: `psi-${user}@${home}`, server, route, active };
}
