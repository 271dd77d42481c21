import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AddressError } from './errors.ts';
import type { Clock, Codec } from './host.ts';
import { LocalBus, type LocalBusOptions } from './local-bus.ts';
import type { Pipe } from './pipe.ts';

interface Note {
  readonly text: string;
}

const codec: Codec<Note> = {
  encode: note => Buffer.from(note.text),
  decode: octets => ({ text: Buffer.from(octets).toString() }),
};

/** A bus whose turns the test takes one by one. */
function busByHand(options?: LocalBusOptions) {
  const turns: (() => void)[] = [];
  const clock: Clock = {
    now: () => 0,
    after: () => ({ cancel() {} }),
    soon: fire => turns.push(fire),
  };
  return {
    bus: new LocalBus(clock, options),
    turn: () => turns.shift()?.(),
    drain() {
      while (turns.length > 0) turns.shift()!();
    },
  };
}

function watch(pipe: Pipe<Note>, log: string[], who: string) {
  pipe.onOpen = () => log.push(`${who} open`);
  pipe.onMessage = note => log.push(`${who} got ${note.text}`);
  pipe.onClosed = reason => log.push(`${who} closed: ${reason}`);
}

function pair(options?: LocalBusOptions) {
  const world = busByHand(options);
  const log: string[] = [];
  const far: Pipe<Note>[] = [];
  const listener = world.bus.serve<Note>('hss', 'hss.home', pipe => {
    far.push(pipe);
    watch(pipe, log, 'hss');
  });
  const near = world.bus.dial('s-cscf', 'hss.home', codec);
  watch(near, log, 's-cscf');
  return { ...world, log, far, near, listener };
}

test('messages arrive as the objects they were, in order, in a later turn', () => {
  const { near, far, drain, log } = pair();
  const got: Note[] = [];
  const sent = [{ text: '1' }, { text: '2' }];
  near.send(sent[0]!);
  near.send(sent[1]!);
  drain();
  assert.deepEqual(log, ['s-cscf open', 'hss got 1', 'hss got 2']);
  far[0]!.onMessage = note => got.push(note);
  near.send(sent[0]!);
  assert.equal(got.length, 0);
  drain();
  assert.equal(got[0], sent[0]);
});

test('a message sent in answer is not handed over inside the call that sent it', () => {
  const { near, far, drain, turn } = pair();
  drain();
  let depth = 0;
  let deepest = 0;
  let left = 10;
  const bounce = (pipe: Pipe<Note>) => (note: Note) => {
    depth++;
    deepest = Math.max(deepest, depth);
    if (left-- > 0) pipe.send(note);
    depth--;
  };
  near.onMessage = bounce(near);
  far[0]!.onMessage = bounce(far[0]!);
  near.send({ text: 'ball' });
  assert.equal(left, 10);
  turn();
  assert.equal(left, 9);
  drain();
  assert.equal(left, -1);
  assert.equal(deepest, 1);
});

test('one turn hands over one message, whichever link it travels on, in the order sent', () => {
  const { bus, drain, turn, log, near } = pair();
  const other = bus.dial('i-cscf', 'hss.home', codec);
  drain();
  log.length = 0;
  other.send({ text: 'a' });
  near.send({ text: 'b' });
  other.send({ text: 'c' });
  turn();
  assert.deepEqual(log, ['hss got a']);
  drain();
  assert.deepEqual(log, ['hss got a', 'hss got b', 'hss got c']);
});

test('each end knows the instance and the wire address of the other', () => {
  const addresses: Record<string, { host: string; port: number }> = {
    hss: { host: '127.0.0.7', port: 3868 },
  };
  const { near, far, drain } = pair({ addressOf: name => addresses[name] });
  assert.equal(near.remoteName, undefined);
  drain();
  assert.equal(near.remoteName, 'hss');
  assert.deepEqual(near.remote, { host: '127.0.0.7', port: 3868 });
  assert.equal(far[0]!.remoteName, 's-cscf');
  assert.deepEqual(far[0]!.remote, { host: '127.0.0.1', port: 0 });
});

test('a name nobody serves refuses, and one served twice is in use', () => {
  const { bus, drain, listener, log } = pair();
  assert.throws(() => bus.serve('other', 'hss.home', () => {}), AddressError);
  drain();
  log.length = 0;
  listener.close();
  const late = bus.dial('s-cscf', 'hss.home', codec);
  watch(late, log, 'late');
  late.send({ text: 'lost' });
  assert.deepEqual(log, []);
  drain();
  assert.deepEqual(log, ['late closed: refused']);
  bus.serve('other', 'hss.home', () => {});
});

test('what was sent before closing still arrives, then both ends hear it once', () => {
  const { near, far, drain, log } = pair();
  drain();
  log.length = 0;
  far[0]!.send({ text: 'on its way' });
  near.send({ text: 'last' });
  near.close('done');
  near.close('again');
  near.send({ text: 'too late' });
  drain();
  assert.deepEqual(log, ['hss got last', 's-cscf closed: done', 'hss closed: done']);
  far[0]!.send({ text: 'nobody there' });
  far[0]!.close();
  drain();
  assert.equal(log.length, 3);
});

test('a link closed before it opened is never accepted', () => {
  const { near, far, drain, log } = pair();
  near.close();
  drain();
  assert.deepEqual(log, ['s-cscf closed: closed']);
  assert.equal(far.length, 0);
});

test('a link whose queue is full closes with overflow', () => {
  const { near, drain, log } = pair({ bound: 3 });
  drain();
  log.length = 0;
  for (let i = 1; i <= 5; i++) near.send({ text: `${i}` });
  drain();
  const arrived = ['hss got 1', 'hss got 2', 'hss got 3'];
  assert.deepEqual(log, [...arrived, 's-cscf closed: overflow', 'hss closed: overflow']);
});

test('the queue of a bus that is never idle is given back', () => {
  const { near, far, turn, drain } = pair();
  drain();
  let got = 0;
  far[0]!.onMessage = note => {
    got++;
    if (got < 20_000) near.send(note);
  };
  near.send({ text: 'x' });
  near.send({ text: 'x' });
  for (let i = 0; i < 20_000; i++) turn();
  drain();
  assert.equal(got, 20_001);
});

test('a checked link hands over a frozen copy made by the codec, and freezes the original', () => {
  const { near, far, drain } = pair({ mode: 'checked' });
  const got: { text: string }[] = [];
  drain();
  far[0]!.onMessage = note => got.push(note);
  const sent: { text: string } = { text: 'a' };
  near.send(sent);
  drain();
  assert.deepEqual(got, [{ text: 'a' }]);
  assert.notEqual(got[0], sent);
  for (const note of [sent, got[0]!]) {
    assert.throws(() => {
      note.text = 'b';
    }, TypeError);
  }
});

test('a checked link fails loudly where the codec loses something or throws', () => {
  const world = busByHand({ mode: 'checked' });
  world.bus.serve('hss', 'hss', () => {});
  const lossy = { ...codec, decode: () => ({ text: 'ab' }) };
  const pipe = world.bus.dial('s-cscf', 'hss', lossy);
  pipe.send({ text: 'ab' });
  assert.throws(() => pipe.send({ text: 'abc' }), /changed .* at octet 2/);
  assert.throws(() => pipe.send({ text: 'a' }), /changed .* at octet 1/);
  const throwing = {
    ...codec,
    decode: () => {
      throw new Error('no such AVP');
    },
  };
  assert.throws(() => world.bus.dial('s-cscf', 'hss', throwing).send({ text: 'a' }), /no such AVP/);
});
