import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seconds } from '#kernel/time';
import {
  Authorization,
  Contact,
  ContactStar,
  Expires,
  nameAddr,
  PVisitedNetworkId,
  RetryAfter,
  Route,
  To,
} from '#sip/headers';
import { type Edit, remove, set } from '#sip/message';
import { parseUri, uriText } from '#sip/uri';
import { Bench, home, routeTo, scscfUri } from './testing/bench.ts';

const first = { result: 'DIAMETER_FIRST_REGISTRATION' } as const;
const expiring = (...times: string[]): Edit =>
  set(Contact, ...times.map((expires, n) => nameAddr(parseUri(`sip:a@192.0.2.${n}`), { expires })));

describe('the query for a REGISTER (TS 24.229 §5.3.1.2, TS 29.228 §6.1.1)', () => {
  test('names both identities, the visited network and what is asked', async () => {
    const bench = await new Bench().start();
    const credentials = {
      scheme: 'Digest',
      params: new Map([
        ['username', 'alice-private@ims.example'],
        ['realm', home],
      ]),
    };
    const visited = { network: 'visited.example', params: new Map() };
    await bench.send(
      bench.register(
        set(Authorization, credentials),
        set(To, nameAddr(parseUri('sip:+1-555@ims.example;user=phone'))),
        set(PVisitedNetworkId, visited),
      ),
    );
    const [{ impi, impu, visitedNetwork, type }] = bench.uars as [(typeof bench.uars)[number]];
    assert.deepEqual(
      { impi, impu, visitedNetwork: Buffer.from(visitedNetwork).toString(), type },
      {
        impi: 'alice-private@ims.example',
        impu: 'sip:+1555@ims.example',
        visitedNetwork: 'visited.example',
        type: 'REGISTRATION',
      },
    );
  });

  test('derives the private identity from the public one where there are no credentials', async () => {
    const bench = await new Bench().start();
    await bench.send(bench.register());
    assert.equal(bench.uars[0]?.impi, `alice@${home}`);
  });

  for (const [what, type, ...edits] of [
    ['Expires: 0', 'DE_REGISTRATION', set(Expires, 0)],
    ['Contact: *', 'DE_REGISTRATION', set(Expires, 0), set(Contact, ContactStar)],
    ['all contacts expires=0', 'DE_REGISTRATION', set(Expires, 60), expiring('0', '0')],
    ['one of two contacts expires=0', 'REGISTRATION', expiring('0', '60')],
    ['no time at all', 'REGISTRATION'],
    ['no contact (a query)', 'REGISTRATION', remove(Contact), set(Expires, 0)],
  ] as const) {
    test(`${what}: ${type}`, async () => {
      const bench = await new Bench().start();
      await bench.send(bench.register(...edits));
      assert.equal(bench.uars[0]?.type, type);
    });
  }
});

describe('an answer of the HSS that is a refusal', () => {
  for (const [result, status] of [
    ['DIAMETER_ERROR_USER_UNKNOWN', 403],
    ['DIAMETER_ERROR_IDENTITIES_DONT_MATCH', 403],
    ['DIAMETER_ERROR_ROAMING_NOT_ALLOWED', 403],
    ['DIAMETER_AUTHORIZATION_REJECTED', 403],
    ['DIAMETER_ERROR_IDENTITY_NOT_REGISTERED', 403],
    ['DIAMETER_UNABLE_TO_COMPLY', 480],
    ['DIAMETER_TOO_BUSY', 503],
  ] as const) {
    test(`${result} is ${status}, and no S-CSCF hears of it`, async () => {
      const bench = await new Bench().start();
      bench.onUar = () => ({ result });
      const refused = await bench.send(bench.register());
      assert.equal(refused.status, status);
      assert.equal(refused.has(RetryAfter), status === 503);
      assert.equal(bench.scscf().received.length, 0);
      assert.equal(bench.decisions().at(-1)?.chose, String(status));
    });
  }

  test('no HSS at all is 504, in time', async () => {
    const bench = await new Bench().start({ hss: false });
    const asked = bench.sim.now();
    assert.equal((await bench.send(bench.register())).status, 504);
    assert.ok(bench.sim.now() - asked <= seconds(6));
  });
});

describe('the S-CSCF', () => {
  test('that is assigned gets the REGISTER as its Request-URI', async () => {
    const bench = await new Bench().start();
    bench.onUar = () => ({ result: 'DIAMETER_SUBSEQUENT_REGISTRATION', server: scscfUri('other') });
    const other = bench.scscf('other');
    const asked = bench.register(routeTo(`sip:icscf.${home}:4060;lr`));
    assert.equal((await bench.send(asked)).status, 200);
    assert.equal(uriText(other.last('REGISTER').uri), scscfUri('other'));
    assert.equal(other.last('REGISTER').has(Route), false);
    assert.equal(bench.scscf().received.length, 0);
  });

  test('of a first registration is one with the capabilities the HSS wants', async () => {
    const sCscfs = [
      { uri: scscfUri(), capabilities: [1] },
      { uri: scscfUri('able'), capabilities: [1, 7] },
    ];
    const bench = await new Bench({ sCscfs }).start();
    const able = bench.scscf('able');
    const capabilities = { mandatory: [7], optional: [], servers: [] };
    bench.onUar = () => ({ ...first, capabilities });
    assert.equal((await bench.send(bench.register())).status, 200);
    assert.equal(able.of('REGISTER').length, 1);
    assert.match(bench.decisions()[0]!.because, /mandatory capabilities \(7\)/);
  });

  test('is none where none has them: 504, once', async () => {
    const bench = await new Bench({ sCscfs: [{ uri: scscfUri(), capabilities: [1] }] }).start();
    const capabilities = { mandatory: [7], optional: [], servers: [] };
    bench.onUar = () => ({ ...first, capabilities });
    const client = bench.begin(bench.register());
    const heard: number[] = [];
    client.onResponse = ({ status }) => heard.push(status);
    assert.equal((await bench.sim.settle(() => client.final)).status, 504);
    await bench.sim.run(seconds(40));
    assert.deepEqual(heard, [504]);
    assert.match(bench.decisions().at(-1)!.because, /capabilities/);
  });
});

describe('an S-CSCF that does not serve (§5.3.1.3)', () => {
  const sCscfs = ['scscf', 'second'].map(name => ({ uri: scscfUri(name), capabilities: [] }));
  const assigned = async (): Promise<Bench> => {
    const bench = new Bench({ sCscfs });
    bench.scscf('second');
    bench.onUar = ({ type }) =>
      type === 'REGISTRATION_AND_CAPABILITIES'
        ? { result: 'DIAMETER_SUCCESS', capabilities: { mandatory: [], optional: [], servers: [] } }
        : { result: 'DIAMETER_SUBSEQUENT_REGISTRATION', server: scscfUri() };
    return bench.start();
  };
  const typesOf = (bench: Bench) => bench.uars.map(({ type }) => type);

  test('because it is silent is replaced within its time', async () => {
    const bench = await assigned();
    bench.scscf().handle = () => {};
    const asked = bench.sim.now();
    assert.equal((await bench.send(bench.register())).status, 200);
    const took = bench.sim.now() - asked;
    assert.ok(took >= seconds(8) && took < seconds(9), `${took} ms`);
    assert.deepEqual(typesOf(bench), ['REGISTRATION', 'REGISTRATION_AND_CAPABILITIES']);
    assert.equal(uriText(bench.scscf('second').last('REGISTER').uri), scscfUri('second'));
    assert.match(bench.decisions().at(-1)!.because, /scscf\.ims\.example:6060 said nothing/);
  });

  test('because it cannot be reached is replaced at once', async () => {
    const bench = await assigned();
    bench.sim.crash('scscf');
    const asked = bench.sim.now();
    assert.equal((await bench.send(bench.register())).status, 200);
    assert.ok(bench.sim.now() - asked < seconds(1));
    assert.equal(bench.scscf('second').of('REGISTER').length, 1);
  });

  for (const status of [302, 480]) {
    test(`because it says ${status} is replaced`, async () => {
      const bench = await assigned();
      bench.scscf().handle = tx => tx.reply(status);
      assert.equal((await bench.send(bench.register())).status, 200);
      assert.equal(bench.scscf('second').of('REGISTER').length, 1);
      assert.match(bench.decisions().at(-1)!.because, new RegExp(`answered ${status}`));
    });
  }

  for (const status of [401, 403, 423, 500]) {
    test(`but says ${status} has spoken for the network`, async () => {
      const bench = await assigned();
      bench.scscf().handle = tx => tx.reply(status);
      assert.equal((await bench.send(bench.register())).status, status);
      assert.equal(bench.scscf('second').received.length, 0);
      assert.equal(bench.uars.length, 1);
    });
  }

  test('with nobody to replace it is 504, once, and each was asked once', async () => {
    const bench = await assigned();
    for (const name of ['scscf', 'second']) bench.scscf(name).handle = tx => tx.reply(480);
    const client = bench.begin(bench.register());
    const heard: number[] = [];
    client.onResponse = ({ status }) => heard.push(status);
    assert.equal((await bench.sim.settle(() => client.final)).status, 504);
    await bench.sim.run(seconds(60));
    assert.deepEqual(
      heard.filter(status => status > 100),
      [504],
    );
    assert.equal(bench.scscf().received.length + bench.scscf('second').received.length, 2);
  });

  test('and whom the HSS will not have replaced is 504', async () => {
    const bench = await assigned();
    bench.scscf().handle = () => {};
    const before = bench.onUar;
    bench.onUar = uar =>
      uar.type === 'REGISTRATION' ? before(uar) : { result: 'DIAMETER_UNABLE_TO_COMPLY' };
    assert.equal((await bench.send(bench.register())).status, 504);
    assert.equal(bench.scscf('second').received.length, 0);
  });
});

test('a REGISTER that cannot be read is 400', async () => {
  const bench = await new Bench().start();
  assert.equal((await bench.send(bench.register(remove(To)))).status, 400);
});
