// Packets of other people's calls, cut out of captures.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { vectors } from '../../../test/vectors.ts';
import { g711Decode } from './g711.ts';
import { Reception } from './reception.ts';
import { encodeRtcp, parseRtcp } from './rtcp.ts';
import { looksLikeRtcp, RtpView } from './rtp-packet.ts';
import { Listener } from './tone.ts';

interface Datagram {
  /** Milliseconds. */
  readonly time: number;
  readonly ports: readonly [source: number, destination: number];
  readonly octets: Uint8Array;
}

/** The UDP datagrams over IPv4 of a classic capture, on Ethernet or Linux' cooked form of it. */
function* datagramsOf(file: string): Iterable<Datagram> {
  const pcap = readFileSync(vectors(`pcap/${file}`));
  const little = pcap.readUInt32LE(0) === 0xa1b2c3d4;
  const link = pcap.readUInt32LE(20);
  assert.ok(little && (link === 1 || link === 113), `${file}: link type ${link}`);
  const ip = link === 1 ? 14 : 16;
  for (let at = 24; at + 16 <= pcap.length; ) {
    const size = pcap.readUInt32LE(at + 8);
    const frame = pcap.subarray(at + 16, at + 16 + size);
    const time = pcap.readUInt32LE(at) * 1000 + pcap.readUInt32LE(at + 4) / 1000;
    at += 16 + size;
    if (frame.length < ip + 28 || frame.readUInt16BE(ip - 2) !== 0x0800) continue;
    if (frame[ip + 9] !== 17) continue;
    const udp = ip + 4 * (frame[ip]! & 0x0f);
    const end = udp + frame.readUInt16BE(udp + 4);
    const ports = [frame.readUInt16BE(udp), frame.readUInt16BE(udp + 2)] as const;
    yield { time, ports, octets: frame.subarray(udp + 8, end) };
  }
}

test('a G.711 call of real phones reads: 839 packets, none lost, and it is sound', () => {
  const view = new RtpView();
  const sources = new Map<number, { reception: Reception; listener: Listener }>();
  let packets = 0;
  for (const { time, ports, octets } of datagramsOf('wiresharkwiki_sip-rtp-g711.pcap')) {
    if (ports.includes(5060) || looksLikeRtcp(octets) || !view.read(octets)) continue;
    packets++;
    let source = sources.get(view.ssrc);
    if (source === undefined) {
      source = { reception: new Reception(view.ssrc, 8000), listener: new Listener(8000) };
      sources.set(view.ssrc, source);
    }
    const count = view.payloadEnd - view.payloadStart;
    source.reception.receive(view.sequence, view.timestamp, count, time);
    const samples = new Int16Array(count);
    const law = view.payloadType === 0 ? 'PCMU' : 'PCMA';
    g711Decode(law, octets, view.payloadStart, count, samples);
    source.listener.hear(samples, count);
  }
  assert.equal(packets, 839);
  for (const { reception, listener } of sources.values()) {
    assert.equal(reception.statistics().lost, 0);
    assert.ok(listener.heard().seconds > 0.5, JSON.stringify(listener.heard()));
  }
});

test('compound RTCP of a real session reads, and is written back', () => {
  let packets = 0;
  for (const { octets } of datagramsOf('ntop_rtcp_multiple_pkts_in_the_same_datagram.pcap')) {
    if (!looksLikeRtcp(octets)) continue;
    const compound = parseRtcp(octets);
    assert.deepEqual(parseRtcp(encodeRtcp(compound)), compound);
    packets += compound.length;
  }
  assert.ok(packets >= 10, `${packets}`);
});
