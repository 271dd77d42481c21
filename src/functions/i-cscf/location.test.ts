import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seconds } from '#kernel/time';
import {
  nameAddr,
  PAssertedIdentity,
  PServedUser,
  RecordRoute,
  RetryAfter,
  Route,
} from '#sip/headers';
import { raw, set } from '#sip/message';
import { parseUri, uriText } from '#sip/uri';
import { Bench, home, routeTo, scscfUri } from './testing/bench.ts';

const bob = `sip:bob@${home}`;
const routesOf = (message: {
  all(def: typeof Route): readonly { uri: Parameters<typeof uriText>[0] }[];
}) => message.all(Route).map(({ uri }) => uriText(uri));

describe('who is looked for (TS 24.229 §5.3.2.1)', () => {
  for (const [uri, impu] of [
    [bob, bob],
    [`sip:bob@${home};transport=tcp`, bob],
    ['tel:+1-555-010-0002', 'tel:+15550100002'],
    [`sip:+15550100002@${home};user=phone`, 'tel:+15550100002'],
    [`sip:+15550100002;npdi@${home};user=phone`, 'tel:+15550100002'],
    [`sip:+15550100002@${home}`, `sip:+15550100002@${home}`],
    [`sip:conference@${home}`, `sip:conference@${home}`],
  ] as const) {
    test(`${uri} is ${impu}`, async () => {
      const bench = await new Bench().start();
      assert.equal((await bench.send(bench.initial('INVITE', uri))).status, 200);
      const { impu: asked, originating, type } = bench.lirs[0]!;
      assert.deepEqual([asked, originating, type], [impu, undefined, undefined]);
      const seen = bench.scscf().last('INVITE');
      assert.equal(uriText(seen.uri), uri); // the S-CSCF makes of it what it will
      assert.deepEqual(routesOf(seen), [`${scscfUri()};lr`]);
      assert.equal(seen.has(RecordRoute), false);
    });
  }
});

describe('an answer of the HSS', () => {
  for (const [result, status] of [
    ['DIAMETER_ERROR_USER_UNKNOWN', 404],
    ['DIAMETER_ERROR_IDENTITY_NOT_REGISTERED', 480],
    ['DIAMETER_UNABLE_TO_COMPLY', 480],
    ['DIAMETER_TOO_BUSY', 503],
  ] as const) {
    test(`${result} is ${status}`, async () => {
      const bench = await new Bench().start();
      bench.onLir = () => ({ result });
      const refused = await bench.send(bench.initial('INVITE', bob));
      assert.equal(refused.status, status);
      assert.equal(refused.has(RetryAfter), status === 503);
      assert.equal(bench.scscf().received.length, 0);
    });
  }

  test('that comes from nobody is 504', async () => {
    const bench = await new Bench().start({ hss: false });
    assert.equal((await bench.send(bench.initial('MESSAGE', bob))).status, 504);
  });

  test('that names no server has one chosen by capabilities, for services of the unregistered', async () => {
    const sCscfs = [
      { uri: scscfUri(), capabilities: [] },
      { uri: scscfUri('able'), capabilities: [3] },
    ];
    const bench = await new Bench({ sCscfs }).start();
    const able = bench.scscf('able');
    const capabilities = { mandatory: [3], optional: [], servers: [] };
    bench.onLir = () => ({ result: 'DIAMETER_UNREGISTERED_SERVICE', capabilities });
    assert.equal((await bench.send(bench.initial('INVITE', bob))).status, 200);
    assert.deepEqual(routesOf(able.last('INVITE')), [`${scscfUri('able')};lr`]);
  });

  test('that names the application server of a service identity has it reached directly', async () => {
    const bench = await new Bench().start();
    const as = bench.scscf('as');
    bench.onLir = () => ({
      result: 'DIAMETER_SUCCESS',
      server: `sip:echo@as.${home}:5090`,
      flags: 1,
    });
    assert.equal((await bench.send(bench.initial('INVITE', `sip:echo@${home}`))).status, 200);
    assert.deepEqual(routesOf(as.last('INVITE')), [`sip:echo@as.${home}:5090;lr`]);
    bench.sim.crash('as');
    assert.equal((await bench.send(bench.initial('INVITE', `sip:echo@${home}`))).status, 504);
    assert.equal(bench.scscf().received.length, 0);
  });

  test('that matched a wildcarded identity is passed on in P-Profile-Key (RFC 5002)', async () => {
    const bench = await new Bench().start();
    const wildcardedImpu = `sip:conf!.*!@${home}`;
    bench.onLir = () => ({ result: 'DIAMETER_SUCCESS', server: scscfUri(), wildcardedImpu });
    await bench.send(bench.initial('INVITE', `sip:conf7@${home}`));
    assert.deepEqual(bench.scscf().last('INVITE').raw('P-Profile-Key'), [`<${wildcardedImpu}>`]);
  });
});

describe('a request in the name of a user, from an application server (§5.3.2.1A)', () => {
  const orig = routeTo(`sip:icscf.${home}:4060;lr;orig`);
  const alice = nameAddr(parseUri(`sip:alice@${home}`));

  for (const [what, edit] of [
    ['P-Served-User', set(PServedUser, alice)],
    ['P-Asserted-Identity', set(PAssertedIdentity, alice)],
  ] as const) {
    test(`goes to the S-CSCF of whom it names in ${what}, as originating`, async () => {
      const bench = await new Bench().start();
      assert.equal((await bench.send(bench.initial('INVITE', bob, orig, edit))).status, 200);
      const { impu, originating } = bench.lirs[0]!;
      assert.deepEqual([impu, originating], [`sip:alice@${home}`, 'ORIGINATING']);
      assert.deepEqual(routesOf(bench.scscf().last('INVITE')), [`${scscfUri()};lr;orig`]);
    });
  }

  test('is 403 where it names nobody', async () => {
    const bench = await new Bench().start();
    assert.equal((await bench.send(bench.initial('INVITE', bob, orig))).status, 403);
    assert.equal(bench.lirs.length, 0);
  });
});

describe('an S-CSCF that does not serve', () => {
  const sCscfs = ['scscf', 'second'].map(name => ({ uri: scscfUri(name), capabilities: [] }));
  const assigned = async (name = 'scscf'): Promise<Bench> => {
    const bench = new Bench({ sCscfs });
    bench.scscf('second');
    bench.hung('hung');
    bench.onLir = ({ type }) =>
      type === undefined
        ? { result: 'DIAMETER_SUCCESS', server: scscfUri(name) }
        : {
            result: 'DIAMETER_SUCCESS',
            capabilities: { mandatory: [], optional: [], servers: [] },
          };
    return bench.start();
  };

  for (const method of ['INVITE', 'MESSAGE', 'SUBSCRIBE']) {
    test(`because it is silent to ${method} is passed over in its time`, async () => {
      const bench = await assigned('hung');
      const asked = bench.sim.now();
      assert.equal((await bench.send(bench.initial(method, bob))).status, 200);
      const took = bench.sim.now() - asked;
      assert.ok(took >= seconds(8) && took < seconds(9), `${took} ms`);
      assert.deepEqual(routesOf(bench.scscf().last(method)), [`${scscfUri()};lr`]);
      assert.deepEqual(
        bench.lirs.map(({ type }) => type),
        [undefined, 'REGISTRATION_AND_CAPABILITIES'],
      );
    });
  }

  test('is 504 where there is no other, to INVITE too', async () => {
    const bench = await assigned('hung');
    for (const name of ['scscf', 'second']) bench.sim.crash(name);
    assert.equal((await bench.send(bench.initial('INVITE', bob))).status, 504);
    assert.match(bench.decisions().at(-1)!.because, /hung\S* said nothing.*no other/);
  });

  for (const status of [404, 480, 486, 603]) {
    test(`but answers ${status} has spoken for the user`, async () => {
      const bench = await assigned();
      bench.scscf().handle = tx => tx.reply(status);
      assert.equal((await bench.send(bench.initial('INVITE', bob))).status, status);
      assert.equal(bench.scscf('second').received.length, 0);
    });
  }

  test('in time but said so is waited for: a call that rings is set up once', async () => {
    const bench = await assigned();
    bench.scscf().handle = tx => {
      tx.reply(100);
      bench.sim.after(seconds(30), () => tx.reply(180));
      bench.sim.after(seconds(60), () => tx.reply(200));
    };
    assert.equal((await bench.send(bench.initial('INVITE', bob))).status, 200);
    assert.equal(bench.scscf('second').received.length, 0);
  });

  test('any more after it began to set up a call is the end of that call', async () => {
    const bench = await assigned();
    bench.scscf().handle = tx => {
      tx.reply(180);
      bench.sim.after(seconds(20), () => bench.sim.crash('scscf'));
    };
    const { status } = await bench.send(bench.initial('INVITE', bob));
    assert.ok(status >= 400);
    assert.equal(bench.scscf('second').received.length, 0);
  });

  test('when the caller has gone is asked about nobody: 487', async () => {
    const bench = await assigned('hung');
    const client = bench.begin(bench.initial('INVITE', bob));
    bench.sim.after(seconds(2), () => client.cancel());
    assert.equal((await bench.sim.settle(() => client.final)).status, 487);
    await bench.sim.run(seconds(60));
    assert.equal(bench.scscf().of('INVITE').length + bench.scscf('second').of('INVITE').length, 0);
  });
});

test('an ACK, a loop and a request without hops left go no further', async () => {
  const bench = await new Bench().start();
  bench.pcscf.endpoint.sendAck(bench.initial('ACK', bob), {
    uri: parseUri(`sip:icscf.${home}:4060`),
  });
  await bench.sim.run(1000);
  assert.equal(
    (await bench.send(bench.initial('INVITE', bob, raw('Max-Forwards', '0')))).status,
    483,
  );
  assert.equal(bench.scscf().received.length + bench.lirs.length, 0);
});
