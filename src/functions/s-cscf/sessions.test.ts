import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seconds } from '#kernel/time';
import type { ServerTransaction } from '#sip/endpoint';
import {
  Contact,
  CSeq,
  From,
  nameAddr,
  RecordRoute,
  RetryAfter,
  Route,
  To,
  Via,
} from '#sip/headers';
import { prepend, removeFirst, response, set, toTag } from '#sip/message';
import { parseUri, uriText } from '#sip/uri';
import { Bench, scscfUri } from './testing/bench.ts';
import { answer, registered, routesOf, within } from './testing/calls.ts';
import { alice, bob, home } from './testing/scripted-hss.ts';

test('requests of a dialog pass by our mark, and its end ends the call', async () => {
  const bench = await registered();
  bench.icscf.handle = tx => answer(tx);
  const invite = bench.initial('INVITE', alice.number, bob.number);
  const ok = await bench.pcscf.send(invite);
  assert.deepEqual(
    bench.scscf.calls().map(({ caller, callee, state }) => ({ caller, callee, state })),
    [{ caller: alice.number, callee: bob.number, state: 'answered' }],
  );
  const bye = within('BYE', invite, ok);
  const mark = bye.get(Route)!;
  // the I-CSCF plays the callee's proxy
  const routed = bye.with(set(Route, mark, nameAddr(parseUri(`sip:icscf.${home}:4060;lr`))));
  assert.equal((await bench.pcscf.send(routed, parseUri(scscfUri))).status, 200);
  assert.deepEqual(routesOf(bench.icscf.last('BYE')), [`sip:icscf.${home}:4060;lr`]);
  assert.equal(bench.scscf.calls().length, 0);
});

test('a mark of another dialog, or none, opens nothing', async () => {
  const bench = await registered();
  bench.icscf.handle = tx => answer(tx);
  const first = bench.initial('INVITE', alice.number, bob.number);
  const ok = await bench.pcscf.send(first);
  const other = bench.initial('INVITE', alice.number, bob.number);
  const bye = within('BYE', other, ok);
  assert.equal((await bench.pcscf.send(bye, parseUri(scscfUri))).status, 481);
  const bare = bye.with(set(Route, nameAddr(parseUri(`${scscfUri};lr`))));
  assert.equal((await bench.pcscf.send(bare, parseUri(scscfUri))).status, 481);
  assert.equal(bench.scscf.calls().length, 1);
});

test('a forged mark beside a genuine one opens nothing either', async () => {
  const bench = await registered();
  bench.icscf.handle = tx => answer(tx);
  const invite = bench.initial('INVITE', alice.number, bob.number);
  const bye = within('BYE', invite, await bench.pcscf.send(invite));
  const genuine = uriText(bye.get(Route)!.uri);
  const forged = genuine.replace(/dialog=orig\.\w/, 'dialog=orig.0');
  assert.notEqual(forged, genuine);
  const both = bye.with(set(Route, ...[genuine, forged].map(uri => nameAddr(parseUri(uri)))));
  assert.equal((await bench.pcscf.send(both, parseUri(scscfUri))).status, 481);
  assert.equal(bench.scscf.calls().length, 1);
});

test('dialogs outlive the process: their mark is good after a restart, and the call is known', async () => {
  const bench = await registered();
  bench.icscf.handle = tx => answer(tx);
  const invite = bench.initial('INVITE', alice.number, bob.number);
  const ok = await bench.pcscf.send(invite);
  await bench.sim.run(seconds(1));
  bench.sim.crash('s-cscf');
  bench.sim.restart('s-cscf');
  await bench.sim.run(seconds(10));
  assert.equal(bench.scscf.calls()[0]?.state, 'answered');
  const bye = within('BYE', invite, ok);
  const routed = bye.with(
    set(Route, bye.get(Route)!, nameAddr(parseUri(`sip:icscf.${home}:4060;lr`))),
  );
  assert.equal((await bench.pcscf.send(routed, parseUri(scscfUri))).status, 200);
  assert.equal(bench.scscf.calls().length, 0);
});

test('the network ends an answered call by a BYE to each end', async () => {
  const bench = await registered();
  bench.icscf.handle = tx =>
    tx.request.method === 'INVITE'
      ? answer(tx, 200, prepend(RecordRoute, nameAddr(parseUri(`sip:icscf.${home}:4060;lr`))))
      : tx.reply(200);
  const invite = bench.initial(
    'INVITE',
    alice.number,
    bob.number,
    set(RecordRoute, nameAddr(parseUri(`sip:mo@pcscf.${home}:5060;lr`))),
  );
  await bench.pcscf.send(invite);
  const [call] = bench.scscf.calls();
  assert.equal(bench.scscf.release(call!.id), true);
  await bench.sim.run(seconds(1));

  const toCaller = bench.pcscf.last('BYE');
  assert.equal(uriText(toCaller.uri), 'sip:caller@192.0.2.9:5060');
  assert.deepEqual(routesOf(toCaller), [`sip:mo@pcscf.${home}:5060;lr`]);
  assert.equal(toCaller.get(To)?.params.get('tag'), invite.get(From)?.params.get('tag'));
  const toCallee = bench.icscf.last('BYE');
  assert.equal(uriText(toCallee.uri), 'sip:callee@192.0.2.2:5060');
  assert.deepEqual(routesOf(toCallee), [`sip:icscf.${home}:4060;lr`]);
  assert.equal(toCallee.get(CSeq)?.sequence, 2);
  assert.equal(bench.scscf.calls().length, 0);
  assert.equal(bench.scscf.release(call!.id), false);
});

test('the BYE of the network comes after all that either side sent, before the answer too', async () => {
  const bench = await registered();
  const behind = prepend(RecordRoute, nameAddr(parseUri(`sip:icscf.${home}:4060;lr`)));
  let ringing: ServerTransaction | undefined;
  bench.icscf.handle = tx => {
    if (tx.request.method !== 'INVITE') return tx.reply(200);
    ringing = tx;
    answer(tx, 183, behind);
  };
  const invite = bench.initial('INVITE', alice.number, bob.number);
  bench.sim.after(seconds(1), async () => {
    const { request } = ringing!;
    const early = response(request, 183, set(RecordRoute, ...request.all(RecordRoute)), behind);
    const contact = set(Contact, nameAddr(parseUri('sip:callee@192.0.2.2:5060')));
    const update = within('UPDATE', invite, early.with(contact, toTag('callee')), 7);
    await bench.pcscf.begin(update);
    answer(ringing!, 200, behind);
  });
  await bench.pcscf.send(invite);
  assert.equal(bench.scscf.release(bench.scscf.calls()[0]!.id), true);
  await bench.sim.run(seconds(1));
  assert.equal(bench.icscf.last('BYE').get(CSeq)?.sequence, 8);
});

test('the network ends a call that only rings', async () => {
  const bench = await registered();
  bench.icscf.handle = tx => {
    if (tx.request.method !== 'INVITE') return;
    tx.reply(180, toTag('callee'));
    tx.onCancel = () => tx.reply(487);
  };
  const invite = bench.initial('INVITE', alice.number, bob.number);
  bench.sim.after(seconds(2), () => {
    assert.equal(bench.scscf.calls()[0]?.state, 'ringing');
    assert.equal(bench.scscf.release(bench.scscf.calls()[0]!.id), true);
  });
  assert.equal((await bench.pcscf.send(invite)).status, 487);
  assert.equal(bench.scscf.calls().length, 0);
});

test('a call between two users of ours is one call', async () => {
  const bench = await registered();
  await bench.registerByCard(bob);
  bench.icscf.handle = tx => {
    const onward = tx.request.with(prepend(Route, nameAddr(parseUri(`${scscfUri};lr`))));
    const client = bench.icscf.endpoint.request(onward, { uri: parseUri(scscfUri) });
    client.onResponse = received => {
      if (received.status > 100) tx.respond(received.with(removeFirst(Via)));
    };
  };
  bench.pcscf.handle = tx => answer(tx);
  const ok = await bench.pcscf.send(bench.initial('INVITE', alice.number, bob.number));
  assert.equal(ok.status, 200);
  const calls = bench.scscf.calls();
  assert.equal(calls.length, 1);
  assert.deepEqual(calls[0]?.served, [
    { impu: alice.number, side: 'orig' },
    { impu: bob.number, side: 'term' },
  ]);
});

test('above the bound a call is refused with a time to come back', async () => {
  const bench = await registered({ sessions: { maximum: 1 } });
  bench.icscf.handle = tx => answer(tx);
  assert.equal(
    (await bench.pcscf.send(bench.initial('INVITE', alice.number, bob.number))).status,
    200,
  );
  const refused = await bench.pcscf.send(bench.initial('INVITE', alice.number, bob.number));
  assert.equal(refused.status, 503);
  assert.equal(refused.get(RetryAfter)?.seconds, 30);
});

test('de-registration ends the calls of the user', async () => {
  const bench = await new Bench().start();
  const usim = bench.usim();
  await bench.registerByCard(alice, { usim });
  bench.icscf.handle = tx =>
    tx.request.method === 'INVITE'
      ? answer(tx, 200, prepend(RecordRoute, nameAddr(parseUri(`sip:icscf.${home}:4060;lr`))))
      : tx.reply(200);
  await bench.pcscf.send(bench.initial('INVITE', alice.number, bob.number));
  await bench.registerByCard(alice, { usim, expires: 0 });
  await bench.sim.run(seconds(1));
  assert.equal(bench.icscf.of('BYE').length, 1);
  assert.equal(bench.scscf.calls().length, 0);
});
