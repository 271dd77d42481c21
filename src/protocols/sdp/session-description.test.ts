import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { vectors } from '../../../test/vectors.ts';
import { formatsOf } from './format.ts';
import { sdpLimits } from './line.ts';
import { SdpError } from './sdp-error.ts';
import {
  parseSdp,
  setAttributes,
  setConnection,
  setDirection,
  setMediaLine,
} from './session-description.ts';

const body = [
  'v=0',
  'o=alice with space 28908445312345678901 1 IN IP4 192.0.2.1',
  's=-',
  'c=IN IP4 192.0.2.1',
  'b=AS:64',
  't=0 0',
  'a=sendonly',
  'm=audio 49170 RTP/AVP 8 96 101',
  'c=IN IP6 2001:db8::1',
  'b=AS:41',
  'b=RS:512',
  'b=RR:1537',
  'a=rtpmap:96 AMR-WB/16000/1',
  'a=fmtp:96 mode-set=0,1,2; octet-align=1',
  'a=rtpmap:101 telephone-event/8000',
  'a=ice-ufrag:abcd',
  'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:xyz',
  'a=recvonly',
  'm=video 0 RTP/AVP 31',
  '',
].join('\r\n');

test('a description is read into its parts', () => {
  const sdp = parseSdp(body);
  assert.equal(sdp.origin.username, 'alice with space');
  assert.equal(sdp.origin.sessionId, '28908445312345678901');
  assert.equal(sdp.bandwidth('AS'), 64);
  const [audio, video] = sdp.media;
  assert.ok(audio && video);
  assert.equal(sdp.connectionOf(audio)?.address, '2001:db8::1');
  assert.equal(sdp.connectionOf(video)?.address, '192.0.2.1');
  assert.equal(sdp.directionOf(audio), 'recvonly');
  assert.equal(sdp.directionOf(video), 'sendonly');
  assert.deepEqual(
    ['AS', 'RS', 'RR', 'TIAS'].map(type => audio.bandwidth(type as 'AS')),
    [41, 512, 1537, undefined],
  );
  assert.equal(audio.attribute('ice-ufrag'), 'abcd');
  assert.ok(video.disabled && !audio.disabled);
  assert.deepEqual(
    formatsOf(audio).map(f => [f.payloadType, f.encoding, f.clockRate, f.fmtp]),
    [
      [8, 'PCMA', 8000, undefined],
      [96, 'AMR-WB', 16000, 'mode-set=0,1,2; octet-align=1'],
      [101, 'telephone-event', 8000, undefined],
    ],
  );
});

test('an edit changes its own lines and shares the rest', () => {
  const sdp = parseSdp(body);
  const audio = sdp.media[0]!;
  const edited = sdp.withStream(
    0,
    audio.with(
      setMediaLine({ ...audio.line, port: 40000 }),
      setConnection({ addressType: 'IP4', address: '198.51.100.7', multicast: '' }),
      setDirection('inactive'),
      setAttributes('ptime', '20'),
      setAttributes('crypto'),
    ),
  );
  const text = edited.text();
  assert.match(text, /m=audio 40000 RTP\/AVP 8 96 101\r\nc=IN IP4 198\.51\.100\.7\r\n/);
  assert.match(text, /a=inactive\r\na=ptime:20\r\nm=video/);
  assert.doesNotMatch(text, /crypto|recvonly/);
  assert.equal(sdp.text(), body);
  assert.equal(edited.media[0]!.lines.at(-3), audio.lines.at(-3));
});

test('a new line takes the rank RFC 8866 gives its letter', () => {
  const sdp = parseSdp('v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\na=sendrecv\r\n');
  const edited = sdp.with(setConnection({ addressType: 'IP4', address: '::', multicast: '' }));
  assert.match(edited.text(), /s=-\r\nc=IN IP4 ::\r\nt=0 0/);
});

test('everything in a description may be frozen', () => {
  const sdp = parseSdp(body);
  const freeze = (value: unknown): void => {
    if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
    Object.freeze(value);
    Object.values(value).forEach(freeze);
  };
  freeze(sdp);
  assert.equal(sdp.media[0]!.with(setDirection('sendrecv')).ownDirection, 'sendrecv');
  assert.equal(sdp.text(), body);
});

const refused: Record<string, string> = {
  'a body that does not start with v=0': 'o=- 1 1 IN IP4 h\r\nv=0\r\ns=-\r\n',
  'another version': 'v=1\r\no=- 1 1 IN IP4 h\r\ns=-\r\n',
  'no origin': 'v=0\r\ns=-\r\nt=0 0\r\n',
  'an origin without address': 'v=0\r\no=- 1 1 IN IP4\r\ns=-\r\n',
  'two origins': 'v=0\r\no=- 1 1 IN IP4 h\r\no=- 1 1 IN IP4 h\r\ns=-\r\n',
  'an unknown letter': 'v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\nx=1\r\n',
  'a line without =': 'v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\nabc\r\n',
  'a blank line': 'v=0\r\no=- 1 1 IN IP4 h\r\n\r\ns=-\r\n',
  'a bare CR': 'v=0\r\no=- 1 1 IN IP4 h\rs=-\r\n',
  'a port beyond 65535': 'v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\nm=audio 65536 RTP/AVP 0\r\n',
  'an m= line without formats': 'v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\nm=audio 1 RTP/AVP\r\n',
  'a t= line inside a stream': 'v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\nm=audio 1 RTP/AVP 0\r\nt=0 0\r\n',
  'too many streams': `v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\n${'m=audio 1 RTP/AVP 0\r\n'.repeat(sdpLimits.media + 1)}`,
  'too many lines': `v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\n${'a=x\r\n'.repeat(sdpLimits.lines)}`,
  'too long a line': `v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\na=${'x'.repeat(sdpLimits.lineOctets)}\r\n`,
};

for (const [what, text] of Object.entries(refused)) {
  test(`refused: ${what}`, () => {
    assert.throws(() => parseSdp(text), SdpError);
  });
}

test('every body of the real handsets reads, and is written back octet for octet', () => {
  let count = 0;
  const root = vectors('sip/handset');
  for (const folder of readdirSync(root, { withFileTypes: true }).filter(e => e.isDirectory())) {
    for (const file of readdirSync(join(root, folder.name)).sort()) {
      const message = readFileSync(join(root, folder.name, file), 'latin1');
      if (!/^content-type:\s*application\/sdp/im.test(message)) continue;
      const text = message.slice(message.indexOf('\r\n\r\n') + 4);
      const sdp = parseSdp(Buffer.from(text, 'latin1'));
      assert.equal(Buffer.from(sdp.encode()).toString('latin1'), text, file);
      assert.ok(sdp.media.length > 0 && formatsOf(sdp.media[0]!).length > 0, file);
      count++;
    }
  }
  assert.ok(count >= 50, `only ${count} bodies found`);
});

test('no input makes the parser throw anything but its own error, and what parses is stable', () => {
  const lines = fc.array(
    fc.oneof(
      fc.constantFrom(...body.split('\r\n')),
      fc.constantFrom('c=IN IP4 h', 'm=audio 9 RTP/AVP 0', 'a=rtpmap:0', 'b=:', 'o=', 'm='),
      fc.string({ maxLength: 30 }),
    ),
    { maxLength: 12 },
  );
  const text = fc.oneof(
    fc.tuple(lines, fc.constantFrom('\n', '\r\n')).map(([l, end]) => l.join(end)),
    lines.map(l => ['v=0', 'o=- 1 1 IN IP4 h', 's=-', ...l].join('\r\n')),
  );
  let parsed = 0;
  fc.assert(
    fc.property(text, input => {
      const octets = Buffer.from(input, 'latin1');
      try {
        const sdp = parseSdp(octets);
        parsed++;
        assert.deepEqual(Buffer.from(sdp.encode()), octets);
        for (const media of sdp.media) formatsOf(media);
      } catch (error) {
        if (!(error instanceof SdpError)) throw error;
      }
    }),
    { numRuns: 2000, seed: 1 },
  );
  assert.ok(parsed > 50, `only ${parsed} inputs parsed`);
});
