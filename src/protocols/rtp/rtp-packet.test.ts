import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  looksLikeRtcp,
  RtpView,
  sequenceDistance,
  timestampDistance,
  writeRtpHeader,
} from './rtp-packet.ts';

test('what is written is read', () => {
  const octets = new Uint8Array(15);
  writeRtpHeader(octets, true, 101, 65535, 0xfffffffe, 0x80000001);
  octets.set([7, 8, 9], 12);
  const view = new RtpView();
  assert.ok(view.read(octets));
  const { marker, payloadType, sequence, timestamp, ssrc, payloadStart, payloadEnd } = view;
  assert.deepEqual(
    { marker, payloadType, sequence, timestamp, ssrc, payloadStart, payloadEnd },
    {
      marker: true,
      payloadType: 101,
      sequence: 65535,
      timestamp: 0xfffffffe,
      ssrc: 0x80000001,
      payloadStart: 12,
      payloadEnd: 15,
    },
  );
});

test('CSRCs, an extension and padding are stepped over', () => {
  const octets = Buffer.from(
    // V=2 P=1 X=1 CC=1, PT 8, seq 1, ts 2, ssrc 3, csrc, extension of one word, payload, padding 2
    'b1080001000000020000000300000004bede000111223344aabbcc0002',
    'hex',
  );
  const view = new RtpView();
  assert.ok(view.read(octets));
  assert.equal(
    Buffer.from(octets.subarray(view.payloadStart, view.payloadEnd)).toString('hex'),
    'aabbcc',
  );
});

test('what is no RTP packet is refused', () => {
  const view = new RtpView();
  for (const hex of [
    '',
    '8008000100000002000000', // short
    '400800010000000200000003', // version 1
    '810800010000000200000003', // CSRC missing
    '900800010000000200000003', // extension missing
    '9008000100000002000000030000ffff', // extension beyond the end
    'a00800010000000200000003ff', // padding beyond the payload
    'a0080001000000020000000300', // padding of zero
  ]) {
    assert.equal(view.read(Buffer.from(hex, 'hex')), false, hex);
  }
});

test('no octets make the reader throw or leave its bounds', () => {
  const view = new RtpView();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), octets => {
      if (octets.length > 0) octets[0] = (octets[0]! & 0x3f) | 0x80;
      if (!view.read(octets)) return;
      assert.ok(view.payloadStart >= 12 && view.payloadStart <= view.payloadEnd);
      assert.ok(view.payloadEnd <= octets.length);
    }),
    { seed: 1, numRuns: 2000 },
  );
});

test('distances go round the end of the numbers', () => {
  assert.equal(sequenceDistance(2, 65534), 4);
  assert.equal(sequenceDistance(65534, 2), -4);
  assert.equal(timestampDistance(5, 0xfffffffb), 10);
});

test('RTCP on the RTP port is told from RTP with the marker set', () => {
  assert.ok(looksLikeRtcp(Buffer.from('80c8000600000001', 'hex')));
  assert.ok(!looksLikeRtcp(Buffer.from('8088000600000001', 'hex')));
});
