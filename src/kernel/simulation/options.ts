// What a simulation and its hosts are made with.

import type { Address, Endpoint, Host } from '../host.ts';
import type { LinkMode } from '../local-bus.ts';
import type { Recorder } from '../recorder.ts';
import type { Duration, Instant } from '../time.ts';
import type { LogEntry } from './failure.ts';
import type { LinkSettings } from './link.ts';
import type { StoreSettings } from './store.ts';

export interface SimulationOptions {
  readonly seed: number | string;
  /** When virtual time begins. Default 2026-01-01T00:00Z. */
  readonly start?: Instant;
  /** What every link has that sets nothing else: `simulation.everyLink` changes it later. */
  readonly links?: Partial<LinkSettings>;
  readonly store?: Partial<StoreSettings>;
  /** Local links that are serialized, parsed, compared and frozen. Default 'local'. */
  readonly localLinks?: LinkMode;
  /** How long a connection's octets may stay unacknowledged before it breaks. Default 30 s. */
  readonly streamTimeout?: Duration;
  /** Gets the trace too, beside `simulation.events`; where it is not enabled nothing is traced. */
  readonly recorder?: Recorder;
  readonly log?: (entry: LogEntry) => void;
  /** Where names lead that `setName` was not told. */
  readonly resolve?: (
    name: string,
    service: 'sip' | 'diameter',
    asker: string,
  ) => readonly Endpoint[] | undefined;
  /** The address an instance would have on the wire, for its local links. Default: its IPv4 address. */
  readonly wireAddress?: (instance: string) => Address | undefined;
}

export interface SimulatedHostOptions {
  readonly ipv4?: string;
  readonly ipv6?: string;
  readonly store?: Partial<StoreSettings>;
}

/** Makes an instance; called again after each crash. What it returns is awaited before it serves. */
export type Factory = (host: Host) => unknown;
