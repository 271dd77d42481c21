// What an operator sets on an I-CSCF, with unit, default and the clause that asks for it.

import type { Address } from '#kernel/host';
import { type Duration, seconds } from '#kernel/time';

/** An S-CSCF this I-CSCF may choose, and the capabilities it has (TS 29.228 §6.7). */
export interface ServingCscf {
  /** SIP URI: its Server-Name on Cx. */
  readonly uri: string;
  readonly capabilities: readonly number[];
}

export interface ICscfConfig {
  /** Home network domain name (TS 23.003 §13.2). */
  readonly home: string;
  /** The name of this function on local links and in Via. Default `icscf.<home>`. */
  readonly name: string;
  /** SIP port in the URIs others route to. Default 4060. */
  readonly port: number;
  /** Where to listen on the wire besides local links. Default nowhere. */
  readonly listen: readonly { readonly protocol: 'udp' | 'tcp'; readonly address: Address }[];
  readonly diameter: {
    /** Origin-Host. Default the function's name. */
    readonly identity: string;
    /** Origin-Realm and the HSS's realm. Default the home domain. */
    readonly realm: string;
    /** Destination-Host; undefined lets the realm decide. Default `hss.<home>`. */
    readonly hss: string | undefined;
    /** Names or `ip:port` of the HSS, tried in turn. Default its identity. */
    readonly endpoints: readonly string[];
    /** Identity of the Diameter agent there, where it is not the HSS itself. RFC 6733 §2.8 */
    readonly agent?: string;
    /** How long an answer on Cx is awaited. Default 5 s. */
    readonly timeout: Duration;
  };
  /** In the order they are tried where capabilities do not decide. Default `sip:scscf.<home>:6060`. */
  readonly sCscfs: readonly ServingCscf[];
  /** How long an S-CSCF may take to its first response before another is chosen (§5.3.1.3). */
  readonly sCscfTimeout: Duration;
}

export type ICscfSettings = { readonly home: string } & {
  readonly [K in Exclude<keyof ICscfConfig, 'home'>]?: K extends 'diameter'
    ? Partial<ICscfConfig[K]>
    : ICscfConfig[K];
};

/** Fills in the defaults. */
export function iCscfConfig(settings: ICscfSettings): ICscfConfig {
  const { home } = settings;
  const name = settings.name ?? `icscf.${home}`;
  return {
    home,
    name,
    port: settings.port ?? 4060,
    listen: settings.listen ?? [],
    diameter: {
      identity: name,
      realm: home,
      hss: `hss.${home}`,
      endpoints: [`hss.${home}`],
      timeout: seconds(5),
      ...settings.diameter,
    },
    sCscfs: settings.sCscfs ?? [{ uri: `sip:scscf.${home}:6060`, capabilities: [] }],
    sCscfTimeout: settings.sCscfTimeout ?? seconds(8),
  };
}
