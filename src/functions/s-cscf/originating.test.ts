import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  MaxForwards,
  nameAddr,
  PAssertedIdentity,
  PChargingVector,
  PServedUser,
  RecordRoute,
  Route,
} from '#sip/headers';
import { set } from '#sip/message';
import { parseUri, uriText } from '#sip/uri';
import { Bench, scscfUri } from './testing/bench.ts';
import { registered, routesOf } from './testing/calls.ts';
import { alice, bob, home } from './testing/scripted-hss.ts';

test('a call leaves for the I-CSCF, vouched for by both names of the caller', async () => {
  const bench = await registered();
  const ok = await bench.pcscf.send(bench.initial('INVITE', alice.number, bob.number));
  assert.equal(ok.status, 200);
  const invite = bench.icscf.last('INVITE');
  assert.equal(uriText(invite.uri), `${bob.number};user=phone`);
  assert.deepEqual(routesOf(invite), []);
  assert.deepEqual(
    invite.all(PAssertedIdentity).map(({ uri }) => uriText(uri)),
    [alice.number, alice.tel],
  );
  assert.equal(invite.get(PChargingVector)?.origIoi, home);
  assert.equal(invite.get(MaxForwards), 67);
  assert.equal(invite.get(PServedUser), undefined);
  const [recorded] = invite.all(RecordRoute).map(({ uri }) => uriText(uri));
  assert.match(
    recorded ?? '',
    /^sip:scscf\.[^;]*:6060;lr;dialog=orig\.[0-9a-f]{16}\.[0-9a-f]{16}$/,
  );
});

test('a caller by name is known by his number as well', async () => {
  const bench = await registered();
  await bench.pcscf.send(bench.initial('INVITE', alice.named, bob.named));
  const invite = bench.icscf.last('INVITE');
  assert.equal(uriText(invite.uri), bob.named);
  assert.deepEqual(
    invite.all(PAssertedIdentity).map(({ uri }) => uriText(uri)),
    [alice.named, alice.tel],
  );
});

for (const dialled of [
  'tel:+15550100002',
  'tel:+1-555-010-0002',
  'tel:5550100002;phone-context=+1',
  `sip:15550100002@${home}`,
  `sip:5550100002@${home}`,
  `sip:0100002@${home}`,
  `sip:01115550100002@${home}`,
  `sip:0100002@${home};user=phone`,
]) {
  test(`${dialled} is bob's number`, async () => {
    const bench = await registered();
    await bench.pcscf.send(bench.initial('INVITE', alice.number, dialled));
    assert.equal(uriText(bench.icscf.last('INVITE').uri), `${bob.number};user=phone`);
  });
}

test("digits that are nobody's number may be somebody's name", async () => {
  const bench = await registered();
  bench.icscf.handle = tx => tx.reply(uriText(tx.request.uri).includes('+') ? 404 : 200);
  const ok = await bench.pcscf.send(
    bench.initial('INVITE', alice.number, `sip:5550100002@${home}`),
  );
  assert.equal(ok.status, 200);
  assert.deepEqual(
    bench.icscf.of('INVITE').map(({ uri }) => uriText(uri)),
    [`sip:+15550100002@${home};user=phone`, `sip:5550100002@${home}`],
  );
});

test("a number that is nobody's breaks out where there is a way, and is 404 where not", async () => {
  const without = await registered();
  without.icscf.handle = tx => tx.reply(404);
  const invite = (bench: Bench) => bench.initial('INVITE', alice.number, 'tel:+15550199001');
  assert.equal((await without.pcscf.send(invite(without))).status, 404);

  const bench = await registered({ numbers: { breakout: `sip:as.${home}` } });
  bench.icscf.handle = tx => tx.reply(404);
  assert.equal((await bench.pcscf.send(invite(bench))).status, 200);
  assert.deepEqual(routesOf(bench.as.last('INVITE')), [`sip:as.${home};lr`]);
});

for (const [to, status] of [
  ['tel:*21', 484],
  ['sip:x@elsewhere.example', 404],
  ['urn:service:sos', 416],
] as const) {
  test(`${to} is ${status}`, async () => {
    const bench = await registered();
    assert.equal(
      (await bench.pcscf.send(bench.initial('INVITE', alice.number, to))).status,
      status,
    );
  });
}

test('who is not registered, barred, or vouched for by nobody may not call', async () => {
  const bench = await registered();
  for (const [from, because] of [
    [bob.number, /not registered/],
    [alice.barred, /barred/],
  ] as const) {
    const refused = await bench.pcscf.send(bench.initial('INVITE', from, bob.number));
    assert.equal(refused.status, 403);
    assert.match(bench.decisions('originating').at(-1)!.because, because);
  }
  const anonymous = bench.initial('INVITE', alice.number, bob.number, set(PAssertedIdentity));
  assert.equal((await bench.pcscf.send(anonymous)).status, 403);
  assert.equal(bench.icscf.received.length, 0);
});

test('an application server may call for a user who is not registered', async () => {
  const bench = await new Bench().start();
  const call = bench.initial(
    'INVITE',
    alice.number,
    bob.number,
    set(Route, nameAddr(parseUri(`${scscfUri};lr;orig`))),
    set(PServedUser, nameAddr(parseUri(alice.number), { sescase: 'orig' })),
  );
  assert.equal((await bench.as.send(call, parseUri(scscfUri))).status, 200);
  assert.deepEqual(bench.hss.assignments, ['UNREGISTERED_USER -']);
});
