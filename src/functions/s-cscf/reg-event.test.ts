import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seconds } from '#kernel/time';
import {
  CallId,
  Contact,
  CSeq,
  Event,
  Expires,
  From,
  MaxForwards,
  nameAddr,
  PAssertedIdentity,
  Route,
  SubscriptionState,
  To,
} from '#sip/headers';
import { request, type SipRequest, type SipResponse, set } from '#sip/message';
import { parseReginfo, type Reginfo } from '#sip/reginfo';
import { parseUri } from '#sip/uri';
import { Bench, scscfUri } from './testing/bench.ts';
import { registered } from './testing/calls.ts';
import { alice, bob, home, server } from './testing/scripted-hss.ts';

const reg = { package: 'reg', params: new Map() };
const pcscf = `sip:pcscf.${home}`;

/** A SUBSCRIBE on the way that `by` would send it. */
function subscribe(bench: Bench, by: string, expires = 600_000): SipRequest {
  const route = by.includes('@') ? {} : { route: `${scscfUri};lr` };
  return bench.initial(
    'SUBSCRIBE',
    by,
    alice.number,
    set(Event, reg),
    set(Expires, expires),
    set(Contact, nameAddr(parseUri(`sip:watcher@pcscf.${home}:5060`))),
    set(PAssertedIdentity, nameAddr(parseUri(by))),
    ...(route.route === undefined ? [] : [set(Route, nameAddr(parseUri(route.route)))]),
  );
}

function again(first: SipRequest, ok: SipResponse, expires: number, sequence = 2): SipRequest {
  return request(
    'SUBSCRIBE',
    ok.get(Contact)!.uri,
    set(MaxForwards, 70),
    set(From, first.get(From)!),
    set(To, ok.get(To)!),
    set(CallId, first.get(CallId)!),
    set(CSeq, { sequence, method: 'SUBSCRIBE' }),
    set(Event, reg),
    set(Expires, expires),
    set(Contact, first.get(Contact)!),
  );
}

const documents = (bench: Bench): Reginfo[] =>
  bench.pcscf.of('NOTIFY').map(notify => parseReginfo(Buffer.from(notify.body).toString('utf8')));

const states = (bench: Bench): string[] =>
  bench.pcscf.of('NOTIFY').map(notify => {
    const { state, params } = notify.get(SubscriptionState)!;
    return params.get('reason') === undefined ? state : `${state} ${params.get('reason')}`;
  });

test('the user, his P-CSCF and his AS may watch; nobody else may', async () => {
  const bench = new Bench();
  bench.hss.criteria = [server(`sip:presence@as.${home}:5090`)];
  await bench.start();
  await bench.registerByCard(alice);
  for (const [by, status] of [
    [alice.tel.replace('tel:', 'sip:').concat(`@${home}`), 200],
    [alice.named, 200],
    [pcscf, 200],
    [`sip:as.${home}`, 200],
    [bob.number, 403],
    [alice.barred, 403],
    [`sip:other.${home}`, 403],
  ] as const) {
    assert.equal((await bench.pcscf.send(subscribe(bench, by))).status, status, by);
  }
});

test('a watcher sees the full state at once, and every change as a part of it', async () => {
  const bench = await new Bench().start();
  const usim = bench.usim();
  await bench.registerByCard(alice, { usim });
  const ok = await bench.pcscf.send(subscribe(bench, pcscf));
  assert.equal(ok.get(Expires), 600_000);
  await bench.sim.run(seconds(1));
  await bench.registerByCard(alice, { usim });
  await bench.registerByPassword(alice, { contact: 'sip:alice@192.0.2.7' });
  await bench.sim.run(seconds(1));

  const [full, refreshed, added] = documents(bench);
  assert.equal(full?.state, 'full');
  assert.deepEqual(
    full?.registrations.map(({ aor, state }) => [aor, state]),
    [
      [alice.number, 'active'],
      [alice.tel, 'active'],
      [alice.named, 'active'],
    ],
  );
  assert.deepEqual(
    full?.registrations.map(({ contacts }) => contacts.map(({ event }) => event)),
    [['registered'], ['created'], ['created']],
  );
  assert.deepEqual(
    [refreshed, added].map(document => [
      document?.state,
      document?.version,
      document?.registrations[2]?.contacts.map(({ event, uri }) => `${event} ${uri}`),
    ]),
    [
      ['partial', 1, ['refreshed sip:alice@192.0.2.1:5060']],
      ['partial', 2, ['registered sip:alice@192.0.2.7']],
    ],
  );
});

for (const [how, event] of [
  ['user', 'unregistered'],
  ['HSS', 'rejected'],
  ['HSS for another S-CSCF', 'deactivated'],
  ['time', 'expired'],
] as const) {
  test(`the end by the ${how} is told as '${event}', and the subscription with it`, async () => {
    const bench = await new Bench().start();
    const usim = bench.usim();
    await bench.registerByCard(alice, { usim, expires: 600 });
    await bench.pcscf.send(subscribe(bench, pcscf));
    if (how === 'user') await bench.registerByCard(alice, { usim, expires: 0 });
    else if (how === 'time') await bench.sim.run(seconds(700));
    else {
      const code = how === 'HSS' ? 'PERMANENT_TERMINATION' : 'NEW_SERVER_ASSIGNED';
      await bench.sim.settle(() => bench.hss.rtr(alice.sim, code));
    }
    await bench.sim.run(seconds(1));
    const last = documents(bench).at(-1)!;
    assert.deepEqual(
      last.registrations.map(({ state, contacts }) => [state, contacts[0]?.event]),
      [
        ['terminated', event],
        ['terminated', event],
        ['terminated', event],
      ],
    );
    assert.deepEqual(states(bench), ['active', 'terminated noresource']);
    assert.equal(bench.scscf.regEvent.size, 0);
  });
}

test('a subscription is refreshed and ended within its dialog, and lapses by itself', async () => {
  const bench = await registered();
  const first = subscribe(bench, pcscf, 600);
  const ok = await bench.pcscf.send(first);
  const refreshed = await bench.pcscf.send(again(first, ok, 1200), parseUri(scscfUri));
  assert.equal(refreshed.get(Expires), 1200);
  const old = await bench.pcscf.send(again(first, ok, 1200), parseUri(scscfUri));
  assert.equal(old.status, 500); // RFC 3261 §12.2.2: a sequence number of before
  const ended = await bench.pcscf.send(again(first, ok, 0, 3), parseUri(scscfUri));
  assert.equal(ended.status, 200);
  await bench.sim.run(seconds(1));
  assert.deepEqual(states(bench), ['active', 'active', 'terminated timeout']);
  const unknown = await bench.pcscf.send(again(first, ok, 600, 4), parseUri(scscfUri));
  assert.equal(unknown.status, 481);

  await bench.pcscf.send(subscribe(bench, pcscf, 600));
  await bench.sim.run(seconds(601));
  assert.equal(states(bench).at(-1), 'terminated timeout');
  assert.equal(bench.scscf.regEvent.size, 0);
});

test('a watcher that is gone is forgotten', async () => {
  const bench = await registered();
  bench.pcscf.handle = tx => tx.reply(481);
  await bench.pcscf.send(subscribe(bench, pcscf));
  await bench.sim.run(seconds(1));
  assert.equal(bench.scscf.regEvent.size, 0);
});

test('while a NOTIFY is unanswered changes wait, and none is lost', async () => {
  const bench = await registered();
  let held: (() => void) | undefined;
  bench.pcscf.handle = tx => {
    if (held === undefined) held = () => tx.reply(200);
    else tx.reply(200);
  };
  await bench.pcscf.send(subscribe(bench, pcscf));
  await bench.sim.run(seconds(1));
  for (const n of [1, 2]) {
    const all = await bench.registerByPassword(alice, { contact: `sip:alice@192.0.2.7${n}` });
    assert.equal(all.status, 200);
  }
  assert.equal(bench.pcscf.of('NOTIFY').length, 1);
  bench.sim.after(0, () => held?.());
  await bench.sim.run(seconds(1));
  const [, late] = documents(bench);
  assert.deepEqual(
    late?.registrations[0]?.contacts.map(({ uri }) => uri),
    ['sip:alice@192.0.2.71', 'sip:alice@192.0.2.72'],
  );
  assert.deepEqual(
    documents(bench).map(({ version }) => version),
    [0, 1],
  );
});

test('subscriptions outlive the process; the first word after it is the full state', async () => {
  const bench = await new Bench().start();
  const usim = bench.usim();
  await bench.registerByCard(alice, { usim });
  await bench.pcscf.send(subscribe(bench, pcscf));
  await bench.sim.run(seconds(1));
  bench.sim.crash('s-cscf');
  bench.sim.restart('s-cscf');
  await bench.sim.run(seconds(10));
  await bench.registerByCard(alice, { usim });
  await bench.sim.run(seconds(1));
  const [before, after] = documents(bench);
  assert.equal(after?.state, 'full');
  assert.ok(after!.version > before!.version);
  const [first, second] = bench.pcscf.of('NOTIFY').map(each => each.get(CSeq)!.sequence);
  assert.ok(second! > first!);
});

test('identities that a new profile takes away are told as terminated', async () => {
  const bench = await registered();
  await bench.pcscf.send(subscribe(bench, pcscf));
  const profile = bench.hss.profileOf(alice, alice.sim);
  const [service] = profile.serviceProfiles;
  const publicIdentities = service!.publicIdentities.filter(
    ({ identity }) => identity !== alice.named,
  );
  const serviceProfiles = [{ ...service!, publicIdentities }];
  await bench.sim.settle(() => bench.hss.ppr({ ...profile, serviceProfiles }));
  await bench.sim.run(seconds(1));
  const last = documents(bench).at(-1)!;
  assert.deepEqual(
    last.registrations.map(({ aor, state }) => [aor, state]),
    [
      [alice.number, 'active'],
      [alice.tel, 'active'],
      [alice.named, 'terminated'],
    ],
  );
});

test('the id of a subscription comes back in each of its NOTIFYs', async () => {
  const bench = await registered();
  const event = { package: 'reg', params: new Map([['id', '7']]) };
  const first = subscribe(bench, alice.number).with(set(Event, event));
  const ok = await bench.pcscf.send(first);
  await bench.sim.run(seconds(1));
  assert.equal(bench.pcscf.last('NOTIFY').get(Event)?.params.get('id'), '7');
  bench.sim.crash('s-cscf');
  bench.sim.restart('s-cscf');
  await bench.sim.run(seconds(5));
  const refresh = again(first, ok, 600_000).with(set(Event, event));
  assert.equal((await bench.pcscf.send(refresh)).status, 200);
  await bench.sim.run(seconds(1));
  assert.equal(bench.pcscf.of('NOTIFY').length, 2);
  assert.equal(bench.pcscf.last('NOTIFY').get(Event)?.params.get('id'), '7');
});
