import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeRtcp, ntpMiddle, ntpTime, parseRtcp, RtcpError, type RtcpPacket } from './rtcp.ts';

const block = {
  ssrc: 0xdeadbeef,
  fractionLost: 25,
  lost: -3,
  highestSequence: 70000,
  jitter: 12,
  lastSr: 0x12345678,
  delaySinceLastSr: 65536,
};
const compound: RtcpPacket[] = [
  {
    kind: 'SR',
    ssrc: 1,
    ntp: { seconds: 3_976_732_800, fraction: 0x80000000 },
    rtpTimestamp: 160,
    packets: 10,
    octets: 1600,
    blocks: [block],
  },
  { kind: 'RR', ssrc: 1, blocks: [] },
  { kind: 'SDES', ssrc: 1, cname: 'alice@10.0.0.1' },
  { kind: 'BYE', ssrc: 1, reason: 'session ended' },
  { kind: 'BYE', ssrc: 2, reason: '' },
  { kind: 'other', type: 204, octets: Buffer.from('80cc0001000000ff', 'hex') },
];

test('a compound packet goes both ways', () => {
  const octets = encodeRtcp(compound);
  assert.equal(octets.length % 4, 0);
  assert.deepEqual(parseRtcp(octets), compound);
});

test('NTP time of 2026-01-01 and its middle bits', () => {
  const ntp = ntpTime(1_767_225_600_500);
  assert.deepEqual(ntp, { seconds: 3_976_214_400, fraction: 0x80000000 });
  assert.equal(ntpMiddle(ntp), ((3_976_214_400 & 0xffff) * 65536 + 0x8000) >>> 0);
});

test('cut and lying packets are refused, and nothing else is thrown', () => {
  const octets = encodeRtcp(compound);
  for (const bad of ['', '80', '40c80000', '81c90001000000ff', '80c8ffff00000000']) {
    assert.throws(() => parseRtcp(Buffer.from(bad, 'hex')), RtcpError, bad);
  }
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(octets.length - 1), fc.nat(255)), { maxLength: 4 }),
      fc.nat(octets.length),
      (changes, length) => {
        const changed = octets.slice(0, length);
        for (const [at, value] of changes) if (at < length) changed[at] = value;
        try {
          const once = encodeRtcp(parseRtcp(changed));
          assert.deepEqual(encodeRtcp(parseRtcp(once)), once);
        } catch (error) {
          if (!(error instanceof RtcpError)) throw error;
        }
      },
    ),
    { seed: 1, numRuns: 2000 },
  );
});
