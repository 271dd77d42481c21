import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Address, Clock } from './host.ts';
import { addressText, EventCounter, TraceDoor } from './recorder.ts';
import type { Crossing, Keys, Traced, TraceEvent } from './trace.ts';

const clock: Clock = { now: () => 1000, after: () => ({ cancel() {} }), soon() {} };
const ours: Address = { host: '127.0.0.1', port: 5060 };
const alice: Address = { host: '::1', port: 40_000 };
const stranger: Address = { host: '::1', port: 9 };

function message(keys: Keys = {}): Traced & { asked: number } {
  return {
    asked: 0,
    summary: () => 'REGISTER',
    encode: () => new Uint8Array(),
    masked: () => new Uint8Array(),
    keys() {
      this.asked++;
      return keys;
    },
  };
}

function door(name: string, events: TraceEvent[], counter = new EventCounter(), enabled = true) {
  const owners = new Map([
    [addressText(ours), 'p-cscf'],
    [addressText(alice), 'alice'],
  ]);
  return new TraceDoor({
    name,
    clock,
    counter,
    recorder: { enabled, record: event => events.push(event) },
    ownerOf: address => owners.get(addressText(address)),
  });
}

const over = (source: Address, destination: Address, more: Partial<Crossing> = {}): Crossing => ({
  point: 'Gm',
  protocol: 'sip',
  link: 'udp',
  source,
  destination,
  message: message(),
  ...more,
});

test('the ends of a crossing are named by who has their addresses bound', () => {
  const events: TraceEvent[] = [];
  const trace = door('p-cscf', events);
  trace.crossed(over(ours, alice));
  trace.crossed(over(stranger, ours));
  trace.crossed(over(ours, stranger));
  const nowhere = { host: '127.0.0.1', port: 0 };
  trace.crossed(over(nowhere, nowhere, { link: 'local', to: 'i-cscf' }));
  trace.crossed(over(nowhere, nowhere, { link: 'local', from: 'i-cscf' }));
  assert.deepEqual(
    events.map(event => event.kind === 'message' && `${event.from} → ${event.to}`),
    [
      'p-cscf → alice',
      '[::1]:9 → p-cscf',
      'p-cscf → [::1]:9',
      'p-cscf → i-cscf',
      'i-cscf → p-cscf',
    ],
  );
});

test('events of all instances share one sequence', () => {
  const events: TraceEvent[] = [];
  const counter = new EventCounter();
  door('a', events, counter).decide('a.x', { chose: '1', because: 'first' });
  door('b', events, counter).crossed(over(ours, alice));
  assert.deepEqual(
    events.map(event => event.sequence),
    [1, 2],
  );
});

test('a decision asks its message for keys only when somebody looks', () => {
  const events: TraceEvent[] = [];
  const about = message({ callId: 'c', impi: 'i' });
  const trace = door('s-cscf', events);
  trace.decide('s-cscf.ifc', { chose: 'as', because: 'match', about, keys: { impi: 'j' } });
  assert.equal(about.asked, 0);
  const event = events[0]!;
  assert.equal(event.kind, 'decision');
  assert.deepEqual(event.kind === 'decision' && event.keys, { callId: 'c', impi: 'j' });
  assert.deepEqual(JSON.parse(JSON.stringify(event)), {
    kind: 'decision',
    sequence: 1,
    time: 1000,
    at: 's-cscf',
    decision: 's-cscf.ifc',
    chose: 'as',
    because: 'match',
    keys: { callId: 'c', impi: 'j' },
  });
});

test('nothing is recorded and no number used while nobody records', () => {
  const events: TraceEvent[] = [];
  const counter = new EventCounter();
  const trace = door('a', events, counter, false);
  assert.equal(trace.enabled, false);
  trace.decide('a.x', { chose: '1', because: 'first' });
  trace.crossed(over(ours, alice));
  assert.deepEqual(events, []);
  assert.equal(counter.next(), 1);
});
