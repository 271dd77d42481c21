import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { UsageError } from '#kernel/errors';
import { seconds } from '#kernel/time';
import {
  From,
  HistoryInfo,
  nameAddr,
  PAssertedIdentity,
  PChargingVector,
  Reason,
  RetryAfter,
  Route,
  Subject,
  Supported,
  To,
} from '#sip/headers';
import { raw, type SipRequest, type SipResponse, set } from '#sip/message';
import { parseUri, uriText } from '#sip/uri';
import { withSdp } from '#sip/user-agent';
import { As } from './as.ts';
import { asConfig } from './config.ts';
import { alice, Bench, bob, carol, home, NO_OFFER, odi, portOf, sdp } from './testing/bench.ts';

const toCarol = { forward: new Map([[bob, carol]]) };
const historyOf = (message: SipRequest | SipResponse): string[] =>
  message.raw('History-Info').join(',').split(/,\s*/);

describe('a call that is forwarded', () => {
  test('goes to the target by the original dialog, in the name of the caller', async () => {
    const bench = await new Bench(toCarol).start();
    const out = bench.call('forwarding', { edits: [set(Subject, 'lunch'), raw('X-Unknown', '1')] });
    await bench.until(out, 'confirmed');
    const [invite] = bench.received;
    assert.equal(uriText(invite!.uri), carol);
    assert.deepEqual(
      invite!.all(Route).map(({ uri }) => uriText(uri)),
      [odi],
    );
    assert.equal(uriText(invite!.get(From)!.uri), alice);
    assert.notEqual(invite!.get(From)!.params.get('tag'), out.request.get(From)!.params.get('tag'));
    assert.equal(uriText(invite!.get(To)!.uri), bob);
    assert.equal(uriText(invite!.get(PAssertedIdentity)!.uri), alice);
    assert.equal(invite!.get(PChargingVector)?.icid, 'the-call');
    assert.equal(invite!.get(Subject), 'lunch');
    assert.notEqual(invite!.raw('Call-ID')[0], out.callId);
  });

  test('tells its history, RFC 7044 and RFC 4458', async () => {
    const bench = await new Bench(toCarol).start();
    await bench.until(bench.call('forwarding'), 'confirmed');
    assert.deepEqual(historyOf(bench.received[0]!), [
      `<${bob}>;index=1`,
      `<${carol};cause=302>;index=1.1;mp=1`,
    ]);
  });

  test('adds to the history it came with, and to a history that left somebody out', async () => {
    const entry = (uri: string, index: string) => nameAddr(parseUri(uri), { index });
    for (const [past, expected] of [
      [
        [entry('sip:dave@ims.example', '1'), entry(`${bob};cause=302`, '1.1')],
        [`<${carol};cause=302>;index=1.1.1;mp=1.1`],
      ],
      [
        [entry('sip:dave@ims.example', '1')],
        [`<${bob}>;index=1.1`, `<${carol};cause=302>;index=1.1.1;mp=1.1`],
      ],
    ] as const) {
      const bench = await new Bench(toCarol).start();
      const out = bench.call('forwarding', { edits: [set(HistoryInfo, ...past)] });
      await bench.until(out, 'confirmed');
      assert.deepEqual(historyOf(bench.received[0]!).slice(past.length), [...expected]);
    }
  });

  test('is announced to the caller by 181, who learns by whom and to whom', async () => {
    const bench = await new Bench(toCarol).start();
    const out = bench.call('forwarding');
    const told: SipResponse[] = [];
    out.onProvisional = response => told.push(response);
    await bench.until(out, 'confirmed');
    assert.equal(told[0]?.status, 181);
    assert.equal(uriText(told[0]!.get(PAssertedIdentity)!.uri), bob);
    assert.match(historyOf(told[0]!).join(), /carol.*cause=302/);
  });

  for (const [what, called, to] of [
    ['by his number', 'tel:+15550100002', 'tel:+15550100002'],
    ['by his number as a SIP URI', `sip:+15550100002@${home};user=phone`, 'tel:+15550100002'],
    ['by a number set as SIP URI', 'tel:+15550100002', `sip:+15550100002@${home}`],
  ] as const) {
    test(`is his who is called ${what}`, async () => {
      const bench = await new Bench({ forward: new Map([[to, carol]]) }).start();
      await bench.until(bench.call('forwarding', { to: called }), 'confirmed');
      assert.equal(uriText(bench.received[0]!.uri), carol);
    });
  }

  test('of nobody who forwards goes to whom it is for, and says nothing of diversion', async () => {
    const bench = await new Bench().start();
    const out = bench.call('forwarding');
    const told: number[] = [];
    out.onProvisional = ({ status }) => told.push(status);
    await bench.until(out, 'confirmed');
    assert.equal(uriText(bench.received[0]!.uri), bob);
    assert.equal(bench.received[0]!.has(HistoryInfo), false);
    assert.deepEqual(told, []);
  });

  test('five times already is 480', async () => {
    const bench = await new Bench(toCarol).start();
    const past = Array.from({ length: 5 }, (_, n) =>
      nameAddr(parseUri(`sip:user${n}@${home};cause=302`), { index: `1${'.1'.repeat(n)}` }),
    );
    const out = bench.call('forwarding', { edits: [set(HistoryInfo, ...past)] });
    await bench.until(out, 'ended');
    assert.equal(bench.received.length, 0);
    assert.match(bench.decisions()[0]!.because, /diverted 5 times/);
  });

  test('to nowhere is a mistake of the settings, said at once', () => {
    for (const forward of [new Map([['bob', carol]]), new Map([[bob, 'carol']])]) {
      const host = new Bench().sim.host('as');
      assert.throws(() => new As(asConfig({ home, forward }), host), UsageError);
    }
  });
});

describe('one description answers the other', () => {
  test('in the 200 of a callee without 100rel', async () => {
    const bench = await new Bench(toCarol).start();
    const out = bench.call('forwarding');
    const answers: number[] = [];
    out.onAnswer = answer => answers.push(portOf(answer));
    await bench.until(out, 'confirmed');
    assert.equal(portOf(bench.calls[0]!.offer), 1000);
    assert.deepEqual(answers, [2000]);
  });

  test('in a reliable 183, which the caller acknowledges, with updates of both after it', async () => {
    const bench = await new Bench(toCarol).start();
    let acknowledged: boolean | undefined;
    const offers: string[] = [];
    bench.onCall = async session => {
      session.onOffer = offer => {
        offers.push(`callee got ${portOf(offer)}`);
        return sdp(2001);
      };
      acknowledged = await session.provisional(183, { sdp: sdp(2000) });
      await bench.ua.host.clock.after(seconds(1), () => {
        void session
          .modify(sdp(2002))
          .then(({ answer }) => offers.push(`callee heard ${portOf(answer)}`));
      });
      bench.ua.host.clock.after(seconds(3), () => session.answer());
    };
    const out = bench.call('forwarding');
    out.onAnswer = answer => offers.push(`caller heard ${portOf(answer)}`);
    out.onOffer = offer => {
      offers.push(`caller got ${portOf(offer)}`);
      return sdp(1002);
    };
    await bench.sim.runUntil(() => acknowledged !== undefined);
    assert.equal(acknowledged, true);
    const { answer } = await bench.sim.settle(() => out.modify(sdp(1001)));
    assert.equal(portOf(answer), 2001);
    await bench.until(out, 'confirmed');
    assert.deepEqual(offers, [
      'caller heard 2000',
      'callee got 1001',
      'caller heard 2001',
      'caller got 2002',
      'callee heard 1002',
    ]);
  });

  test('where the caller makes no offer: the callee offers in 200, and the ACK answers', async () => {
    const bench = await new Bench(toCarol).start();
    const heard: number[] = [];
    bench.onCall = session => {
      assert.equal(session.offer, undefined);
      session.onAnswer = answer => heard.push(portOf(answer));
      session.answer({ sdp: sdp(2000) });
    };
    const out = bench.call('forwarding', { offer: NO_OFFER });
    out.onOffer = offer => {
      heard.push(portOf(offer));
      return sdp(1000);
    };
    await bench.until(out, 'confirmed');
    await bench.until(bench.calls[0]!, 'confirmed');
    assert.deepEqual(heard, [2000, 1000]);
  });

  test('where the caller makes no offer: the callee offers in a reliable 183, and PRACK answers', async () => {
    const bench = await new Bench(toCarol).start();
    const heard: number[] = [];
    bench.onCall = async session => {
      session.onAnswer = answer => heard.push(portOf(answer));
      assert.equal(await session.provisional(183, { sdp: sdp(2000), reliable: true }), true);
      session.answer();
    };
    const out = bench.call('forwarding', { offer: NO_OFFER });
    out.onOffer = offer => {
      heard.push(portOf(offer));
      return sdp(1000);
    };
    await bench.until(out, 'confirmed');
    assert.deepEqual(heard, [2000, 1000]);
  });

  test('again and again: hold, resume and a refused change, from either side', async () => {
    const bench = await new Bench(toCarol).start();
    const out = bench.call('forwarding');
    await bench.until(out, 'confirmed');
    const taken = bench.calls[0]!;
    await bench.until(taken, 'confirmed');
    const seen: string[] = [];
    const answering = (who: string, port: number) => (offer: Uint8Array) => {
      seen.push(`${who} ${/a=(send\w+|inactive)/.exec(Buffer.from(offer).toString())?.[1]}`);
      return sdp(port, 'recvonly');
    };
    taken.onOffer = answering('callee', 2001);
    out.onOffer = answering('caller', 1001);
    const held = await bench.sim.settle(() => out.modify(sdp(1000, 'sendonly')));
    assert.equal(portOf(held.answer), 2001);
    const other = await bench.sim.settle(() => taken.modify(sdp(2000, 'inactive')));
    assert.equal(portOf(other.answer), 1001);
    taken.onOffer = () => undefined;
    const refused = await bench.sim.settle(() => out.modify(sdp(1000)));
    assert.equal(refused.response?.status, 488);
    assert.deepEqual(seen, ['callee sendonly', 'caller inactive']);
    assert.deepEqual([out.state, taken.state], ['confirmed', 'confirmed']);
  });

  test('also when a side asks the other for an offer', async () => {
    const bench = await new Bench(toCarol).start();
    const out = bench.call('forwarding');
    await bench.until(out, 'confirmed');
    const taken = bench.calls[0]!;
    const offered: number[] = [];
    taken.onOffer = offer => {
      offered.push(portOf(offer));
      return sdp(2005);
    };
    const dialog = out.leg!.dialog;
    const asked = bench.ua.inDialog(dialog, 'INVITE', bench.ua.sessionEdits('INVITE'));
    const ok = await bench.sim.settle(() => asked.final);
    assert.equal(portOf(ok.body), 2000);
    bench.ua.sendAck(bench.ua.makeAck(dialog, asked.request, withSdp(sdp(1007))));
    await bench.sim.run(seconds(1));
    assert.deepEqual(offered, [1007]);
  });
});

describe('what one side does, the other hears', () => {
  test('ringing, and what the callee says of himself', async () => {
    const bench = await new Bench(toCarol).start();
    bench.onCall = session => {
      void session.provisional(180, { edits: [set(PAssertedIdentity, nameAddr(parseUri(carol)))] });
      bench.ua.host.clock.after(seconds(2), () => session.answer({ sdp: sdp(2000) }));
    };
    const out = bench.call('forwarding');
    const heard: string[] = [];
    out.onProvisional = response =>
      heard.push(`${response.status} ${uriText(response.get(PAssertedIdentity)!.uri)}`);
    await bench.until(out, 'confirmed');
    assert.deepEqual(heard, [`181 ${bob}`, `180 ${carol}`]);
  });

  for (const [answered, told] of [
    [486, 486],
    [603, 603],
    [480, 480],
    [404, 404],
    [500, 500],
    [302, 480],
    [407, 403],
  ] as const) {
    test(`a callee who answers ${answered} is ${told} to the caller`, async () => {
      const bench = await new Bench(toCarol).start();
      bench.onCall = session =>
        session.reject(answered, set(RetryAfter, { seconds: 7, params: new Map() }));
      const out = bench.call('forwarding');
      let final: SipResponse | undefined;
      out.onEnded = end => {
        final = end.response;
      };
      await bench.until(out, 'ended');
      assert.equal(final?.status, told);
      assert.equal(final?.get(RetryAfter)?.seconds, 7);
      assert.equal(bench.as.ua.sessions.size, 0);
    });
  }

  test('a caller who gives up: CANCEL with his reason', async () => {
    const bench = await new Bench(toCarol).start();
    bench.onCall = session => void session.provisional(180);
    const out = bench.call('forwarding');
    await bench.sim.runUntil(() => bench.calls.length === 1);
    await bench.sim.run(seconds(1));
    const reason = { protocol: 'SIP', params: new Map([['cause', '487']]) };
    let cancelled: SipRequest | undefined;
    bench.calls[0]!.onEnded = end => {
      cancelled = end.request;
    };
    out.hangup(set(Reason, reason));
    await bench.until(bench.calls[0]!, 'ended');
    assert.equal(cancelled?.method, 'CANCEL');
    assert.equal(cancelled?.get(Reason)?.params.get('cause'), '487');
    await bench.until(out, 'ended');
    await bench.sim.run(seconds(1));
    assert.equal(bench.as.ua.sessions.size, 0);
  });

  for (const who of ['caller', 'callee'] as const) {
    test(`a ${who} who hangs up`, async () => {
      const bench = await new Bench(toCarol).start();
      const out = bench.call('forwarding');
      await bench.until(out, 'confirmed');
      const taken = bench.calls[0]!;
      await bench.until(taken, 'confirmed');
      (who === 'caller' ? out : taken).hangup();
      await bench.until(who === 'caller' ? taken : out, 'ended');
      await bench.sim.run(seconds(40));
      assert.equal(bench.as.ua.sessions.size, 0);
      assert.equal(bench.as.sip.counts.clients, 0);
    });
  }

  test('INFO and its answer; other requests are refused', async () => {
    const bench = await new Bench(toCarol).start();
    const out = bench.call('forwarding');
    await bench.until(out, 'confirmed');
    const got: string[] = [];
    bench.calls[0]!.onRequest = tx => {
      got.push(`${tx.request.method} ${Buffer.from(tx.request.body).toString()}`);
      tx.reply(202);
    };
    const info = [raw('Content-Type', 'application/dtmf-relay'), raw('Info-Package', 'dtmf')];
    const sent = bench.sim.settle(() =>
      out.send('INFO', ...info, ...withSdp(Buffer.from('Signal=5'))),
    );
    assert.equal((await sent).status, 202);
    const refer = await bench.sim.settle(() => out.send('REFER', raw('Refer-To', `<${bob}>`)));
    assert.equal(refer.status, 501);
    assert.deepEqual(got, ['INFO Signal=5']);
  });
});

test('preconditions are offered to a callee only where the caller has them', async () => {
  for (const supported of [true, false]) {
    const bench = await new Bench(toCarol).start();
    const tags = supported ? ['100rel', 'precondition'] : ['100rel'];
    const out = bench.call('forwarding', { edits: [set(Supported, ...tags)] });
    await bench.until(out, 'confirmed');
    assert.equal(bench.received[0]!.all(Supported).includes('precondition'), supported);
  }
});
test('calls have a bound: 486 above it, and a place again when one ends', async () => {
  const bench = await new Bench({ ...toCarol, sessions: 2 }).start();
  const first = bench.call('forwarding');
  await bench.until(first, 'confirmed');
  const second = bench.call('forwarding');
  let status: number | undefined;
  second.onEnded = end => {
    status = end.status;
  };
  await bench.until(second, 'ended');
  assert.equal(status, 486);
  first.hangup();
  await bench.sim.run(seconds(1));
  await bench.until(bench.call('forwarding'), 'confirmed');
});

test('a dialog the server does not know is 481; an ACK of it is nothing', async () => {
  const bench = await new Bench(toCarol).start();
  const bye = bench.ua.build('BYE', {
    uri: parseUri(`sip:as.${home}:5090`),
    to: nameAddr(parseUri(bob), { tag: 'x' }),
  });
  assert.equal((await bench.send(bye)).status, 481);
  const unknown = bench.ua.build('MESSAGE', { uri: parseUri(`sip:nobody@as.${home}:5090`) });
  assert.equal((await bench.send(unknown)).status, 404);
});
