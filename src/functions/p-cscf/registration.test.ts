import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hours, seconds } from '#kernel/time';
import {
  Contact,
  ContactStar,
  Expires,
  FlowTimer,
  nameAddr,
  PAssertedIdentity,
  PAssociatedUri,
  Path,
  PChargingFunctionAddresses,
  PChargingVector,
  PVisitedNetworkId,
  Require,
  RetryAfter,
  Route,
  Supported,
  To,
  WwwAuthenticate,
} from '#sip/headers';
import { raw, set } from '#sip/message';
import { parseUri, uriText } from '#sip/uri';
import {
  Bench,
  digest,
  home,
  identitiesOf,
  marksOf,
  type Phone,
  type Transport,
  texts,
} from './testing/bench.ts';

const bindingOf = (bench: Bench, phone: Phone) =>
  bench.pcscf.bindings.ofImpi(`${phone.name}@${home}`);
const storedOf = (bench: Bench) =>
  bench.sim.settle(() => bench.sim.host('p-cscf').store.scan('binding'));
/** Seconds that a binding has left, as good as the links are fast. */
const leftOf = (bench: Bench, phone: Phone): number =>
  Math.round(((bindingOf(bench, phone)[0]?.expires ?? 0) - bench.sim.now()) / 1000);
describe('a REGISTER on its way to the home network', () => {
  test('says where it came by, and what the P-CSCF vouches for (§5.2.2.1)', async () => {
    const bench = await new Bench({ visitedNetwork: 'visited.example' }).start();
    await bench.registered('alice');
    const seen = bench.icscf.last('REGISTER');
    const [path, ...others] = texts(seen.all(Path));
    assert.match(path ?? '', /^sip:[A-Za-z0-9_-]+@pcscf\.ims\.example:5060;lr$/);
    assert.deepEqual(others, []);
    assert.deepEqual(seen.all(Require), ['path']);
    assert.equal(seen.get(PVisitedNetworkId)?.network, 'visited.example');
    const vector = seen.get(PChargingVector);
    assert.match(vector?.icid ?? '', /^[0-9a-f]{24}\.pcscf\.ims\.example$/);
    assert.equal(vector?.origIoi, 'visited.example');
    assert.equal(seen.has(Route), false);
  });

  test('carries nothing that only the network may say, and no way of its own', async () => {
    const bench = await new Bench().start();
    const mallory = await bench.phone('mallory');
    await mallory.register(
      set(Path, nameAddr(parseUri('sip:mallory@evil.example;lr'))),
      set(Require, 'path'),
      set(Route, nameAddr(parseUri('sip:evil.example;lr'))),
      raw('p-visited-network-id', 'elsewhere.example'),
      raw('P-Charging-Vector', 'icid-value=mine'),
      raw('P-Asserted-Identity', '<sip:alice@ims.example>'),
      raw('Service-Route', '<sip:evil.example;lr>'),
    );
    const seen = bench.icscf.last('REGISTER');
    assert.equal(seen.all(Path).length, 1);
    assert.deepEqual(seen.all(Require), ['path']);
    assert.equal(seen.get(PVisitedNetworkId)?.network, home);
    assert.notEqual(seen.get(PChargingVector)?.icid, 'mine');
    for (const header of [Route, PAssertedIdentity]) assert.equal(seen.has(header), false);
    assert.equal(seen.has('Service-Route'), false);
    assert.match(bench.decisions('trust')[0]?.chose ?? '', /Path/);
  });

  test('tells the registrar by `ob` that the flow of an outbound UE is kept (RFC 5626 §5.1)', async () => {
    const bench = await new Bench().start();
    const alice = await bench.phone('alice');
    const contact = nameAddr(parseUri(alice.contact), {
      'reg-id': '1',
      '+sip.instance': '"<urn:uuid:1>"',
    });
    await alice.register(set(Contact, contact), set(Supported, 'path', 'outbound'));
    assert.match(texts([bench.pathOf(alice)])[0] ?? '', /;ob/);
    const plain = await alice.register(set(Contact, contact));
    assert.doesNotMatch(texts([bench.pathOf(alice)])[0] ?? '', /;ob/);
    assert.equal(plain.get(FlowTimer), undefined);
  });

  for (const [transport, every] of [
    ['udp', 30],
    ['tcp', 120],
  ] as const) {
    test(`tells a UE whose flow over ${transport} is kept to be heard of every ${every} s`, async () => {
      const bench = await new Bench().start();
      const alice = await bench.phone('alice', transport);
      bench.icscf.handle = tx => {
        bench.serve(tx, set(Require, 'outbound'));
      };
      const ok = await alice.register();
      assert.equal(ok.get(FlowTimer), every); // RFC 5626 §5.4
    });
  }

  test('says nothing of flows where the registrar does not', async () => {
    const bench = await new Bench().start();
    const ok = await (await bench.phone('alice')).register();
    assert.equal(ok.get(FlowTimer), undefined);
  });
});

describe('what comes back to the UE', () => {
  test('holds neither CK and IK, nor charging, nor the Path', async () => {
    const bench = await new Bench().start();
    const alice = await bench.phone('alice');
    bench.icscf.handle = tx =>
      tx.reply(
        401,
        set(WwwAuthenticate, {
          scheme: 'Digest',
          params: new Map([
            ['realm', home],
            ['nonce', 'bm9uY2U='],
            ['algorithm', 'AKAv1-MD5'],
            ['ck', '00112233445566778899aabbccddeeff'],
            ['ik', 'ffeeddccbbaa99887766554433221100'],
          ]),
        }),
        set(PChargingVector, { icid: 'x' }),
      );
    const challenge = await alice.register();
    const params = challenge.get(WwwAuthenticate)?.params;
    assert.equal(params?.get('nonce'), 'bm9uY2U=');
    assert.equal(params?.has('ck') || params?.has('ik'), false);
    assert.equal(challenge.has(PChargingVector), false);

    bench.icscf.handle = tx =>
      bench.serve(
        tx,
        set(PChargingFunctionAddresses, { ccf: ['ccf.ims.example'], ecf: [] }),
        set(PChargingVector, { icid: 'x' }),
      );
    const ok = await alice.register();
    assert.equal(ok.status, 200);
    assert.deepEqual(texts(ok.all(PAssociatedUri)), [...identitiesOf('alice')]);
    for (const header of [PChargingVector, PChargingFunctionAddresses, Path]) {
      assert.equal(ok.has(header), false, header.name);
    }
  });

  test('is promised only when it would survive the process', async () => {
    const bench = await new Bench().start();
    const alice = await bench.phone('alice');
    bench.sim.store('p-cscf').delay = seconds(5);
    const asked = bench.sim.now();
    assert.equal((await alice.register()).status, 200);
    assert.ok(bench.sim.now() - asked >= seconds(5));
    await bench.restart();
    assert.equal(bindingOf(bench, alice).length, 1);
  });

  test('is 500 where the binding cannot be kept, and nothing is kept', async () => {
    const bench = await new Bench().start();
    const alice = await bench.phone('alice');
    bench.sim.store('p-cscf').down = true;
    assert.equal((await alice.register()).status, 500);
    assert.equal(bench.pcscf.bindings.size, 0);
  });

  test('is 504 where the home network is silent', async () => {
    const bench = await new Bench().start();
    const alice = await bench.phone('alice');
    bench.icscf.handle = () => {};
    const asked = bench.sim.now();
    assert.equal((await alice.register()).status, 504);
    assert.ok(bench.sim.now() - asked <= seconds(11));
  });
});

describe('a binding', () => {
  test('is of the contact, the identities and the Service-Route of the 200', async () => {
    const bench = await new Bench().start();
    const alice = await bench.registered('alice');
    const [binding] = bindingOf(bench, alice);
    assert.deepEqual(
      { contact: binding?.contact, impus: binding?.impus, route: binding?.serviceRoute },
      {
        contact: alice.contact,
        impus: identitiesOf('alice'),
        route: [`<sip:orig@scscf.${home}:6060;lr>`],
      },
    );
    assert.equal(leftOf(bench, alice), 3600);
  });

  test('of a refused registration is none, and a refused renewal takes nothing away', async () => {
    const bench = await new Bench().start();
    const alice = await bench.registered('alice');
    bench.icscf.handle = tx => tx.reply(403);
    assert.equal((await alice.register()).status, 403);
    assert.equal(bindingOf(bench, alice).length, 1);
    const mallory = await bench.phone('mallory');
    assert.equal((await mallory.register()).status, 403);
    assert.equal(bench.pcscf.bindings.size, 1);
  });

  test('whose contact the 200 writes in other words is the same one', async () => {
    const bench = await new Bench().start();
    const alice = await bench.phone('alice');
    bench.icscf.handle = tx =>
      bench.serve(tx, set(Contact, nameAddr(parseUri(`${alice.contact};x=1`), { expires: '60' })));
    await alice.register();
    assert.equal(leftOf(bench, alice), 60);
  });

  test('ends with Expires: 0, and with Contact: *', async () => {
    const bench = await new Bench().start();
    const alice = await bench.registered('alice');
    assert.equal((await alice.register(set(Expires, 0))).status, 200);
    assert.equal(bench.pcscf.bindings.size, 0);
    await alice.register();
    assert.equal(bench.pcscf.bindings.size, 1);
    await alice.register(set(Expires, 0), set(Contact, ContactStar));
    assert.equal(bench.pcscf.bindings.size, 0);
    assert.deepEqual(await storedOf(bench), []);
  });

  test("that a later 200 lists no more is gone: its address may be somebody else's now", async () => {
    const bench = await new Bench().start();
    const alice = await bench.registered('alice');
    const moved = nameAddr(parseUri('sip:alice@10.9.9.9:5060'));
    await alice.register(set(Contact, moved));
    assert.deepEqual(
      bindingOf(bench, alice).map(({ contact }) => contact),
      ['sip:alice@10.9.9.9:5060'],
    );
  });

  test('of a barred identity ends with it, though the 200 associates nothing', async () => {
    const bench = await new Bench().start();
    const alice = await bench.registered('alice');
    bench.icscf.handle = tx => tx.reply(200);
    const barred = set(To, nameAddr(parseUri('sip:001010000000001@ims.example')));
    await alice.register(digest('alice'), barred, set(Expires, 0));
    assert.equal(bench.pcscf.bindings.size, 0);
  });

  test('lapses, and is swept out of memory and store', async () => {
    const bench = await new Bench().start();
    await bench.registered('alice');
    await bench.sim.run(seconds(3700));
    assert.equal(bench.pcscf.bindings.size, 0);
    assert.deepEqual(await storedOf(bench), []);
  });

  test('has its bound: whoever is one too many is told when to come again; others renew', async () => {
    const bench = await new Bench({ bindings: 1 }).start();
    const alice = await bench.registered('alice');
    const bob = await bench.phone('bob');
    const refused = await bob.register();
    assert.equal(refused.status, 503);
    assert.ok((refused.get(RetryAfter)?.seconds ?? 0) > 0);
    assert.equal(bench.icscf.of('REGISTER').length, 1);
    assert.equal((await alice.register()).status, 200);
    assert.equal((await alice.register(set(Expires, 0))).status, 200);
    assert.equal((await bob.register()).status, 200);
  });
});

for (const [transport, family] of [
  ['udp', 4],
  ['tcp', 4],
  ['tls', 4],
  ['ws', 4],
  ['wss', 4],
  ['udp', 6],
  ['tcp', 6],
  ['tls', 6],
  ['ws', 6],
] as readonly (readonly [Transport, 4 | 6])[]) {
  test(`over ${transport} and IPv${family} a phone registers, is called and calls`, async () => {
    const bench = await new Bench().start();
    const alice = await bench.registered('alice', transport, family);
    assert.equal((await bench.scscf.send(bench.towards(alice, 'MESSAGE'))).status, 200);
    assert.equal(uriText(alice.last('MESSAGE').uri), alice.contact);
    assert.equal((await alice.ask(alice.initial('MESSAGE', `sip:bob@${home}`))).status, 200);
    assert.match(bindingOf(bench, alice)[0]!.flow, new RegExp(`^${transport}\\|`));
  });
}

test('after a restart UDP flows lead to their UEs as before; the same REGISTER renews', async () => {
  const bench = await new Bench().start();
  const alice = await bench.registered('alice');
  await bench.sim.run(hours(0.5));
  await bench.restart();
  assert.equal((await bench.scscf.send(bench.towards(alice, 'MESSAGE'))).status, 200);
  assert.equal((await alice.ask(alice.initial('MESSAGE', `sip:bob@${home}`))).status, 200);
  await alice.register(digest('alice'));
  assert.equal(marksOf(bench).at(-1), 'ip-assoc-yes');
});

test('after a restart nobody speaks over a connection that died with the former process', async () => {
  const bench = await new Bench().start();
  const alice = await bench.registered('alice', 'tls');
  await bench.restart();
  assert.equal(bench.pcscf.bindings.size, 0);
  assert.equal((await alice.ask(alice.initial('MESSAGE', `sip:bob@${home}`))).status, 403);
  await alice.register(digest('alice'));
  assert.equal(marksOf(bench).at(-1), 'tls-pending');
});

test('several subscribers behind one flow are told apart, and leave one by one', async () => {
  const bench = await new Bench().start();
  const gateway = await bench.phone('gateway');
  const as = (name: string) => [
    set(To, nameAddr(parseUri(identitiesOf(name)[0]!))),
    set(Contact, nameAddr(parseUri(`sip:${name}@10.0.0.9:5060`))),
    digest(name),
  ];
  for (const name of ['alice', 'bob']) await gateway.register(...as(name));
  const call = (name: string) =>
    gateway.ask(
      gateway.initial(
        'MESSAGE',
        `sip:carol@${home}`,
        raw('P-Preferred-Identity', `<${identitiesOf(name)[0]}>`),
      ),
    );
  for (const name of ['alice', 'bob']) {
    assert.equal((await call(name)).status, 200);
    assert.equal(
      texts(bench.scscf.last('MESSAGE').all(PAssertedIdentity))[0],
      identitiesOf(name)[0],
    );
  }
  assert.equal((await call('carol')).status, 403);
  await gateway.register(...as('alice'), set(Expires, 0));
  assert.equal((await call('bob')).status, 200);
  // one is left, so whatever is claimed, it is he who speaks
  await call('alice');
  assert.equal(
    texts(bench.scscf.last('MESSAGE').all(PAssertedIdentity))[0],
    identitiesOf('bob')[0],
  );
});
