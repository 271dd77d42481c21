import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '#kernel/simulation';
import { seconds } from '#kernel/time';
import { Avp } from './avp.ts';
import { MultimediaAuth } from './cx.ts';
import { DiameterMessage } from './message.ts';
import { Reactor, Reporter, SUPPORTED } from './overload.ts';
import { Load, OcOlr } from './overload-avps.ts';
import { mar, nodeOf, pair, REALM, serve, toHss, toRealm } from './testing/pair.ts';

const header = { flags: 0, code: 303, application: 16777216, hopByHop: 1, endToEnd: 1 };
const message = (...avps: Avp[]): DiameterMessage => new DiameterMessage(header, avps);
const asking = message(SUPPORTED);

const olrIn = (avps: readonly Avp[]) => avps.find(avp => avp.is(OcOlr))?.as(OcOlr);
const loadsIn = (avps: readonly Avp[]) =>
  avps.filter(avp => avp.is(Load)).map(avp => Number(avp.as(Load).value));

test('an idle node says nothing, a busy one its load, an overloaded one how much less it wants', () => {
  const reporter = new Reporter('hss.ims.example');
  assert.deepEqual(reporter.report(asking, 0.01, 0), []);
  assert.deepEqual(loadsIn(reporter.report(asking, 0.5, 0)), [32768, 32768]);
  assert.equal(olrIn(reporter.report(asking, 0.5, 0)), undefined);
  const first = olrIn(reporter.report(asking, 0.9, 1));
  assert.deepEqual([first?.reduction, first?.type, first?.validity], [50, 'HOST_REPORT', 10]);
  const second = olrIn(reporter.report(asking, 1.2, 2));
  assert.equal(second?.reduction, 100);
  assert.ok(second!.sequence > first!.sequence);
});

test('the end of an overload is told while somebody may still act on a report', () => {
  const reporter = new Reporter('hss.ims.example');
  reporter.report(asking, 1, 0);
  const end = olrIn(reporter.report(asking, 0, seconds(9)));
  assert.deepEqual([end?.reduction, end?.validity], [0, 0]);
  assert.equal(olrIn(reporter.report(asking, 0, seconds(11))), undefined);
});

test('overload is told to those alone who know of it', () => {
  const reporter = new Reporter('hss.ims.example');
  assert.equal(olrIn(reporter.report(message(), 1, 0)), undefined);
});

const about = {
  application: 1,
  originHost: 'hss.ims.example',
  originRealm: REALM,
  peer: 'hss.ims.example',
};
const olr = (sequence: bigint, reduction: number, change: object = {}) =>
  message(Avp.of(OcOlr, { sequence, type: 'HOST_REPORT', reduction, validity: 10, ...change }));

test('of the requests to an overloaded host as many are held back as it asked for', () => {
  const reactor = new Reactor(simulate({ seed: 3 }).host('s-cscf').random);
  const admitted = (now: number, host = 'hss.ims.example', application = 1) =>
    Array.from({ length: 1000 }, () =>
      reactor.admits(application, { host, realm: REALM }, now),
    ).filter(Boolean).length;
  assert.equal(admitted(0), 1000);
  reactor.learn(olr(1n, 70), about, 0);
  const some = admitted(1);
  assert.ok(some > 240 && some < 360, String(some));
  assert.equal(admitted(1, 'other.ims.example'), 1000);
  assert.equal(admitted(1, 'hss.ims.example', 2), 1000);
  assert.equal(admitted(seconds(11)), 1000);
});

test('an old report, or one that makes no sense, changes nothing', () => {
  const reactor = new Reactor(simulate({ seed: 3 }).host('s-cscf').random);
  const isOpen = () => reactor.admits(1, { host: about.originHost, realm: REALM }, 1);
  reactor.learn(olr(5n, 100), about, 0);
  reactor.learn(olr(4n, 0), about, 0);
  reactor.learn(olr(6n, 101), about, 0);
  reactor.learn(message(Avp.raw(OcOlr.code, 0, 0, Buffer.from([1, 2, 3]))), about, 0);
  assert.equal(isOpen(), false);
  reactor.learn(olr(7n, 0), about, 0);
  assert.equal(isOpen(), true);
});

test('a realm in overload holds back what is for no host of it in particular', () => {
  const reactor = new Reactor(simulate({ seed: 3 }).host('s-cscf').random);
  reactor.learn(olr(1n, 100, { type: 'REALM_REPORT' }), about, 0);
  assert.equal(reactor.admits(1, { host: undefined, realm: REALM }, 1), false);
  assert.equal(reactor.admits(1, { host: about.originHost, realm: REALM }, 1), true);
});

test('an overloaded HSS is asked less, and what has priority is asked still', async () => {
  let load = 0;
  const { sim, hss, scscf } = await pair('tcp', { hss: { load: () => load } });
  let served = 0;
  hss.handle(MultimediaAuth, () => {
    served++;
    return { result: 'DIAMETER_SUCCESS' };
  });
  await sim.run(seconds(1));
  const to = { ...toRealm, destinationHost: 'hss.ims.example' };
  const ask = (priority?: number) =>
    sim.settle(() => scscf.call(MultimediaAuth, mar, { ...to, priority }));
  await ask();
  load = 1;
  await ask();
  assert.equal(served, 2);
  assert.equal((await ask()).result, 'DIAMETER_TOO_BUSY');
  assert.equal((await ask(10)).result, 'DIAMETER_TOO_BUSY');
  assert.equal(served, 2, 'it was spared them');
  load = 0;
  assert.equal((await ask(0)).result, 'DIAMETER_SUCCESS');
  assert.equal((await ask()).result, 'DIAMETER_SUCCESS');
});

test('a request of high priority finds a place where others do not', async () => {
  const { sim, hss, scscf } = await pair('tcp', { hss: { maxServing: 4 } });
  let open: (() => void)[] = [];
  hss.handle(MultimediaAuth, async () => {
    await new Promise<void>(resolve => open.push(resolve));
    return { result: 'DIAMETER_SUCCESS' };
  });
  await sim.run(seconds(1));
  const call = (priority?: number) => scscf.call(MultimediaAuth, mar, { ...toRealm, priority });
  const waiting = Array.from({ length: 4 }, () => call());
  await sim.run(100);
  assert.equal((await sim.settle(() => call())).result, 'DIAMETER_TOO_BUSY');
  const urgent = call(1);
  await sim.run(100);
  assert.equal(open.length, 5);
  for (const answer of open) answer();
  open = [];
  const answers = await sim.settle(() => Promise.all([...waiting, urgent]));
  assert.ok(answers.every(({ result }) => result === 'DIAMETER_SUCCESS'));
});

test('of two HSSs the one with less to do is asked more often', async () => {
  const sim = simulate({ seed: 5 });
  const served: Record<string, number> = { hss1: 0, hss2: 0 };
  const loads: Record<string, number> = { hss1: 0.9, hss2: 0.1 };
  for (const name of ['hss1', 'hss2']) {
    const hss = await serve(sim, name, 'tcp', { load: () => Math.min(loads[name]!, 0.75) });
    hss.handle(MultimediaAuth, () => {
      served[name]!++;
      return { result: 'DIAMETER_SUCCESS' };
    });
  }
  const scscf = nodeOf(sim.host('s-cscf'));
  for (const name of ['hss1', 'hss2']) {
    const identity = `${name}.ims.example`;
    scscf.connect({ ...toHss, identity, endpoints: [identity] });
  }
  await sim.run(seconds(2));
  for (let n = 0; n < 100; n++) await sim.settle(() => scscf.call(MultimediaAuth, mar, toRealm));
  assert.equal(served.hss1! + served.hss2!, 100);
  assert.ok(served.hss2! > 2 * served.hss1!, JSON.stringify(served));
});
