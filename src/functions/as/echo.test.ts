import assert from 'node:assert/strict';
import { test } from 'node:test';
import { minutes, seconds } from '#kernel/time';
import type { OutgoingSession, SessionEnd } from '#sip/user-agent';
import { Bench, home, NO_OFFER, portOf, sdp } from './testing/bench.ts';

const echo = `sip:echo@${home}`;

async function answered(
  bench: Bench,
  offer = sdp(1000),
): Promise<{ out: OutgoingSession; answers: string[] }> {
  const out = bench.call('echo', { to: echo, offer });
  const answers: string[] = [];
  out.onAnswer = answer => answers.push(Buffer.from(answer).toString());
  out.onOffer = offer_ => {
    answers.push(Buffer.from(offer_).toString());
    return sdp(1000);
  };
  await bench.until(out, 'confirmed');
  return { out, answers };
}

const portIn = (text: string | undefined): number => portOf(Buffer.from(text ?? ''));
const endOf = (out: OutgoingSession): Promise<SessionEnd> =>
  new Promise(resolve => {
    out.onEnded = resolve;
  });

test('the echo answers an offer with its own address, codec and telephone events', async () => {
  const bench = await new Bench().start();
  const { answers } = await answered(bench);
  assert.match(answers[0]!, new RegExp(`c=IN IP4 ${bench.sim.addressOf('as')}`));
  const port = portIn(answers[0]);
  assert.ok(port >= 30_000 && port <= 30_100);
  assert.match(answers[0]!, /m=audio \d+ RTP\/AVP 8 101\r\n/);
});

test('the echo offers where the caller does not', async () => {
  const bench = await new Bench().start();
  const { answers } = await answered(bench, NO_OFFER);
  assert.match(answers[0]!, /a=rtpmap:8 PCMA\/8000/);
});

test('the echo can be put on hold and taken back, on the port it has', async () => {
  const bench = await new Bench().start();
  const { out, answers } = await answered(bench);
  const held = await bench.sim.settle(() => out.modify(sdp(1000, 'sendonly')));
  assert.match(Buffer.from(held.answer!).toString(), /a=recvonly/);
  const back = await bench.sim.settle(() => out.modify(sdp(1002)));
  const text = Buffer.from(back.answer!).toString();
  assert.doesNotMatch(text, /a=(recvonly|inactive)/);
  assert.equal(portIn(text), portIn(answers[0]));
});

test('a codec the echo does not have is 488, and so is a description that is none', async () => {
  const bench = await new Bench().start();
  const foreign = Buffer.from(
    'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n' +
      'm=audio 1000 RTP/AVP 96\r\na=rtpmap:96 AMR/8000\r\n',
  );
  for (const offer of [foreign, Buffer.from('nonsense'), Buffer.from('v=0\r\n')]) {
    const out = bench.call('echo', { to: echo, offer });
    const ended = endOf(out);
    await bench.until(out, 'ended');
    assert.equal((await ended).status, 488);
  }
  assert.equal(bench.as.ua.sessions.size, 0);
  assert.deepEqual(
    bench.sim.logs.filter(({ level }) => level === 'error'),
    [],
  );
});

test('a refused change leaves the call as it was', async () => {
  const bench = await new Bench().start();
  const { out } = await answered(bench);
  const refused = await bench.sim.settle(() => out.modify(Buffer.from('nonsense')));
  assert.ok((refused.response?.status ?? 0) >= 400);
  assert.equal(out.state, 'confirmed');
});

test('the echo ends by itself in the end, and its ports are free again', async () => {
  const bench = await new Bench({
    longestEcho: minutes(2),
    ports: { from: 30_000, to: 30_001 },
  }).start();
  const { out } = await answered(bench);
  const second = bench.call('echo', { to: echo });
  const refused = endOf(second);
  await bench.until(second, 'ended');
  assert.equal((await refused).status, 503);
  const began = bench.sim.now();
  await bench.sim.runUntil(() => out.state === 'ended', minutes(5));
  assert.ok(bench.sim.now() - began <= minutes(2) + seconds(1));
  await answered(bench);
});

test('who gives up before the echo has its ports leaves nothing behind', async () => {
  const bench = await new Bench().start();
  const out = bench.call('echo', { to: echo });
  out.hangup();
  await bench.until(out, 'ended');
  await bench.sim.run(seconds(40));
  assert.equal(bench.as.ua.sessions.size, 0);
});

test('an answer that is nonsense ends the call', async () => {
  const bench = await new Bench().start();
  const out = bench.call('echo', { to: echo, offer: NO_OFFER });
  out.onOffer = () => Buffer.from('nonsense');
  await bench.until(out, 'ended');
  assert.equal(bench.as.ua.sessions.size, 0);
  assert.deepEqual(
    bench.sim.logs.filter(({ level }) => level === 'error'),
    [],
  );
});
