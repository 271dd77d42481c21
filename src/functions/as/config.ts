// What an operator sets on the application server, with unit, default and the clause that asks for it.

import type { Address } from '#kernel/host';
import { type Duration, minutes } from '#kernel/time';

export interface AsConfig {
  /** Home network domain name (TS 23.003 §13.2). */
  readonly home: string;
  /** The name of this function on local links and in Via. Default `as.<home>`. */
  readonly name: string;
  /** SIP port in the URIs others route to. Default 5090. */
  readonly port: number;
  /** Where to listen on the wire besides local links. Default nowhere. */
  readonly listen: readonly { readonly protocol: 'udp' | 'tcp'; readonly address: Address }[];
  /** Media of the echo service: the address it binds and tells, and its ports. */
  readonly media: {
    readonly address: string;
    readonly ports: { readonly from: number; readonly to: number };
  };
  /**
   * Callers that screening refuses, by the identity that is called; `*` for whoever is called. Each is
   * an identity, or a regular expression (without regard to case) over one.
   */
  readonly rejected: ReadonlyMap<string, readonly string[]>;
  /** Unconditional forwarding: identity called to target URI (TS 24.604 CFU). */
  readonly forward: ReadonlyMap<string, string>;
  /** Echoes and forwarded calls at once; above it 486. Default 10,000. */
  readonly sessions: number;
  /** Users known by third-party REGISTER; above it 503, and the user goes without this server. */
  readonly users: number;
  /** How long a caller may listen to his own echo. */
  readonly longestEcho: Duration;
}

export type AsSettings = Partial<AsConfig> & Pick<AsConfig, 'home'>;

/** Fills in the defaults. */
export function asConfig(settings: AsSettings): AsConfig {
  const { home } = settings;
  return {
    name: `as.${home}`,
    port: 5090,
    listen: [],
    media: { address: '127.0.0.1', ports: { from: 30_000, to: 39_999 } },
    rejected: new Map(),
    forward: new Map(),
    sessions: 10_000,
    users: 1_000_000,
    longestEcho: minutes(30),
    ...settings,
  };
}
