import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hours, seconds } from '#kernel/time';
import { CallId, Contact, ContactStar, CSeq, Expires, nameAddr } from '#sip/headers';
import { request, set } from '#sip/message';
import { type ParamsInput, params } from '#sip/params';
import { parseUri } from '#sip/uri';
import type { Binding } from './binding.ts';
import { type ContactsOutcome, updateContacts } from './contacts.ts';

const policy = { expires: hours(1), minimum: seconds(60), maximum: hours(24), contacts: 4 };
const now = 1_000_000;
const urn = '<urn:uuid:00000000-0000-1000-8000-000a95a0e128>';

interface Asked {
  readonly contacts: readonly (readonly [uri: string, parameters?: ParamsInput])[];
  readonly expires?: number;
  readonly callId?: string;
  readonly sequence?: number;
  readonly scheme?: 'AKA' | 'digest';
  readonly impi?: string;
}

let serial = 0;

function update(current: readonly Binding[], asked: Asked): ContactsOutcome {
  const { contacts, expires, callId = 'c', sequence = ++serial } = asked;
  const register = request(
    'REGISTER',
    parseUri('sip:home'),
    set(CallId, callId),
    set(CSeq, { sequence, method: 'REGISTER' }),
    set(Contact, ...contacts.map(([uri, more]) => nameAddr(parseUri(uri), params(more)))),
    ...(expires === undefined ? [] : [set(Expires, expires)]),
  );
  const { scheme = 'digest', impi = 'alice@home' } = asked;
  const registrant = { impi, impu: 'sip:alice@home', scheme, protection: 'no' };
  return updateContacts(current, register, registrant, policy, now, () => `id-${++serial}`);
}

function bindings(outcome: ContactsOutcome): readonly Binding[] {
  if (outcome.kind !== 'bindings') throw new Error(outcome.kind);
  return outcome.bindings;
}

const uris = (outcome: ContactsOutcome): string[] => bindings(outcome).map(({ uri }) => uri);

const events = (outcome: ContactsOutcome): string[] =>
  outcome.kind === 'bindings'
    ? outcome.changes.map(({ event, binding }) => `${event} ${binding.uri}`)
    : [outcome.kind];

test("a contact's own expires counts before the header, the default after both", () => {
  const outcome = update([], {
    contacts: [['sip:a@1', { expires: 600 }], ['sip:b@1'], ['sip:c@1', { expires: 'x' }]],
    expires: 900,
  });
  assert.deepEqual(
    bindings(outcome).map(({ expires }) => (expires - now) / 1000),
    [600, 900, 900],
  );
  const [only] = bindings(update([], { contacts: [['sip:a@1']] }));
  assert.equal(only?.expires, now + hours(1));
});

test('all or nothing: one contact that is too brief refuses all', () => {
  assert.equal(
    update([], { contacts: [['sip:a@1'], ['sip:b@1', { expires: 5 }]] }).kind,
    'too brief',
  );
});

test('the same URI is refreshed and keeps its name towards watchers', () => {
  const first = bindings(update([], { contacts: [['sip:a@1;transport=tcp']] }));
  const again = update(first, { contacts: [['sip:a@1;transport=TCP']] });
  assert.deepEqual(events(again), ['refreshed sip:a@1;transport=TCP']);
  assert.equal(bindings(again)[0]?.id, first[0]?.id);
});

test('the same instance at another address is the same device', () => {
  const first = bindings(update([], { contacts: [['sip:a@1', { '+sip.instance': urn }]] }));
  const moved = update(first, { contacts: [['sip:a@2', { '+sip.instance': urn }]] });
  assert.deepEqual(uris(moved), ['sip:a@2']);
});

test('flows of one instance stand beside each other, each replaced by its own reg-id', () => {
  const flow = (n: string) => ({ '+sip.instance': urn, 'reg-id': n });
  let current: readonly Binding[] = [];
  for (const [uri, id] of [
    ['sip:a@1', '1'],
    ['sip:a@2', '2'],
    ['sip:a@3', '1'],
  ] as const) {
    current = bindings(update(current, { contacts: [[uri, flow(id)]], scheme: 'AKA' }));
  }
  assert.deepEqual(
    current.map(({ uri, regId }) => `${uri} ${regId}`),
    ['sip:a@2 2', 'sip:a@3 1'],
  );
});

test('an older REGISTER of the same Call-ID changes nothing', () => {
  const first = bindings(update([], { contacts: [['sip:a@1']], callId: 'x', sequence: 7 }));
  const old = { contacts: [['sip:a@1']] as const, callId: 'x', expires: 0 };
  assert.equal(update(first, { ...old, sequence: 7 }).kind, 'out of order');
  assert.equal(update(first, { ...old, sequence: 8 }).kind, 'bindings');
});

test('one REGISTER may add a contact and remove another', () => {
  const first = bindings(update([], { contacts: [['sip:a@1'], ['sip:b@1']] }));
  const both = update(first, { contacts: [['sip:a@1', { expires: 0 }], ['sip:c@1']] });
  assert.deepEqual(events(both), ['unregistered sip:a@1', 'registered sip:c@1']);
  assert.deepEqual(uris(both), ['sip:b@1', 'sip:c@1']);
});

test("'*' removes the contacts of the private identity, and needs Expires 0", () => {
  const hers = bindings(update([], { contacts: [['sip:a@1'], ['sip:b@1']] }));
  const both = bindings(update(hers, { contacts: [['sip:c@1']], impi: 'other@home' }));
  const register = (expires?: number) =>
    updateContacts(
      both,
      request(
        'REGISTER',
        parseUri('sip:home'),
        set(Contact, ContactStar),
        ...(expires === undefined ? [] : [set(Expires, expires)]),
      ),
      { impi: 'alice@home', impu: 'sip:alice@home', scheme: 'digest', protection: 'no' },
      policy,
      now,
      () => 'x',
    );
  assert.equal(register().kind, 'malformed');
  assert.equal(register(60).kind, 'malformed');
  assert.deepEqual(uris(register(0)), ['sip:c@1']);
});

test('what is no SIP URI, or too much at once, is refused', () => {
  assert.equal(update([], { contacts: [['tel:+15550100001']] }).kind, 'malformed');
  const many = Array.from({ length: 5 }, (_, n) => [`sip:a@${n}`] as const);
  assert.equal(update([], { contacts: many }).kind, 'malformed');
});
