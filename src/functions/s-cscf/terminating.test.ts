import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seconds } from '#kernel/time';
import {
  nameAddr,
  PAssertedIdentity,
  PCalledPartyId,
  PChargingVector,
  Privacy,
  PServedUser,
  RecordRoute,
} from '#sip/headers';
import { set } from '#sip/message';
import { parseUri, uriText } from '#sip/uri';
import { Bench } from './testing/bench.ts';
import { answer, registered, routesOf } from './testing/calls.ts';
import { alice, bob, echo, home } from './testing/scripted-hss.ts';

test('a call reaches the contact by its Path, with the name that was called', async () => {
  const bench = await registered();
  bench.pcscf.handle = tx => answer(tx);
  const ok = await bench.icscf.send(bench.towards('INVITE', bob.number, alice.tel));
  assert.equal(ok.status, 200);
  const invite = bench.pcscf.last('INVITE');
  assert.equal(uriText(invite.uri), 'sip:alice@192.0.2.1:5060');
  assert.deepEqual(routesOf(invite), [`sip:term-alice@pcscf.${home}:5060;lr`]);
  assert.equal(uriText(invite.get(PCalledPartyId)!.uri), alice.tel);
  assert.equal(ok.get(PChargingVector)?.termIoi, home);
  assert.match(uriText(invite.get(RecordRoute)!.uri), /dialog=term\./);
});

test('who wants to stay private is not shown to the UE', async () => {
  const bench = await registered();
  const call = bench.towards('INVITE', bob.number, alice.number, set(Privacy, ['id']));
  await bench.icscf.send(call);
  assert.equal(bench.pcscf.last('INVITE').has(PAssertedIdentity), false);
});

test('contacts ring by their q, those of one q together, and the first to answer has the call', async () => {
  const bench = await new Bench().start();
  const challenged = await bench.pcscf.send(bench.register(alice, { to: alice.named }));
  for (const [n, q] of [
    [1, '0.5'],
    [2, '1.0'],
    [3, '1.0'],
  ] as const) {
    const contact = nameAddr(parseUri(`sip:alice@192.0.2.${n}`), { q });
    await bench.answerByPassword(alice, challenged, n, { contact });
  }
  const rang: string[] = [];
  bench.pcscf.handle = tx => {
    const host = uriText(tx.request.uri).split('@')[1]!;
    rang.push(host);
    if (host === '192.0.2.1') answer(tx);
    else tx.reply(486);
  };
  assert.equal(
    (await bench.icscf.send(bench.towards('INVITE', bob.number, alice.named))).status,
    200,
  );
  assert.deepEqual(rang, ['192.0.2.2', '192.0.2.3', '192.0.2.1']);
});

test('nobody registered is 480, nobody at all 404, a barred identity 404', async () => {
  const bench = await new Bench().start();
  const call = (to: string) => bench.icscf.send(bench.towards('INVITE', bob.number, to));
  assert.equal((await call(alice.number)).status, 480);
  assert.deepEqual(bench.hss.assignments, ['UNREGISTERED_USER -']);
  assert.equal((await call(`sip:nobody@${home}`)).status, 404);
  assert.equal((await call(alice.barred)).status, 404);
  assert.equal((await call('sip:x@elsewhere.example')).status, 404);
});

test("an unregistered user's profile is asked for once, and given back after a while", async () => {
  const bench = await new Bench({ registration: { unregisteredProfile: seconds(60) } }).start();
  for (let n = 0; n < 3; n++) {
    await bench.icscf.send(bench.towards('INVITE', bob.number, alice.number));
  }
  assert.deepEqual(bench.hss.assignments, ['UNREGISTERED_USER -']);
  await bench.sim.run(seconds(61));
  assert.equal(bench.hss.assignments.at(-1), 'TIMEOUT_DEREGISTRATION 001010000000001');
  assert.equal(bench.scscf.registrar.size, 0);
});

test('a public service is its application server', async () => {
  const bench = await new Bench().start();
  bench.as.handle = tx => answer(tx);
  const ok = await bench.icscf.send(bench.towards('INVITE', alice.number, echo));
  assert.equal(ok.status, 200);
  const invite = bench.as.last('INVITE');
  assert.equal(uriText(invite.uri), echo);
  assert.equal(invite.get(PServedUser)?.params.get('regstate'), 'unreg');
});

test('a GRUU reaches its device alone; one of no device reaches nobody', async () => {
  const bench = await new Bench().start();
  const challenged = await bench.pcscf.send(bench.register(alice, { to: alice.named }));
  const urn = (n: number) => `urn:uuid:00000000-0000-1000-8000-00000000000${n}`;
  for (const n of [1, 2]) {
    const parameters = { '+sip.instance': `<${urn(n)}>` };
    const contact = nameAddr(parseUri(`sip:alice@192.0.2.${n}`), parameters);
    await bench.answerByPassword(alice, challenged, n, { contact });
  }
  const call = (n: number) =>
    bench.icscf.send(bench.towards('INVITE', bob.number, `${alice.named};gr=${urn(n)}`));
  assert.equal((await call(2)).status, 200);
  assert.deepEqual(
    bench.pcscf.of('INVITE').map(({ uri }) => uriText(uri)),
    ['sip:alice@192.0.2.2'],
  );
  assert.equal((await call(3)).status, 480);
});
