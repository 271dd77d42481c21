// What an operator sets on a P-CSCF, with unit, default and the clause that asks for it.

import type { Address, StreamOptions } from '#kernel/host';
import { type Duration, minutes, seconds } from '#kernel/time';

export interface GmListener {
  readonly protocol: 'udp' | 'tcp' | 'tls' | 'ws' | 'wss';
  readonly address: Address;
  readonly options?: StreamOptions;
}

export interface PCscfConfig {
  /** Home network domain name (TS 23.003 §13.2). */
  readonly home: string;
  /** The name of this function on local links, in Via and Record-Route towards the core. */
  readonly name: string;
  /** Where UEs reach it (Gm). Their host is also what UEs see in Record-Route, unless advertised. */
  readonly gm: readonly GmListener[];
  /** Host name or address UEs reach the P-CSCF by, where it is not the address bound. */
  readonly advertise: string | undefined;
  /** Where the core reaches it on the wire besides local links (Mw). Default nowhere. */
  readonly mw: readonly { readonly protocol: 'udp' | 'tcp'; readonly address: Address }[];
  /** SIP port in the URI the core routes to. Default 5060. */
  readonly mwPort: number;
  /** Entry point of the home network (§5.2.2). Default `sip:icscf.<home>:4060`. */
  readonly icscf: string;
  /** P-Visited-Network-ID (RFC 7315 §4.3). Default the home domain. */
  readonly visitedNetwork: string;
  /** Refuse a missing or foreign Route instead of replacing it by the Service-Route (§5.2.6.3.3). */
  readonly strictRoute: boolean;
  /**
   * Where a request to a UE goes: over the flow its REGISTER came by, or to its Contact's host,
   * for accesses without NAT whose UEs send from other ports than they listen on.
   */
  readonly towardsUe: 'flow' | 'contact';
  /** Subscribe to the registration-state event package of every registered user (§5.2.3). */
  readonly regEvent: boolean;
  /** Bindings at once; above it REGISTER is 503 with Retry-After. Default 1,000,000. */
  readonly bindings: number;
  /** Numbers that call for help as `urn:service:sos` does (TS 24.229 §5.2.10.1). Default 112, 911. */
  readonly emergencyNumbers: readonly string[];
  /**
   * How often a UE whose flow is kept shall be heard of (RFC 5626 §5.4): on connections, and on UDP,
   * where a NAT forgets sooner. Default 2 minutes and 30 s, as RFC 5626 §4.4 has a UE do unasked.
   */
  readonly flowTimer: { readonly reliable: Duration; readonly unreliable: Duration };
  /** How long the core may take over a REGISTER; less than UEs wait (timer F, 32 s). Default 28 s. */
  readonly registerTimeout: Duration;
  /**
   * How long the core may say nothing at all, not even 100, before a UE is told that it is away; more
   * than the I-CSCF waits for the HSS. Default 10 s.
   */
  readonly coreTimeout: Duration;
  /** RFC 3261 timer C, above 3 minutes. */
  readonly timerC: Duration;
}

export type PCscfSettings = Partial<PCscfConfig> & Pick<PCscfConfig, 'home' | 'gm'>;

/** Fills in the defaults. */
export function pCscfConfig(settings: PCscfSettings): PCscfConfig {
  const { home } = settings;
  return {
    name: `pcscf.${home}`,
    advertise: undefined,
    mw: [],
    mwPort: 5060,
    icscf: `sip:icscf.${home}:4060`,
    visitedNetwork: home,
    strictRoute: false,
    towardsUe: 'flow',
    regEvent: true,
    bindings: 1_000_000,
    emergencyNumbers: ['112', '911'],
    flowTimer: { reliable: minutes(2), unreliable: seconds(30) },
    registerTimeout: seconds(28),
    coreTimeout: seconds(10),
    timerC: minutes(3) + seconds(20),
    ...settings,
  };
}
