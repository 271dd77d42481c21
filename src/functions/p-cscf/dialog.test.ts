import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  Contact,
  CSeq,
  MaxForwards,
  nameAddr,
  PAssertedIdentity,
  PCalledPartyId,
  PChargingVector,
  PPreferredIdentity,
  Privacy,
  RecordRoute,
  Route,
} from '#sip/headers';
import {
  prepend,
  raw,
  remove,
  requestUri,
  type SipRequest,
  type SipResponse,
  set,
} from '#sip/message';
import { parseUri } from '#sip/uri';
import {
  answer,
  Bench,
  back,
  home,
  identitiesOf,
  type Phone,
  type Transport,
  texts,
  within,
} from './testing/bench.ts';

const bob = `sip:bob@${home}`;
const scscf = nameAddr(parseUri(`sip:scscf.${home}:6060;lr;dialog=orig.1.2`));

/** A call that alice began, answered through an S-CSCF that stays on its way. */
async function calling(
  bench: Bench,
  alice: Phone,
): Promise<{ invite: SipRequest; ok: SipResponse }> {
  bench.scscf.handle = tx => answer(tx, set(RecordRoute, scscf, ...tx.request.all(RecordRoute)));
  const invite = alice.initial('INVITE', bob);
  const ok = await alice.ask(invite);
  assert.equal(ok.status, 200);
  return { invite, ok };
}

describe('a request of the core for a UE (§5.2.6.4)', () => {
  test('goes over the flow of its registration, with no more than the UE may see', async () => {
    const bench = await new Bench().start();
    const alice = await bench.registered('alice');
    const ok = await bench.scscf.send(bench.towards(alice, 'INVITE'));
    assert.equal(ok.status, 200);
    const seen = alice.last('INVITE');
    assert.deepEqual(texts(seen.all(PAssertedIdentity)), [`sip:caller@${home}`]);
    assert.equal(seen.has(PChargingVector) || seen.has(Route), false);
    assert.deepEqual(texts(seen.all(PCalledPartyId)), [identitiesOf('alice')[0]]);
    const [ue, core] = texts(seen.all(RecordRoute));
    assert.match(ue ?? '', new RegExp(`@${bench.sim.addressOf('p-cscf')}:5060;lr$`));
    assert.match(core ?? '', /@pcscf\.ims\.example:5060;lr$/);
  });

  test('is answered in the name that was called, with the ICID it came with', async () => {
    const bench = await new Bench().start();
    const alice = await bench.registered('alice');
    alice.handle = tx =>
      answer(
        tx,
        raw('P-Asserted-Identity', '<sip:president@example.org>'),
        set(PPreferredIdentity, nameAddr(parseUri('sip:president@example.org'))),
        raw('P-Charging-Vector', 'icid-value=forged'),
      );
    const ok = await bench.scscf.send(bench.towards(alice, 'INVITE'));
    assert.deepEqual(texts(ok.all(PAssertedIdentity)), [identitiesOf('alice')[0]]);
    assert.equal(ok.has(PPreferredIdentity), false);
    const { icid, origIoi, termIoi } = ok.get(PChargingVector)!;
    assert.deepEqual([icid, origIoi, termIoi], ['icid-1', 'elsewhere.example', home]);
  });

  test('tells nobody who calls where he withholds it (RFC 3325 §7)', async () => {
    const bench = await new Bench().start();
    const alice = await bench.registered('alice');
    await bench.scscf.send(bench.towards(alice, 'MESSAGE', set(Privacy, ['id'])));
    assert.equal(alice.last('MESSAGE').has(PAssertedIdentity), false);
    await bench.scscf.send(bench.towards(alice, 'MESSAGE', set(Privacy, ['none'])));
    assert.equal(alice.last('MESSAGE').has(PAssertedIdentity), true);
  });

  test('is 430 where the flow is gone, 404 where no flow is named, whatever its Request-URI', async () => {
    const bench = await new Bench().start();
    const alice = await bench.registered('alice', 'tcp');
    const towards = bench.towards(alice, 'MESSAGE');
    bench.sim.crash('alice');
    await bench.sim.run(1000);
    assert.equal((await bench.scscf.send(towards)).status, 430);
    const bare = nameAddr(parseUri(`sip:pcscf.${home}:5060;lr`));
    const forged = nameAddr(parseUri(`sip:YWxpY2U@pcscf.${home}:5060;lr`));
    for (const route of [bare, forged]) {
      const lost = await bench.scscf.send(bench.towards(alice, 'MESSAGE', set(Route, route)));
      assert.equal(lost.status, 404);
    }
  });

  test('ends as it was recorded: a UE that answers with another Record-Route changes nothing', async () => {
    const bench = await new Bench().start();
    const alice = await bench.registered('alice');
    const invite = bench.towards(alice, 'INVITE');
    const honest = await bench.scscf.send(invite);
    for (const edit of [
      set(RecordRoute, nameAddr(parseUri('sip:evil.example;lr'))),
      remove(RecordRoute),
    ]) {
      alice.handle = tx => answer(tx, edit);
      const ok = await bench.scscf.send(bench.towards(alice, 'INVITE'));
      assert.deepEqual(texts(ok.all(RecordRoute)), texts(honest.all(RecordRoute)));
    }
    const behind = nameAddr(parseUri('sip:pbx.example;lr'));
    alice.handle = tx => answer(tx, prepend(RecordRoute, behind));
    const ok = await bench.scscf.send(bench.towards(alice, 'INVITE'));
    const expected = ['sip:pbx.example;lr', ...texts(honest.all(RecordRoute))];
    assert.deepEqual(texts(ok.all(RecordRoute)), expected);
  });

  test('may go to the Contact instead, where UEs send from other ports than they listen on', async () => {
    const bench = await new Bench({ towardsUe: 'contact' }).start();
    const alice = await bench.phone('alice');
    const other = nameAddr(parseUri(`sip:alice@${bench.sim.addressOf('alice')}:7000`));
    await alice.register(set(Contact, other));
    await alice.endpoint.listen('udp', { host: bench.sim.addressOf('alice'), port: 7000 });
    const ports: number[] = [];
    alice.handle = tx => {
      ports.push(tx.flow.local.port);
      tx.reply(200);
    };
    await bench.scscf.send(bench.towards(alice, 'MESSAGE', requestUri(other.uri)));
    assert.deepEqual(ports, [7000]);
  });
});

for (const transport of ['udp', 'tls', 'ws'] as readonly Transport[]) {
  test(`a dialog over ${transport} goes on in both directions, and its ACK comes through`, async () => {
    const bench = await new Bench().start();
    const alice = await bench.registered('alice', transport, 6);
    const { invite, ok } = await calling(bench, alice);
    const sequence = set(CSeq, { sequence: 1, method: 'ACK' });
    alice.endpoint.sendAck(within('ACK', invite, ok, sequence), alice.pcscf);
    await bench.sim.run(1000);
    assert.equal(bench.scscf.of('ACK').length, 1);
    const bye = await alice.ask(within('BYE', invite, ok, raw('P-Asserted-Identity', `<${bob}>`)));
    assert.equal(bye.status, 200);
    const seen = bench.scscf.last('BYE');
    assert.deepEqual(texts(seen.all(Route)), texts([scscf]));
    assert.equal(seen.has(PAssertedIdentity), false);

    const received = bench.scscf.last('INVITE');
    const update = back('UPDATE', received, set(PChargingVector, { icid: 'x' }));
    assert.equal((await bench.scscf.send(update)).status, 200);
    assert.equal(alice.last('UPDATE').has(PChargingVector), false);
    assert.equal(alice.last('UPDATE').has(Route), false);
  });
}

describe('never an open relay: in-dialog requests of UEs', () => {
  const other = (uri: string) => [set(Route, nameAddr(parseUri(uri)))];

  test('need a registration over their flow', async () => {
    const bench = await new Bench().start();
    const alice = await bench.registered('alice');
    const { invite, ok } = await calling(bench, alice);
    const mallory = await bench.phone('mallory');
    assert.equal((await mallory.ask(within('BYE', invite, ok))).status, 403);
    assert.equal(bench.scscf.of('BYE').length, 0);
  });

  test("need a dialog of their own user: another's token is worth nothing", async () => {
    const bench = await new Bench().start();
    const alice = await bench.registered('alice');
    const { invite, ok } = await calling(bench, alice);
    const mallory = await bench.registered('mallory');
    assert.equal((await mallory.ask(within('BYE', invite, ok))).status, 403);
    assert.match(bench.decisions('dialog').at(-1)!.because, /not registered over this flow/);
    mallory.endpoint.sendAck(within('ACK', invite, ok), mallory.pcscf);
    await bench.sim.run(1000);
    assert.equal(bench.scscf.of('ACK').length + bench.scscf.of('BYE').length, 0);
  });

  for (const [what, uri] of [
    ['elsewhere', 'sip:evil.example;lr'],
    ['to the I-CSCF, past the services of the caller', `sip:icscf.${home}:4060;lr`],
    ['to the application server', `sip:as.${home}:5090;lr`],
    ['to another port of the S-CSCF', `sip:scscf.${home}:9999;lr`],
    ['to another UE', 'sip:10.0.0.77:5060;lr'],
  ] as const) {
    test(`may not lead ${what}`, async () => {
      const bench = await new Bench().start();
      const alice = await bench.registered('alice');
      const { invite, ok } = await calling(bench, alice);
      const [ue, core] = [...ok.all(RecordRoute)].reverse();
      const route = set(Route, ue!, core!, nameAddr(parseUri(uri)));
      const before = bench.icscf.received.length;
      for (const method of ['INVITE', 'MESSAGE', 'BYE']) {
        assert.equal((await alice.ask(within(method, invite, ok, route))).status, 403, method);
      }
      assert.equal(bench.icscf.received.length, before);
      assert.equal(bench.scscf.of('BYE').length, 0);
    });
  }

  test('need our signed Route: one made up, or none, is 403', async () => {
    const bench = await new Bench().start();
    const alice = await bench.registered('alice');
    const { invite, ok } = await calling(bench, alice);
    for (const edits of [
      other(`sip:scscf.${home}:6060;lr`),
      other(`sip:AAAAAAAAAAAAAAAAAAAAAAAA@pcscf.${home}:5060;lr`),
      [remove(Route)],
    ]) {
      assert.equal((await alice.ask(within('BYE', invite, ok, ...edits))).status, 403);
    }
    assert.equal(bench.scscf.of('BYE').length, 0);
  });

  test('are not the place for headers that cannot be read: 400', async () => {
    const bench = await new Bench().start();
    const alice = await bench.registered('alice');
    const { invite, ok } = await calling(bench, alice);
    assert.equal((await alice.ask(within('BYE', invite, ok, raw('Route', '<<')))).status, 400);
    assert.equal((await alice.ask(within('BYE', invite, ok, set(MaxForwards, 0)))).status, 483);
  });
});

describe('a dialog outlives', () => {
  test('a restart of the P-CSCF, over UDP', async () => {
    const bench = await new Bench().start();
    const alice = await bench.registered('alice');
    const { invite, ok } = await calling(bench, alice);
    const received = bench.scscf.last('INVITE');
    await bench.restart();
    assert.equal((await alice.ask(within('INFO', invite, ok))).status, 200);
    assert.equal((await bench.scscf.send(back('BYE', received))).status, 200);
  });

  test('a restart and a connection: the UE that registers anew has its dialogs still', async () => {
    const bench = await new Bench().start();
    const alice = await bench.registered('alice', 'tcp');
    const { invite, ok } = await calling(bench, alice);
    const received = bench.scscf.last('INVITE');
    await bench.restart();
    assert.equal((await bench.scscf.send(back('INFO', received))).status, 430);
    bench.scscf.handle = tx => answer(tx);
    assert.equal((await alice.register()).status, 200);
    assert.equal((await bench.scscf.send(back('UPDATE', received))).status, 200);
    assert.equal(alice.of('UPDATE').length, 1);
    assert.equal((await alice.ask(within('BYE', invite, ok))).status, 200);
  });

  test('a change of address: what the core sends follows the registration', async () => {
    const bench = await new Bench().start();
    const alice = await bench.registered('alice', 'tcp');
    await calling(bench, alice);
    const received = bench.scscf.last('INVITE');
    const [flow] = alice.endpoint.flows().filter(({ protocol }) => protocol === 'tcp');
    alice.endpoint.closeFlow(flow!, 'moved');
    await bench.sim.run(1000);
    assert.equal((await alice.register()).status, 200);
    assert.equal((await bench.scscf.send(back('BYE', received))).status, 200);
  });
});

test('a SUBSCRIBE whose notifier is the S-CSCF itself is refreshed there', async () => {
  const bench = await new Bench().start();
  const alice = await bench.registered('alice');
  const notifier = set(Contact, nameAddr(parseUri(`sip:reg-1@scscf.${home}:6060`)));
  bench.scscf.handle = tx => answer(tx, notifier);
  const subscribe = alice.initial('SUBSCRIBE', identitiesOf('alice')[0]!);
  const ok = await alice.ask(subscribe);
  assert.equal((await alice.ask(within('SUBSCRIBE', subscribe, ok))).status, 200);
  assert.equal(bench.scscf.of('SUBSCRIBE').length, 2);
});
