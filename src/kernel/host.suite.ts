// What every host must do alike. The real host and the simulated one run this same suite, so that
// neither drifts from what functions were written against.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AddressError } from './errors.ts';
import type { Address, Codec, Endpoint, Host, Stream, StreamProtocol } from './host.ts';
import type { Pipe } from './pipe.ts';
import { ms } from './time.ts';
import { sleep } from './wait.ts';

/** One network of fresh hosts; each test makes its own. */
export interface SuiteWorld {
  /** An instance's host; the same one for the same name. */
  host(name: string): Host;
  /** Lets the world go on until `work` has settled. */
  run<T>(work: Promise<T>): Promise<T>;
  close(): Promise<void> | void;
}

export interface SuiteSetting {
  readonly links: 'local' | 'checked';
  /** What the composition knows of names. */
  readonly names: Readonly<Record<string, readonly Endpoint[]>>;
}

interface Note {
  text: string;
}

const notes: Codec<Note> = {
  encode: note => Buffer.from(note.text),
  decode: octets => ({ text: Buffer.from(octets).toString() }),
};

const ANY: Address = { host: '127.0.0.1', port: 0 };
const text = (octets: Uint8Array) => Buffer.from(octets).toString();
const octets = (of: string) => Buffer.from(of);

/** Runs the suite over the hosts that `make` makes, with the protocols that need no certificate. */
export function hostSuite(
  kind: string,
  make: (setting: SuiteSetting) => SuiteWorld,
  protocols: readonly StreamProtocol[] = ['tcp'],
): void {
  const check = (
    name: string,
    body: (world: SuiteWorld) => Promise<void>,
    setting: Partial<SuiteSetting> = {},
  ) =>
    test(name, async () => {
      const world = make({ links: 'local', names: {}, ...setting });
      try {
        await world.run(body(world));
      } finally {
        await world.close();
      }
    });

  describe(`a host (${kind})`, () => {
    clockChecks(check);
    datagramChecks(check);
    for (const protocol of protocols) streamChecks(check, protocol);
    localChecks(check);
    storeChecks(check);
    otherChecks(check);
  });
}

type Check = (
  name: string,
  body: (world: SuiteWorld) => Promise<void>,
  setting?: Partial<SuiteSetting>,
) => void;

/** Collects what happens and waits until so much has happened. */
function collector<T>() {
  const items: T[] = [];
  let wake = () => {};
  return {
    items,
    add(item: T) {
      items.push(item);
      wake();
    },
    async until(isEnough: (items: readonly T[]) => boolean) {
      while (!isEnough(items)) {
        await new Promise<void>(resolve => {
          wake = resolve;
        });
      }
      return items;
    },
    count(count: number) {
      return this.until(items => items.length >= count);
    },
  };
}

function clockChecks(check: Check): void {
  check('timers fire by their time, then in the order asked for, and not early', async world => {
    const { clock } = world.host('a');
    const fired = collector<string>();
    const start = clock.now();
    const late: number[] = [];
    const note = (name: string, delay: number) => () => {
      late.push(clock.now() - start - delay);
      fired.add(name);
    };
    clock.after(ms(20), note('20', 20));
    clock.after(ms(5), note('5', 5));
    clock.after(ms(5), note('5 too', 5));
    clock.after(ms(0), note('0', 0));
    assert.deepEqual(fired.items, []);
    assert.deepEqual(await fired.count(4), ['0', '5', '5 too', '20']);
    assert.ok(Math.min(...late) >= 0, `${late}`);
  });

  check(
    'a cancelled timer does not fire, nor one cancelled by another due with it',
    async world => {
      const { clock } = world.host('a');
      const fired: string[] = [];
      clock.after(ms(1), () => fired.push('cancelled')).cancel();
      clock.after(ms(2), () => {
        fired.push('first');
        second.cancel();
      });
      const second = clock.after(ms(2), () => fired.push('second'));
      await sleep(clock, ms(10));
      second.cancel();
      assert.deepEqual(fired, ['first']);
    },
  );

  check(
    'soon runs in a later turn, in order, each after the promises of the one before',
    async world => {
      const { clock } = world.host('a');
      const log = collector<string>();
      clock.soon(() => {
        log.add('first');
        void Promise.resolve()
          .then(() => Promise.resolve())
          .then(() => log.add('its promise'));
      });
      clock.soon(() => log.add('second'));
      log.add('asked');
      assert.deepEqual(await log.count(4), ['asked', 'first', 'its promise', 'second']);
    },
  );
}

function datagramChecks(check: Check): void {
  check('datagrams go both ways between the addresses they say', async world => {
    const a = world.host('a').network;
    const b = world.host('b').network;
    const atA = collector<string>();
    const atB = collector<string>();
    const near = await a.bindDatagram(ANY, (data, from) => atA.add(`${text(data)} ${from.port}`));
    const far = await b.bindDatagram(ANY, (data, from) => {
      atB.add(`${text(data)} ${from.host} ${from.port}`);
      far.send(octets('pong'), from);
    });
    assert.notEqual(far.local.port, 0);
    near.send(octets('ping'), far.local);
    assert.deepEqual(await atB.count(1), [`ping ${near.local.host} ${near.local.port}`]);
    assert.deepEqual(await atA.count(1), [`pong ${far.local.port}`]);
    assert.equal(a.ownerOf(far.local, 'udp'), 'b');
    far.close();
    assert.equal(a.ownerOf(far.local, 'udp'), undefined);
  });

  check('a datagram that cannot be sent is lost without an error', async world => {
    const host = world.host('a');
    const socket = await host.network.bindDatagram(ANY, () => {});
    socket.send(octets('x'), { host: '127.0.0.1', port: 0 });
    socket.send(octets('x'), { host: '::1', port: 9 });
    socket.send(Buffer.alloc(70_000), socket.local);
    socket.close();
    socket.send(octets('x'), socket.local);
    socket.close();
    await sleep(host.clock, ms(5));
  });

  check(
    'a datagram port in use is refused by its number, and free once it is closed',
    async world => {
      const { network } = world.host('a');
      const first = await network.bindDatagram(ANY, () => {});
      const again = () => network.bindDatagram(first.local, () => {});
      await assert.rejects(again(), error => {
        assert.ok(error instanceof AddressError);
        assert.equal(error.code, 'in use');
        assert.match(error.message, new RegExp(`${first.local.port}`));
        return true;
      });
      first.close();
      await sleep(world.host('a').clock, ms(5));
      (await again()).close();
    },
  );
}

function streamChecks(check: Check, protocol: StreamProtocol): void {
  const isWeb = protocol === 'ws';

  check(
    `${protocol}: octets arrive whole and in order, both ways, in whatever pieces`,
    async world => {
      const a = world.host('a').network;
      const b = world.host('b').network;
      const sent = Array.from({ length: 300 }, (_, i) => `${i}:${'x'.repeat((i * 37) % 4000)};`);
      const atServer = collector<string>();
      const atClient = collector<string>();
      const listener = await b.listen(protocol, ANY, stream => {
        stream.onOctets = data => {
          atServer.add(text(data));
          stream.send(data);
        };
        stream.onOpen = () => assert.fail('an accepted stream is open already');
      });
      const stream = a.connect(protocol, listener.local);
      stream.onOctets = data => atClient.add(text(data));
      const opened = new Promise<void>(resolve => {
        stream.onOpen = resolve;
      });
      for (const piece of sent.slice(0, 150)) stream.send(octets(piece)); // before it is open, too
      await opened;
      for (const piece of sent.slice(150)) stream.send(octets(piece));
      const whole = sent.join('');
      const isWhole = (pieces: readonly string[]) => pieces.join('').length >= whole.length;
      assert.equal((await atServer.until(isWhole)).join(''), whole);
      assert.equal((await atClient.until(isWhole)).join(''), whole);
      if (isWeb) assert.deepEqual(atServer.items, sent);
      assert.equal(stream.queued, 0);
      assert.equal(b.ownerOf(stream.local, protocol), 'a');
      assert.equal(a.ownerOf(listener.local, protocol), 'b');
    },
  );

  check(`${protocol}: each end knows the addresses of both`, async world => {
    const accepted = collector<Stream>();
    const listener = await world.host('b').network.listen(protocol, ANY, accepted.add);
    const stream = world.host('a').network.connect(protocol, listener.local);
    await new Promise<void>(resolve => {
      stream.onOpen = resolve;
    });
    const [far] = await accepted.count(1);
    assert.deepEqual(stream.remote, listener.local);
    assert.deepEqual(far!.local, listener.local);
    assert.deepEqual(far!.remote, stream.local);
    assert.equal(far!.protocol, protocol);
  });

  check(
    `${protocol}: who closes sends what was queued first; both hear it once, later`,
    async world => {
      const log = collector<string>();
      const listener = await world.host('b').network.listen(protocol, ANY, stream => {
        stream.onOctets = data => log.add(text(data));
        stream.onClosed = () => log.add('server closed');
      });
      const stream = world.host('a').network.connect(protocol, listener.local);
      stream.onClosed = reason => log.add(`client: ${reason}`);
      await new Promise<void>(resolve => {
        stream.onOpen = resolve;
      });
      stream.send(octets('last words'));
      stream.close();
      stream.close();
      stream.send(octets('too late'));
      assert.deepEqual(log.items, []);
      await log.count(3);
      await sleep(world.host('a').clock, ms(10));
      assert.deepEqual(log.items.toSorted(), ['client: closed', 'last words', 'server closed']);
      assert.ok(log.items.indexOf('last words') < log.items.indexOf('server closed'));
    },
  );

  check(`${protocol}: a connection that nobody takes is refused`, async world => {
    const { network } = world.host('a');
    const listener = await world.host('b').network.listen(protocol, ANY, () => {});
    listener.close();
    const reasons = collector<string>();
    const stream = network.connect(protocol, listener.local);
    stream.onOpen = () => assert.fail('opened');
    stream.onClosed = reasons.add;
    stream.send(octets('nobody reads this'));
    assert.deepEqual(reasons.items, []);
    assert.deepEqual(await reasons.count(1), ['refused']);
  });

  check(`${protocol}: a connection closed before it opened ends with 'closed'`, async world => {
    const listener = await world.host('b').network.listen(protocol, ANY, () => {});
    const stream = world.host('a').network.connect(protocol, listener.local);
    const reasons = collector<string>();
    stream.onOpen = () => assert.fail('opened');
    stream.onClosed = reasons.add;
    stream.close();
    assert.deepEqual(reasons.items, []);
    await reasons.count(1);
    await sleep(world.host('a').clock, ms(10));
    assert.deepEqual(reasons.items, ['closed']);
  });

  check(`${protocol}: a port in use is refused by its number`, async world => {
    const { network } = world.host('a');
    const first = await network.listen(protocol, ANY, () => {});
    await assert.rejects(
      network.listen(protocol, first.local, () => {}),
      error => {
        assert.ok(error instanceof AddressError);
        assert.equal(error.code, 'in use');
        assert.deepEqual(error.address, first.local);
        return true;
      },
    );
  });

  check(`${protocol}: a listener that closes leaves its streams open`, async world => {
    const accepted = collector<Stream>();
    const listener = await world.host('b').network.listen(protocol, ANY, accepted.add);
    const stream = world.host('a').network.connect(protocol, listener.local);
    const [far] = await accepted.count(1);
    const got = collector<string>();
    stream.onOctets = data => got.add(text(data));
    stream.onClosed = () => assert.fail('closed');
    listener.close();
    far!.send(octets('still here'));
    assert.deepEqual(await got.count(1), ['still here']);
    stream.onClosed = () => {};
  });
}

function localChecks(check: Check): void {
  const link = async (world: SuiteWorld) => {
    const accepted = collector<Pipe<Note>>();
    world.host('b').network.serveLocal<Note>('b.home', accepted.add);
    const near = world.host('a').network.dialLocal('b.home', notes);
    await new Promise<void>(resolve => {
      near.onOpen = resolve;
    });
    return { near, far: accepted.items[0]! };
  };

  check('local links hand over the very object, in order, never in the same stack', async world => {
    const { near, far } = await link(world);
    const got = collector<Note>();
    far.onMessage = got.add;
    const sent = Array.from({ length: 20 }, (_, i) => ({ text: `${i}` }));
    for (const note of sent) near.send(note);
    assert.equal(got.items.length, 0);
    await got.count(20);
    for (const [i, note] of got.items.entries()) assert.equal(note, sent[i]);
    assert.equal(near.remoteName, 'b');
    assert.equal(far.remoteName, 'a');
    assert.equal(far.protocol, 'local');
  });

  check(
    'checked links hand over a frozen copy and freeze the original',
    async world => {
      const { near, far } = await link(world);
      const got = collector<Note>();
      far.onMessage = got.add;
      const sent = { text: 'a' };
      near.send(sent);
      const [copy] = await got.count(1);
      assert.deepEqual(copy, sent);
      assert.notEqual(copy, sent);
      for (const note of [copy!, sent]) {
        assert.throws(() => {
          note.text = 'b';
        }, TypeError);
      }
    },
    { links: 'checked' },
  );

  check('a local link that closes delivers first; both ends hear it once', async world => {
    const { near, far } = await link(world);
    const log = collector<string>();
    far.onMessage = note => log.add(note.text);
    far.onClosed = reason => log.add(`far: ${reason}`);
    near.onClosed = reason => log.add(`near: ${reason}`);
    near.send({ text: 'last' });
    near.close('done');
    near.close();
    near.send({ text: 'too late' });
    await log.count(3);
    far.close();
    await sleep(world.host('a').clock, ms(5));
    assert.deepEqual(log.items, ['last', 'near: done', 'far: done']);
  });

  check('a local name nobody serves refuses, one served twice is in use', async world => {
    const { network } = world.host('a');
    const reasons = collector<string>();
    network.dialLocal('nobody', notes).onClosed = reasons.add;
    assert.deepEqual(reasons.items, []);
    assert.deepEqual(await reasons.count(1), ['refused']);
    const served = network.serveLocal('a.home', () => {});
    const again = () => world.host('b').network.serveLocal('a.home', () => {});
    assert.throws(again, AddressError);
    served.close();
    again();
  });
}

function storeChecks(check: Check): void {
  const put = (key: string, value: string | number | undefined, table = 'things') => ({
    table,
    key,
    value,
  });

  check('the store keeps what was committed, replaces and removes it', async world => {
    const { store } = world.host('a');
    assert.equal(await store.get('things', 'k'), undefined);
    assert.deepEqual(await store.scan('things'), []);
    const value = { list: [1, 'zwei', null, true], nested: { ü: '\u0000😀' } };
    await store.commit([{ table: 'things', key: 'k', value }, put('l', 1)]);
    assert.deepEqual(await store.get('things', 'k'), value);
    await store.commit([put('k', 'new'), put('l', undefined), put('nothing', undefined)]);
    assert.equal(await store.get('things', 'k'), 'new');
    assert.equal(await store.get('things', 'l'), undefined);
    assert.equal(await store.get('others', 'k'), undefined);
    await store.commit([put('same', 1), put('same', 2)]);
    assert.equal(await store.get('things', 'same'), 2);
  });

  check('scan gives entries in key order, by prefix, after a key, so many', async world => {
    const { store } = world.host('a');
    const keys = ['b', 'a/2', 'a/10', 'a', 'a/', 'é', '\uffff', '😀', 'A'];
    await store.commit(keys.map((key, i) => put(key, i)));
    const scanned = async (options?: Parameters<typeof store.scan>[1]) =>
      (await store.scan('things', options)).map(([key]) => key);
    assert.deepEqual(await scanned(), ['A', 'a', 'a/', 'a/10', 'a/2', 'b', 'é', '\uffff', '😀']);
    assert.deepEqual(await scanned({ prefix: 'a/' }), ['a/', 'a/10', 'a/2']);
    assert.deepEqual(await scanned({ prefix: 'a/', after: 'a/' }), ['a/10', 'a/2']);
    assert.deepEqual(await scanned({ prefix: 'a/', after: 'A', limit: 1 }), ['a/']);
    assert.deepEqual(await scanned({ after: 'a/1', limit: 2 }), ['a/10', 'a/2']);
    assert.deepEqual(await scanned({ prefix: 'a', after: 'b' }), []);
    assert.deepEqual(await scanned({ limit: 0 }), []);
    assert.equal((await store.scan('things', { prefix: 'b' }))[0]![1], 0);
  });

  check('commits of one key hold in the order asked for, whoever awaits them', async world => {
    const { store } = world.host('a');
    const commits = Array.from({ length: 50 }, (_, i) => store.commit([put('k', i)]));
    await Promise.all(commits);
    assert.equal(await store.get('things', 'k'), 49);
  });

  check('each instance has tables of its own', async world => {
    await world.host('a').store.commit([put('k', 'of a')]);
    assert.equal(await world.host('b').store.get('things', 'k'), undefined);
  });
}

function otherChecks(check: Check): void {
  const local: Endpoint = { protocol: 'local', name: 'hss.home' };
  const wire: Endpoint = { protocol: 'tcp', address: { host: '127.0.0.1', port: 3868 } };

  check(
    'names lead where the composition says; unknown ones and literals lead nowhere',
    async world => {
      const { network } = world.host('a');
      assert.deepEqual(await network.resolve('hss.home', 'diameter'), [local, wire]);
      assert.deepEqual(await network.resolve('nobody.invalid', 'sip'), []);
      assert.deepEqual(await network.resolve('127.0.0.1', 'sip'), []);
      assert.deepEqual(await network.resolve('not a name', 'sip'), []);
    },
    { names: { 'hss.home': [local, wire] } },
  );

  check('random octets are as many as asked for and differ', async world => {
    const { random } = world.host('a');
    assert.equal(random.bytes(16).length, 16);
    assert.match(random.hex(8), /^[0-9a-f]{16}$/);
    const drawn = new Set(Array.from({ length: 100 }, () => random.hex(8)));
    assert.equal(drawn.size, 100);
    const fraction = random.fraction();
    assert.ok(fraction >= 0 && fraction < 1);
  });
}
