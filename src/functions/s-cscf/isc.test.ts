import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nameAddr, PServedUser, RecordRoute, Route } from '#sip/headers';
import { raw, requestUri, set } from '#sip/message';
import { parseUri, uriText } from '#sip/uri';
import { Bench } from './testing/bench.ts';
import { inviteCase, proxyOn, registered, routesOf } from './testing/calls.ts';
import { alice, bob, home, server } from './testing/scripted-hss.ts';

test('a proxy AS is passed, known again by its original dialog identifier, and left once', async () => {
  const bench = new Bench();
  bench.hss.criteria = [
    server(`sip:screening@as.${home}:5090`, inviteCase('ORIGINATING_REGISTERED')),
  ];
  await bench.start();
  await bench.registerByCard(alice);
  bench.as.handle = tx => proxyOn(bench, tx);
  const ok = await bench.pcscf.send(bench.initial('INVITE', alice.number, bob.number));
  assert.equal(ok.status, 200);

  const atServer = bench.as.last('INVITE');
  const [first, second] = routesOf(atServer);
  assert.equal(first, `sip:screening@as.${home}:5090;lr`);
  assert.match(second ?? '', /^sip:odi-[0-9a-f]{24}@scscf\./);
  const served = atServer.get(PServedUser)!;
  assert.equal(uriText(served.uri), alice.number);
  assert.equal(served.params.get('sescase'), 'orig');
  assert.equal(served.params.get('regstate'), 'reg');
  assert.equal(bench.as.of('INVITE').length, 1);
  assert.equal(bench.icscf.of('INVITE').length, 1);
  assert.equal(bench.icscf.last('INVITE').all(RecordRoute).length, 2);
});

test('servers are asked in the order of their priority, each with what the one before made', async () => {
  const bench = new Bench();
  const header = { kind: 'sipHeader' as const, header: 'X-Seen', negated: false };
  bench.hss.criteria = [
    server(`sip:one@as.${home}:5090`, { priority: 1, ...inviteCase('ORIGINATING_REGISTERED') }),
    server(`sip:two@as.${home}:5090`, {
      priority: 2,
      triggerPoint: { form: 'CNF', groups: [[header]] },
    }),
  ];
  await bench.start();
  await bench.registerByCard(alice);
  bench.as.handle = tx => proxyOn(bench, tx, raw('X-Seen', 'yes'));
  await bench.pcscf.send(bench.initial('MESSAGE', alice.number, bob.number));
  assert.deepEqual(
    bench.as.of('MESSAGE').map(each => routesOf(each)[0]),
    [`sip:one@as.${home}:5090;lr`, `sip:two@as.${home}:5090;lr`],
  );
  assert.equal(bench.icscf.of('MESSAGE').length, 1);
  assert.equal(bench.icscf.last('MESSAGE').has(RecordRoute), false);
});

for (const [defaultHandling, status] of [
  ['SESSION_CONTINUED', 200],
  ['SESSION_TERMINATED', 503],
] as const) {
  test(`an AS that is away: ${defaultHandling} gives ${status}`, async () => {
    const bench = new Bench();
    const criterion = inviteCase('ORIGINATING_REGISTERED');
    bench.hss.criteria = [server(`sip:as.${home}:5090`, { ...criterion, as: { defaultHandling } })];
    await bench.start();
    await bench.registerByCard(alice);
    bench.as.handle = tx => tx.reply(503);
    const final = await bench.pcscf.send(bench.initial('INVITE', alice.number, bob.number));
    assert.equal(final.status, status === 503 ? 500 : status); // RFC 3261 §16.7 step 6
    assert.equal(bench.icscf.of('INVITE').length, status === 200 ? 1 : 0);
    assert.match(bench.decisions('ifc.default handling')[0]!.because, /said 503/);
  });
}

test('an AS that says nothing at all is passed over within seconds', async () => {
  const bench = new Bench();
  bench.hss.criteria = [server(`sip:as.${home}:5090`, {})];
  await bench.start();
  await bench.registerByCard(alice);
  bench.as.handle = () => {};
  const asked = bench.sim.now();
  const final = await bench.pcscf.send(bench.initial('MESSAGE', alice.number, bob.number));
  assert.equal(final.status, 200);
  const passedOver = bench.decisions('ifc.default handling')[0]!.time - asked;
  assert.ok(passedOver < 8000, `${passedOver} ms`); // timer F would be 32 s
});

test('the refusal of an AS stands, whatever the default handling', async () => {
  const bench = new Bench();
  bench.hss.criteria = [server(`sip:as.${home}:5090`, inviteCase('TERMINATING_REGISTERED'))];
  await bench.start();
  await bench.registerByCard(alice);
  bench.as.handle = tx => tx.reply(603);
  const final = await bench.icscf.send(bench.towards('INVITE', bob.number, alice.number));
  assert.equal(final.status, 603);
  assert.equal(bench.pcscf.of('INVITE').length, 0);
});

test('what was passed over does not speak for who was asked after it', async () => {
  const bench = new Bench();
  bench.hss.criteria = [server(`sip:as.${home}:5090`, inviteCase('TERMINATING_REGISTERED'))];
  await bench.start();
  await bench.registerByCard(alice);
  bench.as.handle = tx => tx.reply(408);
  bench.pcscf.handle = tx => tx.reply(486);
  const final = await bench.icscf.send(bench.towards('INVITE', bob.number, alice.number));
  assert.equal(final.status, 486);
});

test('an AS diverts a call to somebody else, on behalf of whom was called', async () => {
  const bench = new Bench();
  bench.hss.criteria = [
    server(`sip:forwarding@as.${home}:5090`, inviteCase('TERMINATING_UNREGISTERED')),
  ];
  await bench.start();
  bench.as.handle = tx => proxyOn(bench, tx, requestUri(parseUri(bob.tel)));
  const final = await bench.icscf.send(bench.towards('INVITE', `sip:carol@${home}`, alice.number));
  assert.equal(final.status, 200);
  const invite = bench.icscf.last('INVITE');
  assert.equal(uriText(invite.uri), `${bob.number};user=phone`);
  assert.match(bench.decisions('terminating').at(-1)!.because, /changed the Request-URI/);
});

test('an original dialog identifier of nobody is refused', async () => {
  const bench = await registered();
  const forged = `sip:odi-${'0'.repeat(24)}@scscf.${home}:6060;lr`;
  const call = bench.initial(
    'INVITE',
    alice.number,
    bob.number,
    set(Route, nameAddr(parseUri(forged))),
  );
  assert.equal((await bench.as.send(call)).status, 403);
});
