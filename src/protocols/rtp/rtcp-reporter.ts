// The reports of one RTP session, RFC 3550 §6.4: what was sent and received, the round trip, and
// when the next report is due. Pure: the caller knows the time and sends.

import { type Duration, type Instant, seconds } from '#kernel/time';
import type { Reception } from './reception.ts';
import {
  encodeRtcp,
  ntpMiddle,
  ntpTime,
  parseRtcp,
  type ReportBlock,
  type RtcpPacket,
} from './rtcp.ts';

/** §6.2: five seconds for two parties, varied so that they do not fall into step. */
const interval = seconds(5);

/** Delay until the next report, for `fraction` uniform in [0, 1). */
export const reportDelay = (fraction: number): Duration => interval * (0.5 + fraction);

export interface Sent {
  readonly packets: number;
  readonly octets: number;
  /** The RTP timestamp that belongs to `now`. */
  readonly timestamp: number;
}

export class RtcpReporter {
  readonly #ssrc: number;
  readonly #cname: string;
  #lastSr = 0;
  #lastSrAt: Instant = 0;
  #roundTrip: Duration | undefined;
  #remoteLost: number | undefined;
  #remoteCname: string | undefined;
  #goodbye = false;

  constructor(ssrc: number, cname: string) {
    this.#ssrc = ssrc;
    this.#cname = cname;
  }

  /** Measured on the last report that let us; undefined before. */
  get roundTrip(): Duration | undefined {
    return this.#roundTrip;
  }

  /** Packets of ours that the peer says it lost. */
  get remoteLost(): number | undefined {
    return this.#remoteLost;
  }

  get remoteCname(): string | undefined {
    return this.#remoteCname;
  }

  /** The peer has left. */
  get goodbye(): boolean {
    return this.#goodbye;
  }

  /** The compound packet to send now; with `reason` it says goodbye (§6.6). */
  report(sent: Sent, reception: Reception | undefined, now: Instant, reason?: string): Uint8Array {
    const blocks = reception === undefined ? [] : [this.#block(reception, now)];
    const packets: RtcpPacket[] = [
      sent.packets === 0
        ? { kind: 'RR', ssrc: this.#ssrc, blocks }
        : {
            kind: 'SR',
            ssrc: this.#ssrc,
            ntp: ntpTime(now),
            rtpTimestamp: sent.timestamp,
            packets: sent.packets,
            octets: sent.octets,
            blocks,
          },
      { kind: 'SDES', ssrc: this.#ssrc, cname: this.#cname },
    ];
    if (reason !== undefined) packets.push({ kind: 'BYE', ssrc: this.#ssrc, reason });
    return encodeRtcp(packets);
  }

  /** Takes the peer's compound packet; throws an RtcpError when it is not one. */
  receive(octets: Uint8Array, now: Instant): void {
    for (const packet of parseRtcp(octets)) {
      if (packet.kind === 'SR') {
        this.#lastSr = ntpMiddle(packet.ntp);
        this.#lastSrAt = now;
      }
      if (packet.kind === 'SR' || packet.kind === 'RR') {
        const block = packet.blocks.find(b => b.ssrc === this.#ssrc);
        if (block !== undefined) this.#learn(block, now);
      }
      if (packet.kind === 'SDES') this.#remoteCname = packet.cname;
      if (packet.kind === 'BYE') this.#goodbye = true;
    }
  }

  #block(reception: Reception, now: Instant): ReportBlock {
    return {
      ssrc: reception.ssrc,
      ...reception.report(),
      lastSr: this.#lastSr,
      delaySinceLastSr:
        this.#lastSr === 0 ? 0 : Math.round(((now - this.#lastSrAt) * 65536) / 1000) >>> 0,
    };
  }

  /** §6.4.1: the round trip is now, less LSR, less DLSR. */
  #learn(block: ReportBlock, now: Instant): void {
    this.#remoteLost = block.lost;
    if (block.lastSr === 0) return;
    const units = (ntpMiddle(ntpTime(now)) - block.lastSr - block.delaySinceLastSr) | 0;
    if (units >= 0) this.#roundTrip = (units * 1000) / 65536;
  }
}
