import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rtpFormat } from './format.ts';
import { Negotiation } from './negotiation.ts';
import { Preconditions } from './preconditions.ts';
import { SdpError } from './sdp-error.ts';
import { parseSdp, type SessionDescription } from './session-description.ts';
import type { LocalStream } from './stream.ts';

const pcma = rtpFormat(8, 'PCMA', 8000);
const pcmu = rtpFormat(0, 'PCMU', 8000);
const events = rtpFormat(101, 'telephone-event', 8000, { fmtp: '0-15' });

function audio(port: number, formats = [pcma, pcmu, events]): LocalStream {
  return {
    media: 'audio',
    host: '192.0.2.1',
    port,
    rtcpPort: port + 1,
    formats,
    ptime: 20,
    maxptime: undefined,
    bandwidth: [['AS', 80]],
    preconditions: undefined,
  };
}

const party = (...streams: LocalStream[]) =>
  new Negotiation({ sessionId: '1234', host: '192.0.2.1', streams });

/** What crosses the wire, so that no object passes from one side to the other. */
const wire = (sdp: SessionDescription) => parseSdp(sdp.encode());

function exchange(from: Negotiation, to: Negotiation): void {
  assert.equal(to.receiveOffer(wire(from.offer())), 'acceptable');
  from.receiveAnswer(wire(to.answer()));
}

const remote = (...media: string[]) =>
  parseSdp(
    `v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\nc=IN IP4 198.51.100.9\r\nt=0 0\r\n${media.join('\r\n')}\r\n`,
  );

test('an offer and its answer agree on codec, events, addresses and direction', () => {
  const a = party(audio(40000));
  const b = party(audio(50000, [pcmu, rtpFormat(96, 'telephone-event', 8000)]));
  exchange(a, b);
  const [mine] = a.agreed;
  const [theirs] = b.agreed;
  assert.ok(mine && theirs);
  assert.equal(mine.send.encoding, 'PCMU');
  assert.equal(mine.sendEvents?.payloadType, 101, 'the answer keeps the number of the offer');
  assert.deepEqual(mine.remote, { host: '192.0.2.1', port: 50000 });
  assert.equal(theirs.remoteRtcp.port, 40001);
  assert.equal(theirs.direction, 'sendrecv');
  assert.equal(theirs.ptime, 20);
});

test('hold and resume turn the directions, and the version rises by one each time', () => {
  const a = party(audio(40000));
  const b = party(audio(50000));
  exchange(a, b);
  a.hold(true);
  const holding = a.offer();
  assert.equal(holding.media[0]!.ownDirection, 'sendonly');
  assert.equal(holding.origin.version, '2');
  b.receiveOffer(wire(holding));
  const answer = b.answer();
  assert.equal(answer.media[0]!.ownDirection, 'recvonly');
  a.receiveAnswer(wire(answer));
  assert.equal(a.agreed[0]!.direction, 'sendonly');
  assert.equal(b.agreed[0]!.direction, 'recvonly');
  assert.ok(b.held && !a.held);

  // The held party holds too: nothing flows; then the first resumes and hears nothing yet.
  b.hold(true);
  exchange(b, a);
  assert.equal(b.agreed[0]!.direction, 'inactive');
  a.hold(false);
  exchange(a, b);
  assert.equal(a.agreed[0]!.direction, 'recvonly');
  b.hold(false);
  exchange(b, a);
  assert.equal(a.agreed[0]!.direction, 'sendrecv');
  assert.equal(b.agreed[0]!.direction, 'sendrecv');
});

test('an unchanged offer keeps its version', () => {
  const a = party(audio(40000));
  const b = party(audio(50000));
  exchange(a, b);
  assert.equal(a.offer().origin.version, '1');
});

test('streams we do not have are refused with port zero and keep their lines', () => {
  const b = party(audio(50000));
  b.receiveOffer(
    remote('m=video 30000 RTP/AVP 31', 'm=audio 30002 RTP/AVP 8', 'm=audio 30004 RTP/AVP 0'),
  );
  const answer = b.answer();
  assert.deepEqual(
    answer.media.map(m => [m.line.media, m.line.port]),
    [
      ['video', 0],
      ['audio', 50000],
      ['audio', 0],
    ],
  );
  assert.equal(b.agreed[0]!.index, 1);
  const again = b.offer();
  assert.deepEqual(
    again.media.map(m => m.line.port),
    [0, 50000, 0],
    'a re-offer keeps the order of the lines',
  );
});

test('an offer with nothing in common is unacceptable and changes nothing', () => {
  const b = party(audio(50000, [pcma]));
  assert.equal(b.receiveOffer(remote('m=audio 30002 RTP/AVP 18')), 'unacceptable');
  assert.equal(b.receiveOffer(remote('m=audio 30002 RTP/SAVP 8')), 'unacceptable');
  assert.equal(
    b.receiveOffer(remote('m=audio 30002 RTP/AVP 101', 'a=rtpmap:101 telephone-event/8000')),
    'unacceptable',
  );
  assert.equal(b.state, 'new');
});

test('payload type numbers never change their meaning within a dialog', () => {
  const b = party(audio(50000, [rtpFormat(96, 'AMR', 8000), pcma, events]));
  b.receiveOffer(remote('m=audio 30002 RTP/AVP 8 96', 'a=rtpmap:96 telephone-event/8000'));
  b.answer();
  const numbers = Object.fromEntries(
    b
      .offer()
      .media[0]!.attributes('rtpmap')
      .map(v => v.split(' ').reverse()),
  );
  assert.equal(numbers['telephone-event/8000'], '96');
  assert.notEqual(numbers['AMR/8000'], '96');
});

test('the other end may remove the stream, and bring it back', () => {
  const b = party(audio(50000));
  b.receiveOffer(remote('m=audio 30002 RTP/AVP 8'));
  b.answer();
  assert.equal(b.receiveOffer(remote('m=audio 0 RTP/AVP 8')), 'acceptable');
  assert.equal(b.answer().media[0]!.line.port, 0);
  assert.deepEqual(b.agreed, []);
  b.receiveOffer(remote('m=audio 30010 RTP/AVP 8'));
  assert.equal(b.answer().media[0]!.line.port, 50000);
});

test('c=0.0.0.0 silences us, a=rtcp moves RTCP, no bandwidth ends it', () => {
  const b = party(audio(50000));
  b.receiveOffer(
    remote('m=audio 30002 RTP/AVP 8', 'c=IN IP4 0.0.0.0', 'b=RS:0', 'b=RR:0', 'a=rtcp:40404'),
  );
  b.answer();
  assert.equal(b.agreed[0]!.rtcp, false);
  assert.equal(b.agreed[0]!.direction, 'recvonly');
  assert.equal(b.agreed[0]!.remoteRtcp.port, 40404);
});

test('an answer must have the lines of the offer', () => {
  const a = party(audio(40000));
  a.offer();
  assert.throws(
    () => a.receiveAnswer(remote('m=audio 1 RTP/AVP 8', 'm=video 0 RTP/AVP 31')),
    (error: unknown) => error instanceof SdpError && error.status === 488,
  );
});

test('a refused re-offer leaves the session as it was', () => {
  const a = party(audio(40000));
  exchange(a, party(audio(50000)));
  a.hold(true);
  a.offer();
  a.withdraw();
  a.hold(false);
  assert.equal(a.state, 'agreed');
  assert.equal(a.offer().media[0]!.ownDirection, 'sendrecv');
});

test('preconditions ride on offers and answers, and vanish for a peer without them', () => {
  const reserving = () => ({ ...audio(40000), preconditions: new Preconditions() });
  const a = party(reserving());
  const b = party(reserving());
  const offer = wire(a.offer());
  assert.deepEqual(offer.media[0]!.attributes('curr'), ['qos local none', 'qos remote none']);
  b.receiveOffer(offer);
  const answer = wire(b.answer());
  assert.deepEqual(answer.media[0]!.attributes('conf'), ['qos remote sendrecv']);
  a.receiveAnswer(answer);
  assert.equal(a.agreed[0]!.local.preconditions?.peerUses, true);

  const c = party(reserving());
  c.receiveOffer(remote('m=audio 30002 RTP/AVP 8'));
  assert.deepEqual(c.answer().media[0]!.attributes('des'), []);
});

test('a fork answers the same offer on its own', () => {
  const a = party({ ...audio(40000), preconditions: new Preconditions() });
  a.offer();
  const other = a.fork();
  a.receiveAnswer(remote('m=audio 30002 RTP/AVP 8', 'a=curr:qos local sendrecv'));
  other.receiveAnswer(remote('m=audio 30004 RTP/AVP 0'));
  assert.equal(a.agreed[0]!.send.encoding, 'PCMA');
  assert.equal(other.agreed[0]!.send.encoding, 'PCMU');
  assert.equal(other.agreed[0]!.local.preconditions?.peerUses, false);
  assert.equal(a.agreed[0]!.local.preconditions?.peerUses, true);
});
