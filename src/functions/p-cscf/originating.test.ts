import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  Contact,
  From,
  MaxForwards,
  nameAddr,
  PAccessNetworkInfo,
  PAssertedIdentity,
  PChargingVector,
  PPreferredIdentity,
  Privacy,
  RecordRoute,
  Route,
  To,
} from '#sip/headers';
import { raw, remove, set } from '#sip/message';
import { parseUri, uriText } from '#sip/uri';
import { answer, Bench, home, identitiesOf, serviceRoute, texts } from './testing/bench.ts';

const bob = `sip:bob@${home}`;
const [aliceSip, aliceTel] = identitiesOf('alice');
const preferred = (uri: string) => set(PPreferredIdentity, nameAddr(parseUri(uri)));

describe('who calls (TS 24.229 §5.2.6.3.2A)', () => {
  for (const [what, edits, expected] of [
    ['nothing is claimed', [], aliceSip],
    ['another identity of his is preferred', [preferred(aliceTel!)], aliceTel],
    ["another's identity is preferred", [preferred(bob)], aliceSip],
    [
      "another's identity stands in From",
      [set(From, nameAddr(parseUri(bob), { tag: 'x' }))],
      aliceSip,
    ],
    ["another's identity is asserted", [raw('P-Asserted-Identity', `<${bob}>`)], aliceSip],
    ['he is another in lower case letters', [raw('p-asserted-identity', `<${bob}>`)], aliceSip],
  ] as const) {
    test(`is ${expected} where ${what}`, async () => {
      const bench = await new Bench().start();
      const alice = await bench.registered('alice');
      assert.equal((await alice.ask(alice.initial('INVITE', bob, ...edits))).status, 200);
      const seen = bench.scscf.last('INVITE');
      assert.deepEqual(texts(seen.all(PAssertedIdentity)), [expected]);
      assert.equal(seen.has(PPreferredIdentity), false);
    });
  }

  test('is nobody where nobody is registered over the flow: 403', async () => {
    const bench = await new Bench().start();
    await bench.registered('alice');
    const mallory = await bench.phone('mallory');
    const claim = preferred(aliceSip!);
    assert.equal((await mallory.ask(mallory.initial('INVITE', bob, claim))).status, 403);
    assert.equal((await mallory.ask(mallory.initial('MESSAGE', bob, claim))).status, 403);
    assert.equal(bench.scscf.received.length + bench.icscf.of('INVITE').length, 0);
    assert.match(bench.decisions('identity').at(-1)!.because, /nobody is registered/);
  });

  test('is nobody once the registration has lapsed, swept or not', async () => {
    const bench = await new Bench().start();
    const alice = await bench.registered('alice');
    await bench.sim.run(3_600_000 + 1_000);
    assert.equal((await alice.ask(alice.initial('INVITE', bob))).status, 403);
  });
});

describe('the way of a request', () => {
  test('is the Service-Route, with an ICID of ours and two entries of Record-Route (RFC 5658)', async () => {
    const bench = await new Bench().start();
    const alice = await bench.registered('alice', 'tcp');
    await alice.ask(alice.initial('INVITE', bob, raw('P-Charging-Vector', 'icid-value=mine')));
    const seen = bench.scscf.last('INVITE');
    assert.deepEqual(texts(seen.all(Route)), [serviceRoute]);
    assert.match(seen.get(PChargingVector)?.icid ?? '', /^[0-9a-f]{24}\.pcscf\.ims\.example$/);
    assert.equal(seen.get(PChargingVector)?.origIoi, home);
    const [core, ue, ...others] = texts(seen.all(RecordRoute));
    assert.match(core ?? '', /^sip:([A-Za-z0-9_-]+)@pcscf\.ims\.example:5060;lr$/);
    const address = bench.sim.addressOf('p-cscf');
    assert.match(ue ?? '', new RegExp(`^sip:[A-Za-z0-9_-]+@${address}:5060;transport=tcp;lr$`));
    assert.deepEqual(others, []);
  });

  test('two requests have two ICIDs', async () => {
    const bench = await new Bench().start();
    const alice = await bench.registered('alice');
    for (let n = 0; n < 2; n++) await alice.ask(alice.initial('MESSAGE', bob));
    const icids = bench.scscf.of('MESSAGE').map(each => each.get(PChargingVector)?.icid);
    assert.equal(new Set(icids).size, 2);
    assert.equal(bench.scscf.last('MESSAGE').has(RecordRoute), false);
  });

  for (const [what, route] of [
    ['another', ['sip:evil.example;lr']],
    ['one more', [serviceRoute, 'sip:evil.example;lr']],
    ['none', []],
    ['one straight to the I-CSCF', [`sip:icscf.${home}:4060;lr`]],
  ] as const) {
    const edit = () => set(Route, ...route.map(each => nameAddr(parseUri(each))));
    test(`is the Service-Route where the UE gives ${what}`, async () => {
      const bench = await new Bench().start();
      const alice = await bench.registered('alice');
      assert.equal((await alice.ask(alice.initial('INVITE', bob, edit()))).status, 200);
      assert.deepEqual(texts(bench.scscf.last('INVITE').all(Route)), [serviceRoute]);
      assert.match(bench.decisions('route')[0]!.because, /replaced/);
    });

    test(`is refused with 400 by strictRoute where the UE gives ${what}`, async () => {
      const bench = await new Bench({ strictRoute: true }).start();
      const alice = await bench.registered('alice');
      assert.equal((await alice.ask(alice.initial('INVITE', bob, edit()))).status, 400);
      assert.equal((await alice.ask(alice.initial('INVITE', bob))).status, 200);
      assert.equal(bench.scscf.of('INVITE').length, 1);
    });
  }

  test("the P-CSCF's own URI before the Service-Route is taken off, also where routing is strict", async () => {
    const bench = await new Bench({ strictRoute: true }).start();
    const alice = await bench.registered('alice');
    const own = nameAddr(parseUri(`sip:${bench.sim.addressOf('p-cscf')};lr`));
    const route = set(Route, own, nameAddr(parseUri(serviceRoute)));
    assert.equal((await alice.ask(alice.initial('INVITE', bob, route))).status, 200);
  });

  test('a loop, too many hops and a Proxy-Require of others end it', async () => {
    const bench = await new Bench().start();
    const alice = await bench.registered('alice');
    for (const [edit, status] of [
      [set(MaxForwards, 0), 483],
      [raw('Proxy-Require', 'nothing-we-know'), 420],
    ] as const) {
      assert.equal((await alice.ask(alice.initial('INVITE', bob, edit))).status, status);
    }
  });

  for (const [what, away] of [
    ['cannot be reached', (bench: Bench) => bench.sim.crash('s-cscf')],
    ['says nothing at all', (bench: Bench) => bench.hang()],
  ] as const) {
    test(`is 504 where the S-CSCF ${what}: the UE is to register anew (TS 23.380)`, async () => {
      const bench = await new Bench().start();
      const alice = await bench.registered('alice');
      away(bench);
      for (const method of ['INVITE', 'MESSAGE']) {
        const asked = bench.sim.now();
        const told = await alice.ask(alice.initial(method, bob));
        assert.equal(told.status, 504, method);
        assert.match(Buffer.from(told.body).toString(), /<action>initial-registration<\/action>/);
        assert.ok(bench.sim.now() - asked <= 10_100);
      }
    });
  }

  test('is not 504 where the S-CSCF rings and then falls silent: that is an end like others', async () => {
    const bench = await new Bench().start();
    const alice = await bench.registered('alice');
    bench.scscf.handle = tx => {
      tx.reply(180);
      bench.sim.after(20_000, () => bench.sim.crash('s-cscf'));
    };
    const told = await alice.ask(alice.initial('INVITE', bob));
    assert.equal(told.body.length, 0);
  });
});

describe('the answer', () => {
  test('holds nothing of the network, and no callee who withholds his identity', async () => {
    const bench = await new Bench().start();
    const alice = await bench.registered('alice');
    const callee = set(PAssertedIdentity, nameAddr(parseUri(bob)));
    bench.scscf.handle = tx =>
      answer(
        tx,
        callee,
        set(PChargingVector, { icid: 'x' }),
        raw('P-Access-Network-Info', 'IEEE-802.11'),
      );
    const ok = await alice.ask(alice.initial('INVITE', bob));
    assert.deepEqual(texts(ok.all(PAssertedIdentity)), [bob]);
    assert.equal(ok.has(PChargingVector) || ok.has(PAccessNetworkInfo), false);
    bench.scscf.handle = tx => answer(tx, callee, set(Privacy, ['id']));
    assert.equal((await alice.ask(alice.initial('INVITE', bob))).has(PAssertedIdentity), false);
  });
});

describe('a call for help, in a network without E-CSCF (§5.2.10)', () => {
  for (const uri of [
    'urn:service:sos',
    'URN:service:sos.fire',
    'tel:112;phone-context=ims.example',
    `sip:911@${home};user=phone`,
    `sip:1-1-2@${home}`,
  ]) {
    test(`${uri} is 380 with the alternative, registered or not`, async () => {
      const bench = await new Bench().start();
      for (const phone of [await bench.registered('alice'), await bench.phone('bob')]) {
        const told = await phone.ask(phone.initial('INVITE', uri));
        assert.equal(told.status, 380);
        assert.match(Buffer.from(told.body).toString(), /<type>emergency<\/type>/);
        assert.equal(uriText(told.get(Contact)!.uri), 'urn:service:sos');
        assert.equal(texts(told.all(PAssertedIdentity))[0], `sip:pcscf.${home}:5060`);
      }
      assert.equal(bench.scscf.received.length, 0);
    });
  }

  for (const uri of ['urn:service:sosa', `sip:1120@${home}`, 'tel:+1911']) {
    test(`${uri} is a request like any other`, async () => {
      const bench = await new Bench().start();
      const alice = await bench.registered('alice');
      assert.equal((await alice.ask(alice.initial('INVITE', uri))).status, 200);
    });
  }
});

describe('OPTIONS to the P-CSCF itself', () => {
  test('is answered to anybody, and goes nowhere', async () => {
    const bench = await new Bench().start();
    const stranger = await bench.phone('stranger');
    const own = `sip:${bench.sim.addressOf('p-cscf')}`;
    const ok = await stranger.ask(stranger.initial('OPTIONS', own, remove(Route)));
    assert.equal(ok.status, 200);
    assert.ok(ok.raw('Allow').join().includes('INVITE'));
    const fromCore = stranger.initial('OPTIONS', `sip:pcscf.${home}`, remove(Route));
    assert.equal((await bench.scscf.send(fromCore)).status, 200);
    assert.equal(bench.icscf.received.length + bench.scscf.received.length, 0);
  });

  test('to somebody else needs a registration', async () => {
    const bench = await new Bench().start();
    const stranger = await bench.phone('stranger');
    assert.equal((await stranger.ask(stranger.initial('OPTIONS', bob))).status, 403);
    const alice = await bench.registered('alice');
    assert.equal((await alice.ask(alice.initial('OPTIONS', bob))).status, 200);
    assert.equal(bench.scscf.of('OPTIONS').length, 1);
  });
});

describe('hostile requests on Gm', () => {
  for (const [what, ...edits] of [
    ['P-Preferred-Identity that is no address', raw('P-Preferred-Identity', '<<<>>>')],
    ['a Route that is no URI', raw('Route', '<sip:>')],
    ['two From', raw('From', '<sip:a@b>;tag=1, <sip:b@b>;tag=2')],
    ['a Contact of nonsense', raw('Contact', '"')],
    ['a To of nonsense', raw('To', 'sip')],
  ] as const) {
    test(`${what}: 400, and the P-CSCF goes on`, async () => {
      const bench = await new Bench().start();
      const alice = await bench.registered('alice');
      const { status } = await alice.ask(alice.initial('INVITE', bob, ...edits));
      assert.equal(status, 400);
      assert.equal((await alice.ask(alice.initial('INVITE', bob))).status, 200);
      assert.deepEqual(
        bench.sim.logs.filter(({ level }) => level === 'error'),
        [],
      );
    });
  }

  test('what a gateway sends may name five identities or fifty; the first of his own counts', async () => {
    const bench = await new Bench().start();
    const alice = await bench.registered('alice');
    const many = Array.from({ length: 50 }, (_, n) => nameAddr(parseUri(`sip:user${n}@${home}`)));
    const edit = set(PPreferredIdentity, ...many, nameAddr(parseUri(aliceTel!)));
    await alice.ask(alice.initial('MESSAGE', bob, edit, set(To, nameAddr(parseUri(bob)))));
    assert.deepEqual(texts(bench.scscf.last('MESSAGE').all(PAssertedIdentity)), [aliceTel]);
  });
});
