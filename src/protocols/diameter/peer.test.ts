import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hours, minutes, seconds } from '#kernel/time';
import { PEER_DEFAULTS, type PeerEffect, PeerMachine, type PeerSettings } from './peer.ts';

/** Without jitter: a fraction of one half is the middle. */
const machine = (change: Partial<PeerSettings> = {}) =>
  new PeerMachine({
    ...PEER_DEFAULTS,
    connects: true,
    winsElection: () => false,
    fraction: () => 0.5,
    ...change,
  });

/** Effects as short words: 'send I CER', 'down R watchdog'. */
const words = (effects: readonly PeerEffect[]): string[] =>
  effects.map(effect => Object.values(effect).join(' '));

const opened = (change: Partial<PeerSettings> = {}): PeerMachine => {
  const peer = machine(change);
  peer.start(0);
  peer.connected(0);
  peer.cea(0, true);
  return peer;
};

test('a connector connects, sends CER and is open with the CEA', () => {
  const peer = machine();
  assert.deepEqual(words(peer.start(0)), ['connect']);
  assert.deepEqual(words(peer.connected(1)), ['send I CER']);
  assert.deepEqual(words(peer.cea(2, true)), ['open I', 'okay']);
  assert.deepEqual([peer.state, peer.role, peer.health], ['open', 'I', 'okay']);
});

test('a connection with an acceptable CER is accepted', () => {
  const peer = machine({ connects: false });
  assert.deepEqual(words(peer.start(0)), []);
  assert.deepEqual(words(peer.offered(0, false)), ['accept', 'open R', 'okay']);
  assert.deepEqual(words(peer.disconnected(1, 'R', 'reset')), ['down R reset']);
  assert.equal(peer.timers.next, undefined, 'who does not connect does not retry');
});

test('attempts are repeated at doubling intervals up to the longest', () => {
  const peer = machine();
  const waits: number[] = [];
  let now = 0;
  peer.start(now);
  for (let attempt = 0; attempt < 10; attempt++) {
    peer.disconnected(now, 'I', 'refused');
    const next = peer.timers.next as number;
    waits.push(next - now);
    now = next;
    assert.deepEqual(words(peer.expire(now)), ['connect']);
  }
  assert.deepEqual(waits, [250, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]);
});

test('jitter moves a retry by a quarter at most', () => {
  for (const [fraction, wait] of [
    [0, 187.5],
    [0.999_999, 312.5],
  ] as const) {
    const peer = machine({ fraction: () => fraction });
    peer.start(0);
    peer.disconnected(0, 'I', 'refused');
    assert.ok(Math.abs((peer.timers.next as number) - wait) < 0.001);
  }
});

test('a peer that closes right after each handshake is not hammered', () => {
  const peer = opened();
  let now = 0;
  for (let round = 0; round < 9; round++) {
    peer.disconnected(now, 'I', 'reset');
    now = peer.timers.next as number;
    peer.expire(now);
    peer.connected(now);
    peer.cea(now, true);
  }
  peer.disconnected(now, 'I', 'reset');
  assert.equal((peer.timers.next as number) - now, PEER_DEFAULTS.lastRetry);
});

test('a connection that lived for a while starts the retries anew', () => {
  const peer = machine();
  peer.start(0);
  for (let now = 0, i = 0; i < 4; i++) {
    peer.disconnected(now, 'I', 'refused');
    now = peer.timers.next as number;
    peer.expire(now);
  }
  peer.connected(seconds(10));
  peer.cea(seconds(10), true);
  peer.disconnected(seconds(20), 'I', 'reset');
  assert.equal((peer.timers.next as number) - seconds(20), PEER_DEFAULTS.firstRetry);
});

test('a handshake that takes too long is given up', () => {
  for (const before of [(_: PeerMachine) => {}, (peer: PeerMachine) => peer.connected(1)]) {
    const peer = machine();
    peer.start(0);
    before(peer);
    assert.deepEqual(words(peer.expire(seconds(5))), ['disconnect I handshake timeout']);
    assert.equal(peer.state, 'closed');
    assert.deepEqual(words(peer.expire(peer.timers.next as number)), ['connect']);
  }
});

test('refused capabilities end the attempt', () => {
  const peer = machine();
  peer.start(0);
  peer.connected(0);
  assert.deepEqual(words(peer.cea(1, false)), ['disconnect I capabilities refused']);
  assert.equal(peer.state, 'closed');
});

// RFC 6733 §5.6.4

test('whose identity comes later keeps the connection that the other opened', () => {
  const peer = machine({ winsElection: () => true });
  peer.start(0);
  peer.connected(0);
  const effects = peer.offered(1, false);
  assert.deepEqual(words(effects), ['disconnect I election', 'accept', 'open R', 'okay']);
  assert.equal(peer.role, 'R');
});

test('whose identity comes earlier waits for the answer on its own connection', () => {
  const peer = machine();
  peer.start(0);
  peer.connected(0);
  assert.deepEqual(words(peer.offered(1, false)), []);
  assert.deepEqual(words(peer.cea(2, true)), ['disconnect R election', 'open I', 'okay']);
});

test('a CER that comes before our own connection is open is held until it is', () => {
  const peer = machine({ winsElection: () => true });
  peer.start(0);
  assert.deepEqual(words(peer.offered(1, false)), []);
  assert.equal(peer.state, 'held');
  assert.deepEqual(words(peer.connected(2)), [
    'send I CER',
    'disconnect I election',
    'accept',
    'open R',
    'okay',
  ]);
});

test('a held CER is accepted when our own connection comes to nothing', () => {
  for (const fail of [
    (peer: PeerMachine) => peer.disconnected(2, 'I', 'refused'),
    (peer: PeerMachine) => peer.expire(seconds(5)).slice(1),
  ]) {
    const peer = machine();
    peer.start(0);
    peer.offered(1, false);
    assert.deepEqual(words(fail(peer)), ['accept', 'open R', 'okay']);
  }
});

test('a lost election whose connection breaks leaves the other one', () => {
  const peer = machine();
  peer.start(0);
  peer.connected(0);
  peer.offered(1, false);
  assert.deepEqual(words(peer.disconnected(2, 'R', 'reset')), []);
  assert.equal(peer.state, 'handshaking');
  peer.offered(3, false);
  assert.deepEqual(words(peer.disconnected(4, 'I', 'reset')), ['accept', 'open R', 'okay']);
});

test('a second connection of an open peer is refused unless the peer has restarted', () => {
  const peer = opened();
  assert.deepEqual(words(peer.offered(1, false)), ['reject']);
  assert.deepEqual(words(peer.offered(2, true)), [
    'down I the peer restarted',
    'disconnect I the peer restarted',
    'accept',
    'open R',
    'okay',
  ]);
});

// RFC 3539 §3.4.1

test('silence of Tw is answered with DWR, of two Tw with failover, of three with the end', () => {
  const peer = opened();
  const tw = PEER_DEFAULTS.tw;
  assert.equal(peer.timers.next, tw);
  assert.deepEqual(words(peer.expire(tw)), ['send I DWR']);
  assert.deepEqual(words(peer.expire(2 * tw)), ['suspect']);
  assert.deepEqual(words(peer.expire(3 * tw)), ['down I watchdog', 'disconnect I watchdog']);
  assert.equal(peer.state, 'closed');
});

test('a DWA keeps the peer, and anything at all brings a suspect back', () => {
  const tw = PEER_DEFAULTS.tw;
  const peer = opened();
  peer.expire(tw);
  assert.deepEqual(words(peer.dwa(tw + 5, 'I')), []);
  assert.equal(peer.timers.next, 2 * tw + 5);
  peer.expire(2 * tw + 5);
  peer.expire(3 * tw + 5);
  assert.equal(peer.health, 'suspect');
  assert.deepEqual(words(peer.received(3 * tw + 6, 'I')), ['okay']);
  // its DWR is still unanswered, so the next silence makes it suspect again
  assert.deepEqual(words(peer.expire(4 * tw + 6)), ['suspect']);
  assert.deepEqual(words(peer.dwa(4 * tw + 7, 'I')), ['okay']);
  assert.deepEqual(words(peer.expire(5 * tw + 7)), ['send I DWR']);
});

test('traffic puts the watchdog off', () => {
  const peer = opened();
  peer.received(seconds(29), 'I');
  assert.deepEqual(words(peer.expire(seconds(30))), []);
  assert.deepEqual(words(peer.expire(seconds(59))), ['send I DWR']);
});

test('a peer lost to the watchdog is trusted again after three DWAs', () => {
  const peer = opened();
  for (let i = 1; i <= 3; i++) peer.expire(i * PEER_DEFAULTS.tw);
  const now = peer.timers.next as number;
  peer.expire(now);
  peer.connected(now);
  assert.deepEqual(words(peer.cea(now, true)), ['open I', 'send I DWR']);
  assert.equal(peer.health, 'reopening');
  assert.deepEqual(words(peer.received(now, 'I')), []);
  assert.deepEqual(words(peer.dwa(now + 1, 'I')), ['send I DWR']);
  assert.deepEqual(words(peer.dwa(now + 2, 'I')), ['send I DWR']);
  assert.deepEqual(words(peer.dwa(now + 3, 'I')), ['okay']);
});

test('a reopened peer that stays silent is given up again', () => {
  const peer = opened();
  for (let i = 1; i <= 3; i++) peer.expire(i * PEER_DEFAULTS.tw);
  const now = peer.timers.next as number;
  peer.expire(now);
  peer.connected(now);
  peer.cea(now, true);
  assert.deepEqual(words(peer.expire(now + PEER_DEFAULTS.tw)), [
    'down I watchdog',
    'disconnect I watchdog',
  ]);
});

test('Tw is jittered by two seconds at most', () => {
  for (const [fraction, at] of [
    [0, 28],
    [0.5, 30],
    [0.999_999, 32],
  ] as const) {
    const next = opened({ fraction: () => fraction }).timers.next as number;
    assert.ok(Math.abs(next - seconds(at)) < 1, `${next}`);
  }
});

// RFC 6733 §5.4

test('a peer that says goodbye gets its time to close, and is tried again', () => {
  const peer = opened();
  assert.deepEqual(words(peer.dpr(seconds(9), 'I', true)), ['down I the peer disconnects']);
  assert.equal(peer.state, 'closing');
  assert.deepEqual(words(peer.disconnected(seconds(9), 'I', 'closed')), []);
  assert.equal((peer.timers.next as number) - seconds(9), PEER_DEFAULTS.firstRetry);
});

test('a peer that does not want to talk to us is left alone for a while', () => {
  const peer = opened();
  peer.dpr(seconds(9), 'I', false);
  assert.deepEqual(words(peer.expire(seconds(10))), ['disconnect I closing timeout']);
  assert.equal((peer.timers.next as number) - seconds(10), PEER_DEFAULTS.lastRetry);
});

test('stopping says goodbye, waits for the answer, and never connects again', () => {
  const peer = opened();
  assert.deepEqual(words(peer.stop(0)), ['send I DPR', 'down I stopping']);
  assert.deepEqual(words(peer.dpa(1, 'I')), ['disconnect I DPA']);
  assert.equal(peer.timers.next, undefined);
  assert.deepEqual(words(peer.start(2)), []);
  assert.deepEqual(words(peer.offered(2, false)), ['reject']);
});

test('stopping in the middle of a handshake drops it', () => {
  const peer = machine();
  peer.start(0);
  peer.connected(0);
  peer.offered(0, false);
  assert.deepEqual(words(peer.stop(1)), ['disconnect I stopping', 'disconnect R stopping']);
  assert.equal(peer.state, 'closed');
});

type Input = (peer: PeerMachine, now: number) => PeerEffect[];
const inputs: readonly Input[] = [
  (peer, now) => peer.start(now),
  (peer, now) => peer.connected(now),
  (peer, now) => peer.offered(now, false),
  (peer, now) => peer.offered(now, true),
  (peer, now) => peer.cea(now, true),
  (peer, now) => peer.cea(now, false),
  (peer, now) => peer.received(now, 'I'),
  (peer, now) => peer.received(now, 'R'),
  (peer, now) => peer.dwa(now, 'I'),
  (peer, now) => peer.dwa(now, 'R'),
  (peer, now) => peer.dpr(now, 'R', true),
  (peer, now) => peer.dpr(now, 'I', false),
  (peer, now) => peer.dpa(now, 'I'),
  (peer, now) => peer.disconnected(now, 'I', 'reset'),
  (peer, now) => peer.disconnected(now, 'R', 'reset'),
  (peer, now) => peer.expire(now),
];

test('whatever happens in whatever order, a connector always has something it waits for', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(inputs.length - 1), fc.nat(minutes(1))), { maxLength: 60 }),
      fc.boolean(),
      (steps, wins) => {
        const peer = machine({ winsElection: () => wins });
        peer.start(0);
        let now = 0;
        for (const [input, wait] of steps) {
          now += wait;
          const wasOpen = peer.state === 'open';
          const effects = (inputs[input] as Input)(peer, now);
          const downs = effects.filter(({ kind }) => kind === 'down').length;
          const opens = effects.filter(({ kind }) => kind === 'open').length;
          assert.equal(
            (wasOpen ? 1 : 0) + opens - downs,
            peer.state === 'open' ? 1 : 0,
            'open and down alternate',
          );
          assert.equal(peer.health !== undefined, peer.state === 'open');
          assert.ok(peer.timers.next !== undefined, `nothing to wait for in ${peer.state}`);
        }
        // left to itself, it ends in attempts to connect
        for (let rounds = 0; peer.state !== 'connecting'; rounds++) {
          assert.ok(rounds < 20 && now < hours(24 * 365), peer.state);
          now = peer.timers.next as number;
          peer.expire(now);
        }
      },
    ),
    { numRuns: 1000, seed: 3 },
  );
});
