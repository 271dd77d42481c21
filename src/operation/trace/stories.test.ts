import assert from 'node:assert/strict';
import test from 'node:test';
import { UserAuthorization } from '#diameter/cx';
import { DiameterMessage } from '#diameter/message';
import { ms, seconds } from '#kernel/time';
import { liveFilter, selectEvents, selectStories } from './query.ts';
import { StoryBook, storiesOf } from './stories.ts';
import {
  call,
  cxMessage,
  HOME,
  registration,
  Scenario,
  sipRequest,
  sipResponse,
} from './testing/scenario.ts';

const told = (stories: Iterable<{ kind: string; events: readonly unknown[] }>) =>
  Array.from(stories, ({ kind, events }) => `${kind} ${events.length}`);

const GM = { from: 'alice', to: 'p-cscf', point: 'Gm', link: 'udp' } as const;

test('a registration holds the Cx sessions that it caused, and the decisions', () => {
  const { events } = registration();
  const [story, ...others] = storiesOf(events);
  assert.deepEqual(others, []);
  assert.equal(story!.kind, 'registration');
  assert.deepEqual(story!.events, events);
  assert.ok(story!.identities.has(`sip:alice@${HOME}`));
});

test('two registrations at the same time keep their own Cx sessions', () => {
  const alice = registration().events;
  const bob = registration(new Scenario(), 'bob').events;
  const mixed = alice.flatMap((event, at) => [event, bob[at]!]);
  const stories = storiesOf(mixed);
  assert.deepEqual(told(stories), [`registration ${alice.length}`, `registration ${bob.length}`]);
  assert.deepEqual(stories[0]!.events, alice);
});

test('a call is a story of its own beside its caller’s registration', () => {
  const scenario = call(registration());
  assert.deepEqual(told(storiesOf(scenario.events)), ['registration 13', 'call 18']);
});

test('a refresh under the same Call-ID is the next story; a repetition is not', () => {
  const scenario = registration();
  const register = sipRequest('REGISTER', { cseq: 2 });
  scenario.pass(seconds(1)).sip(GM, register);
  scenario.pass(seconds(600)).sip(GM, sipRequest('REGISTER', { cseq: 3 }));
  scenario.sip(
    { ...GM, from: 'p-cscf', to: 'alice' },
    sipResponse('200 OK', 'REGISTER', { cseq: 3 }),
  );
  assert.deepEqual(told(storiesOf(scenario.events)), ['registration 14', 'registration 2']);
});

test('a third-party REGISTER belongs to the registration that caused it', () => {
  const scenario = registration();
  const third = sipRequest('REGISTER', { callId: 'third-party' });
  scenario.sip({ from: 's-cscf', to: 'as', point: 'ISC' }, third);
  assert.deepEqual(told(storiesOf(scenario.events)), ['registration 14']);
});

test('the P-CSCF’s own subscription is not part of the phone’s', () => {
  const scenario = registration();
  scenario.sip(GM, sipRequest('SUBSCRIBE', { callId: 'phone' }));
  scenario.sip(
    { from: 'p-cscf', to: 's-cscf', point: 'Mw' },
    sipRequest('SUBSCRIBE', { callId: 'p-cscf' }),
  );
  assert.deepEqual(told(storiesOf(scenario.events)).slice(1), ['subscription 1', 'subscription 1']);
});

test('a phone that sends a message right after registering tells another story', () => {
  const scenario = registration();
  scenario.sip(GM, sipRequest('MESSAGE', { callId: 'message' }));
  scenario.sip(GM, sipRequest('SUBSCRIBE', { callId: 'subscribe' }));
  assert.deepEqual(told(storiesOf(scenario.events)), [
    'registration 13',
    'message 1',
    'subscription 1',
  ]);
});

test('a Cx session long after is a session of its own, and the watchdog a link’s', () => {
  const scenario = registration();
  const cx = { from: 's-cscf', to: 'hss', point: 'Cx' };
  const values = { impi: `alice@${HOME}`, impu: `sip:alice@${HOME}`, visitedNetwork: HOME };
  scenario.pass(seconds(60)).diameter(cx, cxMessage(UserAuthorization, true, 'late', values));
  const watchdog = { flags: 0x80, code: 280, application: 0, hopByHop: 1, endToEnd: 1 };
  for (const code of [257, 280, 280])
    scenario.diameter(cx, new DiameterMessage({ ...watchdog, code }, []));
  assert.deepEqual(told(storiesOf(scenario.events)), ['registration 13', 'session 1', 'link 3']);
});

test('a book of few stories forgets the oldest and goes on', () => {
  const book = new StoryBook({ stories: 2, eventsPerStory: 3 });
  const scenario = new Scenario();
  for (const callId of ['a', 'b', 'c', 'a', 'c', 'c', 'c']) {
    book.add(scenario.sip(GM, sipRequest('MESSAGE', { callId })));
  }
  assert.deepEqual(told(book.stories), ['message 3', 'message 1']);
});

test('a subscriber is found by any of the identities that registered together', () => {
  const scenario = registration(new Scenario(), 'carol');
  const number = `sip:+15550100003@${HOME}`;
  const values = { impi: `carol@${HOME}`, impu: number, visitedNetwork: HOME };
  const cx = { from: 's-cscf', to: 'hss', point: 'Cx' };
  scenario.pass(seconds(9)).diameter(cx, cxMessage(UserAuthorization, true, 'by number', values));
  call(scenario);
  const of = (subscriber: string) => told(selectStories(scenario.events, { subscriber }));
  for (const asked of ['carol', `sip:carol@${HOME}`, '+15550100003', '15550100003', number]) {
    assert.deepEqual(of(asked), ['registration 13', 'session 1'], asked);
  }
  assert.deepEqual(of('bob'), ['call 18']);
  assert.deepEqual(of('caro'), []);
});

test('a query selects events by call, protocol, time and number', () => {
  const { events, now } = call(registration());
  const count = (query: object) => selectEvents(events, query).length;
  assert.equal(count({}), events.length);
  assert.equal(count({ call: 'call-1' }), 18);
  assert.equal(count({ call: `icscf.${HOME};1;alice` }), 13); // the whole story, by its Session-Id
  assert.equal(count({ call: '1' }), 13); // by the story's own number
  assert.equal(count({ call: 'reg-alice', protocol: 'diameter' }), 6); // four messages, two decisions
  assert.equal(count({ since: now - ms(2) }), 3);
  assert.deepEqual(selectEvents(events, { limit: 2 }), events.slice(-2));
  assert.equal(count({ limit: 0 }), 0);
  assert.equal(count({ subscriber: 'alice', since: now + 1 }), 0);
});

test('the live filter lets through what belongs to the story asked for, as it happens', () => {
  const { events } = call(registration());
  const through = (query: object, before: number) =>
    events.slice(before).filter(liveFilter(query, events.slice(0, before))).length;
  assert.equal(through({ call: 'call-1' }, 0), 18);
  assert.equal(through({ call: 'call-1' }, 20), 11);
  assert.equal(through({ subscriber: 'alice' }, 0), events.length);
  assert.equal(through({ subscriber: 'bob', protocol: 'sip' }, 5), 18);
  assert.equal(through({ subscriber: 'nobody' }, 0), 0);
  const known = { subscriber: 'Al', identities: ['Al', `sip:alice@${HOME}`] };
  assert.equal(through(known, 0), events.length);
});
