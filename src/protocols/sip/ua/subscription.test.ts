import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Simulation, simulate } from '#kernel/simulation/simulation';
import { hours, minutes, seconds } from '#kernel/time';
import { SipEndpoint } from '../endpoint.ts';
import { nameAddr, SubscriptionState } from '../headers.ts';
import { parseUri } from '../uri.ts';
import { type Notifier, type Subscription, UserAgent } from '../user-agent.ts';
import { Notifier as NotifierClass } from './notifier.ts';

interface Scene {
  readonly sim: Simulation;
  readonly watcher: UserAgent;
  readonly server: UserAgent;
  readonly notifiers: Notifier[];
  readonly log: string[];
}

function scene(options: { maxExpires?: number; minExpires?: number; seed?: number } = {}): Scene {
  const sim = simulate({ seed: options.seed ?? 1 });
  const make = (name: string): UserAgent => {
    const endpoint = new SipEndpoint(sim.host(name), { point: 'Gm', name: `${name}.test` });
    endpoint.listen('udp', { host: sim.addressOf(name), port: 5060 }).catch(assert.fail);
    const me = nameAddr(parseUri(`sip:${name}@${sim.addressOf(name)}`));
    return new UserAgent(endpoint, endpoint.host, { contact: me, from: me });
  };
  const watcher = make('watcher');
  const server = make('server');
  const notifiers: Notifier[] = [];
  const log: string[] = [];
  server.onRequest = tx => {
    const notifier = server.accept(tx, options);
    if (notifier === undefined) return;
    notifiers.push(notifier);
    notifier.onEnded = reason => log.push(`notifier ended: ${reason}`);
    void notifier.notify({ contentType: 'text/plain', body: 'first' });
  };
  return { sim, watcher, server, notifiers, log };
}

function subscribe(of: Scene, expires = minutes(10)): Subscription {
  const subscription = of.watcher.subscribe({
    uri: parseUri(`sip:server@${of.sim.addressOf('server')}`),
    event: { package: 'reg', params: new Map() },
    expires,
  });
  subscription.onNotify = (request, state) => {
    const text = Buffer.from(request.body).toString();
    of.log.push(`${state} ${text}`.trim());
  };
  subscription.onEnded = end => of.log.push(`ended: ${end.reason}`);
  return subscription;
}

async function end(of: Scene): Promise<void> {
  await of.sim.run(minutes(5));
  assert.equal(of.sim.pending, 0);
  assert.equal(of.watcher.dialogs.size, 0);
  assert.equal(of.server.dialogs.size, 0);
}

test('a subscriber hears the state at once and each change, and ends it', async () => {
  const of = scene();
  const subscription = subscribe(of);
  await of.sim.run(seconds(1));
  const answer = await of.sim.settle(() =>
    of.notifiers[0]!.notify({ contentType: 'text/plain', body: 'second' }),
  );
  assert.equal(answer?.status, 200);
  assert.equal(subscription.state, 'active');
  subscription.stop();
  await of.sim.run(seconds(1));
  assert.deepEqual(of.log, [
    'active first',
    'active second',
    'notifier ended: unsubscribed',
    'terminated',
    'ended: timeout',
  ]);
  await end(of);
});

test('a NOTIFY that overtakes the 200 makes the dialog', async () => {
  const of = scene();
  of.server.onRequest = tx => {
    // its 200 is held back, as a network that reorders does
    const late = new Proxy(tx, {
      get: (target, key) =>
        key === 'reply'
          ? (...args: Parameters<typeof target.reply>) =>
              of.server.host.clock.after(seconds(1), () => target.reply(...args))
          : Reflect.get(target, key),
    });
    void of.server.accept(late)?.notify({ contentType: 'text/plain', body: 'early' });
  };
  const subscription = subscribe(of);
  await of.sim.run(seconds(3));
  assert.deepEqual(of.log, ['active early']);
  assert.equal(subscription.state, 'active');
  subscription.stop();
  await end(of);
});

test('a subscription is refreshed for as long as both live', async () => {
  const of = scene({ maxExpires: 3600 });
  subscribe(of, hours(100));
  await of.sim.run(hours(24));
  const refreshes = of.sim.ladder().filter(line => line === 'watcher → server  SUBSCRIBE');
  assert.equal(refreshes.length, 1 + Math.floor((24 * 3600) / 3000));
  assert.equal(of.notifiers.length, 1);
  assert.equal(of.notifiers[0]?.ended, false);
  of.notifiers[0]?.notify({ state: 'terminated', reason: 'deactivated' });
  await end(of);
  assert.deepEqual(of.log.slice(-3), [
    'notifier ended: deactivated',
    'terminated',
    'ended: deactivated',
  ]);
});

test('a subscriber that went away is let go when its time is over', async () => {
  const of = scene();
  subscribe(of, minutes(10));
  await of.sim.run(seconds(5));
  of.sim.partition(['watcher'], ['server']);
  await of.sim.run(minutes(11));
  assert.deepEqual(of.log.slice(0, 3), ['active first', 'ended: lost', 'notifier ended: timeout']);
  await end(of);
});

test('a NOTIFY that the subscriber refuses with 481 ends the subscription', async () => {
  const of = scene();
  const subscription = subscribe(of);
  await of.sim.run(seconds(1));
  of.watcher.receive = tx => tx.reply(481);
  await of.sim.settle(() => of.notifiers[0]!.notify({}));
  assert.equal(of.notifiers[0]?.ended, true);
  assert.ok(of.log.includes('notifier ended: failed'));
  subscription.stop();
});

test('NOTIFYs keep their order though datagrams do not', async () => {
  const of = scene({ seed: 4 });
  of.sim.everyLink.loss = 0.2;
  of.sim.everyLink.reordering = 0.3;
  subscribe(of, hours(2));
  await of.sim.run(minutes(1));
  for (let i = 0; i < 20; i++) {
    void of.notifiers[0]?.notify({ contentType: 'text/plain', body: `n${i}` });
  }
  await of.sim.run(minutes(20));
  const wanted = Array.from({ length: 20 }, (_, i) => `active n${i}`);
  assert.deepEqual(of.log.slice(1, 21), wanted);
});

test('too short a time is raised to what the notifier takes', async () => {
  const of = scene({ minExpires: 120 });
  const subscription = subscribe(of, seconds(30));
  await of.sim.run(seconds(1));
  assert.equal(subscription.state, 'active');
  assert.equal(of.notifiers[0]?.until, of.sim.started + 120_000 + 3);
});

test('a fetch gets the state once', async () => {
  const of = scene();
  subscribe(of, 0);
  await of.sim.run(seconds(1));
  assert.deepEqual(of.log.slice(0, 3), [
    'notifier ended: unsubscribed',
    'terminated first',
    'ended: timeout',
  ]);
  await end(of);
});

test('a subscription outlives the process of its notifier', async () => {
  const of = scene();
  const subscription = subscribe(of, hours(1));
  await of.sim.run(seconds(1));
  const stored = JSON.parse(JSON.stringify(of.notifiers[0]!.serialise()));
  of.server.dialogs.remove(of.notifiers[0]!);
  const restored = NotifierClass.restore(of.server, stored);
  const answer = await of.sim.settle(() => restored.notify({ contentType: 'a/b', body: 'again' }));
  assert.equal(answer?.status, 200);
  assert.deepEqual(of.log, ['active first', 'active again']);
  subscription.stop();
});

test('a NOTIFY for nobody gets 481, and one of another package 489', async () => {
  const of = scene();
  const subscription = subscribe(of);
  await of.sim.run(seconds(1));
  const { dialog } = of.notifiers[0]!;
  const other = of.server.inDialog(dialog, 'NOTIFY', []);
  assert.equal((await of.sim.settle(() => other.final)).status, 489);
  const stray = of.server.build('NOTIFY', {
    uri: parseUri(`sip:watcher@${of.sim.addressOf('watcher')}`),
  });
  assert.equal((await of.sim.settle(() => of.server.request(stray))).status, 481);
  assert.equal(stray.get(SubscriptionState), undefined);
  subscription.stop();
});
