import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulate } from '#kernel/simulation';
import { minutes, ms, seconds } from '#kernel/time';
import { Cx, MultimediaAuth, RegistrationTermination, ServerAssignment } from './cx.ts';
import { DiameterError } from './errors.ts';
import { FLAG } from './header.ts';
import { type PeerStatus, resultOf } from './node.ts';
import { isSuccessName } from './result.ts';
import { mar, nodeOf, pair, REALM, serve, toHss, toRealm } from './testing/pair.ts';

for (const links of ['local', 'checked', 'tcp'] as const) {
  describe(`over ${links} links`, () => {
    test('a call gets what the handler answers', async () => {
      const { sim, hss, scscf } = await pair(links);
      hss.handle(MultimediaAuth, async (request, context) => {
        const auth = { ...mar.auth, lineIdentifiers: [] };
        assert.deepEqual(request, { ...mar, auth, features: [] });
        assert.deepEqual(context.origin, { host: 'scscf.ims.example', realm: REALM });
        assert.match(context.sessionId, /^scscf\.ims\.example;\d+;\d+$/);
        const item = { itemNumber: 1, authorization: Uint8Array.of(1, 2, 3) };
        return { result: 'DIAMETER_SUCCESS', impi: request.impi, auth: [item] };
      });
      const answer = await sim.settle(() => scscf.call(MultimediaAuth, mar, toRealm));
      const { message, ...values } = answer;
      assert.deepEqual(values, {
        result: 'DIAMETER_SUCCESS',
        impi: mar.impi,
        auth: [{ itemNumber: 1, authorization: Uint8Array.of(1, 2, 3), lineIdentifiers: [] }],
        features: [],
      });
      assert.equal(message?.summary(), 'MAA DIAMETER_SUCCESS');
      assert.deepEqual(sim.ladder(undefined, undefined, { point: 'Cx' }), [
        's-cscf → hss  CER',
        'hss → s-cscf  CEA DIAMETER_SUCCESS',
        's-cscf → hss  MAR',
        'hss → s-cscf  MAA DIAMETER_SUCCESS',
      ]);
    });

    test('the server asks back over the same connection', async () => {
      const { sim, hss, scscf } = await pair(links);
      scscf.handle(RegistrationTermination, request => {
        assert.equal(request.reason.code, 'PERMANENT_TERMINATION');
        return { result: 'DIAMETER_SUCCESS' };
      });
      await sim.run(seconds(1));
      const rtr = { impi: mar.impi, reason: { code: 'PERMANENT_TERMINATION' } } as const;
      const to = { destinationRealm: REALM, destinationHost: 'SCSCF.ims.example' };
      const answer = await sim.settle(() => hss.call(RegistrationTermination, rtr, to));
      assert.equal(answer.result, 'DIAMETER_SUCCESS');
      assert.deepEqual(sim.ladder().slice(2), [
        'hss → s-cscf  RTR PERMANENT_TERMINATION',
        's-cscf → hss  RTA DIAMETER_SUCCESS',
      ]);
    });

    test('a quiet hour is watchdogs both ways, and the peers stay open', async () => {
      const { sim, hss, scscf } = await pair(links);
      await sim.run(minutes(60));
      assert.equal(scscf.peers()[0]?.state, 'open');
      assert.equal(hss.peers()[0]?.state, 'open');
      const watched = sim.ladder().filter(line => /DWR/.test(line)).length;
      assert.ok(watched >= 110 && watched <= 260, `${watched} DWR`);
    });

    test('stopping says goodbye, and leaves nothing to happen', async () => {
      const { sim, hss, scscf } = await pair(links);
      await sim.run(seconds(1));
      await sim.settle(() => scscf.stop());
      assert.deepEqual(sim.ladder().slice(2), [
        's-cscf → hss  DPR REBOOTING',
        'hss → s-cscf  DPA DIAMETER_SUCCESS',
      ]);
      await sim.run(ms(100));
      assert.equal(scscf.peers()[0]?.state, 'closed');
      assert.deepEqual(hss.peers(), []);
      await sim.settle(() => hss.stop());
      await sim.runUntilIdle(minutes(10));
    });

    test('the same seed gives the same trace', async () => {
      const run = async () => {
        const { sim, hss, scscf } = await pair(links);
        hss.handle(MultimediaAuth, () => ({ result: 'DIAMETER_SUCCESS' }));
        await sim.settle(() => scscf.call(MultimediaAuth, mar, toRealm));
        await sim.run(minutes(5));
        return sim.events.map(event =>
          event.kind === 'message' ? [event.time, event.message.encode()] : event,
        );
      };
      assert.deepEqual(await run(), await run());
    });
  });
}

test('results go by their name, from whichever table, and come back by it', async () => {
  const { sim, hss, scscf } = await pair('tcp');
  const results = [
    'DIAMETER_ERROR_USER_UNKNOWN',
    'DIAMETER_UNABLE_TO_COMPLY',
    'DIAMETER_SUBSEQUENT_REGISTRATION',
    'RESULT_5999',
    'RESULT_13019_5001',
  ] as const;
  const left = [...results];
  hss.handle(MultimediaAuth, () => ({ result: left.shift() ?? 'DIAMETER_SUCCESS' }));
  for (const result of results) {
    const answer = await sim.settle(() => scscf.call(MultimediaAuth, mar, toRealm));
    assert.equal(resultOf(answer), result);
    assert.equal(isSuccessName(result, Cx), result === 'DIAMETER_SUBSEQUENT_REGISTRATION');
  }
});

test('without a connected peer a call is undeliverable at once', async () => {
  const sim = simulate({ seed: 1 });
  const scscf = nodeOf(sim.host('s-cscf'));
  const ask = () => scscf.call(MultimediaAuth, mar, toRealm);
  const alone = await sim.settle(ask, ms(1));
  assert.equal(alone.result, 'DIAMETER_UNABLE_TO_DELIVER');
  assert.equal(alone.message, undefined);
  scscf.connect(toHss);
  await sim.run(seconds(1));
  assert.equal((await sim.settle(ask, ms(1))).result, 'DIAMETER_UNABLE_TO_DELIVER');
  assert.equal(scscf.peers()[0]?.state, 'closed');
});

test('a peer that comes later is found, and a call in the meantime waits for its handshake', async () => {
  const sim = simulate({ seed: 1, links: { delay: ms(200) } });
  const scscf = nodeOf(sim.host('s-cscf'));
  scscf.connect(toHss);
  await sim.run(minutes(5));
  const hss = await serve(sim, 'hss', 'tcp');
  hss.handle(MultimediaAuth, () => ({ result: 'DIAMETER_SUCCESS' }));
  await sim.runUntil(() => scscf.peers()[0]?.state === 'connecting');
  const answer = await sim.settle(() => scscf.call(MultimediaAuth, mar, toRealm), seconds(3));
  assert.equal(answer.result, 'DIAMETER_SUCCESS');
});

test('a call that waits for a handshake in vain ends in time', async () => {
  const sim = simulate({ seed: 1 });
  await serve(sim, 'hss', 'tcp');
  sim.partition(['s-cscf'], ['hss']);
  const scscf = nodeOf(sim.host('s-cscf'), { timeout: seconds(2) });
  scscf.connect(toHss);
  const answer = await sim.settle(() => scscf.call(MultimediaAuth, mar, toRealm), seconds(2.1));
  assert.equal(answer.result, 'DIAMETER_UNABLE_TO_DELIVER');
});

test('a server that crashes is connected again when it is back', async () => {
  const { sim, scscf } = await pair('tcp');
  const restart = () =>
    serve(sim, 'hss', 'tcp').then(hss =>
      hss.handle(MultimediaAuth, () => ({ result: 'DIAMETER_SUCCESS' })),
    );
  const ask = () => sim.settle(() => scscf.call(MultimediaAuth, mar, toRealm));
  await sim.run(minutes(1));
  sim.crash('hss');
  await sim.run(minutes(1));
  assert.equal((await ask()).result, 'DIAMETER_UNABLE_TO_DELIVER');
  sim.restart('hss');
  await restart();
  await sim.run(minutes(1));
  assert.equal((await ask()).result, 'DIAMETER_SUCCESS');
});

test('a client that restarts before anybody noticed is taken in at once', async () => {
  const { sim, hss } = await pair('tcp');
  await sim.run(seconds(10));
  sim.partition(['s-cscf'], ['hss']); // so that the end of the old connection is not heard
  sim.crash('s-cscf');
  await sim.run(seconds(2));
  sim.partition(['s-cscf'], ['hss'], false);
  const again = nodeOf(sim.restart('s-cscf'));
  again.connect(toHss);
  await sim.run(seconds(1));
  assert.equal(again.peers()[0]?.state, 'open');
  assert.equal(hss.peers().length, 1);
});

test('no answer in time is undeliverable, and the answer that comes late goes nowhere', async () => {
  const { sim, hss, scscf } = await pair('local');
  let finish = () => {};
  hss.handle(MultimediaAuth, async () => {
    await new Promise<void>(resolve => {
      finish = resolve;
    });
    return { result: 'DIAMETER_SUCCESS' };
  });
  await sim.run(seconds(1));
  const before = sim.elapsed;
  const answer = await sim.settle(() =>
    scscf.call(MultimediaAuth, mar, { ...toRealm, timeout: seconds(3) }),
  );
  assert.equal(answer.result, 'DIAMETER_UNABLE_TO_DELIVER');
  assert.ok(sim.elapsed - before >= seconds(3) && sim.elapsed - before < seconds(3.1));
  assert.equal(scscf.peers()[0]?.pending, 0);
  sim.after(0, finish);
  await sim.run(seconds(1));
  assert.equal(sim.ladder().at(-1), 'hss → s-cscf  MAA DIAMETER_SUCCESS');
});

test('too many unanswered requests are refused by the client, and by the server', async () => {
  const { sim, hss, scscf } = await pair('tcp', {
    hss: { maxServing: 2 },
    scscf: { maxPending: 3 },
  });
  hss.handle(MultimediaAuth, async () => {
    await new Promise(resolve => sim.host('hss').clock.after(seconds(1), () => resolve(undefined)));
    return { result: 'DIAMETER_SUCCESS' };
  });
  await sim.run(seconds(1));
  const answers = await sim.settle(() =>
    Promise.all(Array.from({ length: 4 }, () => scscf.call(MultimediaAuth, mar, toRealm))),
  );
  assert.deepEqual(
    answers.map(({ result, message }) => [result, message !== undefined]),
    [
      ['DIAMETER_SUCCESS', true],
      ['DIAMETER_SUCCESS', true],
      ['DIAMETER_TOO_BUSY', true],
      ['DIAMETER_TOO_BUSY', false],
    ],
  );
  assert.equal((answers[2]?.message?.flags ?? 0) & FLAG.error, FLAG.error);
});

test('a handler that refuses answers so; one that breaks answers that it cannot comply', async () => {
  const { sim, hss, scscf } = await pair('local');
  hss.handle(MultimediaAuth, () => {
    throw new DiameterError('DIAMETER_AUTHORIZATION_REJECTED', 'not this one');
  });
  hss.handle(ServerAssignment, () => {
    throw new TypeError('secret detail');
  });
  const refused = await sim.settle(() => scscf.call(MultimediaAuth, mar, toRealm));
  assert.equal(refused.result, 'DIAMETER_AUTHORIZATION_REJECTED');
  assert.equal(refused.errorMessage, 'not this one');
  const sar = {
    impus: [mar.impu],
    server: mar.server,
    type: 'REGISTRATION',
    userDataAlreadyAvailable: 'USER_DATA_NOT_AVAILABLE',
  } as const;
  const broken = await sim.settle(() => scscf.call(ServerAssignment, sar, toRealm));
  assert.equal(broken.result, 'DIAMETER_UNABLE_TO_COMPLY');
  assert.equal(broken.errorMessage, undefined);
  assert.equal(sim.logs.at(-1)?.event, 'diameter handler failed');
});

test('what a caller leaves out is its own mistake, and told so', async () => {
  const { scscf } = await pair('local');
  const { server: _, ...incomplete } = mar;
  await assert.rejects(
    scscf.call(MultimediaAuth, incomplete as typeof mar, toRealm),
    /Server-Name is missing/,
  );
});

test('peers show their states as they change', async () => {
  const { sim, hss, scscf } = await pair('tcp');
  const seen: string[] = [];
  const note = (peer: PeerStatus) => seen.push(`${peer.identity} ${peer.state}`);
  hss.onPeerChange = note;
  scscf.onPeerChange = note;
  await sim.run(seconds(1));
  const [peer] = scscf.peers();
  assert.deepEqual(peer, {
    identity: 'hss.ims.example',
    realm: REALM,
    state: 'open',
    link: 'tcp',
    remote: { host: sim.addressOf('hss'), port: 3868 },
    applications: [Cx.id],
    pending: 0,
  });
  sim.crash('hss');
  await sim.run(minutes(2));
  assert.deepEqual(seen.slice(0, 3), [
    'scscf.ims.example open',
    'hss.ims.example open',
    'hss.ims.example closed',
  ]);
});
