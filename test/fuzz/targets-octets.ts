// Fuzz targets of what is octets: SIP messages and streams, Diameter, RTP, RTCP, events, STUN, WAV.

import assert from 'node:assert/strict';
import { survive } from '#diameter/testing/laws';
import { encodeRtcp, parseRtcp, RtcpError } from '#rtp/rtcp';
import { looksLikeRtcp, RtpView, writeRtpHeader } from '#rtp/rtp-packet';
import { EventReceiver } from '#rtp/telephone-event';
import { parseWav, WavError, writeWav } from '#rtp/wav';
import { bindingResponse, isStun } from '#sip/transport/stun';
import {
  assertStream,
  readCorpus as diameterCorpus,
  mutated as mutatedDiameter,
} from './diameter.ts';
import { mutatedOctets, type Random } from './mutations.ts';
import { mutated as mutatedSip, readCorpus as sipCorpus } from './sip.ts';
import { assertChunking, assertLaws } from './sip-laws.ts';
import { type Target, unless } from './target.ts';

function octetTarget(
  name: string,
  make: (random: Random) => Buffer,
  check: (octets: Buffer, random: Random) => unknown,
): Target {
  return {
    name,
    prepare: random => {
      const octets = make(random);
      // read again by the same chance each time it is tried
      const sizes = Array.from({ length: 64 }, () => random(1 << 20));
      let at = 0;
      const fixed: Random = below => sizes[at++ % sizes.length]! % below;
      return {
        input: octets.toString('hex'),
        check: () => {
          at = 0;
          return check(octets, fixed);
        },
      };
    },
  };
}

function mutatedOf(corpus: () => readonly Buffer[]): (random: Random) => Buffer {
  let made: readonly Buffer[] | undefined;
  return random => {
    made ??= corpus();
    return mutatedOctets(made, random);
  };
}

function corpusOf<T>(read: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= read();
    return made;
  };
}

const sip = corpusOf(sipCorpus);
const diameter = corpusOf(diameterCorpus);

const SSRC = 0xdecafbad;
const block = {
  ssrc: 1,
  fractionLost: 3,
  lost: -4,
  highestSequence: 70_000,
  jitter: 5,
  lastSr: 6,
  delaySinceLastSr: 7,
};

const rtcp = (): readonly Buffer[] =>
  [
    encodeRtcp([
      {
        kind: 'SR',
        ssrc: SSRC,
        ntp: { seconds: 1, fraction: 2 },
        rtpTimestamp: 3,
        packets: 4,
        octets: 5,
        blocks: [block, block],
      },
      { kind: 'SDES', ssrc: SSRC, cname: 'alice@example.com' },
    ]),
    encodeRtcp([
      { kind: 'RR', ssrc: SSRC, blocks: [block] },
      { kind: 'BYE', ssrc: SSRC, reason: 'hung up' },
    ]),
  ].map(octets => Buffer.from(octets));

function rtp(): readonly Buffer[] {
  const plain = Buffer.alloc(172, 0xd5);
  writeRtpHeader(plain, true, 8, 65_535, 160, SSRC);
  const event = Buffer.alloc(16, 1);
  writeRtpHeader(event, false, 101, 0, 320, SSRC);
  const extended = Buffer.concat([
    Buffer.from('b1080001000000a0decafbad00000001bede0001ff000000', 'hex'),
    plain,
  ]);
  return [plain, event, extended];
}

function checkRtcp(octets: Buffer): void {
  looksLikeRtcp(octets);
  const packets = unless(RtcpError, () => parseRtcp(octets));
  if (packets === undefined) return;
  const wire = encodeRtcp(packets);
  const again = parseRtcp(wire);
  assert.deepEqual(Buffer.from(encodeRtcp(again)), Buffer.from(wire), 'written twice, it differs');
}

const view = new RtpView();
const events = new EventReceiver();

function checkRtp(octets: Buffer): void {
  looksLikeRtcp(octets);
  if (!view.read(octets)) return;
  assert.ok(view.payloadStart >= 12 && view.payloadStart <= view.payloadEnd);
  assert.ok(view.payloadEnd <= octets.length);
  events.receive(view.timestamp, octets, view.payloadStart, view.payloadEnd);
}

const stun = (): readonly Buffer[] => [
  Buffer.from('000100002112a442000102030405060708090a0b', 'hex'),
  Buffer.from('000100082112a442000102030405060708090a0b8022000461626364', 'hex'),
];

function checkStun(octets: Buffer): void {
  if (!isStun(octets)) return;
  for (const host of ['192.0.2.1', '2001:db8::1', '::ffff:192.0.2.1']) {
    const answer = bindingResponse(octets, { host, port: 5060 });
    if (answer !== undefined) assert.ok(isStun(answer) && answer.length <= 44);
  }
}

function checkWav(octets: Buffer): void {
  const sound = unless(WavError, () => parseWav(octets));
  if (sound !== undefined) assert.deepEqual(parseWav(writeWav(sound)), sound);
}

const wav = (): readonly Buffer[] => [
  Buffer.from(writeWav({ sampleRate: 8000, samples: new Int16Array(400) })),
];

export const octetTargets: readonly Target[] = [
  octetTarget(
    'sip',
    random => mutatedSip(sip(), random),
    (octets, random) => {
      assertLaws(octets);
      if (random(8) === 0) assertChunking(octets, () => random(200));
    },
  ),
  octetTarget(
    'diameter',
    random => mutatedDiameter(diameter(), random),
    (octets, random) => {
      survive(octets);
      if (random(8) === 0) assertStream(octets, random);
    },
  ),
  octetTarget('rtcp', mutatedOf(rtcp), checkRtcp),
  octetTarget('rtp', mutatedOf(rtp), checkRtp),
  octetTarget('stun', mutatedOf(stun), checkStun),
  octetTarget('wav', mutatedOf(wav), checkWav),
];
