// Everything a network function can reach outside itself. Two hosts implement it: kernel/node
// (sockets, system time) and kernel/simulation (seed, virtual time). Nothing under protocols/ or
// functions/ names a clock, a socket or a source of chance of its own.

import type { Pipe } from './pipe.ts';
import type { Duration, Instant } from './time.ts';
import type { Trace } from './trace.ts';

/** One function instance's world. Each instance has a host of its own, made by the composition. */
export interface Host {
  /** The instance this host serves, as the architecture names it: 's-cscf', 'hss', 'alice'. */
  readonly name: string;
  readonly clock: Clock;
  readonly network: Network;
  readonly random: Random;
  readonly store: Store;
  readonly trace: Trace;
  readonly log: Log;
}

export interface Clock {
  now(): Instant;
  /** Calls `fire` once, not before `delay` has passed, never in the caller's own stack. */
  after(delay: Duration, fire: () => void): Timer;
  /** Calls `fire` in a later turn of the loop, in the order asked for. */
  soon(fire: () => void): void;
  /**
   * A meter of load: each call tells the share of the time since the one before in which the process
   * was busy, 0 to 1. A host whose time does not pass by work has none.
   */
  loadMeter?(): () => number;
}

export interface Timer {
  /** Forgets the timer; harmless when it has fired already. */
  cancel(): void;
}

export interface Random {
  bytes(count: number): Uint8Array;
  /** `count` random octets in lower-case hexadecimal: branches, tags, Call-IDs. */
  hex(count: number): string;
  /** Uniform in [0, 1). */
  fraction(): number;
}

export type Fields = Readonly<Record<string, unknown>>;

/** An event's name and its fields; the fields carry imsi, impu, callId, icid where they are known. */
export interface Log {
  debug(event: string, fields?: Fields): void;
  info(event: string, fields?: Fields): void;
  warn(event: string, fields?: Fields): void;
  error(event: string, fields?: Fields): void;
}

// ---------------------------------------------------------------------------------- network

/** An IP address as a literal (IPv6 without brackets) and a port. Port 0 binds any free port. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export type StreamProtocol = 'tcp' | 'tls' | 'ws' | 'wss';
/** What a message travels over. `local` is a link inside this process. */
export type LinkProtocol = 'local' | 'udp' | StreamProtocol;

/** Where a name leads: a link inside this process, or an address and its protocol. */
export type Endpoint =
  | { readonly protocol: 'local'; readonly name: string }
  | { readonly protocol: Exclude<LinkProtocol, 'local'>; readonly address: Address };

export interface DatagramSocket {
  readonly local: Address;
  /** Never throws: a datagram may be lost, and one that cannot be sent is. */
  send(datagram: Uint8Array, to: Address): void;
  close(): void;
}

/** A TCP or TLS connection, or a WebSocket whose messages are handed over whole. */
export interface Stream {
  readonly protocol: StreamProtocol;
  readonly local: Address;
  readonly remote: Address;
  /** Queues octets, before the connection is open too. After `closed` it does nothing. */
  send(octets: Uint8Array): void;
  /** Octets sent but not yet taken by the peer; owners stop reading or refuse work above a bound. */
  readonly queued: number;
  close(): void;
  /** Set by the owner before its next await. On `ws` and `wss` one call is one WebSocket message. */
  onOctets: (octets: Uint8Array) => void;
  onOpen: () => void;
  /** Called once, whoever closed; `reason` is what a person should read: 'refused', 'reset', … */
  onClosed: (reason: string) => void;
}

export interface Listener {
  readonly local: Address;
  close(): void;
}

export interface Network {
  /** Resolves when bound; rejects with an AddressError. */
  bindDatagram(
    local: Address,
    receive: (datagram: Uint8Array, from: Address) => void,
  ): Promise<DatagramSocket>;
  /** Streams are open when they are accepted: their `onOpen` is not called. The same on local links. */
  listen(
    protocol: StreamProtocol,
    local: Address,
    accept: (stream: Stream) => void,
    options?: StreamOptions,
  ): Promise<Listener>;
  connect(protocol: StreamProtocol, remote: Address, options?: StreamOptions): Stream;
  /**
   * Serves one end of the local links that others dial under `name`. Each accepted pipe carries
   * message objects, which nobody may change.
   */
  serveLocal<M extends object>(name: string, accept: (pipe: Pipe<M>) => void): Listener;
  /** The other end. Closes at once with 'refused' where nobody serves the name. */
  dialLocal<M extends object>(name: string, codec: Codec<M>): Pipe<M>;
  /**
   * Where the composition says that `name` (a domain name as URIs and Diameter identities carry it)
   * leads; undefined where it says nothing, and the DNS is to be asked. IP literals are not names.
   * `service` separates the protocols that share a name.
   */
  resolve(name: string, service: 'sip' | 'diameter'): Promise<readonly Endpoint[] | undefined>;
  readonly dns: Dns;
  /**
   * The function instance of this process that has `address` bound, if any: for the trace. The kind
   * of link tells apart an UDP and a TCP port of one number.
   */
  ownerOf(address: Address, link?: LinkProtocol): string | undefined;
}

/**
 * What the DNS says of names. Nothing here rejects or lasts long: no such name, no such records and
 * a DNS that is away are all the empty list. Answers are kept for their lifetime where it is known.
 */
export interface Dns {
  /** A and AAAA records, IPv4 first. */
  addresses(name: string): Promise<readonly string[]>;
  srv(name: string): Promise<readonly SrvRecord[]>;
  naptr(name: string): Promise<readonly NaptrRecord[]>;
}

/** RFC 2782. In the order they came: see #kernel/srv-order. */
export interface SrvRecord {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  /** Without the dot at the end; empty for a target of '.': the service is not offered. */
  readonly target: string;
}

/** RFC 3403 §4.1, in the order they came. */
export interface NaptrRecord {
  readonly order: number;
  readonly preference: number;
  readonly flags: string;
  readonly service: string;
  readonly regexp: string;
  /** Without the dot at the end; empty where the regexp counts. */
  readonly replacement: string;
}

export interface StreamOptions {
  /** PEM texts for TLS and WSS; a listener needs `key` and `cert`. */
  readonly tls?: {
    readonly key?: string;
    readonly cert?: string;
    readonly ca?: string;
    readonly rejectUnauthorized?: boolean;
    readonly serverName?: string;
  };
  /** WebSocket: the path and the subprotocol, which both ends must agree on (RFC 7118 §4). */
  readonly webSocket?: { readonly path: string; readonly subprotocol: string };
}

/** How a message becomes octets and back: what checked links and the trace use. */
export interface Codec<M> {
  encode(message: M): Uint8Array;
  /** Throws a ProtocolError on anything else than one whole message. */
  decode(octets: Uint8Array): M;
}

// ------------------------------------------------------------------------------------ store

/** A JSON value, kept under a key of a table. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

export interface Write {
  readonly table: string;
  readonly key: string;
  /** undefined removes the key. */
  readonly value: Json | undefined;
}

/** The instance's own durable tables. Memory is the truth on the hot path; this is what survives. */
export interface Store {
  get(table: string, key: string): Promise<Json | undefined>;
  /** Entries in key order, after `after` where given, at most `limit` (default: all). */
  scan(
    table: string,
    options?: { readonly prefix?: string; readonly after?: string; readonly limit?: number },
  ): Promise<readonly (readonly [key: string, value: Json])[]>;
  /** All or nothing, in the order asked for; resolves when durable. What promises, answers after it. */
  commit(writes: readonly Write[]): Promise<void>;
}
