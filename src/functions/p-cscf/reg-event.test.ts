import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ServerTransaction } from '#sip/endpoint';
import {
  Contact,
  Event,
  Expires,
  nameAddr,
  PAssertedIdentity,
  PChargingVector,
  SubscriptionState,
} from '#sip/headers';
import { body, set, toTag } from '#sip/message';
import { type Reginfo, reginfoText, reginfoType } from '#sip/reginfo';
import { parseUri, uriText } from '#sip/uri';
import { Bench, back, home, identitiesOf, type Phone, texts } from './testing/bench.ts';

const alias = identitiesOf('alice')[0]!;

/** A core whose S-CSCF takes subscriptions to registration state. */
async function watched(): Promise<Bench> {
  const bench = new Bench({ regEvent: true });
  bench.icscf.handle = tx => (tx.request.method === 'SUBSCRIBE' ? accept(tx) : bench.serve(tx));
  return bench.start();
}

function accept(tx: ServerTransaction): void {
  const granted = tx.request.get(Expires) ?? 0;
  const contact = set(Contact, nameAddr(parseUri(`sip:reg-1@scscf.${home}:6060`)));
  tx.reply(200, toTag('callee'), contact, set(Expires, granted));
}

type Told = Partial<Reginfo['registrations'][number]> & { readonly end?: string };

async function tell(bench: Bench, phone: Phone, { end, ...of }: Told): Promise<number> {
  const subscribe = bench.icscf.last('SUBSCRIBE');
  const document: Reginfo = {
    version: 1,
    state: 'partial',
    registrations: [
      { aor: identitiesOf(phone.name)[0]!, id: 'r', state: 'active', contacts: [], ...of },
    ],
  };
  const state = {
    state: end === undefined ? 'active' : 'terminated',
    params: new Map(end === undefined ? [] : [['reason', end]]),
  };
  const notify = back(
    'NOTIFY',
    subscribe,
    set(Event, { package: 'reg', params: new Map() }),
    set(SubscriptionState, state),
    set(Contact, nameAddr(parseUri(`sip:reg-1@scscf.${home}:6060`))),
    body(reginfoType, reginfoText(document)),
  );
  return (await bench.scscf.send(notify, { uri: parseUri(`sip:pcscf.${home}:5060`) })).status;
}

const gone = (phone: Phone, event: 'deactivated' | 'rejected' | 'expired') => ({
  id: 'c',
  state: 'terminated' as const,
  event,
  uri: phone.contact,
});

describe('the P-CSCF watches whoever registers (TS 24.229 §5.2.3)', () => {
  test('by one SUBSCRIBE for the default identity, in its own name, for longer than the registration', async () => {
    const bench = await watched();
    const alice = await bench.registered('alice');
    await alice.register();
    await bench.sim.run(100);
    assert.equal(bench.icscf.of('SUBSCRIBE').length, 1);
    const seen = bench.icscf.last('SUBSCRIBE');
    assert.equal(uriText(seen.uri), alias);
    assert.equal(seen.get(Event)?.package, 'reg');
    assert.deepEqual(texts(seen.all(PAssertedIdentity)), [`sip:pcscf.${home}:5060`]);
    assert.ok(seen.has(PChargingVector));
    assert.ok((seen.get(Expires) ?? 0) > 3600);
  });

  test('and not where the operator does without', async () => {
    const bench = await new Bench({ regEvent: false }).start();
    await bench.registered('alice');
    assert.equal(bench.icscf.of('SUBSCRIBE').length, 0);
  });

  test('again after a restart, so that it hears of what ends later', async () => {
    const bench = await watched();
    const alice = await bench.registered('alice');
    await bench.restart();
    await bench.sim.run(2000);
    assert.equal(bench.icscf.of('SUBSCRIBE').length, 2);
    const contacts = [gone(alice, 'rejected')];
    assert.equal(await tell(bench, alice, { contacts }), 200);
    assert.equal(bench.pcscf.bindings.size, 0);
  });
});

describe('what the network ends (§5.2.5.2)', () => {
  for (const event of ['deactivated', 'rejected', 'expired'] as const) {
    test(`a contact that is ${event} may speak no more`, async () => {
      const bench = await watched();
      const alice = await bench.registered('alice');
      assert.equal(await tell(bench, alice, { contacts: [gone(alice, event)] }), 200);
      assert.equal(bench.pcscf.bindings.size, 0);
      assert.equal((await alice.ask(alice.initial('MESSAGE', `sip:bob@${home}`))).status, 403);
      assert.match(bench.decisions('deregistered')[0]!.because, new RegExp(event));
    });
  }

  test('a registration that is terminated takes all of its contacts along, listed or not', async () => {
    const bench = await watched();
    const alice = await bench.registered('alice');
    assert.equal(await tell(bench, alice, { state: 'terminated', end: 'noresource' }), 200);
    assert.equal(bench.pcscf.bindings.size, 0);
    await alice.register();
    await bench.sim.run(100);
    assert.equal(bench.icscf.of('SUBSCRIBE').length, 2);
  });

  test('a contact that stands, and one of somebody else, is left alone', async () => {
    const bench = await watched();
    const bob = await bench.registered('bob');
    const alice = await bench.registered('alice');
    await bench.sim.run(100);
    const active = {
      ...gone(alice, 'expired'),
      state: 'active' as const,
      event: 'refreshed' as const,
    };
    await tell(bench, alice, { contacts: [active] });
    await tell(bench, alice, { contacts: [gone(bob, 'rejected')] });
    assert.equal(bench.pcscf.bindings.size, 2);
  });

  test('is what the network says: a UE that notifies us changes nothing', async () => {
    const bench = await watched();
    const alice = await bench.registered('alice');
    const mallory = await bench.registered('mallory');
    await bench.sim.run(100);
    const subscribe = bench.icscf.of('SUBSCRIBE')[0]!;
    const forged = back('NOTIFY', subscribe, set(Event, { package: 'reg', params: new Map() }));
    assert.equal((await mallory.ask(forged)).status, 403);
    assert.equal(bench.pcscf.bindings.ofImpi(`${alice.name}@${home}`).length, 1);
  });

  test('and cannot be read is refused; nothing else changes', async () => {
    const bench = await watched();
    const alice = await bench.registered('alice');
    const subscribe = bench.icscf.last('SUBSCRIBE');
    const nonsense = back(
      'NOTIFY',
      subscribe,
      set(Event, { package: 'reg', params: new Map() }),
      set(SubscriptionState, { state: 'active', params: new Map() }),
      body(reginfoType, '<reginfo'),
    );
    const to = { uri: parseUri(`sip:pcscf.${home}:5060`) };
    const { status } = await bench.scscf.send(nonsense, to);
    assert.ok(status >= 400, `${status}`);
    assert.equal(bench.pcscf.bindings.ofImpi(`${alice.name}@${home}`).length, 1);
    assert.deepEqual(
      bench.sim.logs.filter(({ level }) => level === 'error'),
      [],
    );
  });
});
