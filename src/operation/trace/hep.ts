// HEPv3, by which HOMER and its kin take copies of signalling: one UDP datagram per message, made of
// typed chunks. https://github.com/sipcapture/HEP, document rev. 12.

import { createSocket } from 'node:dgram';
import type { MessageEvent, TraceEvent } from '#kernel/trace';
import { AddressPlan } from './address-plan.ts';
import { addressOctets } from './ip-packet.ts';

const CHUNK = {
  ipFamily: 0x01,
  ipProtocol: 0x02,
  ipv4Source: 0x03,
  ipv4Destination: 0x04,
  ipv6Source: 0x05,
  ipv6Destination: 0x06,
  sourcePort: 0x07,
  destinationPort: 0x08,
  seconds: 0x09,
  microseconds: 0x0a,
  protocolType: 0x0b,
  captureId: 0x0c,
  authenticateKey: 0x0e,
  payload: 0x0f,
  correlationId: 0x11,
  nodeName: 0x13,
} as const;

const FAMILY = { ipv4: 2, ipv6: 10 } as const;
const IP_PROTOCOL = { tcp: 6, udp: 17 } as const;
/** Of the protocol type chunk. Diameter is only defined as JSON. */
const PROTOCOL_TYPE = { sip: 1, rtp: 4, diameter: 56 } as const;

/** A datagram carries no more. */
const MOST_OCTETS = 65_507;

export interface HepOptions {
  /** Which of several agents sent it. Default 2001. */
  readonly captureId?: number;
  readonly authenticateKey?: string;
  readonly nodeName?: string;
}

export class HepEncoder {
  readonly #options: HepOptions;
  /** The addresses that functions have in every export, so that HOMER draws a column for each. */
  readonly #plan = new AddressPlan();

  constructor(options: HepOptions = {}) {
    this.#options = options;
  }

  /** undefined where the message is too long for a datagram. */
  encode(event: MessageEvent): Buffer | undefined {
    const { captureId = 2001, authenticateKey, nodeName = 'carillon' } = this.#options;
    const { source, destination } = this.#plan.endsOf(event);
    const isIpv6 = source.host.includes(':');
    const micros = Math.round(event.time * 1000);
    const { callId, icid, sessionId } = event.message.keys();
    const correlation = callId ?? icid ?? sessionId;
    const chunks = [
      octet(CHUNK.ipFamily, isIpv6 ? FAMILY.ipv6 : FAMILY.ipv4),
      octet(CHUNK.ipProtocol, event.link === 'udp' ? IP_PROTOCOL.udp : IP_PROTOCOL.tcp),
      chunk(isIpv6 ? CHUNK.ipv6Source : CHUNK.ipv4Source, addressOctets(source.host)),
      chunk(
        isIpv6 ? CHUNK.ipv6Destination : CHUNK.ipv4Destination,
        addressOctets(destination.host),
      ),
      word16(CHUNK.sourcePort, source.port),
      word16(CHUNK.destinationPort, destination.port),
      word32(CHUNK.seconds, Math.floor(micros / 1_000_000)),
      word32(CHUNK.microseconds, micros % 1_000_000),
      octet(CHUNK.protocolType, PROTOCOL_TYPE[event.protocol]),
      word32(CHUNK.captureId, captureId),
      ...(authenticateKey === undefined ? [] : [chunk(CHUNK.authenticateKey, authenticateKey)]),
      ...(correlation === undefined ? [] : [chunk(CHUNK.correlationId, correlation)]),
      chunk(CHUNK.nodeName, nodeName),
      chunk(CHUNK.payload, payload(event)),
    ];
    const body = Buffer.concat(chunks);
    const length = body.length + 6;
    if (length > MOST_OCTETS) return undefined;
    const header = Buffer.from('HEP3\0\0', 'latin1');
    header.writeUInt16BE(length, 4);
    return Buffer.concat([header, body]);
  }
}

export interface HepSink {
  add(event: TraceEvent): void;
  close(): void;
}

/** Sends a copy of every message to a collector. Never throws: a copy that is lost is lost. */
export function hepSink(collector: { host: string; port: number }, options?: HepOptions): HepSink {
  const encoder = new HepEncoder(options);
  const socket = createSocket(collector.host.includes(':') ? 'udp6' : 'udp4');
  socket.on('error', () => {});
  socket.unref();
  return {
    add(event) {
      if (event.kind !== 'message') return;
      const datagram = encoder.encode(event);
      if (datagram !== undefined) socket.send(datagram, collector.port, collector.host, () => {});
    },
    close: () => socket.close(),
  };
}

function payload(event: MessageEvent): Uint8Array | string {
  const { message } = event;
  if (event.protocol !== 'diameter') return message.masked();
  const octets = Buffer.from(message.masked()).toString('hex');
  return JSON.stringify({ summary: message.summary(), ...message.keys(), octets });
}

/** Vendor 0 is generic; the length counts its own six octets. */
function chunk(type: number, value: Uint8Array | string): Buffer {
  const octets = Buffer.from(value);
  const header = Buffer.alloc(6);
  header.writeUInt16BE(type, 2);
  header.writeUInt16BE(Math.min(octets.length + 6, 0xffff), 4);
  return Buffer.concat([header, octets]);
}

const octet = (type: number, value: number): Buffer => chunk(type, Uint8Array.of(value));

function word16(type: number, value: number): Buffer {
  return chunk(type, Uint8Array.of(value >> 8, value & 0xff));
}

function word32(type: number, value: number): Buffer {
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(value);
  return chunk(type, octets);
}
