import assert from 'node:assert/strict';
import test from 'node:test';
import { comparableLadders } from './comparable.ts';
import { call, HOME, registration, Scenario, sipRequest } from './testing/scenario.ts';

const GM = { from: 'alice', to: 'p-cscf', point: 'Gm', link: 'udp' } as const;

test('a ladder falls apart by reference point, hop, subscriber and story', () => {
  const story = `alice@${HOME} registration 1 of alice`;
  assert.deepEqual(comparableLadders(registration().events), {
    [`Cx hss → i-cscf, ${story}`]: ['UAA DIAMETER_SUCCESS'],
    [`Cx hss → s-cscf, ${story}`]: ['MAA DIAMETER_SUCCESS'],
    [`Cx i-cscf → hss, ${story}`]: ['UAR'],
    [`Cx s-cscf → hss, ${story}`]: ['MAR'],
    [`Gm alice → p-cscf, ${story}`]: ['REGISTER'],
    [`Gm p-cscf → alice, ${story}`]: ['401 Unauthorized'],
    [`Mw i-cscf → p-cscf, ${story}`]: ['401 Unauthorized'],
    [`Mw i-cscf → s-cscf, ${story}`]: ['REGISTER'],
    [`Mw p-cscf → i-cscf, ${story}`]: ['REGISTER'],
    [`Mw s-cscf → i-cscf, ${story}`]: ['401 Unauthorized'],
  });
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
  assert.deepEqual(comparableLadders(swapped), before); // two hops have no common order
  const scenario = call();
  scenario.sip(GM, sipRequest('INVITE', { to: 'bob', callId: 'call-1', cseq: 3 }));
  assert.notDeepEqual(comparableLadders(scenario.events), before);
  const [ringing, answer] = ['180 Ringing', '200 OK'].map(summary =>
    events.findIndex(event => event.kind === 'message' && event.message.summary() === summary),
  );
  const early = events.with(ringing!, events[answer!]!).with(answer!, events[ringing!]!);
  assert.notDeepEqual(comparableLadders(early), before);
});
