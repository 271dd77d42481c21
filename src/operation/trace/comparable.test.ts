import assert from 'node:assert/strict';
import test from 'node:test';
import { comparableLadders } from './comparable.ts';
import { call, HOME, registration, Scenario, sipRequest } from './testing/scenario.ts';

const GM = { from: 'alice', to: 'p-cscf', point: 'Gm', link: 'udp' } as const;

test('a ladder falls apart by reference point and subscriber', () => {
  const ladders = comparableLadders(registration().events);
  assert.deepEqual(ladders[`Cx alice@${HOME}`], [
    'i-cscf → hss  UAR',
    'hss → i-cscf  UAA DIAMETER_SUCCESS',
    's-cscf → hss  MAR',
    'hss → s-cscf  MAA DIAMETER_SUCCESS',
  ]);
  assert.deepEqual(ladders[`Gm alice@${HOME}`], [
    'alice → p-cscf  REGISTER',
    'p-cscf → alice  401 Unauthorized',
  ]);
  assert.deepEqual(Object.keys(ladders), [
    `Cx alice@${HOME}`,
    `Gm alice@${HOME}`,
    `Mw alice@${HOME}`,
  ]);
});

test('how two subscribers interleave makes no difference, nor what was lost or came again', () => {
  const alice = registration().events;
  const bob = registration(new Scenario(), 'bob').events;
  const together = alice.flatMap((event, at) => [event, bob[at]!]);
  const apart = [...bob, ...alice];
  const numbered = (events: typeof alice) =>
    events.map((event, at) => ({ ...event, sequence: at }));
  const again = alice.flatMap(event =>
    event.kind === 'message' && event.link === 'udp' ? [event, event] : [event],
  );
  assert.deepEqual(comparableLadders(numbered(together)), comparableLadders(numbered(apart)));
  assert.deepEqual(comparableLadders(numbered(again)), comparableLadders(alice));
});

test('a message more, or two in another order, makes a difference', () => {
  const { events } = call();
  const before = comparableLadders(events);
  const swapped = events
    .with(3, { ...events[4]!, sequence: 4 })
    .with(4, { ...events[3]!, sequence: 5 });
  assert.deepEqual(comparableLadders(swapped), before); // Gm and Mw have no common order
  const scenario = call();
  scenario.sip(GM, sipRequest('INVITE', { to: 'bob', callId: 'call-1', cseq: 3 }));
  assert.notDeepEqual(comparableLadders(scenario.events), before);
  const gm = events.map((event, at) => ({ ...event, sequence: -at }));
  assert.notDeepEqual(comparableLadders(gm), before);
});
