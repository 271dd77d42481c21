import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../host.ts';
import { minutes, seconds } from '../time.ts';
import { TimerWheel } from '../timer-wheel.ts';
import { type Lookup, Resolver } from './resolve.ts';

function world(lookup: Lookup) {
  let now = 0;
  const wheel = new TimerWheel(0);
  const clock: Clock = {
    now: () => now,
    after: (delay, fire) => wheel.insert(now + delay, fire),
    soon: fire => setImmediate(fire),
  };
  const asked: string[] = [];
  const counted: Lookup = name => {
    asked.push(name);
    return lookup(name);
  };
  return {
    asked,
    resolver: new Resolver(
      clock,
      name => (name === 'hss.home' ? [{ protocol: 'local', name }] : undefined),
      counted,
      seconds(3),
    ),
    pass(delay: number) {
      now += delay;
      for (const timer of wheel.advance(now)) timer.run();
    },
    waiting: () => wheel.size,
  };
}

test('what the composition knows is not looked up', async () => {
  const { resolver, asked } = world(async () => ['192.0.2.1']);
  const expected = [{ protocol: 'local', name: 'hss.home' }];
  assert.deepEqual(await resolver.resolve('hss.home', 'diameter'), expected);
  assert.deepEqual(asked, []);
});

test('a name in the DNS leads to its addresses at the port of the service', async () => {
  const { resolver, waiting } = world(async () => ['192.0.2.1', '2001:db8::1', 'rubbish']);
  assert.deepEqual(await resolver.resolve('SIP.example', 'sip'), [
    { protocol: 'udp', address: { host: '192.0.2.1', port: 5060 } },
    { protocol: 'udp', address: { host: '2001:db8::1', port: 5060 } },
  ]);
  const [diameter] = await resolver.resolve('hss.example', 'diameter');
  assert.deepEqual(diameter, { protocol: 'tcp', address: { host: '192.0.2.1', port: 3868 } });
  assert.equal(waiting(), 0);
});

test('what was found is kept for a while, what was not for a shorter one', async () => {
  const { resolver, asked, pass } = world(async name => {
    if (name === 'gone.example') throw new Error('NXDOMAIN');
    return ['192.0.2.1'];
  });
  const both = async () => {
    await Promise.all([resolver.resolve('a.example', 'sip'), resolver.resolve('A.example', 'sip')]);
    await resolver.resolve('gone.example', 'sip');
  };
  await both();
  await both();
  assert.deepEqual(asked, ['a.example', 'gone.example']);
  pass(seconds(6));
  await both();
  assert.deepEqual(asked, ['a.example', 'gone.example', 'gone.example']);
  pass(minutes(1));
  await both();
  assert.equal(asked.length, 5);
});

test('a DNS that does not answer is no answer after the bound', async () => {
  const { resolver, pass } = world(() => new Promise(() => {}));
  const found = resolver.resolve('slow.example', 'sip');
  await new Promise(resolve => setImmediate(resolve));
  pass(seconds(3));
  assert.deepEqual(await found, []);
});

test('only so many look-ups are under way at once, whatever names a peer makes up', async () => {
  const { resolver, asked } = world(() => new Promise(() => {}));
  const all = Array.from({ length: 500 }, (_, i) => resolver.resolve(`x${i}.example`, 'sip'));
  assert.deepEqual(await all[499], []);
  assert.ok(asked.length <= 64);
});

test('what cannot be a name is not looked up', async () => {
  const { resolver, asked } = world(async () => ['192.0.2.1']);
  for (const name of ['', '-a', 'a b', 'a\0b', '192.0.2.7', '::1', '[::1]', 'a'.repeat(300)]) {
    assert.deepEqual(await resolver.resolve(name, 'sip'), [], name);
  }
  assert.deepEqual(asked, []);
});
