import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../errors.ts';
import type { Clock } from '../host.ts';
import { minutes, seconds } from '../time.ts';
import { TimerWheel } from '../timer-wheel.ts';
import { CachedDns, type DnsAnswer } from './dns.ts';
import { nodeDns } from './dns-source.ts';
import { dnsServer } from './testing/dns-server.ts';

type Lookup = (name: string) => Promise<DnsAnswer<string>>;

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
  const none = async () => ({ records: [] });
  return {
    asked,
    dns: new CachedDns(clock, { addresses: counted, srv: none, naptr: none }, seconds(3)),
    pass(delay: number) {
      now += delay;
      for (const timer of wheel.advance(now)) timer.run();
    },
    waiting: () => wheel.size,
  };
}

const found = async () => ({ records: ['192.0.2.1', '2001:db8::1', 'rubbish'] });

test('a name leads to its addresses, and to nothing that is none', async () => {
  const { dns, waiting } = world(found);
  assert.deepEqual(await dns.addresses('SIP.example'), ['192.0.2.1', '2001:db8::1']);
  assert.equal(waiting(), 0);
});

test('what was found is kept for a while, what was not for a shorter one', async () => {
  const { dns, asked, pass } = world(async name => {
    if (name === 'gone.example') throw new Error('NXDOMAIN');
    return { records: ['192.0.2.1'] };
  });
  const both = async () => {
    await Promise.all([dns.addresses('a.example'), dns.addresses('A.example')]);
    await dns.addresses('gone.example');
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

test('a record is kept for its lifetime, within bounds', async () => {
  const lifetimes: Record<string, number> = {
    'short.example': 0,
    'two-minutes.example': minutes(2),
    'for-ever.example': minutes(1_000_000),
  };
  const { dns, asked, pass } = world(async name => ({
    records: ['192.0.2.1'],
    lifetime: lifetimes[name]!,
  }));
  const all = () => Promise.all(Object.keys(lifetimes).map(name => dns.addresses(name)));
  const askedAgain = async () => {
    asked.length = 0;
    await all();
    return asked.join(' ');
  };
  await all();
  assert.equal(await askedAgain(), '');
  pass(seconds(90));
  assert.equal(await askedAgain(), 'short.example');
  pass(seconds(40));
  assert.equal(await askedAgain(), 'short.example two-minutes.example');
  pass(minutes(61));
  assert.equal(await askedAgain(), 'short.example two-minutes.example for-ever.example');
});

test('a DNS that does not answer is no answer after the bound', async () => {
  const { dns, pass } = world(() => new Promise(() => {}));
  const answer = dns.addresses('slow.example');
  await new Promise(resolve => setImmediate(resolve));
  pass(seconds(3));
  assert.deepEqual(await answer, []);
});

test('only so many look-ups are under way at once, whatever names a peer makes up', async () => {
  const { dns, asked } = world(() => new Promise(() => {}));
  const all = Array.from({ length: 500 }, (_, i) => dns.addresses(`x${i}.example`));
  assert.deepEqual(await all[499], []);
  assert.ok(asked.length <= 64);
});

test('only so many records of one answer are looked at', async () => {
  const { dns } = world(async () => ({ records: Array(1000).fill('192.0.2.1') }));
  assert.equal((await dns.addresses('many.example')).length, 32);
});

test('what cannot be a name is not looked up', async () => {
  const { dns, asked } = world(found);
  for (const name of ['', '-a', 'a b', 'a\0b', '192.0.2.7', '::1', '[::1]', 'a'.repeat(300)]) {
    assert.deepEqual(await dns.addresses(name), [], name);
  }
  assert.deepEqual(asked, []);
});

const naptr = { order: 10, preference: 1, flags: 's', service: 'SIP+D2U', regexp: '' };
const zone = {
  addresses: { 'a.example.test': ['2001:db8::7', '192.0.2.7'] },
  srv: {
    '_sip._udp.example.test': [{ priority: 1, weight: 2, port: 5070, target: 'a.example.test' }],
    '_sip._tcp.example.test': [{ priority: 0, weight: 0, port: 0, target: '' }],
  },
  naptr: { 'example.test': [{ ...naptr, replacement: '_sip._udp.example.test' }] },
  ttl: 7,
};

test('a server of our own choice is asked over the wire', async () => {
  const server = await dnsServer(zone);
  const source = nodeDns({ servers: [server.address], timeout: 500, tries: 1 });
  try {
    assert.deepEqual(await source.addresses('a.example.test'), {
      records: ['192.0.2.7', '2001:db8::7'],
      lifetime: seconds(7),
    });
    assert.deepEqual(await source.srv('_sip._udp.example.test'), {
      records: zone.srv['_sip._udp.example.test'],
    });
    const [notOffered] = (await source.srv('_sip._tcp.example.test')).records;
    assert.equal(notOffered?.target, '');
    const [record] = (await source.naptr('example.test')).records;
    assert.deepEqual(record, zone.naptr['example.test'][0]);
    await assert.rejects(source.srv('_sip._udp.nobody.test'));
    assert.deepEqual((await source.addresses('nobody.test')).records, []);
    assert.deepEqual(server.asked.at(0), 'A a.example.test');
  } finally {
    source.close?.();
    server.close();
  }
});

test('a server that is no address is told to whoever set it', () => {
  assert.throws(() => nodeDns({ servers: ['dns.example'] }), UsageError);
});

test('localhost is asked of nobody', async () => {
  const server = await dnsServer(zone);
  const source = nodeDns({ servers: [server.address] });
  assert.deepEqual((await source.addresses('localhost')).records, ['127.0.0.1', '::1']);
  assert.deepEqual(server.asked, []);
  source.close?.();
  server.close();
});
