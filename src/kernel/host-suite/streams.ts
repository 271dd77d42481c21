import assert from 'node:assert/strict';
import { AddressError } from '../errors.ts';
import type { Address, Listener, Stream, StreamProtocol } from '../host.ts';
import { ms } from '../time.ts';
import { sleep } from '../wait.ts';
import { ANY, type Check, collector, octets, type SuiteWorld, text } from './tools.ts';

function listen(
  world: SuiteWorld,
  host: string,
  protocol: StreamProtocol,
  accept: (stream: Stream) => void,
  local = ANY,
): Promise<Listener> {
  return world.host(host).network.listen(protocol, local, accept, world.options?.(protocol));
}

function connect(world: SuiteWorld, host: string, protocol: StreamProtocol, to: Address): Stream {
  return world.host(host).network.connect(protocol, to, world.options?.(protocol));
}

export function streamChecks(check: Check, protocol: StreamProtocol): void {
  const isWeb = protocol === 'ws' || protocol === 'wss';

  check(
    `${protocol}: octets arrive whole and in order, both ways, in whatever pieces`,
    async world => {
      const a = world.host('a').network;
      const b = world.host('b').network;
      const sent = Array.from({ length: 300 }, (_, i) => `${i}:${'x'.repeat((i * 37) % 4000)};`);
      const atServer = collector<string>();
      const atClient = collector<string>();
      const listener = await listen(world, 'b', protocol, stream => {
        stream.onOctets = data => {
          atServer.add(text(data));
          stream.send(data);
        };
        stream.onOpen = () => assert.fail('an accepted stream is open already');
      });
      const stream = connect(world, 'a', protocol, listener.local);
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
    const listener = await listen(world, 'b', protocol, accepted.add);
    const stream = connect(world, 'a', protocol, listener.local);
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
      const listener = await listen(world, 'b', protocol, stream => {
        stream.onOctets = data => log.add(text(data));
        stream.onClosed = () => log.add('server closed');
      });
      const stream = connect(world, 'a', protocol, listener.local);
      stream.onClosed = reason => log.add(`client: ${reason}`);
      await new Promise<void>(resolve => {
        stream.onOpen = resolve;
      });
      stream.send(octets('last words'));
      stream.close();
      stream.close();
      stream.send(octets('too late'));
      assert.equal(log.items.length, 0);
      await log.count(3);
      await sleep(world.host('a').clock, ms(10));
      assert.deepEqual(log.items.toSorted(), ['client: closed', 'last words', 'server closed']);
      assert.ok(log.items.indexOf('last words') < log.items.indexOf('server closed'));
    },
  );

  check(`${protocol}: a connection that nobody takes is refused`, async world => {
    const listener = await listen(world, 'b', protocol, () => {});
    listener.close();
    const reasons = collector<string>();
    const stream = connect(world, 'a', protocol, listener.local);
    stream.onOpen = () => assert.fail('opened');
    stream.onClosed = reasons.add;
    stream.send(octets('nobody reads this'));
    assert.deepEqual(reasons.items, []);
    assert.deepEqual(await reasons.count(1), ['refused']);
  });

  check(`${protocol}: a connection closed before it opened ends with 'closed'`, async world => {
    const listener = await listen(world, 'b', protocol, () => {});
    const stream = connect(world, 'a', protocol, listener.local);
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
    const first = await listen(world, 'a', protocol, () => {});
    await assert.rejects(
      listen(world, 'a', protocol, () => {}, first.local),
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
    const listener = await listen(world, 'b', protocol, accepted.add);
    const stream = connect(world, 'a', protocol, listener.local);
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
