// The addresses of an export: every function its own, its protocol's registered port, whatever
// socket or local link it really used, so that Wireshark dissects all of it and names everybody.

import { isIP } from 'node:net';
import type { Address } from '#kernel/host';
import type { MessageEvent } from '#kernel/trace';

/** IANA's ports. SIP over TLS and WebSocket is shown in the clear, so on the port of plain SIP. */
const REGISTERED_PORT = { sip: 5060, diameter: 3868 } as const;
const FIRST_CLIENT_PORT = 49_152;
const CLIENT_PORTS = 16_000;

/** The functions of the architecture stand where anybody who knows the plan looks for them. */
const WELL_KNOWN: readonly (readonly [name: string, octet: number])[] = [
  ['p-cscf', 11],
  ['i-cscf', 12],
  ['s-cscf', 13],
  ['e-cscf', 14],
  ['hss', 20],
  ['pcrf', 21],
  ['ocs', 22],
  ['as', 30],
  ['mrf', 31],
  ['bgcf', 40],
  ['mgcf', 41],
  ['mgw', 42],
  ['ibcf', 43],
];

export interface Ends {
  readonly source: Address;
  readonly destination: Address;
}

export class AddressPlan {
  /** The last octets given to names, in the order met. */
  readonly #numbers = new Map<string, number>(WELL_KNOWN);
  /** Beyond those of the well known. */
  #nextNumber = 101;

  /** Where the event's message would have gone on the wire. Streams need their own client port. */
  endsOf(event: MessageEvent): Ends {
    if (event.protocol === 'rtp') {
      // Announced in SDP with its real address, by which Wireshark knows it for RTP.
      return { source: event.source, destination: event.destination };
    }
    const isIpv6 = event.source.host.includes(':') && event.destination.host.includes(':');
    const port = REGISTERED_PORT[event.protocol];
    return {
      source: { host: this.hostOf(event.from, isIpv6), port },
      destination: { host: this.hostOf(event.to, isIpv6), port },
    };
  }

  /** A peer that is not ours keeps its address, unless that is this machine's. */
  hostOf(name: string, isIpv6: boolean): string {
    const outside = outsideHost(name);
    if (outside !== undefined && outside.includes(':') === isIpv6) return outside;
    const number = this.#numberOf(name);
    return isIpv6 ? `fd00:10::${number.toString(16)}` : `10.0.${number >> 8}.${number & 0xff}`;
  }

  /** The port of the client's end of the `ordinal`th connection. */
  clientPort(ordinal: number): number {
    return FIRST_CLIENT_PORT + (ordinal % CLIENT_PORTS);
  }

  #numberOf(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const number = this.#nextNumber;
    // Past the end the last is shared; 0 and 255 at the end look like no host's address.
    do this.#nextNumber = Math.min(this.#nextNumber + 1, 0xfffe);
    while ((this.#nextNumber + 1) % 256 < 2);
    this.#numbers.set(name, number);
    return number;
  }
}

/** The IP address in 'host:port' or '[host]:port', where it is one that others can reach. */
function outsideHost(name: string): string | undefined {
  const match = /^\[?([^\]]+?)\]?:\d+$/.exec(name);
  const host = match?.[1] ?? '';
  if (isIP(host) === 0 || host === '::1' || host.startsWith('127.')) return undefined;
  return host;
}
